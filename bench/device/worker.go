package device

import (
	"container/heap"
	"context"
	"net"
	"sync"
	"syscall"
	"time"

	"dormouse/bench/device/secure"
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

	line    *line       // nil: no DTLS
	shaking chan []byte // datagrams of the handshake under way, nil for none
	unheard uint32      // of the client's counters, as the line knows it
}

// arrival is a datagram for a device, or the end of its handshake. Who takes it
// puts the buffer back.
type arrival struct {
	member *member
	buffer *[maxDatagram]byte // nil: a handshake has ended
	n      int
	link   *secure.Link
	err    error
}

// worker owns some devices: their state changes in its goroutine alone.
type worker struct {
	members []*member
	in      chan arrival  // bounded: readers wait, and the kernel drops what comes meanwhile
	stopped chan struct{} // closed when nobody takes from in any more
	guard   *guard        // nil: no DTLS
	timers  timers
	gone    int
}

func newWorker() *worker {
	return &worker{in: make(chan arrival, 256), stopped: make(chan struct{})}
}

func (w *worker) add(c *Client, conn *net.UDPConn) {
	m := &member{client: c, conn: conn, index: -1, worker: w}
	if w.guard != nil {
		m.line = &line{every: w.guard.security.RebindEvery}
	}
	w.members = append(w.members, m)
	w.arm(m)
}

// read hands the datagrams of a socket to the worker until the socket is closed.
// It waits for them without a buffer.
func (m *member) read(conn *net.UDPConn, in chan<- arrival) {
	raw, err := conn.SyscallConn()
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
			w.take(a)
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

// take has a device handle what came for it.
func (w *worker) take(a arrival) {
	m := a.member
	if w.guard == nil {
		w.send(m, m.client.Handle(time.Now(), a.buffer[:a.n]))
	} else {
		for _, message := range w.guard.pass(m, a) {
			w.send(m, m.client.Handle(time.Now(), message))
		}
	}
	if a.buffer != nil {
		buffers.Put(a.buffer)
	}
	w.arm(m)
}

// send sends messages of a device.
func (w *worker) send(m *member, messages [][]byte) {
	if w.guard != nil {
		w.guard.send(m, messages)
		return
	}
	m.write(messages)
}

// write sends datagrams; one that cannot be sent is one that is lost.
func (m *member) write(datagrams [][]byte) {
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
		if m.line != nil {
			m.write(m.line.close())
		}
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
