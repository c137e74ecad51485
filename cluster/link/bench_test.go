package link

import (
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"dormouse/codec/wire"
)

// BenchmarkSealOpen is what a datagram of 60 bytes costs both nodes without the
// kernel: envelope, seal, header, window, open, parse. One operation is one
// datagram.
func BenchmarkSealOpen(b *testing.B) {
	for _, perFrame := range []int{1, 4, 17} {
		b.Run(fmt.Sprintf("%d a frame", perFrame), func(b *testing.B) {
			l := listener(b, nodeB, 1, 2)
			out := newPeer(nodeA, Peer{Node: nodeB}, ring(b, 1), 0, 0)
			fwd := forward(string(make([]byte, 60)))
			var nonce [nonceSize]byte
			var text, frame []byte
			r := &reader{}
			b.ReportAllocs()
			for n := 0; n < b.N; n += perFrame {
				text = text[:0]
				for range perFrame {
					text = fwd.Append(text)
				}
				frame, _, _ = out.next(frame[:0], nodeA, text, &nonce)
				if _, why, ok := l.open(r, frame); !ok || len(r.batch) != perFrame {
					b.Fatal(why)
				}
			}
		})
	}
}

// BenchmarkSend is the caller's part: a datagram into the queue of a peer, which
// is emptied every 200.
func BenchmarkSend(b *testing.B) {
	l := listener(b, nodeB, 1)
	l.ready = newVisits()
	l.o.FrameSize, l.o.QueueBytes = 1400, 256<<10
	p := (*l.peers.Load())[nodeA.ID]
	fwd := fresh(string(make([]byte, 60)))
	var ends []segment
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if !l.Send(nodeA.ID, fwd) {
			b.Fatal(l.Stats())
		}
		if n%200 == 199 {
			var text []byte
			text, ends = p.take(ends)
			p.giveBack(text)
			l.ready.take(nil)
		}
	}
}

// BenchmarkStranger is what a frame costs that is not let in.
func BenchmarkStranger(b *testing.B) {
	l := listener(b, nodeB, 1)
	d := ring(b, 1).keys[0].direction(nodeA, nodeB)
	var nonce [nonceSize]byte
	forged := d.seal(nil, nodeA, 9, make([]byte, 1355), &nonce)
	forged[len(forged)-1] ^= 1
	unknown := d.seal(nil, wire.Node{ID: 9}, 9, make([]byte, 1355), &nonce)
	for name, frame := range map[string][]byte{"forged": forged, "unknown": unknown} {
		b.Run(name, func(b *testing.B) {
			r := &reader{}
			for b.Loop() {
				l.open(r, frame)
			}
		})
	}
}

// BenchmarkRate is two datagrams, there and back, so many times a second, that
// come one by one. Most of its cpu-ns/op is what the pacing costs: the figure is
// for comparing lingers at one rate.
func BenchmarkRate(b *testing.B) {
	for _, linger := range []time.Duration{-1, 500 * time.Microsecond, 2 * time.Millisecond} {
		for _, rate := range []int{5000, 20_000} {
			b.Run(fmt.Sprintf("linger %v, %d a second", max(linger, 0), rate), func(b *testing.B) { steady(b, rate, linger) })
		}
	}
}

func steady(b *testing.B, rate int, linger time.Duration) {
	linkA, atA := onLoopback(b, nodeA, linger, func(wire.Node, []wire.Forward) {})
	linkA.SetPeers([]Peer{echo(b, linger, atA)})
	cpu := pace(b.N, rate, func() { linkA.Send(nodeB.ID, fresh(string(make([]byte, 60)))) })
	s := linkA.Stats()
	b.ReportMetric(float64(cpu)/float64(b.N), "cpu-ns/op")
	b.ReportMetric(float64(s.Sent)/float64(max(s.SentFrames, 1)), "datagrams/frame")
}

// pace calls f n times, so many times a second, and says what CPU that took.
// The runtime's own timers come at whole milliseconds while it idles, and what
// they start would come in bursts.
func pace(n, rate int, f func()) time.Duration {
	cpu, start := processTime(), time.Now()
	gap := syscall.NsecToTimespec(int64(50 * time.Microsecond))
	for called := 0; called < n; {
		_ = syscall.Nanosleep(&gap, nil) // an early end does no harm
		for due := int(time.Since(start).Seconds() * float64(rate)); called < min(due, n); called++ {
			f()
		}
	}
	return processTime() - cpu
}

// BenchmarkLoopback is a datagram of 60 bytes there and back over real sockets,
// so many of them in flight; both nodes are this process. One operation is one
// exchange: two datagrams sent and received.
func BenchmarkLoopback(b *testing.B) {
	for _, linger := range []time.Duration{-1, 500 * time.Microsecond} {
		for _, inFlight := range []int{1, 64, 512} {
			b.Run(fmt.Sprintf("linger %v, %d in flight", max(linger, 0), inFlight), func(b *testing.B) { loopback(b, inFlight, linger) })
		}
	}
}

// echo is a node that sends back what a peer sends it.
func echo(b *testing.B, linger time.Duration, to Peer) Peer {
	var l *Link
	ready := make(chan struct{})
	l, at := onLoopback(b, nodeB, linger, func(from wire.Node, batch []wire.Forward) {
		<-ready
		for _, fwd := range batch {
			fwd.Hops = 0
			l.Send(from.ID, fwd)
		}
	})
	close(ready)
	l.SetPeers([]Peer{to})
	return at
}

func loopback(b *testing.B, inFlight int, linger time.Duration) {
	var linkA *Link
	var left, back atomic.Int64
	left.Store(int64(b.N))
	done := make(chan struct{})
	again := func() {
		if left.Add(-1) >= 0 {
			linkA.Send(nodeB.ID, fresh(string(make([]byte, 60))))
		}
	}
	linkA, atA := onLoopback(b, nodeA, linger, func(_ wire.Node, batch []wire.Forward) {
		for range batch {
			again()
		}
		if back.Add(int64(len(batch))) == int64(b.N) {
			close(done)
		}
	})
	linkA.SetPeers([]Peer{echo(b, linger, atA)})
	cpu, start := processTime(), time.Now()
	for range inFlight {
		again()
	}
	<-done
	s := linkA.Stats()
	b.ReportMetric(float64(processTime()-cpu)/float64(b.N), "cpu-ns/op")
	b.ReportMetric(float64(s.Sent)/float64(s.SentFrames), "datagrams/frame")
	b.ReportMetric(float64(2*s.SentFrames)/time.Since(start).Seconds(), "frames/s")
}

// processTime is the CPU that this process has used.
func processTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
