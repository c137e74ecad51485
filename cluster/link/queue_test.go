package link

import (
	"math/rand/v2"
	"slices"
	"testing"

	"dormouse/codec/wire"
)

// TestFramesAreFullButNotTooLong: every datagram is in one frame, in order, and
// no frame of several is longer than it may be.
func TestFramesAreFullButNotTooLong(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	const frame, most = 1400, 128 << 10
	for range 200 {
		var q queue
		var want, got []int
		for range r.IntN(100) {
			fwd := forward(string(make([]byte, r.IntN(1<<r.IntN(12)))))
			if q.add(&fwd, frame, most) {
				want = append(want, len(fwd.Datagram))
			}
		}
		if q.datagrams() != len(want) {
			t.Fatalf("seed %d: %d wait, want %d", seed, q.datagrams(), len(want))
		}
		text, ends := q.take(nil)
		if len(text) > most || q.datagrams() != 0 {
			t.Fatalf("seed %d: %d bytes, %d left", seed, len(text), q.datagrams())
		}
		start := 0
		for _, seg := range ends {
			batch, err := parseDatagrams(nil, text[start:seg.end])
			if err != nil || len(batch) != seg.datagrams || len(batch) > 1 && seg.end-start+Overhead > frame {
				t.Fatalf("seed %d: %d datagrams in %d bytes, want %d; %v", seed, len(batch), seg.end-start, seg.datagrams, err)
			}
			for _, fwd := range batch {
				got = append(got, len(fwd.Datagram))
			}
			start = seg.end
		}
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: %v, want %v", seed, got, want)
		}
		q.giveBack(text)
	}
}

// TestAQueueKeepsLittle of what a burst took.
func TestAQueueKeepsLittle(t *testing.T) {
	var q queue
	fwd := wire.Forward{Hops: 1, Path: forward("").Path, Datagram: make([]byte, 2*keepBytes)}
	q.add(&fwd, 1400, 1<<20)
	text, _ := q.take(nil)
	q.giveBack(text)
	if q.spare != nil {
		t.Errorf("%d bytes are kept", cap(q.spare))
	}
	fwd.Datagram = fwd.Datagram[:10]
	q.add(&fwd, 1400, 1<<20)
	text, _ = q.take(nil)
	if q.giveBack(text); q.spare == nil {
		t.Error("nothing is kept")
	}
}
