package shell

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
)

func TestAFailedCommitDropsTheCell(t *testing.T) {
	in(t, Options{}, func(r *rig) {
		a := device(1)
		r.tell(ToEndpoint(a), "w")
		r.commit(nil)
		r.wantSent(said("wrote", 1, a))

		first := r.submit(a, "w")
		synctest.Wait()
		second := r.submit(a, "w")
		read := r.submit(a, "r")
		synctest.Wait()
		r.commit(errDisk)
		first.want(t, errDisk)
		second.want(t) // its own commit is under way
		late := r.submit(a, "r")
		synctest.Wait()
		late.want(t)
		r.commit(errDisk)
		second.want(t, errDisk)
		read.want(t, errDisk)
		// What came meanwhile is handled by what the store knows.
		late.want(t, nil)
		r.wantSent(said("read", 1, a))
		r.wantEvents("commit desk: disk full", "commit desk: disk full")
		if s := r.shell.Stats(); s.CommitsFailed != 2 || s.Loaded != 2 {
			t.Errorf("%+v", s)
		}
	})
}

func TestWhatFollowsAFailureIsNotAcknowledged(t *testing.T) {
	in(t, Options{}, func(r *rig) {
		a := device(1)
		first := r.submit(a, "w")
		synctest.Wait()
		second := r.submit(a, "w")
		synctest.Wait()
		r.commit(errDisk)
		r.commit(nil) // written, but by a cell that was ahead of the store
		first.want(t, errDisk)
		second.want(t, errDisk)
		r.wantSent()
		r.tell(ToEndpoint(a), "r")
		r.wantSent(said("read", 2, a))
	})
}

func TestWhatPrecedesAFailureIsReleased(t *testing.T) {
	in(t, Options{Loops: 1}, func(r *rig) {
		a := device(1)
		shards := r.shell.options.Env.Shards
		port := foreignPort(r, a)
		moved := r.submit(a, fmt.Sprint("s", port))
		synctest.Wait()
		wrote := r.submit(a, "w")
		synctest.Wait()
		r.desk.commit(shards.Of(a), errDisk)
		synctest.Wait()
		wrote.want(t) // behind the signpost
		r.commit(nil)
		moved.want(t, nil)
		wrote.want(t, errDisk)
		r.wantSent(said("moved", 0, a))
	})
}

func TestOtherCellsOfTheShardGoOn(t *testing.T) {
	in(t, Options{}, func(r *rig) {
		a, b := device(1), device(1)+1
		r.tell(ToEndpoint(a), "w")
		r.tell(ToEndpoint(b), "w")
		r.commit(errDisk)
		r.commit(nil)
		r.wantSent(said("wrote", 1, b))
		r.tell(ToEndpoint(a), "r")
		r.tell(ToEndpoint(b), "r")
		r.wantSent(said("read", 0, a), said("read", 1, b))
	})
}

func TestWaitingEventsAreBounded(t *testing.T) {
	in(t, Options{}, func(r *rig) {
		a := device(1)
		r.tell(ToEndpoint(a), "w")
		r.tell(ToEndpoint(a), "w")
		r.commit(errDisk)
		for range maxWaiting + 1 {
			r.deliver(ToEndpoint(a), "r")
		}
		r.submit(a, "r")
		refused := r.submit(a, "r")
		synctest.Wait()
		refused.want(t, endpoint.ErrBusy)
		if s := r.shell.Stats(); s.Dropped != 1 {
			t.Errorf("%d dropped", s.Dropped)
		}
		r.commit(nil)
		if len(r.sent) != maxWaiting {
			t.Errorf("%d answers", len(r.sent))
		}
	})
}

func TestAPanicStopsOneCell(t *testing.T) {
	in(t, Options{}, func(r *rig) {
		a, b := device(1), device(1)+1
		r.tell(ToEndpoint(a), "w")
		r.commit(nil)
		r.wantSent(said("wrote", 1, a))

		flying := r.submit(a, "w")
		synctest.Wait()
		r.tell(ToEndpoint(b), "w")
		told := r.submit(a, "p")
		after := r.submit(a, "r")
		synctest.Wait()
		told.want(t, ErrPanic)
		r.commit(nil)
		flying.want(t, ErrPanic)
		after.want(t, nil)
		r.commit(nil)
		r.wantSent(said("read", 2, a), said("wrote", 1, b))
		if !strings.Contains(r.stack, "(*toy).obey") {
			t.Errorf("stack %s", r.stack)
		}
		r.wantEvents(fmt.Sprintf("panic %x told to", uint64(a)))
		if n := len(r.desk.shards()); n != 0 {
			t.Error("what a panicking Handle wrote was proposed")
		}
		// With nothing in flight it is gone at once, and the actor with it.
		r.tell(ToEndpoint(b), "p")
		if s := r.shell.Stats(); s.Panics != 2 || s.Awake != 1 {
			t.Errorf("%+v", s)
		}
		if _, found := r.shell.System().ProcessRegistry.GetLocal(CellName(b)); found {
			t.Error("the actor is still there")
		}
		r.tell(ToEndpoint(b), "r")
		r.wantSent(said("read", 1, b))
	})
}

func TestLoadFailures(t *testing.T) {
	in(t, Options{}, func(r *rig) {
		a := device(1)
		r.desk.breakReads(errDisk)
		r.tell(ToEndpoint(a), "r")
		unread := r.submit(a, "r")
		synctest.Wait()
		unread.want(t, errDisk)
		r.tell(ToHandle(ids.NewToken(a, 1)), "r")
		r.tell(ToSign(signOf(peer(1))), "r")
		name := fmt.Sprintf("load %x", uint64(a))
		r.wantEvents(name, name, "load 0", "load 0")
		r.desk.breakReads(nil)
		r.curse(r.poison, a, true)
		r.tell(ToEndpoint(a), "r")
		r.wantEvents(fmt.Sprintf("panic %x poisoned record", uint64(a)), name)
		r.curse(r.poison, a, false)
		r.tell(ToEndpoint(a), "r")
		r.wantSent(said("read", 0, a))
		if s := r.shell.Stats(); s.LoadsFailed != 5 || s.Dropped != 4 || s.Awake != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestAPanickingStrayIsSilence(t *testing.T) {
	in(t, Options{}, func(r *rig) {
		r.shell.options.Stray = func(*endpoint.Datagram) []byte { panic("odd datagram") }
		r.tell(ToSign(signOf(peer(1))), "r")
		r.wantSent()
		if len(r.events) != 1 || !strings.Contains(r.events[0], "odd datagram") {
			t.Errorf("events %q", r.events)
		}
		r.events = nil
	})
}

// foreignPort is a port whose signpost is in another shard than the endpoint.
func foreignPort(r *rig, id ids.Endpoint) int {
	env := r.shell.options.Env
	port := 1
	for env.SignShard(signOf(peer(port))) == env.Shards.Of(id) {
		port++
	}
	return port
}
