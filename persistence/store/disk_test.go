package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"dormouse/codec/wire"
)

const mib = 1 << 20

// crowded are options of a store on a disk of a few MiB.
func crowded(fs vfs.FS) Options {
	o := small(fs)
	o.LowSpace, o.FullSpace, o.BallastBytes = 16*mib, 8*mib, mib
	return o
}

// noise makes a batch of n records of 1 KiB that do not compress.
func noise(r *rand.Rand, round, n int) wire.ShardBatch {
	return in(1, func(b *wire.Batch) {
		value := make([]byte, 1024)
		for i := range n {
			for j := range value {
				value[j] = byte(r.Uint32())
			}
			b.Put('v', fmt.Appendf(nil, "%06d/%d", round, i), value)
		}
	})
}

// mustHave checks that the first record of each round is there.
func mustHave(t *testing.T, s *Store, rounds int) {
	t.Helper()
	for i := range rounds {
		if v := get(t, s, 1, 'v', fmt.Sprintf("%06d/0", i)); len(v) != 1024 {
			t.Fatalf("round %d of %d is lost: %d bytes", i, rounds, len(v))
		}
	}
}

func TestADiskThatFillsUpIsToldBeforeItIsFull(t *testing.T) {
	disk := newTinyDisk(vfs.NewCrashableMem(), 48*mib)
	var seen [3]atomic.Bool
	o := crowded(disk)
	o.Events.SpaceChanged = func(_, to Space, _ int64) { seen[to].Store(true) }
	o.Events.Fatal = func(err error) { t.Errorf("fatal: %v", err) }
	s := opened(t, o)
	r := rand.New(rand.NewPCG(1, 1))
	var err error
	rounds := 0
	for ; err == nil && rounds < 1000; rounds++ {
		s.space.measure() // this disk fills faster than any clock ticks
		err = s.Apply([]wire.ShardBatch{noise(r, rounds, 64)})
	}
	rounds--
	if !errors.Is(err, ErrFull) || !seen[Low].Load() || !seen[Full].Load() || s.Space() != Full {
		t.Fatalf("after %d rounds: %v, %v", rounds, err, s.Space())
	}
	if s.Metrics().Refusals != 1 || s.ballast.held() != mib {
		t.Errorf("%d refusals, a ballast of %d", s.Metrics().Refusals, s.ballast.held())
	}
	mustHave(t, s, rounds)
	// What only deletes passes, for that is how there is room again.
	apply(t, s, in(1, func(b *wire.Batch) { b.Delete('v', []byte("000000/1")); b.DeleteRange('v', []byte("x"), nil) }))
	if _, found, _ := s.Get(1, 'v', []byte("000000/1"), nil); found {
		t.Error("a deleted record is there")
	}
	disk.leave(100 * mib)
	s.space.measure()
	if s.Space() != OK {
		t.Errorf("%v with room again", s.Space())
	}
	apply(t, s, noise(r, rounds, 64))
	mustHave(t, s, rounds+1)
}

func TestADiskThatIsSuddenlyFullCostsTheBallast(t *testing.T) {
	disk := newTinyDisk(vfs.NewCrashableMem(), 100*mib)
	o := crowded(disk)
	o.LowSpace, o.FullSpace = -1, -1 // no warning
	o.Events.Fatal = func(err error) { t.Errorf("fatal: %v", err) }
	s := opened(t, o)
	r := rand.New(rand.NewPCG(2, 2))
	apply(t, s, noise(r, 0, 8))
	s.space.measure()
	if s.ballast.held() != mib {
		t.Fatalf("a ballast of %d", s.ballast.held())
	}
	disk.leave(3000)
	apply(t, s, noise(r, 1, 64))
	if s.ballast.held() != 0 || s.Space() != Full {
		t.Errorf("a ballast of %d, %v", s.ballast.held(), s.Space())
	}
	if err := s.Apply([]wire.ShardBatch{noise(r, 2, 1)}); !errors.Is(err, ErrFull) {
		t.Errorf("%v", err)
	}
	disk.leave(50 * mib)
	s.space.measure()
	if s.Space() != OK || s.ballast.held() != mib {
		t.Errorf("%v, a ballast of %d", s.Space(), s.ballast.held())
	}
	apply(t, s, noise(r, 2, 1))
	mustHave(t, s, 3)
}

