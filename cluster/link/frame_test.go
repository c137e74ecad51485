package link

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"dormouse/codec/wire"
)

var (
	nodeA = wire.Node{ID: 0xa, Incarnation: 1}
	nodeB = wire.Node{ID: 0xb, Incarnation: 2}
)

func key(b byte) []byte { return bytes.Repeat([]byte{b}, KeySize) }

func ring(t testing.TB, keys ...byte) *Ring {
	t.Helper()
	var all [][]byte
	for _, k := range keys {
		all = append(all, key(k))
	}
	r, err := NewRing(all...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func forward(payload string) wire.Forward {
	return wire.Forward{Hops: 1, Topology: 7, Path: wire.ReturnPath{Peer: netip.MustParseAddrPort("192.0.2.1:5683")}, Datagram: []byte(payload)}
}

// golden is the frame of docs/formats/link.md: key 010101…01, from nodeA to
// nodeB, counter 3, two datagrams "ab" and "c".
const golden = "d2" + "be47a0f1" + "000000000000000a" + "0000000000000001" + "0000000000000003" +
	"3214fb9d46e5e48485a316892bb36ac67894ad83120998f78f98eb76b3a2b155eb5051149439ccb984"

func goldenText() []byte {
	one, two := forward("ab"), forward("c")
	return two.Append(one.Append(nil))
}

func TestGoldenFrame(t *testing.T) {
	var nonce [nonceSize]byte
	d := ring(t, 1).keys[0].direction(nodeA, nodeB)
	frame := d.seal(nil, nodeA, 3, goldenText(), &nonce)
	if got := hex.EncodeToString(frame); got != golden {
		t.Errorf("%s, want %s", got, golden)
	}
	if len(frame) != len(goldenText())+Overhead {
		t.Errorf("%d bytes of text became %d", len(goldenText()), len(frame))
	}
	h, err := parseHeader(frame)
	if err != nil || h != (header{d.id, nodeA, 3}) {
		t.Errorf("%+v, %v", h, err)
	}
	text, err := d.open([]byte("before"), &h, frame, &nonce)
	if err != nil || string(text) != "before"+string(goldenText()) {
		t.Errorf("%x, %v", text, err)
	}
	batch, err := parseDatagrams(nil, text[len("before"):])
	if err != nil || len(batch) != 2 || string(batch[0].Datagram) != "ab" || string(batch[1].Datagram) != "c" {
		t.Errorf("%+v, %v", batch, err)
	}
}

// listener is a Link without goroutines, that nodeA is a peer of.
func listener(t testing.TB, self wire.Node, keys ...byte) *Link {
	l := &Link{o: Options{Self: self}}
	l.roster = roster{self: self, ring: ring(t, keys...), most: 8}
	now, _ := l.roster.set([]Peer{{Node: nodeA}})
	l.peers.Store(&now)
	return l
}

func refusal(t *testing.T, l *Link, frame []byte) Drop {
	t.Helper()
	_, why, ok := l.open(&reader{}, frame)
	if ok {
		t.Errorf("%x was let in", frame)
		return drops
	}
	return why
}

func TestAChangedFrameOpensNowhere(t *testing.T) {
	l := listener(t, nodeB, 1)
	raw, _ := hex.DecodeString(golden)
	for n := range raw {
		want := DropForged
		if n < Overhead {
			want = DropMalformed
		}
		if why := refusal(t, l, raw[:n]); why != want {
			t.Errorf("cut at %d: %v, want %v", n, why, want)
		}
	}
	for bit := range len(raw) * 8 {
		raw[bit/8] ^= 1 << (bit % 8)
		refusal(t, l, raw)
		raw[bit/8] ^= 1 << (bit % 8)
	}
	refusal(t, l, append(raw[:len(raw):len(raw)], 0))
	if _, why, ok := l.open(&reader{}, raw); !ok {
		t.Errorf("the frame itself: %v", why)
	}
	if why := refusal(t, l, raw); why != DropReplay {
		t.Errorf("again: %v", why)
	}
}

// TestFramesOpenInOneDirectionOfTwoLives: what was recorded is of no use
// elsewhere, nor to a receiver that started again with an empty window.
func TestFramesOpenInOneDirectionOfTwoLives(t *testing.T) {
	var nonce [nonceSize]byte
	sealed := func(k byte, from, to wire.Node, text []byte) []byte {
		d := ring(t, k).keys[0].direction(from, to)
		return d.seal(nil, from, 9, text, &nonce)
	}
	older, newer := wire.Node{ID: 0xa}, wire.Node{ID: 0xa, Incarnation: 2}
	later := append([]byte{version + 1}, sealed(1, nodeA, nodeB, goldenText())[1:]...)
	for name, tc := range map[string]struct {
		frame []byte
		want  Drop
	}{
		"empty":                   {nil, DropMalformed},
		"memberlist":              {append([]byte{244}, make([]byte, 100)...), DropMalformed},
		"the next version":        {later, DropVersion},
		"reflected":               {sealed(1, nodeB, nodeA, goldenText()), DropReflected},
		"from nobody":             {sealed(1, wire.Node{ID: 0xc}, nodeB, goldenText()), DropUnknown},
		"from an older life":      {sealed(1, older, nodeB, goldenText()), DropStale},
		"from a newer life":       {sealed(1, newer, nodeB, goldenText()), DropEarly},
		"of another cluster":      {sealed(3, nodeA, nodeB, goldenText()), DropKey},
		"for a third node":        {sealed(1, nodeA, wire.Node{ID: 0xc}, goldenText()), DropForged},
		"for the life before":     {sealed(1, nodeA, wire.Node{ID: 0xb, Incarnation: 1}, goldenText()), DropForged},
		"no datagram in it":       {sealed(1, nodeA, nodeB, nil), DropMalformed},
		"half a datagram":         {sealed(2, nodeA, nodeB, goldenText()[:5]), DropMalformed},
		"without hops":            {sealed(1, nodeA, nodeB, append([]byte{0}, goldenText()[1:]...)), DropMalformed},
		"under the second key":    {sealed(2, nodeA, nodeB, goldenText()), drops},
		"under the first key":     {sealed(1, nodeA, nodeB, goldenText()), drops},
		"counter 0 is none":       {ring(t, 1).keys[0].seal0(nodeA, nodeB), DropReplay},
		"the key's name, garbage": {append(sealed(1, nodeA, nodeB, nil)[:headerSize:headerSize], make([]byte, 99)...), DropForged},
	} {
		l := listener(t, nodeB, 1, 2)
		_, why, ok := l.open(&reader{}, tc.frame)
		if ok != (tc.want == drops) || !ok && why != tc.want {
			t.Errorf("%s: let in %v, %v; want %v", name, ok, why, tc.want)
		}
	}
}

func (k *clusterKey) seal0(from, to wire.Node) []byte {
	d := k.direction(from, to)
	return d.seal(nil, from, 0, goldenText(), new([nonceSize]byte))
}

func TestGarbageIsRefused(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	l := listener(t, nodeB, 1)
	raw, _ := hex.DecodeString(golden)
	for range 2000 {
		frame := make([]byte, r.IntN(200))
		for i := range frame {
			frame[i] = byte(r.Uint32())
		}
		copy(frame, raw[:r.IntN(headerSize+1)])
		if _, _, ok := l.open(&reader{}, frame); ok {
			t.Fatalf("seed %d: %x was let in", seed, frame)
		}
	}
}

func TestRings(t *testing.T) {
	for name, keys := range map[string][][]byte{
		"none":      {},
		"too many":  {key(1), key(2), key(3), key(4), key(5)},
		"short":     {key(1)[1:]},
		"one twice": {key(1), key(2), key(1)},
	} {
		if r, err := NewRing(keys...); r != nil || !errors.Is(err, ErrRing) {
			t.Errorf("%s: %v, %v", name, r, err)
		} else if bytes.Contains([]byte(err.Error()), []byte("0101")) {
			t.Errorf("%s: the error shows a key: %v", name, err)
		}
	}
}

func TestARingPrintsNoKey(t *testing.T) {
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(format, ring(t, 1, 2)); got != "2 cluster keys" {
			t.Errorf("%s: %s", format, got)
		}
	}
}

// FuzzFrame: whatever comes, a link neither panics nor lets it in, but for the
// one frame that was sealed.
func FuzzFrame(f *testing.F) {
	raw, _ := hex.DecodeString(golden)
	f.Add(raw)
	f.Add(raw[:headerSize])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		l := listener(t, nodeB, 1)
		if _, _, ok := l.open(&reader{}, data); ok && !bytes.Equal(data, raw) {
			t.Fatalf("%x was let in", data)
		}
		if h, err := parseHeader(data); err == nil && !bytes.Equal(h.append(nil), data[:headerSize]) {
			t.Fatalf("%x: header %+v", data, h)
		}
	})
}

// FuzzDatagrams: the text of a frame that another program of ours sealed.
func FuzzDatagrams(f *testing.F) {
	f.Add(goldenText())
	f.Fuzz(func(t *testing.T, data []byte) {
		batch, err := parseDatagrams(nil, data)
		if err != nil {
			return
		}
		var text []byte
		for i := range batch {
			text = batch[i].Append(text)
		}
		again, err := parseDatagrams(nil, text)
		if err != nil || len(again) != len(batch) || len(batch) == 0 {
			t.Fatalf("%x: %d datagrams became %d, %v", data, len(batch), len(again), err)
		}
	})
}
