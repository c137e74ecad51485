// Package securetest is a DTLS server in miniature, for the tests of those that
// speak with one: with pre-shared keys, with or without Connection IDs. Its
// sessions move with their clients (RFC 9146 section 6) and end with it.
package securetest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"dormouse/bench/device/secure"
	"dormouse/codec/dtlsrec"
	"dormouse/codec/ids"
)

// Options of Listen. Key and Serve are needed.
type Options struct {
	Key   func(identity string) []byte     // nil: nobody's; called concurrently
	Serve func(c *Session, message []byte) // on one goroutine; owns the bytes
	NoCID bool                             // none is asked for
}

// Server listens until Close.
type Server struct {
	options Options
	socket  *net.UDPConn
	cancel  context.CancelFunc
	done    sync.WaitGroup

	mu         sync.Mutex
	handshakes map[netip.AddrPort]chan []byte
	byPeer     map[netip.AddrPort]*Session
	byCID      map[string]*Session
	all        []*Session
	cids       uint64
}

// Session is one client.
type Session struct {
	server *Server

	mu   sync.Mutex // guards what follows
	peer netip.AddrPort
	secure.Accepted
}

// queued is how many datagrams may wait for a handshake; more are lost.
const queued = 16

// largest is the longest datagram that is read whole, bytes.
const largest = 2048

// Listen serves at a UDP address, such as 127.0.0.1:0.
func Listen(address string, o Options) (*Server, error) {
	local, err := net.ResolveUDPAddr("udp4", address)
	if err != nil {
		return nil, fmt.Errorf("securetest: %w", err)
	}
	socket, err := net.ListenUDP("udp4", local)
	if err != nil {
		return nil, fmt.Errorf("securetest: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{
		options: o, socket: socket, cancel: cancel,
		handshakes: map[netip.AddrPort]chan []byte{}, byPeer: map[netip.AddrPort]*Session{}, byCID: map[string]*Session{},
	}
	s.done.Go(func() { s.read(ctx) })
	return s, nil
}

// Address is where it listens.
func (s *Server) Address() netip.AddrPort { return s.socket.LocalAddr().(*net.UDPAddr).AddrPort() }

// Sessions is how many handshakes there were.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

// ReusedNonces is how many nonces clients used twice, see secure.Link.
func (s *Server) ReusedNonces() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.all {
		c.mu.Lock()
		n += c.Link.ReusedNonces()
		c.mu.Unlock()
	}
	return n
}

// Forget has the server lose all sessions, without a word to the clients.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.byPeer)
	clear(s.byCID)
}

// Hangup ends all sessions by an alert.
func (s *Server) Hangup() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.all {
		c.mu.Lock()
		_, _ = s.socket.WriteToUDPAddrPort(c.Link.Close(nil), c.peer) // as lost as any datagram
		c.mu.Unlock()
	}
}

// Close ends it, without a word to the clients.
func (s *Server) Close() error {
	s.cancel()
	err := s.socket.Close()
	s.done.Wait()
	return err
}

func (s *Server) read(ctx context.Context) {
	b := make([]byte, largest)
	for {
		n, peer, err := s.socket.ReadFromUDPAddrPort(b)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err == nil:
			s.receive(ctx, peer, bytes.Clone(b[:n]))
		}
	}
}

// receive finds whose a datagram is: a session's by Connection ID, a handshake's
// by address, a session's by address.
func (s *Server) receive(ctx context.Context, peer netip.AddrPort, datagram []byte) {
	h, fragment, _, err := dtlsrec.ParseHeader(datagram, ids.CIDLen)
	if err != nil {
		return
	}
	s.mu.Lock()
	c, in := s.byCID[string(h.CID)], s.handshakes[peer]
	hello := h.Epoch == 0 && h.Type == dtlsrec.TypeHandshake && len(fragment) > 0 && fragment[0] == byte(dtlsrec.ClientHello)
	switch {
	case c != nil:
	case in == nil && hello:
		in = s.begin(ctx, peer)
	case in == nil:
		c = s.byPeer[peer]
	}
	s.mu.Unlock()
	if c != nil {
		c.open(peer, datagram)
		return
	}
	select {
	case in <- datagram: // never, where there is none
	default:
	}
}

// begin starts the handshake of a peer. mu is held.
func (s *Server) begin(ctx context.Context, peer netip.AddrPort) chan []byte {
	in := make(chan []byte, queued)
	s.handshakes[peer] = in
	c := &Session{server: s, peer: peer}
	o := secure.ServerOptions{Key: s.options.Key}
	if !s.options.NoCID {
		s.cids++
		o.CID = binary.BigEndian.AppendUint64(nil, s.cids)
	}
	s.done.Go(func() {
		accepted, err := secure.Accept(ctx, func(b []byte) { _, _ = s.socket.WriteToUDPAddrPort(b, peer) }, in, o)
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.handshakes, peer)
		if err != nil {
			return
		}
		c.Accepted = accepted
		s.all = append(s.all, c)
		s.byPeer[peer] = c
		if accepted.Asks() {
			s.byCID[string(o.CID)] = c
		}
		_, _ = s.socket.WriteToUDPAddrPort(accepted.Final, peer)
	})
	return in
}

// open serves what a datagram holds. An authentic record with a Connection ID
// moves the session.
func (c *Session) open(peer netip.AddrPort, datagram []byte) {
	c.mu.Lock()
	messages, _ := c.Link.Open(datagram)
	if len(messages) > 0 && c.Asks() {
		c.peer = peer
	}
	c.mu.Unlock()
	for _, m := range messages {
		c.server.options.Serve(c, m)
	}
}

// Peer is where its last record came from.
func (c *Session) Peer() netip.AddrPort {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.peer
}

// Send seals a message for it, which may be lost.
func (c *Session) Send(message []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, _ = c.server.socket.WriteToUDPAddrPort(c.Link.Seal(nil, message), c.peer)
}
