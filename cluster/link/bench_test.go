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

// BenchmarkSend is the caller's part: a datagram into the queue of a peer.
func BenchmarkSend(b *testing.B) {
	p := newPeer(nodeA, Peer{Node: nodeB}, ring(b, 1), 0, 0)
	o, _ := (&Options{Self: nodeA, Ring: ring(b, 1), Receive: func(wire.Node, []wire.Forward) {}}).withDefaults()
	fwd := forward(string(make([]byte, 60)))
	var ends []segment
	var text []byte
	b.ReportAllocs()
	for b.Loop() {
		if _, ok, _, _ := p.add(&fwd, &o); !ok {
			text, ends = p.take(ends)
			p.giveBack(text)
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

// BenchmarkLoopback is a datagram of 60 bytes there and back over real sockets,
// so many of them in flight; both nodes are this process. One operation is one
// exchange: two datagrams sent and received.
func BenchmarkLoopback(b *testing.B) {
	for _, inFlight := range []int{1, 64, 512} {
		b.Run(fmt.Sprintf("%d in flight", inFlight), func(b *testing.B) { loopback(b, inFlight) })
	}
}

func loopback(b *testing.B, inFlight int) {
	var linkA, linkB *Link
	var left, back atomic.Int64
	left.Store(int64(b.N))
	done, ready := make(chan struct{}), make(chan struct{})
	again := func() {
		if left.Add(-1) >= 0 {
			linkA.Send(nodeB.ID, fresh(string(make([]byte, 60))))
		}
	}
	linkA, atA := onLoopback(b, nodeA, 0, func(_ wire.Node, batch []wire.Forward) {
		for range batch {
			again()
		}
		if back.Add(int64(len(batch))) == int64(b.N) {
			close(done)
		}
	})
	linkB, atB := onLoopback(b, nodeB, 0, func(from wire.Node, batch []wire.Forward) {
		<-ready
		for _, fwd := range batch {
			fwd.Hops = 0
			linkB.Send(from.ID, fwd)
		}
	})
	close(ready)
	linkA.SetPeers([]Peer{atB})
	linkB.SetPeers([]Peer{atA})
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
