package dtlsfront

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"dormouse/codec/dtlsrec"
	"dormouse/codec/wire"
)

// helloBody is a ClientHello of the four suites, with extended master secret.
func helloBody(random byte, cookie []byte, extensions ...byte) []byte {
	b := append([]byte{0xfe, 0xfd}, bytes.Repeat([]byte{random}, 32)...)
	b = append(b, 0, byte(len(cookie)))
	b = append(b, cookie...)
	b = append(b, 0, 8, 0xc0, 0xa8, 0x00, 0xae, 0x00, 0xa8, 0xc0, 0xa4)
	b = append(b, 1, 0)
	extensions = append([]byte{0, 23, 0, 0}, extensions...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(extensions)))
	return append(b, extensions...)
}

// helloRecord is a datagram with a ClientHello.
func helloRecord(record uint64, sequence uint16, body []byte) []byte {
	m := dtlsrec.Handshake{Type: dtlsrec.ClientHello, Length: len(body), Sequence: sequence, Fragment: len(body)}
	return plain(dtlsrec.TypeHandshake, record, append(m.Append(nil), body...))
}

// askCookie sends a first hello and returns the cookie of the answer.
func askCookie(t testing.TB, n *network, path wire.ReturnPath, random byte) []byte {
	t.Helper()
	before := len(n.sent(path))
	n.front.Receive(path, helloRecord(0, 0, helloBody(random, nil)))
	all := n.sent(path)
	if len(all) != before+1 {
		t.Fatalf("%d answers to a ClientHello", len(all)-before)
	}
	_, fragment, rest, err := dtlsrec.ParseHeader(all[before], 0)
	m, body, _, err2 := dtlsrec.ParseHandshake(fragment)
	if err != nil || err2 != nil || len(rest) != 0 || m.Type != dtlsrec.HelloVerifyRequest || m.Sequence != 0 {
		t.Fatalf("no HelloVerifyRequest: % x", all[before])
	}
	return cookieOf(body)
}

// begin has a handshake under way at a path, as a client that does not go on.
func begin(t testing.TB, n *network, path wire.ReturnPath) {
	t.Helper()
	n.front.Receive(path, helloRecord(1, 1, helloBody(1, askCookie(t, n, path, 1))))
}

func TestCookies(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, n *network) {
		path, other := pathOf(1), pathOf(2)
		cookie := askCookie(t, n, path, 1)
		forged := bytes.Clone(cookie)
		forged[3] ^= 1
		bad := map[string][]byte{
			"forged": helloRecord(1, 1, helloBody(1, forged)), "cut": helloRecord(1, 1, helloBody(1, cookie[1:])),
			"another random": helloRecord(1, 1, helloBody(2, cookie)), "first message": helloRecord(1, 0, helloBody(1, cookie)),
			"third message": helloRecord(1, 2, helloBody(1, cookie)),
		}
		for name, datagram := range bad {
			n.front.Receive(path, datagram)
			if n.front.HalfOpen() != 0 {
				t.Errorf("%s: taken", name)
			}
		}
		n.front.Receive(other, helloRecord(1, 1, helloBody(1, cookie)))
		wrongListener := path
		wrongListener.Listener = 1
		n.front.Receive(wrongListener, helloRecord(1, 1, helloBody(1, cookie)))
		if n.front.HalfOpen() != 0 || n.refused[BadCookie] != len(bad)+2 {
			t.Errorf("%d half-open, refused %v", n.front.HalfOpen(), n.refused)
		}
		<-time.After(cookieTurn)
		n.front.Receive(path, helloRecord(1, 1, helloBody(1, cookie)))
		if n.front.HalfOpen() != 1 {
			t.Error("refused after a minute")
		}
		<-time.After(cookieTurn)
		n.quiet() // the handshake has timed out
		n.front.Receive(path, helloRecord(2, 1, helloBody(1, cookie, 0, 99, 0, 0)))
		if n.front.HalfOpen() != 0 {
			t.Error("taken after two minutes")
		}
	})
}

// Nodes that share the key know one another's cookies.
func TestCookiesOfAnotherNode(t *testing.T) {
	inBubble(t, func(_ *network, o *Options) { o.CookieKey = []byte("the cluster's cookie key") }, func(t *testing.T, n *network) {
		cookie := askCookie(t, n, pathOf(1), 1)
		for key, want := range map[string]int{"the cluster's cookie key": 1, "another cluster's key": 0} {
			n2 := newNetwork(t, func(_ *network, o *Options) { o.CookieKey = []byte(key) })
			n2.front.Receive(pathOf(1), helloRecord(1, 1, helloBody(1, cookie)))
			if n2.front.HalfOpen() != want {
				t.Errorf("%q: %d half-open", key, n2.front.HalfOpen())
			}
			n2.front.Close()
		}
	})
}

// numbers are those of the records in a datagram of epoch 0.
func numbers(t *testing.T, datagram []byte) (all []uint64) {
	for len(datagram) > 0 {
		h, _, rest, err := dtlsrec.ParseHeader(datagram, 0)
		if err != nil {
			t.Fatal(err)
		}
		all, datagram = append(all, h.Sequence), rest
	}
	return all
}

