package app

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
	"dormouse/node/config"
	"dormouse/node/ingress"
)

// BenchmarkWrongNode is what it costs that a device does not speak to the node
// that owns it: CPU of an awake Update over all of three nodes, and of the client
// that is in this process, too, at the right node and at a wrong one in turns of
// the same run. cpu-% is how much more the wrong one takes.
func BenchmarkWrongNode(b *testing.B) {
	r := newRing3(b)
	for _, flight := range []int{64, 256, 1024} {
		b.Run(fmt.Sprintf("%d in flight", flight), func(b *testing.B) {
			r.compare(b, func(n int, to func(leader int) int) { r.flight(b, n, flight, to) })
		})
	}
	for _, rate := range []int{1000, 5000, 10_000} {
		b.Run(fmt.Sprintf("%d a second", rate), func(b *testing.B) {
			r.compare(b, func(n int, to func(leader int) int) { r.paced(b, n, rate, to) })
		})
	}
}

// ring3 is three nodes with devices.
type ring3 struct {
	nodes   []*App
	client  *ingress.Sockets
	answers chan coap.Message
	devices []homed
	mid     uint16
	next    int
}

// homed is a device and the number of the node that leads it.
type homed struct {
	location string
	leader   int
}

func newRing3(b *testing.B) *ring3 {
	r := &ring3{answers: make(chan coap.Message, 4096)}
	for i := range 3 {
		c := config.Default()
		c.Data, c.HTTP, c.CoAP, c.CoAPS, c.AcceptUnknown = b.TempDir(), "", []string{"127.0.0.1:0"}, nil, true
		c.Node, c.Cluster, c.SealKey = fmt.Sprintf("n%d", i), "127.0.0.1:0", config.Secret(strings.Repeat("5e", 32))
		if i > 0 {
			c.Join = []string{r.nodes[0].ClusterAddress().String()}
		}
		n, err := New(c, Options{Idle: time.Hour})
		if err == nil {
			err = n.Start()
		}
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = n.Stop() })
		r.nodes = append(r.nodes, n)
	}
	client, err := ingress.Listen(ingress.Options{Addresses: []string{"127.0.0.1:0"}, Receive: func(in []ingress.In) {
		for i := range in {
			var m coap.Message
			if coap.Parse(append([]byte(nil), in[i].Payload...), &m) == nil {
				r.answers <- m
			}
		}
	}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = client.Close() })
	r.client = client
	r.settle()
	r.register(b)
	return r
}

// settle waits until every node leads about a third of the shards.
func (r *ring3) settle() {
	for even := false; !even; <-time.After(100 * time.Millisecond) {
		even = true
		for _, n := range r.nodes {
			led := 0
			for _, shard := range n.env.Shards.All() {
				if n.shell.Leads(shard) {
					led++
				}
			}
			even = even && led >= 9 && n.peers.Ready() == nil
		}
	}
}

func (r *ring3) register(b *testing.B) {
	for i := range 2000 {
		r.send(b, 0, func(m *coap.Message) {
			m.AddPath("rd")
			m.AddUint(coap.OptContentFormat, 40)
			for _, q := range []string{fmt.Sprintf("ep=urn:dev:%d", i), "lt=86400", "lwm2m=1.1", "b=U"} {
				m.AddString(coap.OptUriQuery, q)
			}
			m.Payload = []byte(`</1/0>,</3/0>`)
		})
		m := r.take(b, coap.Created)
		location := m.LocationPath()
		r.devices = append(r.devices, homed{location, r.leader(b, location)})
	}
}

func (r *ring3) leader(b *testing.B, location string) int {
	at, err := ids.ParseLocation([]byte(location[strings.LastIndexByte(location, '/')+1:]))
	if err != nil {
		b.Fatal(err)
	}
	for i, n := range r.nodes {
		if n.shell.Leads(n.env.Shards.Of(at.Endpoint)) {
			return i
		}
	}
	b.Fatal("nobody leads a shard")
	return 0
}

func (r *ring3) send(b *testing.B, node int, fill func(m *coap.Message)) {
	r.mid++
	m := coap.Message{Code: coap.POST, MessageID: r.mid, Token: []byte{byte(r.mid >> 8), byte(r.mid)}}
	fill(&m)
	raw, err := m.Append(nil)
	if err != nil {
		b.Fatal(err)
	}
	_ = r.client.Send([]ingress.Out{{Path: wire.ReturnPath{Peer: r.nodes[node].CoAP()[0]}, Payload: raw}})
}

func (r *ring3) take(b *testing.B, code coap.Code) coap.Message {
	select {
	case m := <-r.answers:
		if m.Code != code {
			b.Fatalf("answer %s", m.Code)
		}
		return m
	case <-time.After(20 * time.Second):
		b.Fatal("an answer is lost")
		return coap.Message{}
	}
}

func (r *ring3) update(b *testing.B, to func(leader int) int) {
	d := r.devices[r.next%len(r.devices)]
	r.next++
	r.send(b, to(d.leader), func(m *coap.Message) { m.AddPath(d.location) })
}

func (r *ring3) flight(b *testing.B, n, flight int, to func(leader int) int) {
	for i := range n {
		if i >= flight {
			r.take(b, coap.Changed)
		}
		r.update(b, to)
	}
	for range min(n, flight) {
		r.take(b, coap.Changed)
	}
}

func (r *ring3) paced(b *testing.B, n, rate int, to func(leader int) int) {
	start, gap := time.Now(), syscall.NsecToTimespec(int64(100*time.Microsecond))
	for called := 0; called < n; {
		_ = syscall.Nanosleep(&gap, nil) // an early end does no harm
		for due := int(time.Since(start).Seconds() * float64(rate)); called < min(due, n); called++ {
			r.update(b, to)
		}
	}
	for range n {
		r.take(b, coap.Changed)
	}
}

// compare runs both in turns.
func (r *ring3) compare(b *testing.B, run func(n int, to func(leader int) int)) {
	const turn = 2000
	var cpu [2]time.Duration
	var done [2]int
	before := r.links()
	for done[1] < b.N {
		for wrong := range 2 {
			start := usage()
			run(turn, func(leader int) int { return (leader + wrong) % 3 })
			cpu[wrong] += usage() - start
			done[wrong] += turn
		}
	}
	links := r.links()
	for wrong, name := range []string{"right-µs", "wrong-µs"} {
		b.ReportMetric(float64(cpu[wrong].Microseconds())/float64(done[wrong]), name)
	}
	b.ReportMetric(100*(float64(cpu[1])/float64(cpu[0])-1), "cpu-%")
	b.ReportMetric(float64(links[0]-before[0])/float64(max(links[1]-before[1], 1)), "datagrams/frame")
	b.ReportMetric(float64(links[2]-before[2])/float64(done[1]), "link-B/exchange")
}

// links are datagrams, frames and bytes that the nodes have sent one another.
func (r *ring3) links() (sum [3]uint64) {
	for _, n := range r.nodes {
		s := n.peers.LinkStats()
		sum[0], sum[1], sum[2] = sum[0]+s.Sent, sum[1]+s.SentFrames, sum[2]+s.SentBytes
	}
	return sum
}

// usage is the CPU that this process has used.
func usage() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
