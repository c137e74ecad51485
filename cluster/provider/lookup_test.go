package provider

import (
	"errors"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// An identity is asked at the gate of its shard, wherever that is now: nothing
// keeps the PID.
func TestRequestByIdentity(t *testing.T) {
	var at *Node
	o := options(nodeA, echo)
	o.Owner = func(identity string) (string, string, bool) {
		return at.o.System.Address(), "gate/" + identity, at != nil && identity == "7"
	}
	a, b, c := start(t, o), start(t, options(nodeB, echo)), start(t, options(nodeC, echo))
	meet(a, b, c)
	for _, n := range []*Node{a, b, c} {
		if _, absent := n.o.System.ProcessRegistry.Add(n.Gate(), "gate/7"); !absent {
			t.Fatal("there is a gate")
		}
		at = n
		e := Envelope{Kind: 3, ID: a.NewID(), Payload: []byte("x")}
		answer, err := a.Cluster().Request("7", "endpoint", e.Message(), cluster.WithTimeout(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		value, ok := answer.(*wrapperspb.BytesValue)
		if !ok {
			t.Fatalf("%T", answer)
		}
		if got, err := ParseEnvelope(value.Value); err != nil || !got.Answer || got.ID != e.ID || string(got.Payload) != nodeA.String()+" 3 x" {
			t.Errorf("%+v, %v", got, err)
		}
		if n.Stats().Served != 1 {
			t.Errorf("%s: %+v", n.o.Node, n.Stats())
		}
	}
	if _, err := a.Cluster().Request("8", "endpoint", (&Envelope{}).Message()); !errors.Is(err, ErrNoOwner) {
		t.Error(err)
	}
}

// A PID where nobody is answers with a dead letter, be it on a node without that
// gate, or at an address without a node.
func TestRequestToNobody(t *testing.T) {
	a, b := start(t, options(nodeA, echo)), start(t, options(nodeB, echo))
	meet(a, b)
	for _, pid := range []*actor.PID{
		actor.NewPID(b.o.System.Address(), "gate/9"),
		actor.NewPID("127.0.0.1:1", GateName),
	} {
		e := Envelope{ID: a.NewID()}
		future := a.o.System.Root.RequestFuture(pid, e.Message(), time.Minute)
		if answer, err := future.Result(); !errors.Is(err, actor.ErrDeadLetter) {
			t.Errorf("%v: %v, %v", pid, answer, err)
		}
	}
}

// Actors watch nobody on another node; they are told so.
func TestWatchAcrossNodes(t *testing.T) {
	a, b := start(t, options(nodeA, nil)), start(t, options(nodeB, nil))
	meet(a, b)
	told := make(chan *actor.Terminated, 1)
	watchee := actor.NewPID(b.o.System.Address(), GateName)
	a.o.System.Root.Spawn(actor.PropsFromFunc(func(c actor.Context) {
		switch m := c.Message().(type) {
		case *actor.Started:
			c.Watch(watchee)
		case *actor.Terminated:
			told <- m
		}
	}))
	select {
	case m := <-told:
		if m.Who.Id != watchee.Id {
			t.Error(m)
		}
	case <-within(t).Done():
		t.Error("nothing is said")
	}
}

// protoactor's member list follows ours, and takes back who was suspected
// falsely, which it would block for ever under the same ID.
func TestMemberListFollows(t *testing.T) {
	a, b := start(t, options(nodeA, nil)), start(t, options(nodeB, nil))
	topologies := make(chan *cluster.ClusterTopology, 16)
	a.o.System.EventStream.Subscribe(func(event any) {
		if topology, ok := event.(*cluster.ClusterTopology); ok {
			topologies <- topology
		}
	})
	for i, step := range []struct {
		list []Member
		want int
	}{{[]Member{a.Self(), b.Self()}, 2}, {[]Member{a.Self()}, 1}, {[]Member{b.Self()}, 2}, {nil, 1}, {[]Member{b.Self(), b.Self()}, 2}} {
		a.SetMembers(step.list)
		for seen := 0; seen != step.want; {
			select {
			case topology := <-topologies:
				seen = len(topology.Members)
			case <-within(t).Done():
				t.Fatalf("step %d: the member list does not follow", i)
			}
		}
	}
}
