package secure

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"time"

	"dormouse/codec/dtlsrec"

	"github.com/pion/dtls/v2"
)

// ErrRefused is wrapped where the peer ended a handshake by an alert, which
// the error names: decrypt_error for a wrong key or identity.
var ErrRefused = errors.New("secure: refused by the peer")

// HandshakeTime is when to give up a handshake: a dormouse node does, too.
const HandshakeTime = 60 * time.Second

// Handshake makes a session with the server that send reaches and whose
// datagrams come from received, until the context ends; it should end, as there
// is no other limit. send must not block for long, and gives the bytes back when
// it returns; it is not called after Handshake has returned. The datagrams of
// received belong to Handshake; what it leaves in the channel is the caller's.
func Handshake(ctx context.Context, send func(datagram []byte), received <-chan []byte, o Options) (*Link, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	p := newPipe(send, received, o.CIDLength)
	conn, err := dtls.ClientWithContext(ctx, p, nowhere, o.config())
	state, err := take(p, conn, err)
	if err != nil {
		return nil, fmt.Errorf("secure: handshake of %q: %w", o.Identity, reason(ctx, p, err))
	}
	sealed, _ := p.heard()
	return newLink(state, sealed, o.Memory)
}

// config is that of pion's client.
func (o Options) config() *dtls.Config {
	config := &dtls.Config{
		PSK:             func([]byte) ([]byte, error) { return o.Key, nil },
		PSKIdentityHint: []byte(o.Identity),
		FlightInterval:  o.Interval,
	}
	for _, s := range o.Suites {
		config.CipherSuites = append(config.CipherSuites, dtls.CipherSuiteID(s))
	}
	switch {
	case o.NoCID:
	case o.CIDLength == 0:
		config.ConnectionIDGenerator = dtls.OnlySendCIDGenerator()
	default:
		config.ConnectionIDGenerator = dtls.RandomCIDGenerator(o.CIDLength)
	}
	return config
}

// take takes the state of a handshake over, and ends pion's part.
func take(p *pipe, conn *dtls.Conn, err error) (exported, error) {
	p.mute() // before the number is read that we go on from
	if err != nil {
		return exported{}, errors.Join(err, p.Close())
	}
	state, err := export(conn)
	return state, errors.Join(err, conn.Close())
}

// reason is why a handshake failed, the most telling of what is known.
func reason(ctx context.Context, p *pipe, err error) error {
	_, alert := p.heard()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case alert != nil:
		return fmt.Errorf("%w: %v", ErrRefused, alert.Description)
	}
	return err
}

// exported is what dtls.State.MarshalBinary writes, as far as it is used here.
type exported struct {
	IsClient                              bool
	LocalRandom, RemoteRandom             [32]byte
	CipherSuiteID                         uint16
	MasterSecret                          []byte
	SequenceNumber                        uint64 // the next one of our epoch
	IdentityHint                          []byte // of a server: the client's identity
	LocalConnectionID, RemoteConnectionID []byte
}

func export(conn *dtls.Conn) (state exported, err error) {
	all := conn.ConnectionState()
	packed, err := all.MarshalBinary()
	if err == nil {
		err = gob.NewDecoder(bytes.NewReader(packed)).Decode(&state)
	}
	if err != nil {
		return exported{}, fmt.Errorf("taking over pion's state: %w", err)
	}
	return state, nil
}

func (e exported) secrets() dtlsrec.Secrets {
	s := dtlsrec.Secrets{
		Suite: dtlsrec.Suite(e.CipherSuiteID), Master: e.MasterSecret,
		ClientRandom: e.LocalRandom, ServerRandom: e.RemoteRandom,
	}
	if !e.IsClient {
		s.ClientRandom, s.ServerRandom = s.ServerRandom, s.ClientRandom
	}
	return s
}