func TestAWriteWaitsForRoomWhereThereIsNone(t *testing.T) {
	mem := vfs.NewCrashableMem()
	disk := newTinyDisk(mem, 100*mib)
	o := small(disk)
	o.Events.Fatal = func(err error) { t.Errorf("fatal: %v", err) }
	s := opened(t, o)
	r := rand.New(rand.NewPCG(3, 3))
	apply(t, s, noise(r, 0, 8))
	disk.leave(0)
	drain(disk.refused)
	done := make(chan error, 1)
	go func() { done <- s.Apply([]wire.ShardBatch{noise(r, 1, 8)}) }()
	for range 5 {
		<-disk.refused // written again after each measurement, and refused
	}
	select {
	case err := <-done:
		t.Fatalf("answered %v on a full disk", err)
	default:
	}
	mustHave(t, s, 1)
	if s.Space() != Full {
		t.Errorf("%v", s.Space())
	}
	crashed := opened(t, small(mem.CrashClone(vfs.CrashCloneCfg{})))
	mustHave(t, crashed, 1)
	if got := get(t, crashed, 1, 'v', "000001/0"); got != "-" {
		t.Error("a part of a batch is there after a crash")
	}
	disk.leave(50 * mib)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	mustHave(t, s, 2)
	mustHave(t, opened(t, small(mem.CrashClone(vfs.CrashCloneCfg{}))), 2)
}

func drain(c chan struct{}) {
	select {
	case <-c:
	default:
	}
}

func TestCloseOnAFullDiskEnds(t *testing.T) {
	mem := vfs.NewCrashableMem()
	disk := newTinyDisk(mem, 100*mib)
	o := small(disk)
	o.Events.Fatal = func(err error) { t.Errorf("told of %v while closing", err) }
	s := start(t, o)
	r := rand.New(rand.NewPCG(4, 4))
	apply(t, s, noise(r, 0, 8))
	disk.leave(0)
	drain(disk.refused)
	go func() { _ = s.Apply([]wire.ShardBatch{noise(r, 1, 8)}) }()
	<-disk.refused
	var fatal *FatalError
	if err := s.Close(); !errors.As(err, &fatal) || !fatal.Fatal() || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%v", err)
	}
	mustHave(t, opened(t, small(mem.CrashClone(vfs.CrashCloneCfg{}))), 1)
}

// faulty is a store whose disk fails where hits says so, once it is switched on.
func faulty(t *testing.T, hits func(errorfs.Op) error) (s *Store, mem *vfs.MemFS, fault *errorfs.Toggle, fatal chan error) {
	mem, fatal = vfs.NewCrashableMem(), make(chan error, 10)
	fault = &errorfs.Toggle{Injector: errorfs.InjectorFunc(hits)}
	o := small(faultyFS{mem, fault})
	o.Events.Fatal = func(err error) { fatal <- err }
	return start(t, o), mem, fault, fatal
}