// A client that numbers its second hello 7 has seen up to seven
// HelloVerifyRequests; ours must not look like replays of them, nor of our own.
func TestRecordNumbersOfAnswers(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, n *network) {
		path := pathOf(1)
		cookie := askCookie(t, n, path, 1)
		want := map[uint64][]uint64{7: {7, 8}, 8: {9, 10}, 40: {40, 41}}
		for _, record := range []uint64{7, 8, 40} {
			n.front.Receive(path, helloRecord(record, 1, helloBody(1, cookie)))
			n.quiet()
			all := n.sent(path)
			got := numbers(t, all[len(all)-1])
			if len(got) != 2 || got[0] != want[record][0] || got[1] != want[record][1] {
				t.Errorf("hello %d is answered by records %v", record, got)
			}
		}
		if n.front.HalfOpen() != 1 {
			t.Errorf("%d half-open", n.front.HalfOpen())
		}
	})
}

func TestHalfOpenLimitsChange(t *testing.T) {
	inBubble(t, func(_ *network, o *Options) { o.MaxHalfOpen = 8 }, func(t *testing.T, n *network) {
		for i := range 3 {
			begin(t, n, pathOf(i))
		}
		n.front.SetMaxHalfOpen(12)
		for i := range 2 {
			begin(t, n, pathOf(3+i))
		}
		if n.front.HalfOpen() != 3 || n.refused[PrefixFull] != 2 {
			t.Errorf("one prefix: %d half-open, refused %v", n.front.HalfOpen(), n.refused)
		}
		n.front.SetMaxHalfOpen(3)
		begin(t, n, pathOf(1<<16))
		if n.front.HalfOpen() != 3 || n.refused[HalfOpenFull] != 1 {
			t.Errorf("all: %d half-open, refused %v", n.front.HalfOpen(), n.refused)
		}
		<-time.After(maxTimeout)
		n.quiet()
	})
}

func TestHalfOpenLimits(t *testing.T) {
	inBubble(t, func(_ *network, o *Options) { o.MaxHalfOpen, o.PerPrefix = 10, 4 }, func(t *testing.T, n *network) {
		for i := range 6 {
			begin(t, n, pathOf(i))
		}
		if n.front.HalfOpen() != 4 || n.refused[PrefixFull] != 2 {
			t.Errorf("one prefix: %d half-open, refused %v", n.front.HalfOpen(), n.refused)
		}
		for i := range 10 {
			begin(t, n, pathOf(i<<8|1<<16))
		}
		if n.front.HalfOpen() != 10 || n.refused[HalfOpenFull] != 4 {
			t.Errorf("all: %d half-open, refused %v", n.front.HalfOpen(), n.refused)
		}
		<-time.After(maxTimeout)
		n.quiet()
		if n.front.HalfOpen() != 0 || len(n.failed) != 10 || n.failed[0].Kind != TimedOut || len(n.front.admission.prefixes) != 0 {
			t.Errorf("after the timeout: %d half-open, failed %+v", n.front.HalfOpen(), n.failed)
		}
		begin(t, n, pathOf(1))
		if n.front.HalfOpen() != 1 {
			t.Error("no room again")
		}
	})
}

// Hellos from 50 000 invented addresses, with and without invented cookies,
// leave nothing behind.
func TestFloodOfHellosKeepsNothing(t *testing.T) {
	n := newNetwork(t, func(n *network, o *Options) {
		o.Send = func(wire.ReturnPath, []byte) {}
		o.Events = Events{}
	})
	for i := range 50_000 {
		path := pathOf(i)
		n.front.Receive(path, helloRecord(0, 0, helloBody(byte(i), nil)))
		n.front.Receive(path, helloRecord(1, 1, helloBody(byte(i), []byte("invented cookies"))))
		n.front.Receive(path, plain(dtlsrec.TypeHandshake, 2, []byte{16, 0, 0, 2, 0, 2, 0, 0, 0, 0, 0, 2, 0, 0}))
	}
	f := n.front
	if len(f.handshakes) != 0 || len(f.finals) != 0 || len(f.admission.prefixes) != 0 || f.HalfOpen() != 0 || f.count.Load() != 0 {
		t.Errorf("%d handshakes, %d finals, %d prefixes", len(f.handshakes), len(f.finals), len(f.admission.prefixes))
	}
}

// What a client with a cookie repeats without end is passed over as well.
func TestFloodOfOneHandshakeKeepsLittle(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, n *network) {
		path := pathOf(1)
		begin(t, n, path)
		n.quiet()
		for i := range 10_000 {
			for kind := range byte(30) {
				m := dtlsrec.Handshake{Type: dtlsrec.HandshakeType(kind), Length: 1000, Sequence: uint16(i), Offset: i % 900, Fragment: 100}
				n.front.Receive(path, plain(dtlsrec.TypeHandshake, uint64(i), append(m.Append(nil), make([]byte, 100)...)))
			}
			sealed := plain(dtlsrec.TypeHandshake, uint64(i), make([]byte, 40))
			sealed[4] = 1 // epoch
			n.front.Receive(path, sealed)
			n.front.Receive(path, plain(dtlsrec.TypeChangeCipherSpec, uint64(i), []byte{1}))
		}
		r := n.front.handshakes[path]
		if r == nil || len(r.key.body) > maxKeyExchange || len(r.early) > 100 || len(r.talk.pipe.in) != 0 {
			t.Errorf("kept %+v", r)
		}
	})
}

