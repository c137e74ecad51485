package dtlsfront

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"dormouse/codec/dtlsrec"

	"github.com/pion/dtls/v2"
)

// flights is what a client was sent, with the server's random and CID and the
// cookie blotted out.
func flights(t *testing.T, all [][]byte) (out []string) {
	for _, datagram := range all {
		d := bytes.Clone(datagram)
		for rest := d; len(rest) > 0; {
			_, fragment, next, err := dtlsrec.ParseHeader(rest, 0)
			if err != nil {
				t.Fatal(err)
			}
			switch m, body, _, _ := dtlsrec.ParseHandshake(fragment); m.Type {
			case dtlsrec.HelloVerifyRequest:
				clear(cookieOf(body))
			case dtlsrec.ServerHello:
				clear(body[2:34])
				if at := bytes.Index(body, []byte{0, extConnectionID, 0, 9, 8}); at >= 0 {
					clear(body[at+5 : at+13])
				}
			}
			rest = next
		}
		out = append(out, fmt.Sprintf("%x", d))
	}
	return out
}

// Whoever tries identities learns nothing: not from bytes, not from when they
// come.
func TestUnknownIdentityLooksLikeWrongKey(t *testing.T) {
	for _, suite := range []dtls.CipherSuiteID{dtls.TLS_PSK_WITH_AES_128_CCM_8, dtls.TLS_PSK_WITH_AES_128_CBC_SHA256} {
		var seen [2][]string
		var took [2]time.Duration
		for i, identity := range []string{"device-1", "nobody-1"} {
			inBubble(t, nil, func(t *testing.T, n *network) {
				start := time.Now()
				c := clientConfig(identity, []byte("another 16 bytes"), suite)
				if suite == dtls.TLS_PSK_WITH_AES_128_CCM_8 {
					c.ConnectionIDGenerator = dtls.RandomCIDGenerator(3)
				}
				if _, err := n.settled(pathOf(1), c, time.Minute); err == nil {
					t.Fatal("a session with a wrong key")
				}
				took[i] = time.Since(start)
				seen[i] = flights(t, n.sent(pathOf(1)))
				want := []Failure{WrongKey, UnknownIdentity}[i]
				if len(n.failed) != 1 || n.failed[0].Kind != want || string(n.failed[0].Identity) != identity || len(n.sessions) != 0 {
					t.Errorf("%s: failed %+v", identity, n.failed)
				}
			})
		}
		if fmt.Sprint(seen[0]) != fmt.Sprint(seen[1]) || took[0] != took[1] {
			t.Errorf("%v in %v\n%v in %v", seen[0], took[0], seen[1], took[1])
		}
		alert := plain(dtlsrec.TypeAlert, 3, dtlsrec.Alert{Level: dtlsrec.Fatal, Description: dtlsrec.DecryptError}.Append(nil))
		if last := seen[0][len(seen[0])-1]; last != fmt.Sprintf("%x", alert) {
			t.Errorf("the last is %s, not %x", last, alert)
		}
	}
}

// The same identity gets the same nobody's key, another one another.
func TestNobodysKey(t *testing.T) {
	s := secrets{[]byte("sixteen byte key")}
	a, b := s.nobodysKey([]byte("a")), s.nobodysKey([]byte("b"))
	if !bytes.Equal(a, s.nobodysKey([]byte("a"))) || bytes.Equal(a, b) || len(a) != 16 {
		t.Errorf("% x, % x", a, b)
	}
}

// After many failures a prefix is not heard for a while, whatever failed; other
// prefixes are.
func TestFailuresAreLimited(t *testing.T) {
	for _, identity := range []string{"device-1", "nobody-1"} {
		inBubble(t, func(_ *network, o *Options) { o.FailuresPerPrefix = 3 }, func(t *testing.T, n *network) {
			for i := range 4 {
				n.settled(pathOf(i), clientConfig(identity, []byte("wrong")), 500*time.Millisecond)
			}
			if len(n.failed) != 3 || n.refused[TooManyFails] != 1 {
				t.Errorf("%s: failed %+v, refused %v", identity, n.failed, n.refused)
			}
			for path, want := range map[int]bool{5: false, 1 << 8: true} {
				conn, err := n.settled(pathOf(path), clientConfig("device-2", testKey), 500*time.Millisecond)
				if (err == nil) != want {
					t.Errorf("%s: a good client at %v: %v", identity, pathOf(path).Peer, err)
				}
				if err == nil {
					conn.Close()
				}
			}
			<-time.After(30 * time.Second)
			conn, err := n.settled(pathOf(6), clientConfig("device-2", testKey), 500*time.Millisecond)
			if err != nil {
				t.Fatalf("%s: after half a minute: %v", identity, err)
			}
			conn.Close()
		})
	}
}

// Someone between us takes the extended master secret out of the hello. Pion
// alone would not notice; the session must not be made.
func TestChangedHelloIsNoticed(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, n *network) {
		path := pathOf(1)
		p := n.socket(path)
		change := p.wrote
		p.wrote = func(b []byte) {
			if at := bytes.Index(b, []byte{0, extExtendedMaster, 0, 0}); b[13] == byte(dtlsrec.ClientHello) && at > 0 {
				b = bytes.Clone(b)
				b[at] = 0x77
			}
			change(b)
		}
		c := clientConfig("device-1", testKey)
		synced := make(chan struct{})
		go func() {
			defer close(synced)
			conn, err := dtls.ClientWithContext(timeout(t, 5*time.Second), p, p.peer, c)
			if err == nil {
				conn.Close()
			}
		}()
		<-synced
		n.quiet()
		if len(n.sessions) != 0 || len(n.failed) != 1 || n.failed[0].Kind != Broken {
			t.Errorf("sessions %v, failed %+v, refused %v", n.sessions, n.failed, n.refused)
		}
	})
}

