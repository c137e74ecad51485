package ingress

import (
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"dormouse/codec/wire"
)

// answer of a scripted kernel to one sendmmsg.
type answer struct {
	n     int // 0 and no errno: all of them
	errno unix.Errno
}

// scripted makes a sender whose kernel gives the answers in order, then takes
// everything. It returns the counts of messages that were offered.
func scripted(batch int, answers ...answer) (s *sender, offered *[]int, waits *int) {
	s, offered, waits = newSender(batch), new([]int), new(int)
	s.patience = 5
	s.transmit = func(_ uintptr, hdrs []mmsghdr) (int, unix.Errno) {
		*offered = append(*offered, len(hdrs))
		if len(answers) == 0 {
			return len(hdrs), 0
		}
		a := answers[0]
		answers = answers[1:]
		if a.errno == 0 && a.n == 0 {
			a.n = len(hdrs)
		}
		return a.n, a.errno
	}
	s.wait = func(uintptr, int) { *waits++ }
	return s, offered, waits
}

func datagrams(n int, listener uint8, peer string) []Out {
	out := make([]Out, n)
	for i := range out {
		out[i] = Out{
			Path:    wire.ReturnPath{Peer: netip.MustParseAddrPort(peer), Listener: listener},
			Payload: []byte{byte(i)},
		}
	}
	return out
}

func TestSendSettles(t *testing.T) {
	const full, refused = unix.EAGAIN, unix.ECONNREFUSED
	tests := []struct {
		name    string
		send    int
		answers []answer
		want    Stats
	}{
		{"all at once", 3, nil, Stats{Sent: 3, SentBytes: 3, SendBatches: 1}},
		{"two batches", 6, nil, Stats{Sent: 6, SentBytes: 6, SendBatches: 2}},
		{"part, then the rest", 4, []answer{{n: 1}}, Stats{Sent: 4, SentBytes: 4, SendBatches: 2}},
		{"interrupted", 2, []answer{{errno: unix.EINTR}}, Stats{Sent: 2, SentBytes: 2, SendBatches: 1}},
		{"one without route", 3, []answer{{n: 1}, {errno: unix.ENETUNREACH}},
			Stats{Sent: 2, SentBytes: 2, SendBatches: 2, SendFailed: 1}},
		{"too long", 1, []answer{{errno: unix.EMSGSIZE}}, Stats{SendFailed: 1}},
		{"no buffers for one", 3, []answer{{errno: unix.ENOBUFS}},
			Stats{Sent: 2, SentBytes: 2, SendBatches: 1, SendDropped: 1}},
		{"full, then room", 3, []answer{{errno: full}}, Stats{Sent: 3, SentBytes: 3, SendBatches: 1, SendWaits: 1}},
		{"full for good", 3, []answer{{errno: full}, {errno: full}}, Stats{SendDropped: 3, SendWaits: 1}},
		{"full for good after one", 3, []answer{{n: 1}, {errno: full}, {errno: full}},
			Stats{Sent: 1, SentBytes: 1, SendBatches: 1, SendDropped: 2, SendWaits: 1}},
		{"a pending refusal", 2, []answer{{errno: refused}}, Stats{Sent: 2, SentBytes: 2, SendBatches: 1}},
		{"a refusal that stays", 2, []answer{{errno: refused}, {errno: refused}},
			Stats{Sent: 1, SentBytes: 1, SendBatches: 1, SendFailed: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sockets := listen(t, Options{Addresses: []string{"127.0.0.1:0"}})
			s, _, _ := scripted(4, tt.answers...)
			routed, err := s.send(sockets.sockets[0], datagrams(tt.send, 0, "127.0.0.1:9"))
			if err != nil || routed != tt.send {
				t.Fatalf("send = %d, %v", routed, err)
			}
			if got := sockets.Stats(); got != tt.want {
				t.Errorf("stats %+v\n want %+v", got, tt.want)
			}
			for i := range s.iovs {
				if s.iovs[i].Base != nil {
					t.Errorf("payload %d is kept", i)
				}
			}
		})
	}
}

// However often the socket is full and has room again, one Send waits only so often.
func TestSendPatienceEnds(t *testing.T) {
	sockets := listen(t, Options{Addresses: []string{"127.0.0.1:0"}})
	var answers []answer
	for range 20 {
		answers = append(answers, answer{errno: unix.EAGAIN}, answer{n: 1})
	}
	s, _, waits := scripted(20, answers...)
	if _, err := s.send(sockets.sockets[0], datagrams(20, 0, "127.0.0.1:9")); err != nil {
		t.Fatal(err)
	}
	if stats := sockets.Stats(); *waits != 5 || stats.Sent != 5 || stats.SendDropped != 15 {
		t.Errorf("%d waits, stats %+v; want 5 waits, 5 sent, 15 dropped", *waits, stats)
	}
}

func TestSendRoutes(t *testing.T) {
	sockets := listen(t, Options{Addresses: []string{"127.0.0.1:0", "0.0.0.0:0"}})
	out := append(datagrams(2, 0, "127.0.0.1:9"), datagrams(3, 1, "127.0.0.1:9")...)
	out = append(out, datagrams(1, 1, "[2001:db8::1]:9")...) // the other family
	out = append(out, datagrams(1, 2, "127.0.0.1:9")...)     // a listener that is no more
	if err := sockets.Send(out); err != nil {
		t.Fatal(err)
	}
	each := sockets.ListenerStats()
	if each[0].Sent != 2 || each[1].Sent != 3 || each[1].Unroutable != 1 {
		t.Errorf("stats %+v", each)
	}
	if sum := sockets.Stats(); sum.Sent != 5 || sum.SendBatches != 2 || sum.Unroutable != 2 {
		t.Errorf("sum %+v", sum)
	}
}

func TestSendAllocatesNothing(t *testing.T) {
	sockets := listen(t, Options{Addresses: []string{"0.0.0.0:0"}})
	s, _, _ := scripted(64)
	s.transmit = func(_ uintptr, hdrs []mmsghdr) (int, unix.Errno) { return len(hdrs), 0 }
	out := datagrams(100, 0, "127.0.0.1:9")
	if n := testing.AllocsPerRun(100, func() { _, _ = s.send(sockets.sockets[0], out) }); n != 0 {
		t.Errorf("%v allocations per Send", n)
	}
}
