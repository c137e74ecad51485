package shell

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// mark is the one that is stored of a shard, zero for none.
func (r *rig) mark(shard ids.Shard) endpoint.Served {
	r.t.Helper()
	served, err := endpoint.ReadServed(r.desk, shard)
	if err != nil {
		r.t.Error(err)
	}
	return served
}

// proposed is how often something was proposed since the last call, and the most
// of it at the same moment.
func (r *rig) proposed() (all, most int) {
	r.desk.mu.Lock()
	defer r.desk.mu.Unlock()
	for _, n := range r.desk.moments {
		all, most = all+n, max(most, n)
	}
	clear(r.desk.moments)
	return all, most
}

// marked runs f with marks as a node has them; everything is committed at once.
func marked(t *testing.T, f func(r *rig)) {
	t.Helper()
	in(t, Options{MarkEvery: 10 * time.Second, Loops: 1}, func(r *rig) {
		r.automatic()
		f(r)
	})
}

func TestAShardWithoutDevicesWritesNoMark(t *testing.T) {
	marked(t, func(r *rig) {
		turn := r.turnOf(3)
		pass(time.Hour)
		turn.want(t, nil)
		if n, _ := r.proposed(); n != 1 || !r.mark(3).Until.IsZero() {
			t.Errorf("%d proposals, mark %v", n, r.mark(3))
		}
	})
}

// TestMarksOfAnIdleShard: the first comes with the first device.
func TestMarksOfAnIdleShard(t *testing.T) {
	marked(t, func(r *rig) {
		a := device(1)
		pass(1234567 * time.Microsecond)
		r.tell(ToEndpoint(a), "w")
		if n, _ := r.proposed(); n != 1 {
			t.Errorf("%d proposals for the first device", n)
		}
		for range 600 {
			if age := time.Since(r.mark(r.shardOf(a)).Until); age > 10*time.Second {
				t.Fatalf("the mark is %s old", age)
			}
			pass(100 * time.Millisecond)
		}
		if n, _ := r.proposed(); n < 6 || n > 8 {
			t.Errorf("%d marks in a minute", n)
		}
		if served := r.mark(r.shardOf(a)); len(served.Outages) != 0 {
			t.Errorf("%+v", served)
		}
	})
}

// TestMarksGoAlong: a shard that writes anyway has no proposals for marks, and does
// not have one in each.
func TestMarksGoAlong(t *testing.T) {
	marked(t, func(r *rig) {
		a, marks := device(1), map[time.Time]bool{}
		for range 60 {
			r.tell(ToEndpoint(a), "w")
			at := r.mark(r.shardOf(a)).Until
			if age := time.Since(at); age > 10*time.Second {
				t.Fatalf("the mark is %s old", age)
			}
			marks[at] = true
			pass(time.Second)
		}
		if n, _ := r.proposed(); n != 60 || len(marks) != 12 {
			t.Errorf("%d proposals, %d marks", n, len(marks))
		}
	})
}

// TestMarksAreSpread: shards that are led from the same moment on do not write at
// the same.
func TestMarksAreSpread(t *testing.T) {
	marked(t, func(r *rig) {
		used := map[ids.Shard]bool{}
		for n := 1; len(used) < 8; n++ {
			r.tell(ToEndpoint(device(n)), "w")
			used[r.shardOf(device(n))] = true
		}
		for shard := range used {
			r.yield(shard)
		}
		r.proposed()
		leadAll(t, r.shell)
		pass(10 * time.Second)
		if all, most := r.proposed(); all != 8 || most != 1 {
			t.Errorf("%d marks, %d at a time", all, most)
		}
		r.wantEvents()
	})
}

