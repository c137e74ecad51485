package shards

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// desk is a Storage that keeps the keys it was given, takes its time, and fails
// when it is told to.
type desk struct {
	takes time.Duration

	mu     sync.Mutex
	err    error
	rounds [][]string // the keys of each Apply that went well
}

func (d *desk) Apply(batches []wire.ShardBatch) error {
	if d.takes > 0 {
		<-time.After(d.takes)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return d.err
	}
	var keys []string
	for _, sb := range batches {
		_ = sb.Batch.Each(func(w wire.Write) error {
			keys = append(keys, fmt.Sprintf("%d/%s", sb.Shard, w.Key))
			return nil
		})
	}
	d.rounds = append(d.rounds, keys)
	return nil
}

func (d *desk) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err = err
}

func (d *desk) sizes() (n []int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.rounds {
		n = append(n, len(r))
	}
	return n
}

func put(key string) *wire.Batch {
	b := new(wire.Batch)
	b.Put(wire.ClassMeta, []byte(key), []byte("v"))
	return b
}

// answers collects callbacks, in the order in which they come.
type answers struct {
	mu   sync.Mutex
	list []string
}

func (a *answers) of(name string) func(error) {
	return func(err error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		if err != nil {
			name += ": " + err.Error()
		}
		a.list = append(a.list, name)
	}
}

func (a *answers) want(t *testing.T, want ...string) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if !slices.Equal(a.list, want) {
		t.Errorf("answers %q, want %q", a.list, want)
	}
}

// in runs f in a bubble with a committer that is closed at the end.
func in(t *testing.T, d *desk, o Options, f func(l *Local, a *answers)) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLocal(d, o)
		f(l, new(answers))
		l.Close()
	})
}

func TestALoneProposalGoesAtOnce(t *testing.T) {
	d := &desk{takes: time.Millisecond}
	in(t, d, Options{}, func(l *Local, a *answers) {
		began := time.Now()
		l.Propose(1, put("a"), a.of("a"))
		synctest.Wait()
		<-time.After(time.Millisecond)
		synctest.Wait()
		a.want(t, "a")
		if took := time.Since(began); took != time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

func TestAllThatIsPendingIsOneRound(t *testing.T) {
	d := &desk{takes: time.Millisecond}
	in(t, d, Options{Linger: -1}, func(l *Local, a *answers) {
		l.Propose(1, put("first"), a.of("first"))
		synctest.Wait() // its round is under way
		for i := range 100 {
			l.Propose(ids.Shard(i%4), put(fmt.Sprint(i)), a.of(fmt.Sprint(i)))
		}
		<-time.After(2 * time.Millisecond)
		synctest.Wait()
		if got := d.sizes(); !slices.Equal(got, []int{1, 100}) {
			t.Errorf("rounds of %v", got)
		}
		if s := l.Stats(); s.Proposals != 101 || s.Rounds != 2 || s.Pending != 0 || s.Bytes != 0 {
			t.Errorf("%v", s)
		}
	})
}

func TestCallbacksComeInOrderOverAllShards(t *testing.T) {
	in(t, &desk{}, Options{}, func(l *Local, a *answers) {
		var want []string
		for i := range 500 {
			name := fmt.Sprint(i)
			want = append(want, name)
			b := put(name)
			if i%3 == 0 {
				b = new(wire.Batch)
			}
			l.Propose(ids.Shard(i%7), b, a.of(name))
		}
		<-time.After(time.Second)
		synctest.Wait()
		a.want(t, want...)
	})
}

func TestEmptyBatchesAreOrderedAndCostNoSync(t *testing.T) {
	d := &desk{}
	in(t, d, Options{}, func(l *Local, a *answers) {
		l.Propose(1, new(wire.Batch), a.of("empty"))
		l.Propose(1, nil, a.of("nil"))
		<-time.After(time.Second)
		synctest.Wait()
		a.want(t, "empty", "nil")
		if d.sizes() != nil {
			t.Errorf("%d rounds for nothing", len(d.sizes()))
		}
	})
}

func TestAFailedRoundFailsItsBatchesAndGoesOn(t *testing.T) {
	d := &desk{takes: time.Millisecond}
	in(t, d, Options{}, func(l *Local, a *answers) {
		d.fail(errors.New("full"))
		l.Propose(1, put("a"), a.of("a"))
		synctest.Wait()
		l.Propose(1, put("b"), a.of("b"))
		l.Propose(1, nil, a.of("empty"))
		<-time.After(10 * time.Millisecond)
		synctest.Wait()
		d.fail(nil)
		l.Propose(1, put("c"), a.of("c"))
		<-time.After(10 * time.Millisecond)
		synctest.Wait()
		a.want(t, "a: full", "b: full", "empty", "c")
		if s := l.Stats(); s.Failed != 2 || s.Proposals != 2 {
			t.Errorf("%v", s)
		}
	})
}

type fatalError struct{}

func (fatalError) Error() string { return "broken" }
func (fatalError) Fatal() bool   { return true }

func TestAFatalErrorEndsTheCommitterWithoutCallbacks(t *testing.T) {
	d := &desk{takes: time.Millisecond}
	var told []error
	o := Options{OnFatal: func(err error) { told = append(told, err) }}
	in(t, d, o, func(l *Local, a *answers) {
		d.fail(fmt.Errorf("applying: %w", fatalError{}))
		l.Propose(1, put("a"), a.of("a"))
		synctest.Wait()
		l.Propose(2, put("b"), a.of("b"))
		<-time.After(time.Second)
		synctest.Wait()
		l.Propose(3, put("c"), a.of("c"))
		l.Close()
		a.want(t)
		if len(told) != 1 || !errors.Is(told[0], fatalError{}) {
			t.Errorf("told %v", told)
		}
	})
}

func TestBoundsAreAnsweredInOrder(t *testing.T) {
	size := len(put("a").Bytes())
	for name, o := range map[string]Options{
		"count": {MaxPending: 3},
		"bytes": {MaxPendingBytes: 3*size + 1},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, &desk{takes: time.Millisecond}, o, func(l *Local, a *answers) {
				for _, name := range []string{"a", "b", "c", "d", "e"} {
					l.Propose(1, put(name), a.of(name))
				}
				<-time.After(time.Second)
				synctest.Wait()
				l.Propose(1, put("f"), a.of("f"))
				<-time.After(time.Second)
				synctest.Wait()
				busy := ": " + ErrBusy.Error()
				a.want(t, "a", "b", "c", "d"+busy, "e"+busy, "f")
				if s := l.Stats(); s.Busy != 2 || s.Pending != 0 {
					t.Errorf("%v", s)
				}
			})
		})
	}
}

