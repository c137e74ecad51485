package shell

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// write is a turn.
func write(a *answers) turn {
	return func(_ time.Time, s *endpoint.Shard, fx *endpoint.Effects) {
		fx.Batch.Put(wire.ClassMeta, []byte{byte(s.ID)}, []byte("x"))
		fx.Replies = append(fx.Replies, a.add)
	}
}

// refused wants a shard that is not led to take nothing.
func (r *rig) refused(id ids.Endpoint) {
	r.t.Helper()
	before, shard := r.shell.Stats(), r.shardOf(id)
	if r.shell.Leads(shard) {
		r.t.Errorf("shard %d is led", shard)
	}
	r.submit(id, "r").want(r.t, endpoint.ErrElsewhere)
	r.turnOf(shard).want(r.t, endpoint.ErrElsewhere)
	if !r.tell(ToEndpoint(id), "r") || r.tell(ToEndpoint(id), "lost") {
		r.t.Error("Deliver does not say what Elsewhere did")
	}
	r.tell(ToHandle(ids.NewToken(id, 1)), "answer")
	r.wantForeign(fmt.Sprint(shard, " r"), fmt.Sprint(shard, " lost"), fmt.Sprint(shard, " answer"))
	after := r.shell.Stats()
	if after.Forwarded != before.Forwarded+2 || after.Dropped != before.Dropped+1 || after.Awake != before.Awake {
		r.t.Errorf("%+v, before %+v", after, before)
	}
}

func TestAShardIsServedWhileItIsLed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{})
		a := device(1)
		r.refused(a) // before Start
		r.shell.Start()
		defer r.close()
		r.refused(a)
		r.automatic()
		for n := range 3 {
			r.lead(r.shardOf(a))
			r.submit(a, "w")
			r.lead(r.shardOf(a)) // again: nothing changes
			r.awake(1)
			r.wantSent(said("wrote", n+1, a))
			r.refused(device(2))
			r.yield(r.shardOf(a))
			r.refused(a)
			r.yield(r.shardOf(a))
			r.awake(0)
			if _, found := r.shell.System().ProcessRegistry.GetLocal(CellName(a)); found {
				t.Error("the actor is still there")
			}
		}
		r.wantSent()
		r.shell.Lead(8, func(err error) {
			if err == nil {
				t.Error("there is no shard 8")
			}
		})
		r.shell.Yield(8, func() {})
	})
}

// TestGatesOfOtherShards: they are there, and lead nowhere.
func TestGatesOfOtherShards(t *testing.T) {
	in(t, Options{}, func(r *rig) {
		a, answer := device(1), new(answers)
		gate := r.shell.System().NewLocalPID(GateName(r.shardOf(a)))
		r.yield(r.shardOf(a))
		r.shell.System().Root.Send(gate, &Posted{a, &endpoint.Remove{Reply: answer.add}})
		answer.want(t, endpoint.ErrElsewhere)
		d := r.shell.Take()
		d.TakeSealed(wire.ReturnPath{}, []byte("records"))
		r.shell.System().Root.Send(gate, &Posted{a, d})
		r.wantForeign(fmt.Sprint(r.shardOf(a), " records"))
	})
}

// TestYieldDropsWhatIsInFlight: whatever becomes of the commits, nothing of the
// leadership is seen after it, and those who wait know.
func TestYieldDropsWhatIsInFlight(t *testing.T) {
	for _, fate := range []error{nil, errDisk} {
		in(t, Options{Loops: 1}, func(r *rig) {
			a, b := device(1), device(1)+1
			wrote := r.submit(a, "w")
			synctest.Wait()
			read, turn := r.submit(a, "r"), r.turnOf(r.shardOf(a))
			other := r.submit(device(2), "w")
			// b failed, and what comes for it waits.
			r.tell(ToEndpoint(b), "w")
			r.tell(ToEndpoint(b), "p")
			waits := r.submit(b, "r")
			r.tell(ToEndpoint(b), "waits")
			r.events = nil
			r.yield(r.shardOf(a))
			for _, answer := range []*answers{wrote, read, turn, waits} {
				answer.want(t, endpoint.ErrElsewhere)
			}
			r.wantForeign(fmt.Sprint(r.shardOf(a), " waits"))
			other.want(t)
			for r.desk.commit(r.shardOf(a), fate) {
				synctest.Wait()
			}
			r.wantSent()
			r.wantEvents() // a commit that nobody waits for fails in silence
			r.commit(nil)
			r.wantSent(said("wrote", 1, device(2)))
			other.want(t, nil)
			r.quiet()
			if len(r.shell.loops[0].spareProposals) == 0 {
				t.Error("no proposal is kept")
			}
		})
	}
}

