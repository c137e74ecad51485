package shell

import (
	"fmt"
	"slices"
	"testing/synctest"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// elsewhere is the way to another node: all but the datagram "lost" arrive.
func (r *rig) elsewhere(shard ids.Shard, d *endpoint.Datagram) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.foreign = append(r.foreign, fmt.Sprint(shard, " ", string(d.Raw())))
	return string(d.Raw()) != "lost"
}

// wantForeign compares what was sent on since the last call.
func (r *rig) wantForeign(want ...string) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Equal(r.foreign, want) {
		r.t.Errorf("sent on %q, want %q", r.foreign, want)
	}
	r.foreign = nil
}

func (r *rig) shardOf(id ids.Endpoint) ids.Shard { return r.shell.options.Env.Shards.Of(id) }

func (r *rig) signShard(port int) ids.Shard { return r.shell.options.Env.SignShard(signOf(peer(port))) }

// yield loses a shard, and waits until that has come to an end.
func (r *rig) yield(shard ids.Shard) {
	r.t.Helper()
	done := false
	r.shell.Yield(shard, func() { done = true })
	synctest.Wait()
	if !done || r.shell.Leads(shard) {
		r.t.Errorf("shard %d: done %v, led %v", shard, done, r.shell.Leads(shard))
	}
}

func (r *rig) lead(shard ids.Shard) {
	r.t.Helper()
	err := errDisk
	r.shell.Lead(shard, func(e error) { err = e })
	synctest.Wait()
	if err != nil || !r.shell.Leads(shard) {
		r.t.Errorf("lead %d: %v, led %v", shard, err, r.shell.Leads(shard))
	}
}

// quiet wants nothing to be in flight.
func (r *rig) quiet() {
	r.t.Helper()
	for i, l := range r.shell.loops {
		if l.inFlight != 0 || l.committing != 0 || len(l.again) != 0 || len(l.clears) != 0 {
			r.t.Errorf("loop %d: %d groups, %d proposals in flight, %d events again, %d clears",
				i, l.inFlight, l.committing, len(l.again), len(l.clears))
		}
		for _, s := range l.led {
			if s.gone || len(s.flying) != 0 || len(s.posts) != 0 || !s.lane.empty() {
				r.t.Errorf("shard %d: gone %v, %d proposals, %d signposts", s.ID, s.gone, len(s.flying), len(s.posts))
			}
		}
	}
}

// post writes a signpost as another node does that leads its shard.
func (d *desk) post(shard ids.Shard, sign wire.Sign, id ids.Endpoint) {
	var b wire.Batch
	b.Put(sign.Class, sign.Key(), id.Append(nil))
	d.mu.Lock()
	defer d.mu.Unlock()
	d.apply(shard, &b)
}

// turnOf asks for a turn that writes something and is answered once.
func (r *rig) turnOf(shard ids.Shard) *answers {
	a := new(answers)
	if err := r.shell.Do(shard, write(a), a.add); err != nil {
		a.add(err)
	}
	return a
}
