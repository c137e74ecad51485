package shell

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

func TestNothingLeavesBeforeItsCommit(t *testing.T) {
	in(t, Options{}, func(r *rig) {
		a := device(1)
		r.tell(ToEndpoint(a), "w")
		answer := r.submit(a, "w")
		r.tell(ToEndpoint(a), "r") // writes nothing, but comes after what does
		r.wantSent()
		r.commit(nil)
		r.wantSent(said("wrote", 1, a))
		answer.want(t)
		r.commit(nil)
		r.wantSent(said("wrote", 2, a), said("read", 2, a))
		answer.want(t, nil)
		r.tell(ToEndpoint(a), "r")
		r.wantSent(said("read", 2, a))
		if len(r.notices) != 2 || r.notices[1].Detail != "2" {
			t.Errorf("notices %v", r.notices)
		}
	})
}

func TestATurnIsOneBatchAndOneSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{Loops: 1})
		r.start()
		a, release := device(1), r.hold()
		for range 10 {
			r.deliver(ToEndpoint(a), "w")
		}
		release()
		if n := len(r.desk.pending[r.shell.options.Env.Shards.Of(a)]); n != 1 {
			t.Errorf("%d proposals", n)
		}
		r.commit(nil)
		if r.calls != 1 || len(r.sent) != 10 {
			t.Errorf("%d datagrams in %d calls", len(r.sent), r.calls)
		}
		r.close()
	})
}

func TestOneCellDoesNotHoldUpAnother(t *testing.T) {
	in(t, Options{}, func(r *rig) {
		a, b := device(1), device(2)
		shards := r.shell.options.Env.Shards
		if shards.Of(a) == shards.Of(b) {
			t.Fatal("the devices were to have different shards")
		}
		r.tell(ToEndpoint(a), "w")
		r.tell(ToEndpoint(b), "w")
		r.desk.commit(shards.Of(b), nil)
		synctest.Wait()
		r.wantSent(said("wrote", 1, b))
		r.desk.commit(shards.Of(a), nil)
		synctest.Wait()
		r.wantSent(said("wrote", 1, a))
	})
}

func TestAFullInboxDropsAndRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{Loops: 1, Inbox: 4})
		r.start()
		a, release := device(1), r.hold()
		for i := range 6 {
			if ok := r.deliver(ToEndpoint(a), "w"); ok != (i < 4) {
				t.Errorf("datagram %d: %v", i, ok)
			}
		}
		r.submit(a, "w").want(t, endpoint.ErrBusy)
		if s := r.shell.Stats(); s.Dropped != 2 {
			t.Errorf("%d dropped", s.Dropped)
		}
		release()
		// Four are in flight and may not be more: the inbox fills again, and
		// empties with the commits.
		for i := range 5 {
			if ok := r.tell(ToEndpoint(a), "w"); ok != (i < 4) {
				t.Errorf("datagram %d in flight: %v", i, ok)
			}
		}
		r.automatic()
		if len(r.sent) != 8 {
			t.Errorf("%d sent", len(r.sent))
		}
		if !r.tell(ToEndpoint(a), "r") {
			t.Error("still full")
		}
		r.close()
	})
}

func TestATurnOfAShardObeysTheRule(t *testing.T) {
	in(t, Options{}, func(r *rig) {
		var got error = errDisk
		do := func(f turn) {
			if err := r.shell.Do(3, f, nil); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		write := func(_ time.Time, s *endpoint.Shard, fx *endpoint.Effects) {
			fx.Batch.Put(wire.ClassMeta, []byte{byte(s.ID)}, []byte("x"))
			fx.Replies = append(fx.Replies, func(err error) { got = err })
		}
		do(write)
		if got != errDisk {
			t.Error("answered before the commit")
		}
		r.commit(nil)
		if got != nil {
			t.Errorf("answered %v", got)
		}
		do(write)
		r.commit(errDisk)
		if got != errDisk {
			t.Errorf("answered %v", got)
		}
		do(func(_ time.Time, _ *endpoint.Shard, fx *endpoint.Effects) {
			write(time.Time{}, &endpoint.Shard{}, fx)
			panic("turn")
		})
		if !errors.Is(got, ErrPanic) || len(r.desk.shards()) != 0 {
			t.Errorf("answered %v, pending %v", got, r.desk.shards())
		}
		if r.shell.Do(8, write, nil) == nil {
			t.Error("there is no shard 8")
		}
	})
}

func TestCellsAndGatesAreProcesses(t *testing.T) {
	in(t, Options{}, func(r *rig) {
		a, sys := device(1), r.shell.System()
		shard := r.shell.options.Env.Shards.Of(a)
		gate := sys.NewLocalPID(GateName(shard))
		answer := new(answers)
		post := func(pid *actor.PID, message any) {
			sys.Root.Send(pid, message)
			synctest.Wait()
		}
		submit := &endpoint.Submit{Text: "w", Reply: func(_ endpoint.OperationView, err error) { answer.add(err) }}
		post(gate, &Posted{a, submit})
		r.commit(nil)
		answer.want(t, nil)
		d := r.shell.Take()
		d.Buffer = append(d.Buffer[:0], "r"...)
		post(gate, &Posted{a, d})
		r.wantSent(said("wrote", 1, a), said("read", 1, a))
		sys.Root.Stop(gate)
		post(gate, "what is this")
		post(gate, &Posted{device(2), submit}) // of another shard
		answer.want(t, nil)

		cell := sys.NewLocalPID(CellName(a))
		post(cell, submit)
		post(cell, "what is this")
		r.commit(nil)
		answer.want(t, nil, nil)
		r.wantSent(said("wrote", 2, a))
		r.tell(ToEndpoint(a), "b")
		sys.Root.Stop(cell)
		synctest.Wait()
		if s := r.shell.Stats(); s.Awake != 0 {
			t.Errorf("%d awake", s.Awake)
		}
		r.tell(ToEndpoint(a), "r")
		r.wantSent(said("read", 2, a))
		pass(2 * time.Second) // protoactor counts dead letters for a second
	})
}

func TestStopCommitsWhatWasAdmitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{})
		r.start()
		var replies []*answers
		for i := range 100 {
			replies = append(replies, r.submit(device(i), fmt.Sprint("s", i)), r.submit(device(i), "w"))
		}
		r.automatic()
		for i := range 100 {
			replies = append(replies, r.submit(device(i), fmt.Sprintf("c%d s%d", i, 1000+i)))
		}
		r.shell.Stop()
		for _, a := range replies {
			a.want(t, nil)
		}
		for i := range 100 {
			if r.leads(i) || !r.leads(1000+i) {
				t.Errorf("signpost %d: %v, %d: %v", i, r.leads(i), 1000+i, r.leads(1000+i))
			}
		}
		r.submit(device(1), "w").want(t, endpoint.ErrClosed)
		if r.tell(ToEndpoint(device(1)), "w") {
			t.Error("admitted after Stop")
		}
		r.shell.Stop()
		if _, found := r.shell.System().ProcessRegistry.GetLocal(GateName(0)); found {
			t.Error("a gate is left")
		}
		if _, found := r.shell.System().ProcessRegistry.GetLocal(CellName(device(1))); found {
			t.Error("an actor is left")
		}
		close(r.desk.end)
	})
}