func TestHellosThatAreRefused(t *testing.T) {
	version10 := helloBody(1, nil)
	version10[1] = 0xff
	strange := bytes.Replace(helloBody(1, nil), []byte{0xc0, 0xa8, 0x00, 0xae, 0x00, 0xa8, 0xc0, 0xa4}, []byte{0xc0, 0xae, 0, 0x2f, 0, 0xff, 0x13, 1}, 1)
	compressed := bytes.Replace(helloBody(1, nil), []byte{0xc0, 0xa4, 1, 0}, []byte{0xc0, 0xa4, 1, 64}, 1)
	for _, c := range []struct {
		body  []byte
		want  Refusal
		alert dtlsrec.AlertDescription
	}{
		{version10, BadVersion, dtlsrec.ProtocolVersion}, {strange, NoSuite, dtlsrec.HandshakeFailure}, {compressed, NoSuite, dtlsrec.HandshakeFailure},
	} {
		n := newNetwork(t, nil)
		path := pathOf(1)
		n.front.Receive(path, helloRecord(5, 0, c.body))
		_, fragment, _, _ := dtlsrec.ParseHeader(n.sent(path)[0], 0)
		_, verify, _, _ := dtlsrec.ParseHandshake(fragment)
		body := append(bytes.Clone(c.body[:35]), cookieLen)
		body = append(append(body, cookieOf(verify)...), c.body[36:]...)
		n.front.Receive(path, helloRecord(6, 1, body))
		want := plain(dtlsrec.TypeAlert, 6, dtlsrec.Alert{Level: dtlsrec.Fatal, Description: c.alert}.Append(nil))
		if all := n.sent(path); len(all) != 2 || !bytes.Equal(all[1], want) || n.refused[c.want] != 1 || n.front.HalfOpen() != 0 {
			t.Errorf("%v: sent % x, refused %v", c.want, all, n.refused)
		}
	}
}

func TestRefusedDatagrams(t *testing.T) {
	n := newNetwork(t, nil)
	hello := helloRecord(0, 0, helloBody(1, nil))
	fragment := dtlsrec.Handshake{Type: dtlsrec.ClientHello, Length: 100, Fragment: 50}.Append(nil)
	for _, c := range []struct {
		datagram []byte
		want     Refusal
	}{
		{nil, Malformed}, {[]byte("GET / HTTP/1.1"), Malformed}, {hello[:40], Malformed},
		{plain(dtlsrec.TypeHandshake, 0, []byte{1}), Malformed},
		{plain(dtlsrec.TypeHandshake, 0, append(fragment, make([]byte, 50)...)), Fragmented},
		{plain(dtlsrec.TypeHandshake, 0, nil), Stray},
		{plain(dtlsrec.TypeChangeCipherSpec, 0, []byte{1}), Stray},
		{plain(dtlsrec.TypeAlert, 0, []byte{2, 40}), Stray},
	} {
		before := n.refused[c.want]
		n.front.Receive(pathOf(1), c.datagram)
		if n.refused[c.want] != before+1 || len(n.sent(pathOf(1))) != 0 {
			t.Errorf("% x: refused %v, sent %d", c.datagram, n.refused, len(n.sent(pathOf(1))))
		}
	}
}

func TestKeyExchangeInPieces(t *testing.T) {
	body := append([]byte{0, 20}, "twenty bytes of name"...)
	piece := func(k *keyExchange, from, to int) []byte {
		return k.add(dtlsrec.Handshake{Type: dtlsrec.ClientKeyExchange, Length: len(body), Sequence: 2, Offset: from, Fragment: to - from}, body[from:to])
	}
	want := append(dtlsrec.Handshake{Type: dtlsrec.ClientKeyExchange, Length: 22, Sequence: 2, Fragment: 22}.Append(nil), body...)
	for _, order := range [][][2]int{{{0, 22}}, {{0, 10}, {10, 22}}, {{10, 22}, {0, 10}, {10, 22}}, {{0, 12}, {0, 12}, {5, 22}}, {{0, 0}, {0, 22}}} {
		var k keyExchange
		var got []byte
		for i, p := range order {
			if got != nil {
				t.Errorf("%v: whole before piece %d", order, i)
			}
			got = piece(&k, p[0], p[1])
		}
		if !bytes.Equal(got, want) || piece(&k, 0, 22) != nil {
			t.Errorf("%v: % x", order, got)
		}
	}
	var k keyExchange
	if k.add(dtlsrec.Handshake{Type: dtlsrec.ClientKeyExchange, Length: maxKeyExchange + 1, Sequence: 2, Fragment: 10}, body[:10]) != nil || k.body != nil {
		t.Error("an identity of more than a kilobyte is begun")
	}
}
