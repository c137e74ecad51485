package secure

import (
	"context"
	"errors"
	"fmt"

	"dormouse/codec/dtlsrec"

	"github.com/pion/dtls/v2"
)

// ServerOptions of Accept. Key is needed.
type ServerOptions struct {
	Key func(identity string) []byte // nil: nobody's
	CID []byte                       // what the client must send if it can; empty: nothing
}

// Accepted is a session as its server has it.
type Accepted struct {
	*Link
	Identity string // of the client
	// Final is the last flight. The client has its session once it received it,
	// and may speak then: whoever sends it is ready for that. It is sent once
	// or again and again, the same bytes.
	Final []byte
}

// Accept is the other side of Handshake, for tests of clients: pion's server up
// to its last flight, which is left to the caller. It offers all four suites,
// and asks for a cookie. Link audits the client in the same way.
func Accept(ctx context.Context, send func(datagram []byte), received <-chan []byte, o ServerOptions) (Accepted, error) {
	p := newPipe(send, received, len(o.CID))
	p.holds = true
	config := &dtls.Config{PSK: o.key}
	for _, s := range []dtlsrec.Suite{dtlsrec.CCM8, dtlsrec.CCM, dtlsrec.GCM, dtlsrec.CBCSHA256} {
		config.CipherSuites = append(config.CipherSuites, dtls.CipherSuiteID(s))
	}
	if len(o.CID) > 0 {
		config.ConnectionIDGenerator = func() []byte { return o.CID }
	}
	conn, err := dtls.ServerWithContext(ctx, p, nowhere, config)
	state, err := take(p, conn, err)
	if err != nil {
		return Accepted{}, fmt.Errorf("secure: accepting: %w", reason(ctx, p, err))
	}
	sealed, _ := p.heard()
	link, err := newLink(state, sealed, DefaultMemory)
	return Accepted{link, string(state.IdentityHint), p.held}, err
}

var errNobody = errors.New("secure: nobody has the identity")

func (o ServerOptions) key(identity []byte) ([]byte, error) {
	if key := o.Key(string(identity)); key != nil {
		return key, nil
	}
	return nil, errNobody
}
