package dtlsfront

import (
	"net"
	"os"
	"sync"
	"time"
)

// pipe is the socket that pion believes to have: what is pushed it reads, what
// it writes goes to a function.
type pipe struct {
	peer  net.Addr
	in    chan []byte
	wrote func(datagram []byte) // on pion's goroutine; must not keep the bytes

	closed    chan struct{}
	closeOnce sync.Once

	mu        sync.Mutex
	interrupt chan struct{} // closed while the read deadline is in the past
}

// pipeDepth is more than a handshake pushes: two hellos, a ClientKeyExchange, a
// ChangeCipherSpec and a Finished.
const pipeDepth = 8

func newPipe(peer net.Addr, wrote func([]byte)) *pipe {
	return &pipe{
		peer: peer, wrote: wrote, in: make(chan []byte, pipeDepth),
		closed: make(chan struct{}), interrupt: make(chan struct{}),
	}
}

// push hands a datagram to pion, which owns it from now on. It never blocks.
func (p *pipe) push(datagram []byte) {
	select {
	case p.in <- datagram:
	default:
		panic("dtlsfront: more datagrams than a handshake has")
	}
}

func (p *pipe) ReadFrom(b []byte) (int, net.Addr, error) {
	p.mu.Lock()
	interrupt := p.interrupt
	p.mu.Unlock()
	select {
	case datagram := <-p.in:
		return copy(b, datagram), p.peer, nil
	case <-interrupt:
		return 0, nil, os.ErrDeadlineExceeded
	case <-p.closed:
		return 0, nil, net.ErrClosed
	}
}

func (p *pipe) WriteTo(b []byte, _ net.Addr) (int, error) {
	p.wrote(b)
	return len(b), nil
}

// SetReadDeadline knows the two that pion uses: long ago, to interrupt a read,
// and never.
func (p *pipe) SetReadDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.interrupt:
		if t.IsZero() {
			p.interrupt = make(chan struct{})
		}
	default:
		if !t.IsZero() {
			close(p.interrupt)
		}
	}
	return nil
}

func (p *pipe) Close() error {
	p.closeOnce.Do(func() { close(p.closed) })
	return nil
}

func (p *pipe) SetDeadline(t time.Time) error { return p.SetReadDeadline(t) }

// SetWriteDeadline has nothing to do: writes do not block.
func (p *pipe) SetWriteDeadline(time.Time) error { return nil }

func (p *pipe) LocalAddr() net.Addr { return p.peer }
