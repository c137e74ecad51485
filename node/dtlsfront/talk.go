package dtlsfront

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"

	"dormouse/codec/dtlsrec"
	"dormouse/codec/ids"

	"github.com/pion/dtls/v2"
	"github.com/pion/dtls/v2/pkg/protocol/extension"
	"github.com/pion/dtls/v2/pkg/protocol/handshake"
)

var (
	errWrongKey      = errors.New("dtlsfront: the client's Finished cannot be opened")
	errWrongFinished = errors.New("dtlsfront: the client saw other messages")
)

// talk is one handshake as pion leads it. The fields behind run's are written by
// pion's goroutines, which are over when run returns.
type talk struct {
	hello  *clientHello // owned
	psk    func(identity []byte) []byte
	newCID func() ids.CID             // nil: no Connection ID
	flight func(cid, datagram []byte) // is told of what the client shall get before the end
	audit  func(keyBlock []byte, epoch uint16, sequence uint64, record []byte)
	pipe   *pipe
	cid    ids.CID

	fed  uint64                  // number of the next record for pion
	stop context.CancelCauseFunc // ends run, which returns the cause

	standIn  []byte // the second ClientHello that pion read
	localCID []byte // agreed on: cid, or nothing
	secrets  dtlsrec.Secrets
	cipher   *dtlsrec.Cipher
	received uint64 // sequence number of the client's Finished
	verified bool   // and its content was right
	sealed   bool
	sent     uint64 // sequence number of ours
	final    []byte // our last flight
}

// newTalk begins. Whatever follows is pushed in order: pion queues what comes
// too early in memory that it uses again.
func newTalk(peer net.Addr, hello *clientHello) *talk {
	t := &talk{hello: hello}
	t.pipe = newPipe(peer, t.wrote)
	t.push(dtlsrec.TypeHandshake, hello.standIn(0, nil))
	return t
}

func (t *talk) push(kind dtlsrec.ContentType, content []byte) {
	t.pipe.push(plain(kind, t.fed, content))
	t.fed++
}

// pushKey gives pion the whole ClientKeyExchange, and the ChangeCipherSpec that
// follows it. The client's own is not waited for: it may come late, and tells
// nothing that a record of the next epoch does not.
func (t *talk) pushKey(message []byte) {
	t.push(dtlsrec.TypeHandshake, message)
	t.push(dtlsrec.TypeChangeCipherSpec, []byte{1})
}

// run lasts until the handshake is over, and then longer: until psk returns.
func (t *talk) run(ctx context.Context) error {
	conn, err := dtls.ServerWithContext(ctx, t.pipe, t.pipe.peer, t.config())
	if err == nil {
		err = conn.Close() // seals no close_notify: see pionSuite.Encrypt
	}
	switch {
	case context.Cause(ctx) != nil:
		return context.Cause(ctx)
	case err != nil:
		return fmt.Errorf("pion's handshake: %w", err)
	case !t.verified || !t.sealed || t.final == nil:
		return errWrongFinished
	}
	return nil
}

func (t *talk) config() *dtls.Config {
	c := &dtls.Config{
		PSK:                    func(identity []byte) ([]byte, error) { return t.psk(identity), nil },
		CustomCipherSuites:     func() []dtls.CipherSuite { return []dtls.CipherSuite{pionSuite{t}} },
		FlightInterval:         2 * maxTimeout, // the client repeats, pion does not
		ServerHelloMessageHook: t.serverHello,
	}
	if t.newCID != nil {
		c.ConnectionIDGenerator = func() []byte {
			t.cid = t.newCID()
			t.localCID = t.cid[:]
			return t.localCID
		}
	}
	return c
}

// serverHello puts the true cipher suite into pion's answer, and takes out
// what the client did not ask for (RFC 5746 section 3.6).
func (t *talk) serverHello(m handshake.MessageServerHello) handshake.Message {
	suite := uint16(t.hello.suite)
	m.CipherSuiteID = &suite
	if !t.hello.renegotiation {
		var kept []extension.Extension
		for _, e := range m.Extensions {
			if e.TypeValue() != extension.RenegotiationInfoTypeValue {
				kept = append(kept, e)
			}
		}
		m.Extensions = kept
	}
	return &m
}

// wrote sees what pion writes: its HelloVerifyRequest, which the stand-in
// answers, the flight of ServerHello, the last one. Pion's alerts go nowhere:
// the front has its own, the same for all that must look alike.
func (t *talk) wrote(datagram []byte) {
	h, fragment, _, err := dtlsrec.ParseHeader(datagram, 0)
	if err != nil {
		return
	}
	switch h.Type {
	case dtlsrec.TypeChangeCipherSpec:
		t.final = bytes.Clone(datagram)
	case dtlsrec.TypeHandshake:
		m, body, _, err := dtlsrec.ParseHandshake(fragment)
		if err != nil || m.Type != dtlsrec.HelloVerifyRequest {
			t.flight(t.localCID, bytes.Clone(datagram))
			return
		}
		if t.standIn == nil {
			t.standIn = t.hello.standIn(1, cookieOf(body))
			t.push(dtlsrec.TypeHandshake, t.standIn)
		}
	}
}
