package servertest

import (
	"bytes"
	"io"
	"net/http"
	"net/netip"

	"dormouse/bench/device/secure/securetest"
	"dormouse/codec/coap"
	"dormouse/codec/platform"
)

// Secure has it serve over DTLS, too, at an address such as 127.0.0.1:0, those
// whose credentials were posted to its API. It is called once, before anybody
// comes.
func (s *Server) Secure(address string) (err error) {
	s.dtls, err = securetest.Listen(address, securetest.Options{Key: s.key, Serve: s.serveSecure})
	return err
}

// CoAPS is where it serves over DTLS, DTLS what tells of the sessions.
func (s *Server) CoAPS() netip.AddrPort    { return s.dtls.Address() }
func (s *Server) DTLS() *securetest.Server { return s.dtls }

func (s *Server) key(identity string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys[identity]
}

func (s *Server) serveSecure(c *securetest.Session, message []byte) {
	var m coap.Message
	if coap.Parse(message, &m) != nil {
		return
	}
	from := device{peer: c.Peer(), session: c}
	if a := s.answer(&m, from); a != nil {
		s.send(a, from)
	}
}

// credential keeps one, and refuses another one of the same identity.
func (s *Server) credential(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	n, err := platform.ParseNewCredentials(body, "")
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch key := s.keys[n.Identity]; {
	case key == nil:
		s.keys[n.Identity] = n.Key
		w.WriteHeader(http.StatusCreated)
	case !bytes.Equal(key, n.Key):
		http.Error(w, "another key", http.StatusConflict)
	}
}
