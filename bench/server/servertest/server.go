package servertest

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"

	"dormouse/bench/device/secure/securetest"
	"dormouse/codec/coap"
)

// Server is one server. Its methods may be called concurrently.
type Server struct {
	conn *net.UDPConn
	api  net.Listener
	dtls *securetest.Server // nil: not asked for
	done sync.WaitGroup

	mu      sync.Mutex
	kept    *os.File       // a line for each device; nil: they are forgotten
	devices []device       // in the order of their registration
	byName  map[string]int // endpoint name to its place in devices
	moved   int            // messages from another address than that of the registration
	refuses coap.Code
	ignored int
	acked   int               // notifications
	keys    map[string][]byte // by identity
}

type device struct {
	name    string
	peer    netip.AddrPort
	session *securetest.Session // nil: it speaks in the clear
}

// Listen serves on two addresses, such as 127.0.0.1:0, until Close.
func Listen(coapAddress, httpAddress string) (*Server, error) {
	return listen(coapAddress, httpAddress, "")
}

// listen takes the devices of a file before it serves: who asks at once is known.
func listen(coapAddress, httpAddress, devices string) (*Server, error) {
	udp, err := net.ResolveUDPAddr("udp4", coapAddress)
	if err != nil {
		return nil, fmt.Errorf("servertest: %w", err)
	}
	s := &Server{byName: map[string]int{}, keys: map[string][]byte{}}
	if s.conn, err = net.ListenUDP("udp4", udp); err != nil {
		return nil, fmt.Errorf("servertest: %w", err)
	}
	if s.api, err = net.Listen("tcp4", httpAddress); err != nil {
		return nil, errors.Join(fmt.Errorf("servertest: %w", err), s.conn.Close())
	}
	if devices != "" {
		if err := s.recall(devices); err != nil {
			return nil, errors.Join(err, s.conn.Close(), s.api.Close())
		}
	}
	s.done.Go(s.serve)
	s.done.Go(func() { _ = http.Serve(s.api, s.handler()) }) // ends with its listener
	return s, nil
}

// CoAP is where it serves devices, API the base of its HTTP interface.
func (s *Server) CoAP() netip.AddrPort { return s.conn.LocalAddr().(*net.UDPAddr).AddrPort() }
func (s *Server) API() string          { return "http://" + s.api.Addr().String() }

// Close ends it.
func (s *Server) Close() error {
	err := errors.Join(s.conn.Close(), s.api.Close())
	if s.dtls != nil {
		err = errors.Join(err, s.dtls.Close())
	}
	s.done.Wait()
	if s.kept != nil {
		err = errors.Join(err, s.kept.Close())
	}
	return err
}

// Refuse has it answer everything with a code, until it is told 0.
func (s *Server) Refuse(code coap.Code) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuses = code
}

// Ignore has it not answer the next n messages.
func (s *Server) Ignore(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ignored = n
}

// Addresses is how many different ones have registered.
func (s *Server) Addresses() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	different := map[netip.Addr]bool{}
	for _, d := range s.devices {
		different[d.peer.Addr()] = true
	}
	return len(different)
}

// Moved is how many messages came from another address than their device's.
func (s *Server) Moved() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.moved
}

// Notified is how many notifications were acknowledged.
func (s *Server) Notified() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.acked
}

func (s *Server) serve() {
	buffer := make([]byte, 2000)
	for {
		n, peer, err := s.conn.ReadFromUDPAddrPort(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		var m coap.Message
		if err != nil || coap.Parse(buffer[:n], &m) != nil {
			continue
		}
		d := device{peer: peer}
		if a := s.answer(&m, d); a != nil {
			s.send(a, d)
		}
	}
}

func (s *Server) send(m *coap.Message, to device) {
	b, err := m.Append(nil)
	switch {
	case err != nil:
	case to.session != nil:
		to.session.Send(b)
	default:
		_, _ = s.conn.WriteToUDPAddrPort(b, to.peer) // a peer that is gone is the test's business
	}
}

// answer is nil for none.
func (s *Server) answer(m *coap.Message, from device) *coap.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ignored > 0 {
		s.ignored--
		return nil
	}
	a := &coap.Message{Type: coap.Acknowledgement, MessageID: m.MessageID}
	switch {
	case m.Code == coap.Empty && m.Type == coap.Confirmable:
		a.Type = coap.Reset
	case m.Code.IsResponse() && m.Type == coap.Confirmable:
		s.acked++
	case m.Code.IsRequest():
		a.Token = m.Token
		if a.Code = s.refuses; a.Code == 0 {
			s.request(m, from, a)
		}
	default:
		return nil
	}
	return a
}

// request answers as a server does that knows no errors but an unknown
// location. The location of the device with place n is rd/n.
func (s *Server) request(m *coap.Message, from device, a *coap.Message) {
	a.Code = coap.Changed
	kind, location, _ := strings.Cut(m.Path(), "/")
	var place int
	switch _, err := fmt.Sscanf(location, "%d", &place); {
	case kind == "dp":
	case location == "":
		name := strings.TrimPrefix(m.Queries()[0], "ep=")
		i, known := s.byName[name]
		if !known {
			i = s.add(device{name, from.peer, from.session})
			s.keep(s.devices[i])
		}
		a.Code = coap.Created
		a.AddLocation(fmt.Sprintf("rd/%d", i))
	case err != nil || place < 0 || place >= len(s.devices):
		a.Code = coap.NotFound
	case s.devices[place].peer != from.peer:
		s.moved++
	}
}
