package ingress

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// ErrClosed is returned by Send and Serve after Close.
var ErrClosed = errors.New("ingress: closed")

// Sockets are the listeners of a node. All methods may be called concurrently.
type Sockets struct {
	options    Options
	sockets    []*socket // in the order of their listeners, fixed by Listen
	unroutable atomic.Uint64
	owned      owned
	senders    sync.Pool // *sender
	readers    sync.WaitGroup
	closing    chan struct{}

	mu      sync.Mutex // guards what follows; never held during I/O or callbacks
	served  bool
	stopped bool
	closed  bool
}

// socket is one listener.
type socket struct {
	index    uint8
	conn     *net.UDPConn
	raw      syscall.RawConn
	address  netip.AddrPort // as bound
	family   family
	wildcard bool
	drops    atomic.Uint32 // the kernel's own count of drops, as last told
	counters counters
}

// family is what a socket can reach.
type family uint8

const (
	ipv4Only family = iota // AF_INET
	ipv6Only               // AF_INET6 with IPV6_V6ONLY
	bothIP                 // AF_INET6; IPv4 peers are mapped
)

// Listen binds all addresses, or none and returns what went wrong. Where
// Options.Receive is set reading begins at once, before Listen returns.
func Listen(o Options) (*Sockets, error) {
	o = o.withDefaults()
	bindings, err := parseBindings(o.Addresses, o.Secure)
	if err != nil {
		return nil, err
	}
	s := &Sockets{options: o, closing: make(chan struct{})}
	s.senders.New = func() any { return newSender(o.Batch) }
	for _, b := range bindings {
		sock, err := open(b.listener, b, o)
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		s.sockets = append(s.sockets, sock)
	}
	if o.Receive != nil {
		return s, s.Serve(o.Receive)
	}
	return s, nil
}

// Serve starts the readers, with Options.Receive's rules for receive, and
// returns. It is for owners who need the Sockets inside receive: until then the
// kernel keeps what arrives. It panics when reading has already begun.
func (s *Sockets) Serve(receive func([]In)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped || s.closed {
		return ErrClosed
	}
	if s.served {
		panic("ingress: served twice")
	}
	s.served = true
	for _, sock := range s.sockets {
		for range s.options.Readers {
			r := newReader(sock, s.options, s.closing)
			s.readers.Go(func() { r.run(receive) })
		}
	}
	return nil
}

// Send gives datagrams to the kernel, in order for each listener, with one
// system call per listener and Options.Batch. It waits at most sendPatience for
// a full socket. Datagrams that cannot be sent are counted in Stats and are no
// error: the only error is ErrClosed.
func (s *Sockets) Send(out []Out) error {
	sender := s.senders.Get().(*sender)
	defer s.senders.Put(sender)
	sender.patience = int(sendPatience / time.Millisecond)
	routed := 0
	for _, sock := range s.sockets {
		n, err := sender.send(sock, out)
		if err != nil {
			return err
		}
		if routed += n; routed == len(out) {
			return nil
		}
	}
	s.unroutable.Add(uint64(len(out) - routed))
	return nil
}

// Addresses are the bound addresses in the order of Options.Addresses, with the
// ports that the kernel chose for 0.
func (s *Sockets) Addresses() []netip.AddrPort { return s.addresses(false) }

// Secure are those of Options.Secure.
func (s *Sockets) Secure() []netip.AddrPort { return s.addresses(true) }

func (s *Sockets) addresses(secure bool) (list []netip.AddrPort) {
	for _, sock := range s.sockets {
		if (sock.index >= SecureListener) == secure {
			list = append(list, sock.address)
		}
	}
	return list
}

// Stats is the sum over all listeners.
func (s *Sockets) Stats() Stats {
	var sum Stats
	for _, one := range s.ListenerStats() {
		sum.add(one)
	}
	sum.Unroutable += s.unroutable.Load()
	return sum
}

// ListenerStats are the counts of each listener. Datagrams for no listener at
// all are in Stats only.
func (s *Sockets) ListenerStats() []Stats {
	stats := make([]Stats, len(s.sockets))
	for i, sock := range s.sockets {
		stats[i] = sock.counters.snapshot(sock.address)
	}
	return stats
}

// StopReading ends the readers and waits until the last receive has returned;
// sending goes on. It must not be called from receive. What the kernel still
// holds is lost, as if it had never arrived.
func (s *Sockets) StopReading() error {
	s.mu.Lock()
	first := !s.stopped
	s.stopped = true
	s.mu.Unlock()
	var err error
	if first {
		close(s.closing)
		for _, sock := range s.sockets {
			err = errors.Join(err, sock.conn.SetReadDeadline(time.Unix(1, 0)))
		}
	}
	s.readers.Wait()
	return err
}

// Close stops reading and closes the sockets. Later calls return nil.
func (s *Sockets) Close() error {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	s.mu.Unlock()
	if !first {
		s.readers.Wait()
		return nil
	}
	err := s.StopReading()
	for _, sock := range s.sockets {
		err = errors.Join(err, sock.conn.Close())
	}
	return err
}