// TestYieldIsDoneWhenAllIsAnswered: also by a turn of the loop in which commits come
// back and two shards are lost that wait for one another.
func TestYieldIsDoneWhenAllIsAnswered(t *testing.T) {
	in(t, Options{Loops: 1}, func(r *rig) {
		a := device(1)
		port := foreignPort(r, a)
		moved := r.submit(a, fmt.Sprint("s", port))
		synctest.Wait()
		release, before := r.hold(), -1
		r.desk.commit(r.signShard(port), nil)
		r.shell.Yield(r.shardOf(a), func() { before = len(r.sent) })
		release()
		moved.want(t, endpoint.ErrElsewhere)
		r.wantSent()
		if before != 0 {
			t.Errorf("%d sent when it was done", before)
		}
		r.lead(r.shardOf(a))
		moved, wrote := r.submit(a, fmt.Sprint("s", port)), r.submit(a, "w")
		synctest.Wait()
		r.desk.commit(r.shardOf(a), nil)
		release = r.hold()
		r.shell.Yield(r.signShard(port), func() {})
		r.shell.Yield(r.shardOf(a), func() { before = len(wrote.errs) + len(moved.errs) })
		release()
		moved.want(t, endpoint.ErrElsewhere)
		wrote.want(t, endpoint.ErrElsewhere)
		if before != 2 {
			t.Errorf("%d answers when it was done", before)
		}
		r.automatic()
		r.quiet()
	})
}

// TestOldCommitsMeetANewLeadership: those of the old one come back while the new
// one has some of its own, and count for nothing.
func TestOldCommitsMeetANewLeadership(t *testing.T) {
	for _, fate := range []error{nil, errDisk} {
		in(t, Options{}, func(r *rig) {
			a := device(1)
			shard := r.shardOf(a)
			old := r.submit(a, "w")
			synctest.Wait()
			oldTurn := r.turnOf(shard)
			synctest.Wait()
			r.yield(shard)
			r.lead(shard)
			release := r.hold()
			fresh, turn := r.submit(a, "w"), r.turnOf(shard)
			release()
			lane := r.shell.loopOf(shard).inFlight
			r.desk.commit(shard, fate)
			r.desk.commit(shard, fate)
			synctest.Wait()
			fresh.want(t)
			turn.want(t)
			if l := r.shell.loopOf(shard); l.inFlight != lane || l.committing != 1 {
				t.Errorf("%d groups of %d, %d proposals in flight", l.inFlight, lane, l.committing)
			}
			r.desk.commit(shard, nil)
			synctest.Wait()
			fresh.want(t, nil)
			turn.want(t, nil)
			old.want(t, endpoint.ErrElsewhere)
			oldTurn.want(t, endpoint.ErrElsewhere)
			r.wantSent(said("wrote", 1, a))
			r.wantEvents()
			r.quiet()
		})
	}
}

// TestStopDoesNotWaitForTheLost: proposals of a leadership that was lost are
// nobody's, those of the next one are committed.
func TestStopDoesNotWaitForTheLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{Drain: time.Minute})
		r.start()
		a := device(1)
		lost := r.submit(a, "w")
		synctest.Wait()
		r.yield(r.shardOf(a))
		r.lead(r.shardOf(a))
		kept := r.submit(a, "w")
		synctest.Wait()
		before := time.Now()
		stopped := make(chan struct{})
		go func() { r.shell.Stop(); close(stopped) }()
		synctest.Wait()
		opened := make(chan error, 1)
		r.shell.Lead(r.shardOf(device(2)), func(err error) { opened <- err })
		r.shell.Yield(r.shardOf(device(2)), func() {})
		late := r.desk.pending[r.shardOf(a)][0]
		r.desk.pending[r.shardOf(a)] = r.desk.pending[r.shardOf(a)][1:]
		r.desk.commit(r.shardOf(a), nil)
		<-stopped
		kept.want(t, nil)
		lost.want(t, endpoint.ErrElsewhere)
		<-opened // led already or refused: answered in any case
		if d := time.Since(before); d != 0 {
			t.Errorf("took %v", d)
		}
		late.done(nil)
		r.shell.Lead(0, func(err error) { opened <- err })
		if err := <-opened; err != endpoint.ErrClosed {
			t.Errorf("lead after Stop: %v", err)
		}
		done := false
		r.shell.Yield(0, func() { done = true })
		if !done {
			t.Error("Yield after Stop is never done")
		}
		close(r.desk.end)
	})
}