func TestOneBatchBeyondTheBoundGoesAlone(t *testing.T) {
	in(t, &desk{}, Options{MaxPendingBytes: 1, RoundBytes: 1}, func(l *Local, a *answers) {
		l.Propose(1, put("large"), a.of("large"))
		<-time.After(time.Second)
		synctest.Wait()
		a.want(t, "large")
	})
}

func TestARoundEndsAtItsBytes(t *testing.T) {
	d := &desk{takes: time.Millisecond}
	size := len(put("0").Bytes())
	in(t, d, Options{RoundBytes: 4 * size, Linger: -1}, func(l *Local, a *answers) {
		var want []string
		l.Propose(1, put("x"), a.of("x"))
		synctest.Wait()
		for i := range 10 {
			l.Propose(1, put(fmt.Sprint(i)), a.of(fmt.Sprint(i)))
			want = append(want, fmt.Sprint(i))
		}
		<-time.After(time.Second)
		synctest.Wait()
		a.want(t, append([]string{"x"}, want...)...)
		if got := d.sizes(); !slices.Equal(got, []int{1, 4, 4, 2}) {
			t.Errorf("rounds of %v", got)
		}
	})
}

func TestLingeringGathersUnderSteadyLoad(t *testing.T) {
	for _, tc := range []struct {
		linger      time.Duration
		least, most int
	}{{-1, 950, 1000}, {2 * time.Millisecond, 150, 260}} {
		d := &desk{takes: 100 * time.Microsecond}
		in(t, d, Options{Linger: tc.linger}, func(l *Local, a *answers) {
			for range 1000 {
				l.Propose(1, put("k"), func(error) {})
				<-time.After(500 * time.Microsecond) // 2000 a second
			}
			<-time.After(time.Second)
			synctest.Wait()
			if n := len(d.sizes()); n < tc.least || n > tc.most {
				t.Errorf("linger %v: %d rounds", tc.linger, n)
			}
		})
	}
}

