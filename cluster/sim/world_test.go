package sim

import (
	"container/heap"
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"os"

	"dormouse/cluster/ring"
	"dormouse/codec/ids"
)

// Virtual time is in microseconds.
const (
	millisecond = int64(1000)
	second      = 1000 * millisecond
	tick        = 100 * millisecond // of an engine
)

// world is all of one run.
type world struct {
	seed    uint64
	mutant  mutation
	profile profile
	r       *rand.Rand

	now     int64
	serial  int64 // of events, and of moments in histories
	events  queue
	trace   hash.Hash64
	verbose bool

	machines []*machine // number i has node ID i+1
	net      network
	want     map[ids.Shard]ring.Holders
	quiet    bool // the faults are over
	idle     bool // and so is the clients' work
	dying    []*life

	book  book
	stats stats
	busy  map[string]int // operations under way of a key
	bad   error          // the first violation
}

// stats show that a run was worth its time.
type stats struct {
	events, crashes, acked, unknown, reads, effects, numbers, installed, led, moves, parts, unjudged int
}

func (s *stats) add(o stats) {
	s.events += o.events
	s.crashes += o.crashes
	s.acked += o.acked
	s.unknown += o.unknown
	s.reads += o.reads
	s.effects += o.effects
	s.numbers += o.numbers
	s.installed += o.installed
	s.led += o.led
	s.moves += o.moves
	s.parts += o.parts
	s.unjudged += o.unjudged
}

// event happens at a moment; those of one moment in the order in which they were
// planned.
type event struct {
	at, serial int64
	do         func()
}

type queue []event

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].serial < q[j].serial
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(event)) }
func (q *queue) Pop() any {
	old := *q
	e := old[len(old)-1]
	old[len(old)-1] = event{}
	*q = old[:len(old)-1]
	return e
}

func (w *world) stamp() int64 {
	w.serial++
	return w.serial
}

func (w *world) at(when int64, do func()) {
	heap.Push(&w.events, event{max(when, w.now), w.stamp(), do})
}

func (w *world) after(d int64, do func()) { w.at(w.now+d, do) }

// between is a duration from a to b.
func (w *world) between(a, b int64) int64 { return a + w.r.Int64N(b-a+1) }

// about is a duration that is short mostly and long at times.
func (w *world) about(mean int64) int64 {
	return int64(min(w.r.ExpFloat64(), 8)*float64(mean)) + 1
}

// chance is true once in n times.
func (w *world) chance(n int) bool { return w.r.IntN(n) == 0 }

// fail keeps the first violation, which ends the run.
func (w *world) fail(format string, args ...any) {
	if w.bad == nil {
		w.bad = fmt.Errorf("at %d.%03d s: %w", w.now/second, w.now%second/millisecond, fmt.Errorf(format, args...))
	}
}

// note makes something a part of the trace.
func (w *world) note(kind string, data []byte, numbers ...uint64) {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 64), uint64(w.now))
	b = append(b, kind...)
	for _, n := range numbers {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	w.trace.Write(b)
	w.trace.Write(data)
	if w.verbose && kind != "frame" && kind != "turn" {
		fmt.Printf("%4d.%03d %s %v\n", w.now/second, w.now%second/millisecond, kind, numbers)
	}
}

// log is where a node's words go: they are shown where one run is repeated.
func (w *world) log(id ids.Node) *slog.Logger {
	if !w.verbose {
		return nil
	}
	out := slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.String("at", fmt.Sprintf("%d.%03d", w.now/second, w.now%second/millisecond))
		}
		return a
	}})
	return slog.New(out).With("node", uint64(id))
}

// until lets things happen up to a moment, or a violation.
func (w *world) until(when int64) {
	for len(w.events) > 0 && w.events[0].at <= when && w.bad == nil {
		e := heap.Pop(&w.events).(event)
		w.now = e.at
		w.stats.events++
		e.do()
		w.bury()
	}
	w.now = max(w.now, when)
}

// result of a run.
type result struct {
	seed  uint64
	bad   error
	trace uint64
	stats stats
}

func (r result) String() string {
	return fmt.Sprintf("seed %d: %v (SIM_SEED=%d repeats it)", r.seed, r.bad, r.seed)
}

// simulate is one run. Raft draws its timeouts from crypto/rand, so that is
// replaced meanwhile: nothing else may run beside it.
func simulate(seed uint64, m mutation, verbose bool) result {
	old := crand.Reader
	defer func() { crand.Reader = old }()
	var key [32]byte
	binary.BigEndian.PutUint64(key[:], seed)
	crand.Reader = rand.NewChaCha8(key)

	w := &world{seed: seed, mutant: m, r: rand.New(rand.NewPCG(seed, 1)), trace: fnv.New64a(), verbose: verbose, want: map[ids.Shard]ring.Holders{}, busy: map[string]int{}}
	w.profile = w.newProfile()
	w.net = newNetwork(w)
	w.book = newBook()
	w.play()
	for _, m := range w.machines {
		if m.life != nil {
			m.life.end()
		}
	}
	return result{seed, w.bad, w.trace.Sum64(), w.stats}
}

// play is the script: some time with faults, then none.
func (w *world) play() {
	w.boot()
	w.until(w.profile.length)
	w.heal()
	if w.bad == nil {
		w.settle()
	}
	if w.bad == nil {
		w.judge()
	}
}

var errDead = errors.New("sim: the machine has crashed")
