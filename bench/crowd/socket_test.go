package crowd

import (
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"
)

// listen is a server that answers with what it got and its own number.
func listen(t *testing.T, number byte) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		b := make([]byte, 2000)
		for {
			n, peer, err := conn.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			a := peer.Addr().As4()
			_, _ = conn.WriteToUDPAddrPort(append(a[:], append(b[:n:n], number)...), peer)
		}
	}()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

// Each datagram leaves from the address that it names, and reaches the server
// that it names; what comes back tells both.
func TestSocket(t *testing.T) {
	s, err := Open([]netip.AddrPort{listen(t, 0), listen(t, 1), listen(t, 2)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	const first, n = Source(127<<24 | 1<<16 | 1), 300
	var list []Datagram
	for i := range n {
		list = append(list, Datagram{From: first + Source(i), To: Server(i % 3), Payload: []byte{byte(i), byte(i >> 8)}})
	}
	if err := s.Send(list[1:]); err != nil {
		t.Fatal(err)
	}
	s.SendOne(list[0])
	heard := map[int]bool{}
	for deadline := time.Now().Add(20 * time.Second); len(heard) < n && time.Now().Before(deadline); {
		err := s.Receive(100*time.Millisecond, func(from Server, to Source, b []byte) {
			i := int(b[4]) | int(b[5])<<8
			source := Source(b[0])<<24 | Source(b[1])<<16 | Source(b[2])<<8 | Source(b[3])
			if from != Server(i%3) || byte(from) != b[6] || to != first+Source(i) || source != to {
				t.Errorf("datagram %d of %x came back to %x from server %d: %x", i, source, to, from, b)
			}
			heard[i] = true
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(heard) != n {
		t.Errorf("%d of %d came back", len(heard), n)
	}
}

// Whoever is none of the servers is a stranger.
func TestStranger(t *testing.T) {
	s, err := Open([]netip.AddrPort{listen(t, 0)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	s.peers[0] = s.servers[0]
	if s.from(0) != 0 {
		t.Errorf("the server is %d", s.from(0))
	}
	s.peers[0].Port++
	if s.from(0) != Stranger {
		t.Errorf("another port is server %d", s.from(0))
	}
}

func TestServersMustBeReachable(t *testing.T) {
	for _, bad := range [][]netip.AddrPort{nil, {netip.MustParseAddrPort("[::1]:5783")}, {netip.MustParseAddrPort("127.0.0.1:0")}, make([]netip.AddrPort, 255)} {
		if s, err := Open(bad); !errors.Is(err, ErrServers) || s != nil {
			t.Errorf("%d servers: %v", len(bad), err)
		}
	}
}
