package store

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"dormouse/codec/ids"
)

// Store is the open data of a node. Its methods may be called concurrently.
type Store struct {
	db      *pebble.DB
	lock    *pebble.Lock
	guard   *guard
	space   *meter
	ballast *ballast
	gate    gate
	shards  ids.Shards
	key     ids.Key
	log     *slog.Logger
	events  Events

	commits, writes, refusals, stalls atomic.Int64

	failOnce sync.Once
	failure  error         // read after failed is closed
	failed   chan struct{} // closed by the first fatal error
	quit     chan struct{} // closed by Close: ends watch
	watched  chan struct{} // closed by watch at its end
}

// Open opens the data in o.Dir, or creates it. Errors: a sentence of what is
// wrong in o; ErrLocked, ErrShards, ErrVersion; those of the file system. Who
// opens must Close.
func Open(o Options) (*Store, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	s, err := open(o)
	if err != nil {
		return nil, fmt.Errorf("opening the store in %s: %w", o.Dir, err)
	}
	go s.watch(measureEvery)
	return s, nil
}

// measureEvery is the time between two looks at the disk.
const measureEvery = time.Second

func open(o Options) (*Store, error) {
	if err := makeDir(o.FS, o.Dir); err != nil {
		return nil, err
	}
	lock, err := pebble.LockDirectory(o.Dir, o.FS)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLocked, err)
	}
	s := newStore(o)
	s.lock = lock
	if err := s.openDB(o); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	s.space.measure()
	s.guard.armed.Store(true)
	return s, nil
}

// newStore puts the parts together, without Pebble.
func newStore(o Options) *Store {
	s := &Store{
		log: o.Logger, events: o.Events,
		failed: make(chan struct{}), quit: make(chan struct{}), watched: make(chan struct{}),
	}
	s.ballast = newBallast(o.FS, o.FS.PathJoin(o.Dir, "ballast"), o.BallastBytes)
	usage := func() (int64, bool) {
		u, err := o.FS.GetDiskUsage(o.Dir)
		if err != nil {
			return -1, false
		}
		return int64(min(u.AvailBytes, 1<<62)), true
	}
	s.space = newMeter(marks{o.LowSpace, o.FullSpace}, usage, s.ballast, s.spaceChanged)
	s.guard = &guard{FS: vfs.OnDiskFull(o.FS, s.space.exhaust), space: s.space, fatal: s.fail}
	return s
}

func (s *Store) openDB(o Options) error {
	p := o.pebble(s.guard, pebbleLogger{o.Logger, s.fail}, s.listener())
	p.Lock = s.lock
	db, err := pebble.Open(o.Dir, p)
	if err != nil {
		return err
	}
	r, err := openRecord(db, o.Shards, o.Create)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	s.db, s.shards, s.key = db, r.shards, r.key
	return nil
}

// makeDir makes a directory and its parents so that they survive a crash: each
// new one is synced in the one above it.
func makeDir(fs vfs.FS, dir string) error {
	if _, err := fs.Stat(dir); err == nil {
		return nil
	}
	parent := fs.PathDir(dir)
	if parent != dir {
		if err := makeDir(fs, parent); err != nil {
			return err
		}
	}
	if err := fs.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	d, err := fs.OpenDir(parent)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Key is the cluster's secret, made once with the data.
func (s *Store) Key() ids.Key { return s.key }

// Shards is the number of shards that the data was created with.
func (s *Store) Shards() ids.Shards { return s.shards }

// Close waits for the calls under way, then closes the data and lets go of the
// directory. Where a write still waits for room, or the store is frozen, it
// returns a *FatalError and leaves the files as after a crash: all that was
// acknowledged is there, and the directory is free when the process ends. A
// second Close returns nil at once.
func (s *Store) Close() error {
	idle := s.gate.shut()
	if idle == nil {
		return nil
	}
	close(s.quit)
	s.space.stop()
	done := make(chan error, 1)
	// Awaited below, but in a store that fails: there it stays with the process.
	go func() {
		<-idle
		done <- errors.Join(s.db.Close(), s.lock.Close())
	}()
	<-s.watched
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("closing the store: %w", err)
		}
		return nil
	case <-s.failed:
		return &FatalError{s.failure}
	}
}

// watch looks at the disk, off the path of writes.
func (s *Store) watch(every time.Duration) {
	defer close(s.watched)
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			s.space.measure()
		case <-s.quit:
			return
		}
	}
}

func (s *Store) spaceChanged(from, to Space, available int64) {
	s.log.Warn("store: space on the disk", "was", from.String(), "is", to.String(), "available", available)
	if s.events.SpaceChanged != nil {
		s.events.SpaceChanged(from, to, available)
	}
}

// broken is the fatal error, nil where there was none.
func (s *Store) broken() error {
	select {
	case <-s.failed:
		return s.failure
	default:
		return nil
	}
}

// fail is the end: it tells once and never returns, whoever calls it, so that
// Pebble cannot go on from a state that it does not understand. While the store
// closes nobody is told but the caller of Close.
func (s *Store) fail(err error) {
	s.failOnce.Do(func() {
		s.failure = err
		close(s.failed)
		select {
		case <-s.quit:
			return
		default:
		}
		s.log.Error("store: fatal", "err", err)
		if s.events.Fatal == nil {
			fmt.Fprintln(os.Stderr, "dormouse: the store cannot go on:", err)
			os.Exit(1)
		}
		s.events.Fatal(err)
	})
	select {}
}
