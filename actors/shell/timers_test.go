package shell

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// clocks is the Timers of all shards over the desk: it gives each stored timer
// once.
type clocks struct {
	desk    *desk
	mu      sync.Mutex
	given   map[string]bool
	handled []ids.Endpoint
	armed   int
	asked   int
	largest int
	broken  error
}

type clockOfShard struct {
	*clocks
	shard ids.Shard
}

func (c clockOfShard) Due(now time.Time, limit int) (due []Due, next time.Time, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	if c.broken != nil {
		return nil, time.Time{}, c.broken
	}
	err = c.desk.Scan(c.shard, wire.ClassTimer, nil, nil, false, func(key, _ []byte) bool {
		at, id, err := wire.ParseTimerKey(key)
		if err != nil {
			panic(err)
		}
		switch {
		case c.given[string(key)]:
		case at.After(now) || len(due) == limit:
			next = at
			return false
		default:
			c.given[string(key)] = true
			due = append(due, Due{at, id})
		}
		return true
	})
	c.largest = max(c.largest, len(due))
	return due, next, err
}

func (c clockOfShard) Armed(Due) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.armed++
	return false
}

func (c clockOfShard) Handled(d Due) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.handled = append(c.handled, d.Endpoint)
}

func (c clockOfShard) Cleanup(now time.Time) (from, to []byte) {
	if len(c.done()) == 0 {
		return nil, nil
	}
	return []byte{}, wire.TimerKey(now.Add(-time.Minute), 0)
}

func (c *clocks) done() []ids.Endpoint {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.handled)
}

// withTimers runs f in a bubble.
func withTimers(t *testing.T, o Options, f func(r *rig, c *clocks)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &clocks{given: make(map[string]bool)}
		o.Loops = 1
		o.Timers = func(shard ids.Shard) Timers { return clockOfShard{c, shard} }
		r := newRig(t, o)
		c.desk = r.desk
		r.start()
		defer r.close()
		f(r, c)
	})
}

func TestADurableTimerWakesItsEndpoint(t *testing.T) {
	withTimers(t, Options{}, func(r *rig, c *clocks) {
		a := device(1)
		r.tell(ToEndpoint(a), "d60")
		r.commit(nil)
		if c.armed != 1 {
			t.Errorf("%d timers armed", c.armed)
		}
		pass(59 * time.Second)
		r.awake(0)
		r.wantSent()
		pass(time.Second)
		r.wantSent()
		if len(c.done()) != 0 {
			t.Error("handled before the commit")
		}
		r.commit(nil)
		r.wantSent(said("wrote", 1, a))
		if !slices.Equal(c.done(), []ids.Endpoint{a}) {
			t.Errorf("handled %x", c.done())
		}
		pass(time.Hour)
		r.wantSent()
		if s := r.shell.Stats(); s.TimersFired != 1 {
			t.Errorf("%+v", s)
		}
		// The hour is over: its record is deleted.
		r.automatic()
		if n := len(r.timers()); n != 0 {
			t.Errorf("%d timers stored", n)
		}
	})
}

func TestATimerWhoseCommitFailsComesAgain(t *testing.T) {
	withTimers(t, Options{}, func(r *rig, c *clocks) {
		a := device(1)
		r.tell(ToEndpoint(a), "d5")
		r.commit(nil)
		pass(5 * time.Second)
		r.commit(errDisk)
		pass(9 * time.Second)
		if n := len(r.desk.shards()); n != 0 || len(c.done()) != 0 {
			t.Errorf("%d proposals, handled %x", n, c.done())
		}
		pass(time.Second)
		r.commit(nil)
		r.wantSent(said("wrote", 1, a))
		if len(c.done()) != 1 {
			t.Errorf("handled %x", c.done())
		}
	})
}

func TestATimerWhoseEndpointFailsComesAgain(t *testing.T) {
	withTimers(t, Options{}, func(r *rig, c *clocks) {
		a, b := device(1), device(2)
		r.automatic()
		r.tell(ToEndpoint(a), "d20")
		r.tell(ToEndpoint(b), "d20")
		pass(15 * time.Second)
		r.curse(r.poison, a, true)
		r.curse(r.panicOnDeadline, b, true)
		pass(6 * time.Second)
		if s := r.shell.Stats(); s.TimersFired != 2 || s.Panics != 2 || len(c.done()) != 0 {
			t.Errorf("%+v", s)
		}
		r.curse(r.poison, a, false)
		r.curse(r.panicOnDeadline, b, false)
		pass(10 * time.Second)
		slices.Sort(r.sent)
		r.wantSent(said("wrote", 1, b), said("wrote", 1, a))
		for _, l := range r.shell.loops {
			for _, s := range l.led {
				if s.firing != 0 || len(s.retry) != 0 {
					t.Errorf("shard %d: %d firing, %d to retry", s.ID, s.firing, len(s.retry))
				}
			}
		}
	})
}

func TestAMassExpiryIsPaced(t *testing.T) {
	const many = 3000
	withTimers(t, Options{}, func(r *rig, c *clocks) {
		base := device(1)
		r.desk.mu.Lock()
		at := time.Now().Add(10 * time.Second)
		for i := range ids.Endpoint(many) {
			r.desk.records[recordKey(r.shell.options.Env.Shards.Of(base), wire.ClassTimer, wire.TimerKey(at, base+i))] = nil
		}
		r.desk.mu.Unlock()
		pass(11 * time.Second)
		// Nothing is committed: not more than the bound is under way, and
		// others are served.
		if s := r.shell.Stats(); s.TimersFired != maxFiring {
			t.Errorf("%d fired", s.TimersFired)
		}
		r.tell(ToEndpoint(device(2)), "r")
		r.wantSent(said("read", 0, device(2)))
		r.automatic()
		pass(time.Second)
		if s := r.shell.Stats(); s.TimersFired != many || len(c.done()) != many {
			t.Errorf("%d fired, %d handled", s.TimersFired, len(c.done()))
		}
		if c.largest > maxFired {
			t.Errorf("%d in one turn", c.largest)
		}
	})
}

