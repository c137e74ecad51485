package stream

import (
	"context"
	"sync"
	"syscall"
	"testing"
	"time"

	"dormouse/codec/wire"
)

// cpu is what the process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func pair(b *testing.B, secure bool, change func(*Options)) (x, y *node) {
	ca := newAuthority(b)
	with := func(name string) func(*Options) {
		return func(o *Options) {
			if secure {
				o.Identity = ca.identity(b, name)
			}
			change(o)
		}
	}
	x, y = start(b, nodeA, with("a")), start(b, nodeB, with("b"))
	meet(b, x, y)
	return x, y
}

func each(b *testing.B, f func(b *testing.B, secure bool)) {
	b.Run("plain", func(b *testing.B) { f(b, false) })
	b.Run("tls", func(b *testing.B) { f(b, true) })
}

// BenchmarkFrames is frames of 300 bytes, both nodes in one process: cpu-ns/op is
// of sender and receiver together.
func BenchmarkFrames(b *testing.B) {
	each(b, func(b *testing.B, secure bool) {
		x, y := pair(b, secure, func(o *Options) { o.Frame = func(wire.Node, []byte) {} })
		frame := make([]byte, 300)
		b.ReportAllocs()
		b.ResetTimer()
		began := cpu()
		for range b.N {
			for !x.Send(nodeB.ID, frame) {
				<-time.After(time.Millisecond) // full
			}
		}
		until(b, func() bool { return y.Stats().Received == uint64(b.N) }, y.Stats)
		b.ReportMetric(float64(cpu()-began)/float64(b.N), "cpu-ns/op")
	})
}

// BenchmarkCall is the round trip of a call with 100 bytes both ways.
func BenchmarkCall(b *testing.B) {
	for name, callers := range map[string]int{"alone": 1, "of 32": 32} {
		b.Run(name, func(b *testing.B) {
			each(b, func(b *testing.B, secure bool) {
				x, _ := pair(b, secure, func(o *Options) {
					o.Serve = func(_ context.Context, _ wire.Node, _ byte, request []byte) ([]byte, error) { return request, nil }
				})
				request := make([]byte, 100)
				b.ReportAllocs()
				b.ResetTimer()
				began := cpu()
				var all sync.WaitGroup
				for i := range callers {
					all.Go(func() {
						for range (b.N + i) / callers {
							if _, err := x.Call(b.Context(), nodeB.ID, 1, request); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				all.Wait()
				b.ReportMetric(float64(cpu()-began)/float64(b.N), "cpu-ns/op")
			})
		})
	}
}
