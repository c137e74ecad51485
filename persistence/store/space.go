package store

import (
	"sync"
	"sync/atomic"
)

// Space says how much room the disk has for the store.
type Space uint8

const (
	OK   Space = iota // more than LowSpace
	Low               // below LowSpace: somebody should be told
	Full              // below FullSpace, or a write was refused: accept nothing new
)

func (s Space) String() string {
	return [...]string{"ok", "low", "full"}[s]
}

// Space is the state of the last measurement (once a second), or Full since a
// write that found no room. It costs one atomic load. A store that is Full
// still applies what is proposed, until half of FullSpace is left, and then what
// only deletes: who accepts nothing new in time keeps room to finish what was begun.
func (s *Store) Space() Space { return s.space.current() }

// marks are the watermarks in bytes available.
type marks struct{ low, full int64 }

// next is the state after a measurement. A state is left for a better one only
// an eighth above its mark, so that it does not flutter.
func (m marks) next(was Space, available int64) Space {
	full, low := m.full, m.low
	if was == Full {
		full += full / 8
	}
	if was >= Low {
		low += low / 8
	}
	switch {
	case available < full:
		return Full
	case available < low:
		return Low
	}
	return OK
}

// SetSpace changes Options.LowSpace and FullSpace, which have their defaults there,
// too. The next measurement, within a second, goes by them.
func (s *Store) SetSpace(low, full int64) error {
	o := Options{LowSpace: low, FullSpace: full}
	o.watermarks()
	if err := o.checkWatermarks(); err != nil {
		return err
	}
	s.space.mu.Lock()
	defer s.space.mu.Unlock()
	s.space.marks = marks{o.LowSpace, o.FullSpace}
	return nil
}

// reserve is what is left to Pebble's flushes and compactions.
func (m marks) reserve() int64 { return m.full / 2 }

// meter knows the state of the disk: measured by measure, told by exhaust.
//
//	exhaust: a write found no room. The ballast is removed; Full.
//	measure: where the marks allow it and the ballast can be put back, that is
//	         over. The ballast is the proof: usage figures know nothing of
//	         quotas, inodes and reserved blocks.
type meter struct {
	marks   // guarded by mu
	usage   func() (available int64, known bool)
	ballast *ballast
	changed func(from, to Space, available int64)

	state     atomic.Uint32 // a Space
	refuse    atomic.Bool
	available atomic.Int64

	mu        sync.Mutex // guards all below; the ballast is filled and freed under it
	exhausted bool
	stopped   bool
	measured  chan struct{} // closed by the next measurement and by stop
}

func newMeter(m marks, usage func() (int64, bool), b *ballast, changed func(from, to Space, available int64)) *meter {
	return &meter{marks: m, usage: usage, ballast: b, changed: changed, measured: make(chan struct{})}
}

func (m *meter) current() Space { return Space(m.state.Load()) }

func (m *meter) refuses() bool { return m.refuse.Load() }

// measure asks the file system and sets the state.
func (m *meter) measure() {
	m.mu.Lock()
	available, known := m.usage()
	available = m.restoreLocked(available, known)
	next := OK
	switch {
	case m.exhausted:
		next = Full
	case known:
		next = m.next(m.current(), available)
	}
	m.refuse.Store(m.exhausted || known && available < m.reserve())
	tell := m.becomeLocked(next, available)
	if !m.stopped {
		close(m.measured)
		m.measured = make(chan struct{})
	}
	m.mu.Unlock()
	tell()
}

// restoreLocked puts the ballast back where there is room for it, which ends
// exhaustion, and returns what is available then.
func (m *meter) restoreLocked(available int64, known bool) int64 {
	if !m.exhausted && (m.ballast.held() > 0 || !known) {
		return available
	}
	need := m.low
	if m.exhausted {
		need = m.full + m.full/8
	}
	if known && available < need+m.ballast.size {
		return available
	}
	if m.ballast.fill() != nil {
		return available
	}
	m.exhausted = false
	return available - m.ballast.held()
}

// exhaust is called when a write found no room, by the goroutine of the write
// and with all other writes held back.
func (m *meter) exhaust() {
	m.mu.Lock()
	m.exhausted = true
	m.refuse.Store(true)
	m.ballast.free()
	tell := m.becomeLocked(Full, m.available.Load())
	m.mu.Unlock()
	tell()
}

// becomeLocked sets the state and returns the call that tells of it, to be made
// without the lock.
func (m *meter) becomeLocked(next Space, available int64) func() {
	was := m.current()
	m.state.Store(uint32(next))
	m.available.Store(available)
	if was == next || m.changed == nil {
		return func() {}
	}
	return func() { m.changed(was, next, available) }
}

// wait returns after the next measurement, false where there will be none.
func (m *meter) wait() bool {
	m.mu.Lock()
	measured, stopped := m.measured, m.stopped
	m.mu.Unlock()
	if stopped {
		return false
	}
	<-measured
	return true
}

// pause is wait while the disk has no room, for work that will be repeated.
func (m *meter) pause() {
	if m.spent() {
		m.wait()
	}
}

// spent reports whether a write found no room and nothing shows yet that the
// next would.
func (m *meter) spent() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.exhausted
}

// stop ends all waiting.
func (m *meter) stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.stopped {
		m.stopped = true
		close(m.measured)
	}
}