func TestALeaderFindsTheOutage(t *testing.T) {
	marked(t, func(r *rig) {
		a := device(1)
		shard := r.shardOf(a)
		r.tell(ToEndpoint(a), "w")
		first := r.mark(shard).Until
		r.yield(shard)
		r.wantEvents()
		pass(14 * time.Second)
		r.lead(shard) // as after a failover
		r.wantEvents()
		pass(10 * time.Second)
		second := r.mark(shard).Until
		if !second.After(first) || len(r.mark(shard).Outages) != 0 {
			t.Errorf("%+v", r.mark(shard))
		}
		r.yield(shard)
		pass(48 * time.Hour)
		// A leader that fails before it has stored a mark does not hide it.
		for range 2 {
			r.lead(shard)
			r.wantEvents(fmt.Sprint(shard, " unserved for ", wholeMs(time.Since(second))))
			r.yield(shard)
			pass(time.Hour)
		}
		r.lead(shard)
		end := time.Now()
		r.wantEvents(fmt.Sprint(shard, " unserved for ", wholeMs(end.Sub(second))))
		pass(30 * time.Second)
		served := r.mark(shard)
		if want := (endpoint.Outages{{Begin: second, End: time.UnixMilli(end.UnixMilli())}}); !slices.EqualFunc(served.Outages, want, same) {
			t.Errorf("%+v, want %v", served, want)
		}
		r.wantEvents()
	})
}

func wholeMs(d time.Duration) time.Duration { return d.Truncate(time.Millisecond) }

func same(a, b endpoint.Outage) bool { return a.Begin.Equal(b.Begin) && a.End.Equal(b.End) }

// TestWhatCannotBeCommittedIsAnOutage: as long as commits fail the devices are not
// served; and while a commit takes long, there is no second mark.
func TestWhatCannotBeCommittedIsAnOutage(t *testing.T) {
	in(t, Options{MarkEvery: 10 * time.Second, Loops: 1}, func(r *rig) {
		a := device(1)
		shard := r.shardOf(a)
		r.tell(ToEndpoint(a), "w")
		r.commit(nil)
		begin := r.mark(shard).Until
		for range 30 {
			pass(time.Second)
			r.commit(errDisk)
			r.events = nil
		}
		pass(10 * time.Second)
		if !r.mark(shard).Until.Equal(begin) {
			t.Errorf("%+v", r.mark(shard))
		}
		r.commit(nil)
		served := r.mark(shard)
		if want := (endpoint.Outages{{Begin: begin, End: served.Until}}); !slices.EqualFunc(served.Outages, want, same) {
			t.Errorf("%+v, want %v", served, want)
		}
		r.wantEvents(fmt.Sprint(shard, " unserved for ", served.Until.Sub(begin)))
		r.proposed()
		pass(time.Minute)
		if all, _ := r.proposed(); all != 1 {
			t.Errorf("%d marks under way", all)
		}
	})
}

// TestAnOutageIsKnownBeforeTimersFire: the node stood still, and goes on.
func TestAnOutageIsKnownBeforeTimersFire(t *testing.T) {
	withTimers(t, Options{MarkEvery: 10 * time.Second}, func(r *rig, c *clocks) {
		r.automatic()
		a := device(1)
		s := r.shell.loops[0].shards[r.shardOf(a)]
		known := 0
		r.onDeadline = func() { known = len(s.Served.Outages) }
		r.tell(ToEndpoint(a), "d60")
		r.tell(ToEndpoint(a), "w")
		pass(30 * time.Second)
		release := r.hold()
		pass(time.Minute)
		release()
		pass(time.Second)
		if known != 1 {
			t.Errorf("%d outages were known to the timer", known)
		}
		if got := r.mark(r.shardOf(a)).Outages; len(got) != 1 || got[0].End.Sub(got[0].Begin) < time.Minute {
			t.Errorf("%v", got)
		}
	})
}

// TestAMarkThatCannotBeRead: the shard stays closed rather than to forget its
// outages.
func TestAMarkThatCannotBeRead(t *testing.T) {
	marked(t, func(r *rig) {
		a := device(1)
		r.tell(ToEndpoint(a), "w")
		r.yield(r.shardOf(a))
		r.desk.mu.Lock()
		r.desk.records[recordKey(r.shardOf(a), wire.ClassMeta, endpoint.ServedKey)] = []byte{1}
		r.desk.mu.Unlock()
		var err error
		r.shell.Lead(r.shardOf(a), func(e error) { err = e })
		pass(0)
		if err == nil || r.shell.Leads(r.shardOf(a)) {
			t.Errorf("led: %v", err)
		}
	})
}
