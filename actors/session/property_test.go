package session

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"dormouse/codec/dtlsrec"
)

var errTwice = errors.New("twice")

// world is a device, a server that crashes, and a network that repeats,
// reorders and spoils. What leaves the server waits for its commit.
type world struct {
	r      *rand.Rand
	device *device
	secret []byte
	server *Session

	stored []byte // the last state that was committed
	said   map[uint64]string
	sent   [][]byte // all that the device ever sent

	datagrams [][]byte  // sealed, not left
	contents  []Content // opened, without effect yet

	left map[uint64]bool // sequence numbers seen on the network
	done map[uint64]bool // records that had an effect
}

func newWorld(t *testing.T, seed uint64) *world {
	r := rand.New(rand.NewPCG(seed, 9146))
	peer := make([]byte, r.IntN(3))
	w := &world{r: r, said: map[uint64]string{}, left: map[uint64]bool{}, done: map[uint64]bool{}}
	w.device, w.server = start(t, established(suites[r.IntN(len(suites))], r.IntN(2) == 0, peer))
	w.secret = w.server.AppendSecret(nil)
	w.stored = w.server.AppendState(nil)
	return w
}

// step does one thing, and returns what must never be.
func (w *world) step(careful bool) error {
	switch n := w.r.IntN(20); {
	case n < 6:
		said := fmt.Sprint("message ", len(w.sent))
		w.sent = append(w.sent, w.device.say(said))
		w.said[w.device.seq] = said
		if w.r.IntN(4) > 0 {
			w.deliver(len(w.sent) - 1)
		}
	case n < 10 && len(w.sent) > 0:
		w.deliver(max(0, len(w.sent)-1-w.r.IntN(80)))
	case n < 16:
		for range 1 + w.r.IntN(20) {
			w.datagrams = append(w.datagrams, w.server.Seal(nil, []byte("downlink")))
		}
	case n < 18:
		w.server.Sleep()
	case n == 18:
		w.server = reload(w.device.t, w.secret, w.stored)
		w.datagrams, w.contents = nil, nil
		return nil
	}
	if w.r.IntN(3) == 0 {
		return nil // more is gathered for the next commit, or lost
	}
	if careful && w.server.Dirty() {
		w.stored = w.server.AppendState(nil)
	}
	return w.release()
}

func (w *world) deliver(i int) {
	datagram := append([]byte(nil), w.sent[i]...)
	if w.r.IntN(8) == 0 {
		datagram[w.r.IntN(len(datagram))] ^= 1 << w.r.IntN(8)
	}
	contents, _ := w.server.Open(datagram)
	w.contents = append(w.contents, contents...)
}

// release lets out what is committed.
func (w *world) release() error {
	for _, datagram := range w.datagrams {
		_, _, seq := w.device.hear(datagram)
		if w.left[seq] {
			return fmt.Errorf("number %d is used %w", seq, errTwice)
		}
		w.left[seq] = true
	}
	for _, c := range w.contents {
		if w.done[c.Sequence] {
			return fmt.Errorf("record %d has its effect %w", c.Sequence, errTwice)
		}
		if got := string(c.Payload); got != w.said[c.Sequence] {
			return fmt.Errorf("record %d says %q, the device said %q", c.Sequence, got, w.said[c.Sequence])
		}
		w.done[c.Sequence] = true
	}
	w.datagrams, w.contents = nil, nil
	return nil
}

func run(t *testing.T, seed uint64, careful bool) error {
	w := newWorld(t, seed)
	for range 400 {
		if err := w.step(careful); err != nil {
			return err
		}
	}
	contents, err := w.server.Open(w.device.say("and now"))
	if err != nil || len(contents) != 1 || !contents[0].Newest {
		return fmt.Errorf("a new record is not accepted: %q, %w", payloads(contents), err)
	}
	if len(w.left) < 100 || len(w.done) < 50 {
		return fmt.Errorf("only %d records left and %d came in", len(w.left), len(w.done))
	}
	return nil
}

// TestNothingTwiceOverCrashes: whatever is lost, repeated or crashes, no number
// leaves twice and no record has its effect twice.
func TestNothingTwiceOverCrashes(t *testing.T) {
	first := rand.Uint64()
	for i := range uint64(300) {
		if err := run(t, first+i, true); err != nil {
			t.Fatalf("seed %d: %v", first+i, err)
		}
	}
}

// TestTheCrashesWouldShow: a caller that does not commit when the session is
// Dirty breaks both promises, and the test above would see it.
func TestTheCrashesWouldShow(t *testing.T) {
	const runs = 50
	caught := 0
	for seed := range uint64(runs) {
		if errors.Is(run(t, seed, false), errTwice) {
			caught++
		}
	}
	if caught < runs*9/10 {
		t.Errorf("only %d of %d careless runs were caught", caught, runs)
	}
}

// TestACommitPerBlock: sending alone asks for a commit once in 64 records.
func TestACommitPerBlock(t *testing.T) {
	_, s := start(t, established(dtlsrec.CCM8, false, nil))
	commits := 0
	for range 10 * Block {
		s.Seal(nil, []byte("x"))
		if s.Dirty() {
			commits++
			s.AppendState(nil)
		}
	}
	if commits != 9 { // the first block was reserved by New
		t.Errorf("%d commits", commits)
	}
}
