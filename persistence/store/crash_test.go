package store

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// model is what a store should hold: "shard class key" to value.
type model map[string]string

func modelKey(shard ids.Shard, class wire.Class, key string) string {
	return fmt.Sprintf("%d %c %s", shard, class, key)
}

var modelClasses = []wire.Class{'c', 'h', 't'}

// round is one Apply, and what the store holds after it.
type round struct {
	batches []wire.ShardBatch
	after   model
}

// history makes rounds of random writes.
func history(r *rand.Rand, n int) []round {
	rounds, now := make([]round, n), model{}
	for i := range rounds {
		for range 1 + r.IntN(4) {
			sb := wire.ShardBatch{Shard: ids.Shard(r.IntN(shards)), Batch: new(wire.Batch)}
			for range r.IntN(6) {
				randomWrite(r, sb, now)
			}
			rounds[i].batches = append(rounds[i].batches, sb)
		}
		// The number of the round is in it: equal states would hide a lost one.
		mark := put(0, 's', "round", fmt.Sprint(i))
		now[modelKey(0, 's', "round")] = fmt.Sprint(i)
		rounds[i].batches = append(rounds[i].batches, mark)
		rounds[i].after = maps.Clone(now)
	}
	return rounds
}

func randomWrite(r *rand.Rand, sb wire.ShardBatch, now model) {
	class := modelClasses[r.IntN(len(modelClasses))]
	key := fmt.Sprintf("%02d", r.IntN(30))
	switch k := r.IntN(20); {
	case k == 0:
		to := fmt.Sprintf("%02d", r.IntN(30))
		sb.Batch.DeleteRange(class, []byte(key), []byte(to))
		for n := range 30 {
			if at := fmt.Sprintf("%02d", n); at >= key && at < to {
				delete(now, modelKey(sb.Shard, class, at))
			}
		}
	case k < 4:
		sb.Batch.Delete(class, []byte(key))
		delete(now, modelKey(sb.Shard, class, key))
	default:
		value := make([]byte, r.IntN(3000)) // memtables fill, tables are made
		for i := range value {
			value[i] = byte(r.Uint32())
		}
		sb.Batch.Put(class, []byte(key), value)
		now[modelKey(sb.Shard, class, key)] = string(value)
	}
}

// holding reads the whole store.
func holding(t *testing.T, s *Store) model {
	t.Helper()
	got := model{}
	for shard := range ids.Shard(shards) {
		for _, class := range append([]wire.Class{'s'}, modelClasses...) {
			if err := s.Scan(shard, class, nil, nil, shard%2 == 0, func(k, v []byte) bool {
				got[modelKey(shard, class, string(k))] = string(v)
				return true
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return got
}

// TestAcknowledgedIsThereAfterACrash applies a random history, crashes at
// random moments in the middle of writes, flushes and compactions, with random
// parts of what was not synced, and goes on from what it finds: which is the
// state after some whole round, not older than the last one acknowledged
// before the crash and not younger than the last one begun.
func TestAcknowledgedIsThereAfterACrash(t *testing.T) {
	for range 3 {
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			rounds := history(r, 400)
			fs, at := vfs.NewCrashableMem(), 0
			for life := 0; at < len(rounds); life++ {
				s := start(t, small(fs))
				least, most := crashIn(t, s, rounds, at, r, &fs)
				found := start(t, small(fs))
				at = mustMatch(t, found, rounds, least, most)
				if err := found.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// crashIn applies rounds from at on, takes a clone somewhere on the way into fs,
// and returns how many rounds the clone may hold.
func crashIn(t *testing.T, s *Store, rounds []round, at int, r *rand.Rand, fs **vfs.MemFS) (least, most int) {
	var begun, acknowledged atomic.Int64
	begun.Store(int64(at))
	acknowledged.Store(int64(at))
	stop := min(at+1+r.IntN(150), len(rounds))
	end := min(stop+20, len(rounds))
	done := make(chan error, 1)
	go func() {
		var err error
		for i := at; i < end && err == nil; i++ {
			begun.Add(1)
			if err = s.Apply(rounds[i].batches); err == nil {
				acknowledged.Add(1)
			}
		}
		done <- err
	}()
	for acknowledged.Load() < int64(stop) && len(done) == 0 {
		runtime.Gosched()
	}
	least = int(acknowledged.Load())
	clone := (*fs).CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50 * r.IntN(3), RNG: r})
	most = int(begun.Load())
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	*fs = clone
	return least, most
}

// mustMatch returns how many rounds the store holds.
func mustMatch(t *testing.T, s *Store, rounds []round, least, most int) int {
	t.Helper()
	got := holding(t, s)
	for n := least; n <= most; n++ {
		want := model{}
		if n > 0 {
			want = rounds[n-1].after
		}
		if maps.Equal(got, want) {
			return n
		}
	}
	t.Fatalf("round %q with %d records is none of the rounds %d to %d", got[modelKey(0, 's', "round")], len(got), least, most)
	return 0
}

// TestACrashAtTheStart: a store that was only just made has its key, or is made anew.
func TestACrashAtTheStart(t *testing.T) {
	fs := vfs.NewCrashableMem()
	s := opened(t, small(fs))
	again := opened(t, small(fs.CrashClone(vfs.CrashCloneCfg{})))
	if again.Key() != s.Key() || again.Shards() != s.Shards() {
		t.Error("another key after a crash behind Open")
	}
}
