package device

import (
	"container/heap"
	"context"
	"net"
	"sync"
	"syscall"
	"time"
)

// maxDatagram is what a device receives at most: a block and its header.
const maxDatagram = 2048

// buffers of received datagrams. Thousands of sockets wait without one each.
var buffers = sync.Pool{New: func() any { return new([maxDatagram]byte) }}

// member is a device and its socket.
type member struct {
	client *Client
	conn   *net.UDPConn
	due    time.Time // when to tick
	index  int       // in the heap of its worker, -1: not there
	worker *worker
}

// arrival is a datagram for a device. Who takes it puts the buffer back.
type arrival struct {
	member *member
	buffer *[maxDatagram]byte
	n      int
}

// worker owns some devices: their state changes in its goroutine alone.
type worker struct {
	members []*member
	in      chan arrival  // bounded: readers wait, and the kernel drops what comes meanwhile
	stopped chan struct{} // closed when nobody takes from in any more
	timers  timers
	gone    int
}

func newWorker() *worker {
	return &worker{in: make(chan arrival, 256), stopped: make(chan struct{})}
}

func (w *worker) add(c *Client, conn *net.UDPConn) {
	m := &member{client: c, conn: conn, index: -1, worker: w}
	w.members = append(w.members, m)
	w.arm(m)
}

// read hands the datagrams of a socket to the worker until the socket is closed.
// It waits for them without a buffer.
func (m *member) read(in chan<- arrival) {
	raw, err := m.conn.SyscallConn()
	if err != nil {
		return
	}
	for {
		a := arrival{member: m}
		var failed error
		err := raw.Read(func(fd uintptr) bool {
			a.buffer = buffers.Get().(*[maxDatagram]byte)
			a.n, failed = syscall.Read(int(fd), a.buffer[:])
			if failed == syscall.EAGAIN {
				buffers.Put(a.buffer)
				return false
			}
			return true
		})
		switch {
		case err != nil:
			return
		case failed != nil: // nobody listens at the server's port
			buffers.Put(a.buffer)
			continue
		}
		select {
		case in <- a:
		case <-m.worker.stopped:
			return
		}
	}
}

// run drives the devices until the context ends, then until all are gone or the
// grace is over.
func (w *worker) run(ctx context.Context, grace time.Duration) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	stop := ctx.Done()
	var end <-chan time.Time
	for w.gone < len(w.members) {
		timer.Reset(w.untilNext())
		select {
		case a := <-w.in:
			w.send(a.member, a.member.client.Handle(time.Now(), a.buffer[:a.n]))
			buffers.Put(a.buffer)
			w.arm(a.member)
		case <-timer.C:
			w.tick()
		case <-stop:
			stop, end = nil, time.After(grace)
			for _, m := range w.members {
				w.send(m, m.client.Stop(time.Now()))
				w.arm(m)
			}
		case <-end:
			return
		}
	}
}

// tick does what is due.
func (w *worker) tick() {
	now := time.Now()
	for len(w.timers) > 0 && !now.Before(w.timers[0].due) {
		m := w.timers[0]
		w.send(m, m.client.Tick(now))
		w.arm(m)
	}
}

// untilNext is the time until something is due, an hour if nothing is.
func (w *worker) untilNext() time.Duration {
	if len(w.timers) == 0 {
		return time.Hour
	}
	return max(time.Until(w.timers[0].due), 0)
}

// send sends datagrams; one that cannot be sent is one that is lost.
func (w *worker) send(m *member, datagrams [][]byte) {
	for _, b := range datagrams {
		_, _ = m.conn.Write(b)
	}
}

// arm puts a device where its deadline belongs.
func (w *worker) arm(m *member) {
	due := m.client.Deadline()
	switch {
	case m.client.Gone() && m.index != retired:
		if m.index >= 0 {
			heap.Remove(&w.timers, m.index)
		}
		m.index = retired
		w.gone++
	case m.index == retired || due.IsZero() && m.index < 0:
	case due.IsZero():
		heap.Remove(&w.timers, m.index)
	case m.index < 0:
		m.due = due
		heap.Push(&w.timers, m)
	case m.due != due:
		m.due = due
		heap.Fix(&w.timers, m.index)
	}
}

// retired is the index of a device that has de-registered for good.
const retired = -2

// timers is a heap of devices by deadline.
type timers []*member

func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return t[i].due.Before(t[j].due) }
func (t timers) Swap(i, j int) {
	t[i], t[j] = t[j], t[i]
	t[i].index, t[j].index = i, j
}
func (t *timers) Push(x any) {
	m := x.(*member)
	m.index = len(*t)
	*t = append(*t, m)
}
func (t *timers) Pop() any {
	last := (*t)[len(*t)-1]
	last.index = -1
	*t = (*t)[:len(*t)-1]
	return last
}
