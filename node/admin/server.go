package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Bounds of the listener. WriteTimeout leaves room for a CPU profile.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 150 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeader         = 16 << 10 // bytes
)

// Server is the face on its listener. All methods may be called concurrently.
type Server struct {
	http     *http.Server
	listener net.Listener
	stopping atomic.Bool
	fresh    fresh
	done     chan struct{} // closed when serving has ended
	err      error         // of serving, read after done
}

// Start listens and serves until Shutdown.
func Start(o Options) (*Server, error) {
	o = o.withDefaults()
	s := &Server{done: make(chan struct{})}
	conditions := o.Ready
	o.Ready = func() []Condition { return s.conditions(conditions()) }
	s.http = &http.Server{
		Handler:           NewHandler(o),
		ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout,
		WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog:  slog.NewLogLogger(o.Logger.Handler(), slog.LevelWarn),
		ConnState: s.fresh.state,
	}
	var err error
	if s.listener, err = net.Listen("tcp", o.Address); err != nil {
		return nil, fmt.Errorf("listening for HTTP: %w", err)
	}
	go s.serve()
	return s, nil
}

func (s *Server) serve() {
	defer close(s.done)
	if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		s.err = fmt.Errorf("serving HTTP: %w", err)
	}
}

// conditions adds that a node which stops takes no new work.
func (s *Server) conditions(list []Condition) []Condition {
	if s.stopping.Load() {
		list = append(list, Condition{Name: "process", Detail: "The node is stopping."})
	}
	return list
}

// Address is where the server listens.
func (s *Server) Address() net.Addr { return s.listener.Addr() }

// Drain makes /readyz answer 503 while all else is served as before, so that
// whoever sends requests here looks for another node.
func (s *Server) Drain() { s.stopping.Store(true) }

// Done is closed when serving has ended, by Shutdown or by a fault.
func (s *Server) Done() <-chan struct{} { return s.done }

// Shutdown takes no more connections and waits for the requests at work; when
// ctx is done it cuts them off and returns its error. It may be called again.
// A fault that ended serving before is returned too.
func (s *Server) Shutdown(ctx context.Context) error {
	s.Drain()
	s.fresh.close()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("waiting for HTTP requests: %w", err), s.http.Close())
	}
	<-s.done
	return errors.Join(err, s.err)
}
