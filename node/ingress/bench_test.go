package ingress

import (
	"testing"

	"golang.org/x/sys/unix"
)

// BenchmarkEcho is a batch received and answered, client and server together:
// 64 datagrams of 40 bytes in flight on loopback. One operation is one exchange.
func BenchmarkEcho(b *testing.B) {
	for _, address := range []string{"127.0.0.1:0", "0.0.0.0:0", ":0"} {
		b.Run(address, func(b *testing.B) { benchmarkEcho(b, address) })
	}
}

func benchmarkEcho(b *testing.B, address string) {
	const inFlight = 64
	var s *Sockets
	out := make([]Out, inFlight)
	s = listen(b, Options{Addresses: []string{address}})
	if err := s.Serve(func(in []In) {
		for i, d := range in {
			out[i] = Out{d.Path, d.Payload}
		}
		_ = s.Send(out[:len(in)])
	}); err != nil {
		b.Fatal(err)
	}
	client := listen(b, Options{Addresses: []string{"127.0.0.1:0"}})
	first := datagrams(inFlight, 0, dial(b, "127.0.0.1", s.Addresses()[0].Port()).RemoteAddr().String())
	for i := range first {
		first[i].Payload = make([]byte, 40)
	}
	more := make(chan int, inFlight)
	if err := client.Serve(func(in []In) { more <- len(in) }); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	sent, answered := 0, 0
	for room := inFlight; answered < b.N; {
		if n := min(room, b.N-sent); n > 0 {
			_ = client.Send(first[:n])
			sent += n
		}
		room = <-more
		answered += room
	}
	stats := s.Stats()
	b.ReportMetric(float64(stats.Received)/float64(stats.ReadBatches), "datagrams/read")
}

// BenchmarkSend is one datagram of a batch of 64, without the kernel's work.
func BenchmarkSend(b *testing.B) {
	s := listen(b, Options{Addresses: []string{"0.0.0.0:0"}})
	sender := newSender(64)
	sender.transmit = func(_ uintptr, hdrs []mmsghdr) (int, unix.Errno) {
		return len(hdrs), 0
	}
	out := datagrams(64, 0, "192.0.2.1:5683")
	b.ReportAllocs()
	for n := 0; n < b.N; n += len(out) {
		if _, err := sender.send(s.sockets[0], out); err != nil {
			b.Fatal(err)
		}
	}
}