// leads reports whether there is a signpost for the port.
func (r *rig) leads(port int) bool {
	_, found, _ := r.desk.Get(r.shell.options.Env.SignShard(signOf(peer(port))), wire.ClassAddress, keyOf(signOf(peer(port))), nil)
	return found
}

func TestStopIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{Drain: time.Second, Inbox: 1, Loops: 1})
		r.start()
		flying := r.submit(device(1), "w")
		synctest.Wait()
		held := r.submit(device(1), "w")
		before := time.Now()
		r.shell.Stop()
		if d := time.Since(before); d != time.Second {
			t.Errorf("took %v", d)
		}
		flying.want(t, endpoint.ErrClosed)
		held.want(t, endpoint.ErrClosed)
		r.desk.commitAll(nil) // too late, and harmless
		flying.want(t, endpoint.ErrClosed)
		close(r.desk.end)
	})
}

func TestOptionsAreChecked(t *testing.T) {
	env := &endpoint.Env{State: newDesk(), Shards: 2}
	good := Options{
		Env: env, Propose: newDesk().propose, Send: func([]Out) {},
		Load: func(*endpoint.Shard, ids.Endpoint) (Cell, error) { return nil, errDisk },
	}
	for name, change := range map[string]func(*Options){
		"no env":         func(o *Options) { o.Env = nil },
		"no state":       func(o *Options) { o.Env = &endpoint.Env{Shards: 1} },
		"no shards":      func(o *Options) { o.Env = &endpoint.Env{State: env.State} },
		"no load":        func(o *Options) { o.Load = nil },
		"no propose":     func(o *Options) { o.Propose = nil },
		"no send":        func(o *Options) { o.Send = nil },
		"negative inbox": func(o *Options) { o.Inbox = -1 },
	} {
		o := good
		change(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	s, err := New(good)
	if err != nil {
		t.Fatal(err)
	}
	second := good
	second.System = s.System()
	if _, err := New(second); err == nil {
		t.Error("two shells in one system have the same gates")
	}
	s.Stop() // before Start
	if third, err := New(second); err != nil {
		t.Errorf("the names are free again: %v", err)
	} else {
		third.Stop()
	}
	broken := newDesk()
	broken.breakReads(errDisk)
	good.Env = &endpoint.Env{State: broken, Shards: 2}
	if s, err = New(good); err != nil {
		t.Fatal(err)
	}
	s.Start()
	defer s.Stop()
	opened := make(chan error, 1)
	s.Lead(1, func(err error) { opened <- err })
	if err := <-opened; !errors.Is(err, errDisk) || s.Leads(1) {
		t.Errorf("an unreadable shard: %v", err)
	}
}

// TestConcurrentUse is for the race detector: many deliver and post while the
// shell stops.
func TestConcurrentUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{Loops: 3, Inbox: 64, MaxAwake: 20})
		r.start()
		r.automatic()
		var senders sync.WaitGroup
		replies, half := make([][]*answers, 8), make(chan struct{})
		for n := range replies {
			senders.Go(func() {
				for i := range 200 {
					if n == 0 && i == 100 {
						close(half)
					}
					r.deliver(ToEndpoint(device(i%50)), fmt.Sprintf("w s%d", i%50))
					r.deliver(ToSign(signOf(peer(i%50))), "r")
					replies[n] = append(replies[n], r.submit(device(i%50), "w"))
					_ = r.shell.Stats()
				}
			})
		}
		stopped := make(chan struct{})
		go func() {
			<-half
			r.shell.Stop()
			close(stopped)
		}()
		senders.Wait()
		<-stopped
		for _, some := range replies {
			for _, a := range some {
				if len(a.errs) != 1 {
					t.Fatalf("answered %v", a.errs)
				}
			}
		}
		close(r.desk.end)
	})
}
