package exchange

import (
	"container/heap"
	"math/rand/v2"
	"testing"
	"time"

	"dormouse/codec/coap"
)

// network is simulated: it loses, doubles and reorders datagrams between one
// server and one device, as its seed says, in a time of its own.
type network struct {
	t       *testing.T
	random  *rand.Rand
	now     time.Time
	queue   events
	loss    float64
	double  float64
	slowest time.Duration // a datagram takes up to this
}

// event is something that happens at its time; next are those to come.
type event struct {
	at    time.Time
	order int // for equal times
	f     func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at.Before(e[j].at) || e[i].at.Equal(e[j].at) && e[i].order < e[j].order
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() (last any) {
	last, *e = (*e)[len(*e)-1], (*e)[:len(*e)-1]
	return last
}

func (n *network) after(d time.Duration, f func()) {
	heap.Push(&n.queue, event{at: n.now.Add(d), order: n.random.Int(), f: f})
}

// send puts a message on its way to a receiver, encoded and parsed again.
func (n *network) send(m *coap.Message, to func(*coap.Message)) {
	copies := 1
	if n.random.Float64() < n.double {
		copies = 2
	}
	data := wire(n.t, m)
	for range copies {
		if n.random.Float64() < n.loss {
			continue
		}
		n.after(10*time.Millisecond+time.Duration(n.random.Int64N(int64(n.slowest))), func() {
			var got coap.Message
			datagram := append([]byte(nil), data...)
			if err := coap.Parse(datagram, &got); err != nil {
				n.t.Fatalf("%x: %v", data, err)
			}
			to(&got)
			clear(datagram) // nobody may keep it
		})
	}
}

// step lets the next thing happen, unless the server's deadline is before it.
func (n *network) step(deadline time.Time) (happened bool) {
	if len(n.queue) == 0 || !deadline.IsZero() && deadline.Before(n.queue[0].at) {
		return false
	}
	e := heap.Pop(&n.queue).(event)
	n.now = e.at
	e.f()
	return true
}

// server drives one Client over the network.
type server struct {
	net     *network
	client  *Client
	mids    MIDs
	device  func(*coap.Message)
	results []Result
	resets  int
	sent    map[uint16]string
}

func (s *server) act(out Out) {
	for _, m := range out.Send {
		if m.Type == coap.Confirmable {
			data := string(wire(s.net.t, m))
			if before, ok := s.sent[m.MessageID]; ok && before != data {
				s.net.t.Errorf("message %d changed between transmissions", m.MessageID)
			}
			s.sent[m.MessageID] = data
		}
		s.net.send(m, s.device)
	}
	if out.Result != nil {
		s.results = append(s.results, *out.Result)
		if s.client.Busy() {
			s.net.t.Error("busy behind a result")
		}
	}
}

// receive answers what is not the client's as RFC 7252 section 4.2 says.
func (s *server) receive(m *coap.Message) {
	out, mine := s.client.Handle(s.net.now, m, &s.mids)
	s.act(out)
	if !mine && m.Type == coap.Confirmable {
		s.resets++
		s.net.send(Rst(m), s.device)
	}
}

// run goes on until nothing is on its way and nothing is due.
func (s *server) run() {
	for steps := 0; ; steps++ {
		if steps > 100_000 {
			s.net.t.Fatal("no end after 100000 steps")
		}
		if s.net.step(s.client.Deadline()) {
			continue
		}
		if !s.client.Busy() {
			return
		}
		s.net.now = s.client.Deadline()
		s.act(s.client.Tick(s.net.now))
	}
}
