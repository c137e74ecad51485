package shell

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// TestWhatWasLostIsSentOn: datagrams whose effects were lost with the leadership go
// to the next leader in their order, before those that waited behind them, and say
// whose they are. Those that failed for any other reason do not.
func TestWhatWasLostIsSentOn(t *testing.T) {
	for name, lose := range map[string]func(r *rig){
		"yielded": func(r *rig) {
			r.yield(r.shardOf(device(1)))
		},
		"refused before that is known": func(r *rig) {
			for r.desk.commit(r.shardOf(device(1)), fmt.Errorf("propose: %w", endpoint.ErrMoved)) {
			}
		},
		"lost before that is known": func(r *rig) {
			for r.desk.commit(r.shardOf(device(1)), fmt.Errorf("propose: %w", endpoint.ErrElsewhere)) {
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, Options{Loops: 1}, func(r *rig) {
				a := device(1)
				shard := r.shardOf(a)
				r.tell(ToEndpoint(a), "w")
				synctest.Wait()
				r.tell(ToEndpoint(a), "w r")
				r.tell(ToEndpoint(a), "r")
				synctest.Wait()
				lose(r)
				synctest.Wait()
				r.wantForeign(fmt.Sprint(shard, " w"), fmt.Sprint(shard, " w r"), fmt.Sprint(shard, " r"))
				r.desk.commit(shard, nil)
				r.wantSent()
				r.events = nil
			})
		})
	}
	in(t, Options{Loops: 1}, func(r *rig) { // and those that are too old
		a := device(1)
		r.tell(ToEndpoint(a), "w")
		<-time.After(fresh + time.Millisecond)
		r.yield(r.shardOf(a))
		r.wantForeign()
	})
	in(t, Options{Loops: 1}, func(r *rig) {
		a := device(1)
		r.tell(ToEndpoint(a), "w")
		synctest.Wait()
		r.desk.commit(r.shardOf(a), errDisk)
		r.tell(ToEndpoint(a), "w")
		r.tell(ToEndpoint(a), "p")
		synctest.Wait()
		r.yield(r.shardOf(a))
		r.wantForeign()
		r.events = nil
	})
}

// TestWhatIsSentOnIsWhole: it comes from where it came from, whatever its endpoint
// made of it, and needs no signpost any more.
func TestWhatIsSentOnIsWhole(t *testing.T) {
	var got endpoint.Datagram
	elsewhere := func(_ ids.Shard, d *endpoint.Datagram) bool {
		got = endpoint.Datagram{Path: d.Path, Endpoint: d.Endpoint, Sealed: d.Sealed, Hops: d.Hops}
		return true
	}
	in(t, Options{Elsewhere: elsewhere}, func(r *rig) {
		a := device(1)
		d := r.shell.Take()
		d.TakeSealed(wire.ReturnPath{Node: 3, Peer: peer(5)}, []byte("w"))
		d.Hops = 1
		r.shell.Deliver(ToEndpoint(a), d)
		synctest.Wait()
		r.yield(r.shardOf(a))
		if got.Path.Node != 3 || got.Path.Peer != peer(5) || got.Endpoint != a || !got.Sealed || got.Hops != 1 {
			t.Errorf("%+v", got)
		}
	})
}