// withQueues is withTimers with a queue of its own for each leadership.
func withQueues(t *testing.T, f func(r *rig, queues map[ids.Shard][]*clocks)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var r *rig
		queues := make(map[ids.Shard][]*clocks)
		r = newRig(t, Options{Loops: 1, Timers: func(shard ids.Shard) Timers {
			c := &clocks{desk: r.desk, given: make(map[string]bool)}
			queues[shard] = append(queues[shard], c)
			return clockOfShard{c, shard}
		}})
		r.start()
		defer r.close()
		f(r, queues)
	})
}

// wantTimers wants the last queue alone to have seen the end of a's timer.
func (r *rig) wantTimers(queues []*clocks, leaderships int, a ids.Endpoint) {
	r.t.Helper()
	if len(queues) != leaderships {
		r.t.Fatalf("%d queues", len(queues))
	}
	for i, c := range queues {
		if done := c.done(); len(done) > 0 != (i == leaderships-1) {
			r.t.Errorf("queue %d: handled %x", i, done)
		}
	}
	if s := r.shell.loops[0].shards[r.shardOf(a)]; s.firing != 0 || len(s.retry) != 0 {
		r.t.Errorf("%d firing, %d to retry", s.firing, len(s.retry))
	}
	r.quiet()
}

// TestTimersStopAndStartAgain: a shard that is led again reads its timers anew, and
// what the old queue gave out is not told to the new one.
func TestTimersStopAndStartAgain(t *testing.T) {
	withQueues(t, func(r *rig, queues map[ids.Shard][]*clocks) {
		a := device(1)
		shard := r.shardOf(a)
		r.tell(ToEndpoint(a), "d60")
		r.commit(nil)
		pass(50 * time.Second)
		r.yield(shard)
		pass(time.Minute)
		if len(r.desk.shards()) != 0 {
			t.Error("a timer fired")
		}
		r.lead(shard)
		pass(time.Second)
		// Handed out once, to be tried again, then handed out and not handled.
		r.desk.commit(shard, errDisk)
		pass(10 * time.Second)
		r.yield(shard)
		r.lead(shard)
		r.desk.commit(shard, errDisk)
		pass(time.Second)
		r.wantSent()
		r.automatic()
		r.wantSent(said("wrote", 1, a))
		r.wantTimers(queues[shard], 3, a)
	})
}

// TestATimerWaitsOverTwoLeaderships: it waits for its cell, which is free in the
// very turn in which the shard is lost and led again.
func TestATimerWaitsOverTwoLeaderships(t *testing.T) {
	withQueues(t, func(r *rig, queues map[ids.Shard][]*clocks) {
		a := device(1)
		shard, port := r.shardOf(a), foreignPort(r, a)
		r.tell(ToEndpoint(a), "d5")
		r.commit(nil)
		r.tell(ToEndpoint(a), fmt.Sprint("w s", port))
		r.desk.commit(shard, errDisk)
		pass(5 * time.Second)
		release := r.hold()
		r.shell.Yield(r.signShard(port), func() {})
		r.shell.Yield(shard, func() {})
		r.lead2(shard)
		release()
		r.wantSent()
		pass(time.Second)
		r.desk.commit(shard, nil)
		synctest.Wait()
		r.wantSent(said("wrote", 1, a))
		r.wantTimers(queues[shard], 2, a)
	})
}

func TestTimersAreAskedOnceAStep(t *testing.T) {
	withTimers(t, Options{TimerStep: 2 * time.Second}, func(r *rig, c *clocks) {
		pass(time.Second)
		c.mu.Lock()
		c.asked, c.broken = 0, errDisk
		c.mu.Unlock()
		for range 100 {
			r.tell(ToEndpoint(device(1)), "r")
			pass(20 * time.Millisecond)
		}
		shards := int(r.shell.options.Env.Shards)
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.asked != shards {
			t.Errorf("asked %d times in 2 s", c.asked)
		}
		if want := slices.Repeat([]string{"timers"}, shards); !slices.Equal(r.events, want) {
			t.Errorf("events %q", r.events)
		}
		r.events = nil
	})
}

// A Deadline that someone posts is not one that the clockwork fired.
func TestAPostedDeadlineIsNoTimer(t *testing.T) {
	withTimers(t, Options{}, func(r *rig, c *clocks) {
		a := device(1)
		r.automatic()
		if err := r.shell.Post(a, endpoint.Deadline{At: 1}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		r.wantSent(said("wrote", 1, a))
		r.curse(r.poison, device(2), true)
		if err := r.shell.Post(device(2), endpoint.Deadline{At: 1}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if len(c.done()) != 0 {
			t.Errorf("handled %x", c.done())
		}
		for _, s := range r.shell.loops[0].led {
			if s.firing != 0 || len(s.retry) != 0 {
				t.Error(fmt.Sprint("shard ", s.ID, " counts it"))
			}
		}
	})
}

func (r *rig) timers() (keys []string) {
	for s := range ids.Shard(r.shell.options.Env.Shards) {
		_ = r.desk.Scan(s, wire.ClassTimer, nil, nil, false, func(key, _ []byte) bool {
			keys = append(keys, string(key))
			return true
		})
	}
	return keys
}