func TestEnoughDoNotLinger(t *testing.T) {
	d := &desk{}
	in(t, d, Options{Linger: time.Second, EnoughToGo: 10}, func(l *Local, a *answers) {
		l.Propose(1, put("first"), func(error) {})
		synctest.Wait()
		began := time.Now()
		for i := range 10 {
			l.Propose(1, put("k"), func(error) {})
			if i == 0 {
				synctest.Wait() // the committer lingers by now
			}
		}
		synctest.Wait()
		if got := d.sizes(); !slices.Equal(got, []int{1, 10}) || time.Since(began) != 0 {
			t.Errorf("rounds of %v after %v", got, time.Since(began))
		}
	})
}

func TestACallbackMayPropose(t *testing.T) {
	in(t, &desk{}, Options{MaxPending: 1}, func(l *Local, a *answers) {
		n := 0
		var again func(error)
		again = func(err error) {
			if n++; err == nil && n < 100 {
				l.Propose(1, put("k"), again)
			}
		}
		l.Propose(1, put("k"), again)
		<-time.After(time.Minute)
		synctest.Wait()
		if n != 100 {
			t.Errorf("%d callbacks", n)
		}
	})
}

func TestCloseWaitsForWhatIsInFlight(t *testing.T) {
	d := &desk{takes: time.Second}
	in(t, d, Options{}, func(l *Local, a *answers) {
		l.Propose(1, put("a"), a.of("a"))
		synctest.Wait()
		l.Propose(1, put("b"), a.of("b"))
		closed := make(chan struct{})
		go func() { l.Close(); close(closed) }()
		synctest.Wait()
		l.Propose(1, put("c"), a.of("c"))
		a.want(t)
		<-closed
		l.Propose(1, put("d"), a.of("d"))
		no := ": " + ErrClosed.Error()
		a.want(t, "a", "b", "c"+no, "d"+no)
		l.Close()
	})
}

// TestRandomProposers: many goroutines with their own shard each, a storage
// that fails now and then; what was answered nil is stored, in order, once, and
// nothing that was answered otherwise is.
func TestRandomProposers(t *testing.T) {
	seed := rand.Uint64()
	d := &desk{takes: time.Millisecond}
	in(t, d, Options{MaxPending: 60}, func(l *Local, a *answers) {
		good := make([][]string, 8)
		for shard := range good {
			go propose(l, d, ids.Shard(shard), rand.New(rand.NewPCG(seed, uint64(shard))), &good[shard])
		}
		<-time.After(time.Minute)
		synctest.Wait()
		stored := make([][]string, len(good))
		for _, round := range d.rounds {
			for _, key := range round {
				var shard, n int
				_, _ = fmt.Sscanf(key, "%d/%d", &shard, &n)
				stored[shard] = append(stored[shard], fmt.Sprint(n))
			}
		}
		for shard := range good {
			if !slices.Equal(good[shard], stored[shard]) {
				t.Errorf("seed %d shard %d: answered %v, stored %v", seed, shard, good[shard], stored[shard])
			}
		}
	})
}

func propose(l *Local, d *desk, shard ids.Shard, r *rand.Rand, good *[]string) {
	for n := range 200 {
		name := fmt.Sprint(n)
		l.Propose(shard, put(name), func(err error) {
			if err == nil {
				*good = append(*good, name)
			}
		})
		switch r.IntN(10) {
		case 0:
			d.fail(errors.New("full"))
		case 1, 2:
			d.fail(nil)
		case 3:
			<-time.After(time.Duration(r.IntN(5000)) * time.Microsecond)
		}
	}
}

func BenchmarkPropose(b *testing.B) {
	l := NewLocal(&desk{}, Options{})
	batch := put("k")
	var wg sync.WaitGroup
	b.ReportAllocs()
	slots := make(chan struct{}, 256)
	done := func(error) { <-slots; wg.Done() }
	for b.Loop() {
		slots <- struct{}{}
		wg.Add(1)
		l.Propose(1, batch, done)
	}
	wg.Wait()
	l.Close()
}
