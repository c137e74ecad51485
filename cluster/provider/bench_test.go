package provider

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"dormouse/codec/ids"
)

// processTime is the CPU that this process has used.
func processTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// flood calls f b.N times, so many at a time, and reports the CPU of all sides.
func flood(b *testing.B, inFlight int, f func() error) {
	if err := f(); err != nil { // connects
		b.Fatal(err)
	}
	var left atomic.Int64
	left.Store(int64(b.N))
	var group sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	cpu := processTime()
	for range inFlight {
		group.Go(func() {
			for left.Add(-1) >= 0 {
				if err := f(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	b.ReportMetric(float64(processTime()-cpu)/float64(b.N), "cpu-ns/op")
}

var loads = []struct {
	name     string
	inFlight int
}{{"sequential", 1}, {"256 in flight", 256}}

// BenchmarkCall is a request of 200 bytes and an answer of 200, over loopback;
// both nodes are this process.
func BenchmarkCall(b *testing.B) {
	mirror := func(_ context.Context, _ ids.Node, _ byte, request []byte) ([]byte, error) { return request, nil }
	ca := newAuthority(b)
	for _, secure := range []bool{false, true} {
		oa, ob, name := options(nodeA, nil), options(nodeB, mirror), "plain, "
		if secure {
			oa, ob, name = ca.secure(b, oa), ca.secure(b, ob), "TLS, "
		}
		for _, load := range loads {
			b.Run(name+load.name, func(b *testing.B) {
				from, to := start(b, oa), start(b, ob)
				oa.System, ob.System = newSystem(), newSystem()
				meet(from, to)
				request := make([]byte, 200)
				flood(b, load.inFlight, func() error {
					_, err := from.Call(context.Background(), nodeB, 1, request)
					return err
				})
			})
		}
	}
}

// BenchmarkUnary is the same by a plain call of gRPC: what there is to compare
// with.
func BenchmarkUnary(b *testing.B) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := grpc.NewServer()
	server.RegisterService(&grpc.ServiceDesc{ServiceName: "test", HandlerType: (*any)(nil), Methods: []grpc.MethodDesc{{
		MethodName: "Mirror",
		Handler: func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			request := &wrapperspb.BytesValue{}
			return request, decode(request)
		},
	}}}, nil)
	go server.Serve(listener)
	defer server.Stop()
	conn, err := grpc.NewClient("passthrough:///"+listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	request := wrapperspb.Bytes(make([]byte, 200))
	for _, load := range loads {
		b.Run(load.name, func(b *testing.B) {
			flood(b, load.inFlight, func() error {
				return conn.Invoke(context.Background(), "/test/Mirror", request, &wrapperspb.BytesValue{})
			})
		})
	}
}

// BenchmarkIdle is a second of three nodes that are connected, and say nothing.
func BenchmarkIdle(b *testing.B) {
	nodes := []*Node{start(b, options(nodeA, echo)), start(b, options(nodeB, echo)), start(b, options(nodeC, echo))}
	meet(nodes...)
	for _, from := range nodes {
		for _, to := range nodes {
			ask(b, from, to.o.Node, "")
		}
	}
	cpu := processTime()
	b.ResetTimer()
	for range b.N {
		<-time.After(time.Second)
	}
	b.ReportMetric(float64(processTime()-cpu)/float64(b.N), "cpu-ns/op")
}