// TestWhatLosesTheRace was admitted and is handled after the shard was lost.
func TestWhatLosesTheRace(t *testing.T) {
	in(t, Options{}, func(r *rig) {
		a, shard := device(1), r.shardOf(device(1))
		release := r.hold()
		answer, turn := r.submit(a, "w"), r.turnOf(shard)
		if err := r.shell.Do(shard, write(turn), nil); err != nil {
			t.Error(err)
		}
		r.deliver(ToEndpoint(a), "w")
		r.deliver(ToHandle(ids.NewToken(a, 1)), "lost")
		set := new(answers)
		port := 1
		for r.signShard(port) != shard {
			port++
		}
		if err := r.shell.SetSign(signOf(peer(port)), a, set.add); err != nil {
			t.Error(err)
		}
		if err := r.shell.ClearSign(signOf(peer(port)), a); err != nil {
			t.Error(err)
		}
		r.deliver(ToSign(signOf(peer(port))), "signed")
		r.shell.Yield(shard, func() {})
		if r.shell.Leads(shard) {
			t.Error("still led")
		}
		release()
		for _, a := range []*answers{answer, turn, set} {
			a.want(t, endpoint.ErrElsewhere)
		}
		r.wantForeign(fmt.Sprint(shard, " w"), fmt.Sprint(shard, " lost"), fmt.Sprint(shard, " signed"))
		if s := r.shell.Stats(); s.Forwarded != 2 || s.Dropped != 1 {
			t.Errorf("%+v", s)
		}
		// Lost and led again before it is handled: it is taken.
		release = r.hold()
		r.lead2(shard)
		release()
		release = r.hold()
		answer, turn = r.submit(a, "w"), r.turnOf(shard)
		r.shell.Yield(shard, func() {})
		r.lead2(shard)
		release()
		r.automatic()
		answer.want(t, nil)
		turn.want(t, nil)
	})
}

// lead2 does not wait.
func (r *rig) lead2(shard ids.Shard) {
	r.shell.Lead(shard, func(err error) {
		if err != nil {
			r.t.Error(err)
		}
	})
}

func TestTurnsThatAreNotRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{Drain: time.Second, Inbox: 1, Loops: 1})
		r.start()
		silent := new(answers)
		if err := r.shell.Do(3, func(time.Time, *endpoint.Shard, *endpoint.Effects) { panic("at once") }, silent.add); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		silent.want(t, ErrPanic)
		flying := r.turnOf(3)
		synctest.Wait()
		held := r.turnOf(3)
		r.turnOf(3).want(t, endpoint.ErrBusy)
		r.shell.Stop()
		flying.want(t, endpoint.ErrClosed)
		held.want(t, endpoint.ErrClosed)
		r.turnOf(3).want(t, endpoint.ErrClosed)
		close(r.desk.end)
	})
}

// TestElsewhereMayPanic: the datagram is lost, the loop is not.
func TestElsewhereMayPanic(t *testing.T) {
	in(t, Options{Elsewhere: func(ids.Shard, *endpoint.Datagram) bool { panic("no way") }}, func(r *rig) {
		a := device(1)
		release := r.hold()
		r.deliver(ToEndpoint(a), "r")
		r.shell.Yield(r.shardOf(a), func() {})
		release()
		r.wantEvents("panic 0 no way")
		if s := r.shell.Stats(); s.Dropped != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// TestLeadershipInARace is for the race detector: shards come and go under
// traffic, and each call is answered once.
func TestLeadershipInARace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{Loops: 3, Inbox: 64, MaxAwake: 20})
		r.start()
		r.automatic()
		var callers sync.WaitGroup
		replies := make([][]*answers, 6)
		for n := range replies {
			callers.Go(func() {
				for i := range 200 {
					r.deliver(ToEndpoint(device(i%50)), fmt.Sprintf("w c%d s%d", (i+n)%50, i%50))
					r.deliver(ToSign(signOf(peer(i%50))), "r")
					replies[n] = append(replies[n], r.submit(device(i%50), "w"), r.turnOf(ids.Shard(i%8)), r.sign(i%50, device(i)))
				}
			})
		}
		for n := range 2 {
			callers.Go(func() {
				for i := range 100 {
					shard := ids.Shard((i*5 + n) % 8)
					changed := make(chan struct{}, 2)
					r.shell.Yield(shard, func() { changed <- struct{}{} })
					r.shell.Lead(shard, func(error) { changed <- struct{}{} })
					<-changed
					<-changed
				}
			})
		}
		callers.Wait()
		r.shell.Stop()
		for _, some := range replies {
			for _, a := range some {
				if len(a.errs) != 1 {
					t.Fatalf("answered %v", a.errs)
				}
			}
		}
		r.quiet()
		close(r.desk.end)
	})
}
