package admin

import (
	"net"
	"net/http"
	"sync"
)

// fresh are the connections that have not asked anything yet: clients open
// spare ones. http.Server.Shutdown would wait 5 s for their first request.
type fresh struct {
	mu     sync.Mutex // guards what follows; never held while a connection is used
	conns  map[net.Conn]struct{}
	closed bool
}

// state is http.Server.ConnState.
func (f *fresh) state(c net.Conn, s http.ConnState) {
	f.mu.Lock()
	if s != http.StateNew {
		delete(f.conns, c)
		f.mu.Unlock()
		return
	}
	if f.conns == nil {
		f.conns = map[net.Conn]struct{}{}
	}
	f.conns[c] = struct{}{}
	late := f.closed
	f.mu.Unlock()
	if late {
		c.Close()
	}
}

// close closes them, and those that come later.
func (f *fresh) close() {
	f.mu.Lock()
	f.closed = true
	conns := f.conns
	f.conns = nil
	f.mu.Unlock()
	for c := range conns {
		c.Close()
	}
}