// The client's last flight in three datagrams, the last one first.
func TestLastFlightOvertakesItself(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, n *network) {
		path := pathOf(1)
		p := n.socket(path)
		deliver, turned := p.wrote, 0
		p.wrote = func(b []byte) {
			var records [][]byte
			for rest := b; len(rest) > 0; {
				_, _, next, err := dtlsrec.ParseHeader(rest, 8)
				if err != nil {
					t.Error(err)
					return
				}
				records = append(records, rest[:len(rest)-len(next)])
				rest = next
			}
			if len(records) == 3 {
				turned++
			}
			for i := range records {
				deliver(records[len(records)-1-i])
			}
		}
		c := clientConfig("device-1", testKey)
		c.ConnectionIDGenerator = dtls.RandomCIDGenerator(2)
		conn, err := dtls.ClientWithContext(timeout(t, time.Minute), p, p.peer, c)
		n.quiet()
		if err != nil || turned != 1 {
			t.Fatalf("%v, turned %d, failed %+v", err, turned, n.failed)
		}
		conn.Close()
	})
}

// A ClientHello's sender may give up in plain text; afterwards nobody may.
func TestAlertsOfTheClient(t *testing.T) {
	inBubble(t, func(n *network, _ *Options) { n.hold = true }, func(t *testing.T, n *network) {
		path := pathOf(1)
		begin(t, n, path)
		n.quiet()
		n.front.Receive(path, plain(dtlsrec.TypeAlert, 9, []byte{1, 90}))
		n.quiet()
		if len(n.failed) != 0 {
			t.Errorf("a warning: failed %+v", n.failed)
		}
		n.front.Receive(path, plain(dtlsrec.TypeAlert, 10, []byte{2, 40}))
		n.quiet()
		if len(n.failed) != 1 || n.failed[0].Kind != PeerAlert || n.front.HalfOpen() != 0 {
			t.Errorf("a fatal alert: failed %+v", n.failed)
		}
		n.settled(path, clientConfig("device-1", testKey), 3*time.Second)
		n.front.Receive(path, plain(dtlsrec.TypeAlert, 11, []byte{2, 40}))
		n.held[0](nil)
		n.quiet()
		if len(n.done) != 1 {
			t.Errorf("an alert stopped a session that was proven: failed %+v", n.failed)
		}
	})
}

// Which datagrams are a handshake's, and which a session's, on a path that has
// both.
func TestHandles(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, n *network) {
		path := pathOf(1)
		sealed := func(kind dtlsrec.ContentType, epoch uint16) []byte {
			b := plain(kind, 3, make([]byte, 40))
			binary.BigEndian.PutUint16(b[3:], epoch)
			return b
		}
		check := func(when string, want map[string]bool) {
			for name, d := range map[string][]byte{
				"hello": helloRecord(0, 0, helloBody(1, nil)), "finished": sealed(dtlsrec.TypeHandshake, 1), "data": sealed(dtlsrec.TypeApplicationData, 1),
				"alert": sealed(dtlsrec.TypeAlert, 1), "epoch 2": sealed(dtlsrec.TypeHandshake, 2), "cid": sealed(dtlsrec.TypeCID, 1), "noise": []byte("noise"),
			} {
				if got := n.front.Handles(path, d); got != want[name] {
					t.Errorf("%s: %s is handled: %v", when, name, got)
				}
			}
		}
		check("nothing", map[string]bool{"hello": true})
		begin(t, n, path)
		n.quiet()
		check("handshake", map[string]bool{"hello": true, "finished": true})
		conn, err := n.settled(path, clientConfig("device-1", testKey), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		check("finished", map[string]bool{"hello": true}) // a Finished that is none is nobody's
		conn.Close()
	})
}

// Whatever is sent to a handshake under way, it does not panic, and it ends.
func FuzzReceive(f *testing.F) {
	f.Add(plain(dtlsrec.TypeHandshake, 2, append(dtlsrec.Handshake{Type: dtlsrec.ClientKeyExchange, Length: 4, Sequence: 2, Fragment: 4}.Append(nil), 0, 2, 'a', 'b')))
	f.Add(plain(dtlsrec.TypeAlert, 2, []byte{2, 0}))
	f.Add(helloRecord(2, 1, helloBody(3, nil)))
	f.Add([]byte{22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 9})
	f.Fuzz(func(t *testing.T, datagram []byte) {
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork(t, nil)
			begin(t, n, pathOf(1))
			n.quiet()
			for range 3 {
				n.front.Handles(pathOf(1), datagram)
				n.front.Receive(pathOf(1), datagram)
				n.quiet()
			}
			if len(n.sessions) != 0 {
				t.Error("a session from nothing")
			}
			n.front.Close()
			if n.front.HalfOpen() != 0 {
				t.Error("half-open after Close")
			}
		})
	})
}
