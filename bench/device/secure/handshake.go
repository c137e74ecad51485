package secure

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"dormouse/codec/dtlsrec"

	"github.com/pion/dtls/v2"
)

// ErrRefused is wrapped where the server ended a handshake by an alert, which
// the error names: decrypt_error for a wrong key or identity.
var ErrRefused = errors.New("secure: refused by the server")

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
	state, err := lead(ctx, p, o)
	p.mute()
	sealed, alert := p.heard()
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, fmt.Errorf("secure: handshake of %q: %w", o.Identity, ctx.Err())
	case err != nil && alert != nil:
		return nil, fmt.Errorf("secure: handshake of %q: %w: %v", o.Identity, ErrRefused, alert.Description)
	case err != nil:
		return nil, fmt.Errorf("secure: handshake of %q: %w", o.Identity, err)
	}
	return newLink(state, sealed, o.Memory)
}

// lead has pion make the handshake, and takes its state over.
func lead(ctx context.Context, p *pipe, o Options) (exported, error) {
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
	conn, err := dtls.ClientWithContext(ctx, p, nowhere, config)
	if err != nil {
		return exported{}, errors.Join(err, p.Close())
	}
	p.mute() // before the number is read that we go on from
	state, err := export(conn)
	return state, errors.Join(err, conn.Close())
}

// exported is what dtls.State.MarshalBinary writes, as far as it is used here.
type exported struct {
	LocalRandom, RemoteRandom             [32]byte
	CipherSuiteID                         uint16
	MasterSecret                          []byte
	SequenceNumber                        uint64 // the next one of our epoch
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
	return dtlsrec.Secrets{
		Suite: dtlsrec.Suite(e.CipherSuiteID), Master: e.MasterSecret,
		ClientRandom: e.LocalRandom, ServerRandom: e.RemoteRandom,
	}
}

// largest is the longest datagram that Over reads whole.
const largest = 2048

// queued is how many datagrams may wait for pion; more are lost, and repeated.
const queued = 16

// Over is Handshake over a connected socket, which is read by nobody else
// meanwhile. The read deadline is none afterwards.
func Over(ctx context.Context, conn net.Conn, o Options) (*Link, error) {
	received, over := make(chan []byte, queued), make(chan struct{})
	go func() {
		defer close(over)
		read(conn, received)
	}()
	link, err := Handshake(ctx, func(b []byte) { _, _ = conn.Write(b) }, received, o) // what is lost is repeated
	stopped := conn.SetReadDeadline(time.Unix(1, 0))
	if stopped != nil {
		return nil, errors.Join(err, fmt.Errorf("secure: taking the socket back: %w", stopped))
	}
	<-over
	if restored := conn.SetReadDeadline(time.Time{}); restored != nil {
		return nil, errors.Join(err, fmt.Errorf("secure: taking the socket back: %w", restored))
	}
	return link, err
}

// read passes datagrams on until the deadline. That nobody listens at the
// server's port, yet or again, is no end.
func read(conn net.Conn, received chan<- []byte) {
	b := make([]byte, largest)
	for {
		n, err := conn.Read(b)
		switch {
		case errors.Is(err, syscall.ECONNREFUSED):
			continue
		case err != nil:
			return
		}
		select {
		case received <- bytes.Clone(b[:n]):
		default:
		}
	}
}
