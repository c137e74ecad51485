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

// way is a datagram on its way to another node.
type way struct {
	shard  ids.Shard
	to     ids.Endpoint
	hinted bool
}

// ways lets a rig keep what goes to other nodes.
func ways(o *Options) func() []way {
	var mu sync.Mutex
	var list []way
	o.Elsewhere = func(shard ids.Shard, d *endpoint.Datagram) bool {
		mu.Lock()
		defer mu.Unlock()
		list = append(list, way{shard, d.Endpoint, d.Hinted})
		return true
	}
	return func() []way {
		mu.Lock()
		defer mu.Unlock()
		taken := list
		list = nil
		return taken
	}
}

func wantWays(t *testing.T, got []way, want ...way) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("sent on %v, want %v", got, want)
	}
}

// come delivers a datagram that crossed so many links.
func (r *rig) come(to Destination, hops uint8, text string) {
	d := r.shell.Take()
	d.TakeSealed(wire.ReturnPath{Peer: peer(9), Node: 7}, []byte(text))
	d.Hops = hops
	r.shell.Deliver(to, d)
	synctest.Wait()
}

// strange is an endpoint, and a sign whose signpost lies in another shard.
func (r *rig) strange() (ids.Endpoint, wire.Sign) {
	env := r.shell.options.Env
	id := device(1)
	return id, wire.CIDSign(env.Key.NewCID((env.Shards.Of(id)+1)%8, 77))
}

// TestWhatWasToldSavesALink: a datagram of a sign that was told goes to its
// endpoint; one that crossed a link goes by the signpost as ever.
func TestWhatWasToldSavesALink(t *testing.T) {
	var o Options
	gone := ways(&o)
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, o) // leads nothing
		r.shell.Start()
		defer r.close()
		id, cid := r.strange()
		plain := signOf(peer(9))
		there := r.shardOf(id)
		for _, sign := range []wire.Sign{cid, plain} {
			post := r.shell.options.Env.SignShard(sign)
			r.come(ToSign(sign), 0, "r")
			r.shell.Remember(sign, id)
			r.come(ToSign(sign), 0, "r")
			r.come(ToSign(sign), 1, "r")
			r.shell.Forget(sign)
			r.come(ToSign(sign), 0, "r")
			wantWays(t, gone(), way{shard: post}, way{there, id, true}, way{shard: post}, way{shard: post})
		}
		if s := r.shell.Stats(); s.Hinted != 2 || s.Forwarded != 8 {
			t.Errorf("%+v", s)
		}
		r.shell.Remember(cid, id)
		r.shell.Remember(plain, id)
		pass(addressHint - time.Second)
		r.come(ToSign(plain), 0, "r")
		wantWays(t, gone(), way{there, id, true})
		pass(time.Second)
		r.come(ToSign(plain), 0, "r") // another device may have the address
		r.come(ToSign(cid), 0, "r")
		wantWays(t, gone(), way{shard: r.shell.options.Env.SignShard(plain)}, way{there, id, true})
	})
}

// TestAHintToThisNode: the endpoint is asked all the same.
func TestAHintToThisNode(t *testing.T) {
	var o Options
	gone := ways(&o)
	in(t, o, func(r *rig) {
		id, cid := r.strange()
		post := r.shell.options.Env.SignShard(cid)
		r.automatic()
		r.yield(post)
		r.shell.Remember(cid, id)
		r.come(ToSign(cid), 0, "r")
		r.wantSent(said("read", 0, id))
		r.denied = map[wire.Sign]bool{cid: true}
		for range 2 { // the second one is not even tried
			r.come(ToSign(cid), 0, "r")
			wantWays(t, gone(), way{shard: post})
		}
		r.wantSent()
		if s := r.shell.Stats(); s.Hinted != 2 || s.Disowned != 1 || len(r.wrong) != 0 {
			t.Errorf("%+v, told %v", s, r.wrong)
		}
	})
}

