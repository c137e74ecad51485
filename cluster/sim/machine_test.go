package sim

import (
	"context"
	"iter"
	"slices"

	"dormouse/cluster/shards"
	"dormouse/cluster/sim/disk"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// machine is a node through all its lives.
type machine struct {
	w      *world
	id     ids.Node
	disk   *disk.Disk
	life   *life // nil: it is down
	paused bool
	held   []func() // frames that came while it was paused

	// ahead is up to which entry the state may be ahead of what the replica
	// takes for applied: after a crash it applies entries again.
	ahead map[ids.Shard]uint64
}

// life is one run of the node's process.
type life struct {
	m      *machine
	w      *world
	engine *shards.Engine
	disk   *disk.Disk
	dead   bool
	due    bool // a turn is planned
	fuse   int  // points until it crashes; 0: it does not
	jobs   []*job
	job    *job // that is running
	owners map[ids.Shard]*owner
	seen   map[ids.Shard]uint64 // applied
	states int64                // installed
	period int64                // of its ticks
}

func (w *world) machine(id ids.Node) *machine { return w.machines[id-1] }

// start begins a life.
func (m *machine) start(found bool) {
	w := m.w
	l := &life{
		m: m, w: w, disk: m.disk, owners: map[ids.Shard]*owner{}, seen: map[ids.Shard]uint64{},
		period: w.between(tick*9/10, tick*11/10),
	}
	m.life = l
	if !w.quiet && !found && w.profile.crash && w.chance(10) {
		l.fuse = 1 + w.r.IntN(10)
	}
	w.note("start", nil, uint64(m.id))
	p := &w.profile
	e, err := shards.Open(shards.Options{
		Self: m.id, Shards: p.shards, Found: found, Storage: storage{l}, Send: l.send, Fetch: l.fetch, Go: l.beside, Others: w.everybody,
		Events:   shards.Events{Led: l.led, Yielded: l.yielded, Fatal: l.fatal},
		LogBytes: p.logBytes, PartBytes: p.partBytes, EntryBytes: p.entryBytes, MaxPending: p.maxPending,
		FetchBytes: -1, Linger: -1, Log: w.log(m.id),
	})
	l.engine = e
	switch {
	case l.dead:
		return
	case err != nil:
		w.fail("node %d does not start: %w", m.id, err)
		return
	}
	if !e.Begin() {
		l.ended()
		return
	}
	l.look()
	w.after(w.between(0, l.period), l.tick)
}

func (l *life) ended() {
	if !l.dead {
		l.w.fail("the engine of node %d has ended", l.m.id)
	}
}

func (l *life) fatal(err error) {
	if !l.dead {
		l.w.fail("node %d: %w", l.m.id, err)
	}
}

func (l *life) tick() {
	if l.dead {
		return
	}
	l.w.after(l.period, l.tick)
	if !l.m.paused {
		l.turn(1)
	}
}

// wake plans a turn, as what comes into the inbox does.
func (l *life) wake() {
	if l.due || l.dead {
		return
	}
	l.due = true
	l.w.after(l.w.between(0, millisecond), func() {
		l.due = false
		if l.dead {
			return
		}
		if l.m.paused {
			l.m.held = append(l.m.held, l.wake)
			return
		}
		l.turn(0)
	})
}

func (l *life) turn(ticks int) {
	l.w.note("turn", nil, uint64(l.m.id), uint64(ticks))
	if _, open := l.engine.Turn(ticks); !open {
		l.ended()
	}
	if !l.dead {
		l.look()
	}
}

// point is where a crash may come: before and after all that the disk or others
// see. false: it has.
func (l *life) point() bool {
	if l.fuse > 0 {
		if l.fuse--; l.fuse == 0 {
			l.die()
		}
	}
	return !l.dead
}

// die ends a life in the midst of what it does: from here on nobody sees
// anything of it.
func (l *life) die() {
	if l.dead {
		return
	}
	l.dead = true
	l.w.dying = append(l.w.dying, l)
}

// end stops what runs beside the engine.
func (l *life) end() {
	l.dead = true
	for _, j := range l.jobs {
		j.stop()
	}
}

// bury does what a crash does to the disk.
func (w *world) bury() {
	for _, l := range w.dying {
		l.end()
		m := l.m
		unsynced := m.disk.Unsynced()
		keep := unsynced // the process alone was killed
		if !w.chance(3) {
			keep = w.r.IntN(unsynced + 1)
		}
		for _, s := range w.shards() {
			m.ahead[s] = max(m.ahead[s], l.seen[s], lastEntry(m.disk, s))
		}
		m.disk, m.life, m.paused, m.held = m.disk.Crash(keep), nil, false, nil
		for _, s := range w.shards() { // what was cut off the log may be there again
			m.ahead[s] = max(m.ahead[s], lastEntry(m.disk, s))
		}
		w.note("crash", nil, uint64(m.id), uint64(keep), uint64(unsynced))
		w.stats.crashes++
		down := w.about(second)
		if w.quiet {
			down = 0
		}
		w.after(down, m.restart)
	}
	w.dying = w.dying[:0]
}

func (m *machine) restart() {
	if m.life == nil {
		m.start(false)
	}
}

func (m *machine) receive(from ids.Node, frame []byte) {
	if m.life == nil {
		return
	}
	if m.paused {
		m.held = append(m.held, func() { m.receive(from, frame) })
		return
	}
	m.w.note("frame", frame, uint64(from), uint64(m.id))
	if err := m.life.engine.Receive(from, frame); err != nil {
		m.w.fail("node %d: %w", m.id, err)
	}
	m.life.wake()
}

func (m *machine) pause() { m.paused = m.life != nil }

func (m *machine) goOn() {
	if !m.paused {
		return
	}
	m.paused = false
	held := m.held
	m.held = nil
	for _, f := range held {
		f()
	}
}

func (l *life) send(to ids.Node, frame []byte) {
	if l.point() {
		l.w.net.send(l.m.id, to, frame)
	}
	l.point()
}

// storage is the disk as a life sees it.
type storage struct{ l *life }

func (s storage) Refuses(shard ids.Shard, b *wire.Batch) error { return s.l.disk.Refuses(shard, b) }

func (s storage) Commit(batches []wire.ShardBatch, sync bool) error {
	if j := s.l.job; j != nil {
		j.pause()
		if w := s.l.w; w.profile.points && !w.quiet && w.chance(20) { // these writes are few
			s.l.die()
		}
	}
	if !s.l.point() {
		return errDead
	}
	if err := s.l.disk.Commit(batches, sync); err != nil {
		return err
	}
	if !s.l.point() {
		return errDead
	}
	return nil
}

func (s storage) Get(shard ids.Shard, class wire.Class, key, dst []byte) ([]byte, bool, error) {
	return s.l.disk.Get(shard, class, key, dst)
}

func (s storage) Scan(shard ids.Shard, class wire.Class, from, to []byte, reverse bool, f func(key, value []byte) bool) error {
	return s.l.disk.Scan(shard, class, from, to, reverse, f)
}

func (s storage) Moment() (shards.Moment, error) { return s.l.disk.Moment() }

// job is what runs beside the engine: it gives way at each write and at each
// question to another node.
type job struct {
	l     *life
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool
	waits bool // for an answer
}

func (l *life) beside(f func()) {
	j := &job{l: l}
	j.next, j.stop = iter.Pull(func(yield func(struct{}) bool) {
		j.yield = yield
		f()
	})
	l.jobs = append(l.jobs, j)
	l.w.after(l.w.about(millisecond), j.run)
}

func (j *job) run() {
	l := j.l
	switch {
	case l.dead:
		return
	case l.m.paused:
		l.m.held = append(l.m.held, j.run)
		return
	}
	l.job = j
	_, more := j.next()
	l.job = nil
	l.wake() // it may have called the engine
	if !more {
		l.jobs = slices.DeleteFunc(l.jobs, func(o *job) bool { return o == j })
	} else if !j.waits {
		l.w.after(l.w.about(2*millisecond), j.run)
	}
}

func (j *job) pause() bool { return j.yield(struct{}{}) }

// fetch implements shards.Options.Fetch: called in a job.
func (l *life) fetch(_ context.Context, from ids.Node, request []byte) (answer []byte, err error) {
	j := l.job
	if !l.point() {
		return nil, errDead
	}
	asked := true
	j.waits = true
	l.w.net.ask(l.m.id, from, request, func(a []byte, e error) {
		if asked {
			asked, j.waits = false, false
			answer, err = a, e
			j.run()
		}
	})
	if !j.pause() || l.dead {
		return nil, errDead
	}
	l.w.stats.parts++
	return answer, err
}

// everybody is all machines, there or not.
func (w *world) everybody() (list []ids.Node) {
	for i := range w.machines {
		list = append(list, ids.Node(i+1))
	}
	return list
}