func TestWhatPebbleCannotSurviveIsToldAndFrozen(t *testing.T) {
	for _, tc := range []struct {
		name, file string
		kind       errorfs.OpKind
		err        error
	}{
		{"sync of the log", ".log", errorfs.OpFileSyncData, syscall.EIO},
		{"sync of the log without room", ".log", errorfs.OpFileSyncData, syscall.ENOSPC},
		{"write of the log", ".log", errorfs.OpFileWrite, syscall.EIO},
		{"closing of the log", ".log", errorfs.OpFileClose, syscall.EIO},
		{"making of a log", ".log", errorfs.OpCreate, syscall.EIO},
		{"reuse of a log", ".log", errorfs.OpReuseForWrite, syscall.EIO},
		{"write of the manifest", "MANIFEST", errorfs.OpFileWrite, syscall.EIO},
		{"sync of the manifest", "MANIFEST", errorfs.OpFileSync, syscall.EIO},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, mem, fault, fatal := faulty(t, func(op errorfs.Op) error {
				if op.Kind == tc.kind && strings.Contains(op.Path, tc.file) {
					return tc.err
				}
				return nil
			})
			r := rand.New(rand.NewPCG(5, 5))
			before := 20 // some logs are full by then, and used again
			if tc.kind == errorfs.OpCreate {
				before = 1
			}
			for i := range before {
				apply(t, s, noise(r, i, 64))
			}
			fault.On()
			var acknowledged atomic.Int64
			acknowledged.Store(int64(before))
			go func() {
				r := rand.New(rand.NewPCG(7, 7))
				for i := before; s.Apply([]wire.ShardBatch{noise(r, i, 64)}) == nil; i++ {
					acknowledged.Add(1)
					if i == 1000 {
						fatal <- errors.New("nobody met the fault")
					}
				}
			}()
			err := <-fatal
			if !errors.Is(err, tc.err) || !strings.Contains(err.Error(), "ing ") {
				t.Errorf("told %v", err)
			}
			var broken *FatalError
			if err := s.Apply([]wire.ShardBatch{noise(r, 9999, 1)}); !errors.As(err, &broken) || !errors.Is(err, tc.err) {
				t.Errorf("a write to a frozen store: %v", err)
			}
			mustHave(t, s, before)
			if err := s.Close(); !errors.As(err, &broken) {
				t.Errorf("closing: %v", err)
			}
			promised := int(acknowledged.Load())
			mustHave(t, opened(t, small(mem.CrashClone(vfs.CrashCloneCfg{}))), promised)
			if len(fatal) != 0 {
				t.Errorf("told again: %v", <-fatal)
			}
		})
	}
}

// TestFullDiskElsewhereIsSurvived lets each kind of operation find no room a
// few times, under load, and nothing is lost and nobody is told of an end.
func TestFullDiskElsewhereIsSurvived(t *testing.T) {
	for _, tc := range []struct {
		name, file string
		kind       errorfs.OpKind
	}{
		{"making of a log", ".log", errorfs.OpCreate},
		{"reuse of a log", ".log", errorfs.OpReuseForWrite},
		{"write of a log", ".log", errorfs.OpFileWrite},
		{"write of the manifest", "MANIFEST", errorfs.OpFileWrite},
		{"making of a table", ".sst", errorfs.OpCreate},
		{"write of a table", ".sst", errorfs.OpFileWrite},
		{"sync of a table", ".sst", errorfs.OpFileSyncData},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var left atomic.Int64
			left.Store(7)
			s, mem, fault, fatal := faulty(t, func(op errorfs.Op) error {
				if op.Kind == tc.kind && strings.Contains(op.Path, tc.file) && left.Add(-1) >= 0 {
					return syscall.ENOSPC
				}
				return nil
			})
			r := rand.New(rand.NewPCG(6, 6))
			fault.On()
			rounds := 0
			for ; rounds < 60 || left.Load() > 0 && rounds < 600; rounds++ {
				err := s.Apply([]wire.ShardBatch{noise(r, rounds, 64)})
				for errors.Is(err, ErrFull) {
					s.space.measure()
					err = s.Apply([]wire.ShardBatch{noise(r, rounds, 64)})
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if left.Load() > 0 {
				t.Fatalf("only %d of 7 faults were met", 7-left.Load())
			}
			mustHave(t, s, rounds)
			mustHave(t, opened(t, small(mem.CrashClone(vfs.CrashCloneCfg{}))), rounds)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if len(fatal) != 0 {
				t.Errorf("fatal: %v", <-fatal)
			}
		})
	}
}
