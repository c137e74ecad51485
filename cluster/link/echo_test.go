package link

import (
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"dormouse/codec/wire"
)

// BenchmarkAgainstEcho is an exchange of 60 bytes between two nodes against one of
// a bare UDP echo, in turns of the same run, so many in flight; CPU of both ends.
// wire-B is what a datagram takes on the way between nodes, without IP and UDP.
func BenchmarkAgainstEcho(b *testing.B) {
	for _, inFlight := range []int64{1, 8, 64} {
		b.Run(fmt.Sprintf("%d in flight", inFlight), func(b *testing.B) { againstEcho(b, inFlight) })
	}
}

func againstEcho(b *testing.B, inFlight int64) {
	const turn = 2000
	datagram := make([]byte, 60)
	var linked, bare volley
	var linkA *Link
	linkA, atA := onLoopback(b, nodeA, -1, func(_ wire.Node, batch []wire.Forward) { linked.back(int64(len(batch))) })
	linkA.SetPeers([]Peer{echo(b, -1, atA)})
	linked.send = func() { linkA.Send(nodeB.ID, fresh(string(datagram))) }
	client := bareEcho(b, &bare)
	bare.send = func() { _, _ = client.Write(datagram) }
	var cpu [2]time.Duration
	done := 0
	for ; done < b.N; done += turn {
		for i, v := range []*volley{&linked, &bare} {
			start := processTime()
			v.run(turn, inFlight)
			cpu[i] += processTime() - start
		}
	}
	s := linkA.Stats()
	b.ReportMetric(float64(cpu[0])/float64(done), "link-ns")
	b.ReportMetric(float64(cpu[1])/float64(done), "echo-ns")
	b.ReportMetric(float64(cpu[0])/float64(cpu[1]), "x-echo")
	b.ReportMetric(float64(s.SentBytes)/float64(s.Sent), "wire-B")
}

// volley is exchanges, so many of them in flight.
type volley struct {
	send       func()
	left, open atomic.Int64
	done       chan struct{}
}

func (v *volley) run(n, inFlight int64) {
	v.done = make(chan struct{})
	v.open.Store(n)
	v.left.Store(n - inFlight)
	for range inFlight {
		v.send()
	}
	<-v.done
}

// back is told of answers, and sends as many again.
func (v *volley) back(n int64) {
	for range n {
		if v.left.Add(-1) >= 0 {
			v.send()
		}
	}
	if v.open.Add(-n) == 0 {
		close(v.done)
	}
}

// bareEcho is a socket whose datagrams come back, each by a system call of its own.
func bareEcho(b *testing.B, v *volley) *net.UDPConn {
	server, err := Listen("127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	client, err := net.DialUDP("udp", nil, server.LocalAddr().(*net.UDPAddr))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { server.Close(); client.Close() })
	go func() {
		for buf := make([]byte, 2048); ; {
			n, from, err := server.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			_, _ = server.WriteToUDPAddrPort(buf[:n], from)
		}
	}()
	go func() {
		for buf := make([]byte, 2048); ; {
			if _, err := client.Read(buf); err != nil {
				return
			}
			v.back(1)
		}
	}()
	return client
}
