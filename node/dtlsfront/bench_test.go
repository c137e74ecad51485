package dtlsfront

import (
	"runtime"
	"testing"
	"time"

	"dormouse/codec/dtlsrec"
	"dormouse/codec/wire"
)

// BenchmarkHandshake is a whole one, with pion as client, which takes about
// half of the time.
func BenchmarkHandshake(b *testing.B) {
	n := newNetwork(b, func(_ *network, o *Options) {
		o.Events, o.MaxFinal = Events{}, 1
		o.Commit = func(_ Established, done func(error)) { done(nil) }
	})
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		conn, err := n.dial(pathOf(i), clientConfig("device-1", testKey), time.Minute)
		if err != nil {
			b.Fatal(err)
		}
		conn.Close()
		n.mu.Lock()
		clear(n.clients)
		clear(n.toClient)
		n.mu.Unlock()
	}
}

// BenchmarkCookie is what a spoofed hello costs.
func BenchmarkCookie(b *testing.B) {
	n := newNetwork(b, func(_ *network, o *Options) { o.Send, o.Events = func(wire.ReturnPath, []byte) {}, Events{} })
	hello := helloRecord(0, 0, helloBody(1, nil))
	b.ReportAllocs()
	for b.Loop() {
		n.front.Receive(pathOf(1), hello)
	}
}

// BenchmarkHalfOpen prints what handshakes that are under way hold.
func BenchmarkHalfOpen(b *testing.B) {
	for b.Loop() {
		n := newNetwork(b, func(_ *network, o *Options) { o.PerPrefix = 4096 })
		before := memory()
		for i := range 2000 {
			begin(b, n, pathOf(i))
		}
		for n.flights() < 2000 {
			runtime.Gosched()
		}
		b.ReportMetric(float64(memory()-before)/2000, "B/half-open")
		n.front.Close()
	}
}

// BenchmarkFinal prints what finished handshakes hold until their client speaks.
func BenchmarkFinal(b *testing.B) {
	for b.Loop() {
		n := newNetwork(b, func(n *network, o *Options) {
			o.Events = Events{}
			o.Commit = func(_ Established, done func(error)) { done(nil) }
			n.lose = func(_ bool, d []byte) bool { return d[0] == byte(dtlsrec.TypeAlert) } // close_notify ends the keeping
		})
		before := memory()
		for i := range 2000 {
			conn, err := n.dial(pathOf(i), clientConfig("device-1", testKey), time.Minute)
			if err != nil {
				b.Fatal(err)
			}
			conn.Close()
		}
		clear(n.clients)
		clear(n.toClient)
		if kept := len(n.front.handshakes); kept != 2000 {
			b.Fatalf("%d are kept", kept)
		}
		b.ReportMetric(float64(memory()-before)/2000, "B/final")
		n.front.Close()
	}
}

// flights is how many handshakes have had their ServerHello.
func (n *network) flights() (count int) {
	n.front.mu.Lock()
	defer n.front.mu.Unlock()
	for _, r := range n.front.handshakes {
		if r.flight != nil {
			count++
		}
	}
	return count
}

// memory is heap and stacks in use.
func memory() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