// TestAHintThatLies goes by the signpost, once, and the node that used it is told.
func TestAHintThatLies(t *testing.T) {
	for _, loops := range []int{1, 2, 8} {
		var o Options
		o.Loops = loops
		gone := ways(&o)
		in(t, o, func(r *rig) {
			id, cid := r.strange()
			post := r.shell.options.Env.SignShard(cid)
			told := fmt.Sprintf("%v: %x", peer(9), cid.Key())
			r.automatic()
			r.denied = map[wire.Sign]bool{cid: true}

			// The signpost is here, and leads to nobody; then to another one.
			r.come(ToSign(cid).Found(id, true), 1, "odd")
			r.wantSent("stray odd")
			r.come(ToEndpoint(device(5)), 0, "w")
			r.setSign(device(5), cid)
			r.wantSent(said("wrote", 1, device(5)))
			r.come(ToSign(cid).Found(id, true), 1, "r")
			r.wantSent(said("read", 1, device(5)))

			// It even leads to who did not know it: that one is not asked again.
			r.setSign(id, cid)
			r.come(ToSign(cid).Found(id, true), 1, "r")
			r.wantSent(said("read", 0, id))

			// It is elsewhere.
			r.yield(post)
			r.come(ToSign(cid).Found(id, true), 1, "r")
			r.wantSent()
			wantWays(t, gone(), way{shard: post})
			if got := r.shell.Stats().Disowned; got != 4 || !slices.Equal(r.wrong, []string{told, told, told, told}) {
				t.Errorf("%d disowned; told %v", got, r.wrong)
			}

			// Nor does it lead anywhere where the endpoint's shard has gone: who leads
			// that asks it.
			r.yield(r.shardOf(id))
			r.come(ToSign(cid).Found(id, true), 1, "r")
			if got := gone(); len(got) != 1 || got[0].shard != r.shardOf(id) {
				t.Errorf("sent on %v", got)
			}
		})
	}
}

// setSign writes the signpost as an endpoint would that wants it.
func (r *rig) setSign(id ids.Endpoint, sign wire.Sign) {
	done := func(err error) {
		if err != nil {
			r.t.Error(err)
		}
	}
	if err := r.shell.SetSign(sign, id, done); err != nil {
		r.t.Error(err)
	}
	synctest.Wait()
}

// TestAnswersTellWhose: where two links were crossed because of the signpost, the
// first answer to the same path has the news, once.
func TestAnswersTellWhose(t *testing.T) {
	in(t, Options{}, func(r *rig) {
		id, cid := r.strange()
		r.automatic()
		news := fmt.Sprintf(" (%x is of %016x)", cid.Key(), uint64(id))
		r.come(ToSign(cid).Found(id, false), 2, "r r")
		r.wantSent(said("read", 0, id)+news, said("read", 0, id))
		r.come(ToSign(cid).Found(id, false), 1, "r") // the signpost is at the ingress node
		r.come(ToSign(cid).Found(id, true), 2, "r")  // it knows already
		r.come(ToEndpoint(id), 2, "r")               // it needs no signpost
		r.wantSent(said("read", 0, id), said("read", 0, id), said("read", 0, id))

		// The signpost and the endpoint are here, two links from the device.
		r.setSign(id, cid)
		r.come(ToSign(cid), 2, "w")
		r.wantSent(said("wrote", 1, id) + news)

		// A hint that lied was corrected on the way.
		r.denied = map[wire.Sign]bool{cid: true}
		r.come(ToSign(cid).Found(device(5), true), 2, "r")
		r.wantSent(said("read", 1, id) + news)
	})
}

// TestRecallIsShared: readers and the link use it at the same time.
func TestRecallIsShared(t *testing.T) {
	r := newRecall()
	s := &Shell{recall: r}
	sign := func(i int) wire.Sign { return wire.CIDSign(ids.Key{}.NewCID(1, uint32(i))) }
	var group sync.WaitGroup
	for g := range 4 {
		group.Go(func() {
			for i := range 10_000 {
				s.Remember(sign(i), ids.Endpoint(i+1))
				if id, found := r.find(sign(i)); found && id != ids.Endpoint(i+1) {
					t.Errorf("%d leads to %d", i, id)
				}
				if g == 0 && i%2 == 0 {
					s.Forget(sign(i))
				}
			}
		})
	}
	group.Wait()
	places := 0
	for i := range r.parts {
		places += len(r.parts[i].table)
	}
	if places == 0 || places > recallLimit {
		t.Errorf("%d places", places)
	}
}
