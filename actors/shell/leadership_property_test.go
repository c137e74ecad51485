package shell

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// land is a world whose shards come and go: between two leaderships of a shard
// another node has it, which decides about what was proposed, and writes.
type land struct {
	*world
	leads  map[ids.Shard]bool // as far as the node may act for it
	late   []func()           // callbacks of proposals that were decided
	remote []func()           // wishes for signposts of other nodes
	turns  int
	nots   int // answers ErrElsewhere
}

// TestTheRuleHoldsWhileShardsComeAndGo: nothing is released that is not stored,
// and nothing of a leadership after its end; and each call is answered once.
func TestTheRuleHoldsWhileShardsComeAndGo(t *testing.T) {
	for seed := range uint64(40) {
		for _, harm := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				w := newLand(t, seed, harm)
				for range 300 {
					w.step()
					w.check()
				}
				w.finish()
				w.close()
				if t.Failed() {
					t.Fatalf("seed %d, harm %v", seed, harm)
				}
			})
		}
	}
}

func newLand(t *testing.T, seed uint64, harm bool) *land {
	w := &land{world: newWorld(t, seed, harm), leads: make(map[ids.Shard]bool)}
	for shard := range w.shards() {
		w.leads[shard] = true
	}
	w.shell.options.Send, w.shell.options.Notify, w.shell.options.RemoteSign = w.watch, w.notify, w.sign
	return w
}

func (w *land) shards() ids.Shard { return ids.Shard(w.shell.options.Env.Shards) }

// watch holds what is sent against the leaderships, and the rest as its world.
func (w *land) watch(outs []Out) {
	var said []Out
	for _, o := range outs {
		text := string(o.Payload)
		if strings.HasPrefix(text, "stray") {
			continue // by no endpoint
		}
		id, err := strconv.ParseUint(text[strings.LastIndex(text, " ")+1:], 16, 64)
		if err != nil {
			w.t.Errorf("%q: %v", text, err)
		}
		w.mayAct(w.shardOf(ids.Endpoint(id)), text)
		said = append(said, o)
	}
	w.world.watch(said)
}

func (w *land) mayAct(shard ids.Shard, what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.leads[shard] {
		w.t.Errorf("%q is released without shard %d", what, shard)
	}
}

func (w *land) notify(notices []endpoint.Notice) {
	for _, n := range notices {
		w.mayAct(w.shardOf(n.Endpoint), "notice")
		if count, _ := strconv.Atoi(n.Detail); w.stored(n.Endpoint) < count {
			w.t.Errorf("notice %s, %d is stored", n.Detail, w.stored(n.Endpoint))
		}
	}
}

// sign is RemoteSign: the other node does it later, or not.
func (w *land) sign(shard ids.Shard, sign wire.Sign, id ids.Endpoint, clear bool, done func(error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.remote = append(w.remote, func() {
		if w.leads[shard] || w.rand.IntN(4) == 0 {
			done(endpoint.ErrElsewhere)
			return
		}
		if !clear {
			w.desk.post(shard, sign, id)
		}
		done(nil)
	})
}

func (w *land) step() {
	id := w.devices[w.rand.IntN(len(w.devices))]
	shard := w.shardOf(id)
	switch w.rand.IntN(16) {
	case 0, 1:
		w.yieldAtRandom(shard)
	case 2, 3:
		w.leadAgain(shard)
	case 4:
		w.replies = append(w.replies, w.turn(shard))
	case 5:
		w.deliver(ToEndpoint(id), fmt.Sprintf("c%d s%d", 1+w.rand.IntN(6), 1+w.rand.IntN(6)))
	case 6:
		w.replies = append(w.replies, w.world.rig.sign(1+w.rand.IntN(6), id))
	case 7:
		_ = w.shell.ClearSign(signOf(peer(1+w.rand.IntN(6))), id)
	case 8:
		w.deliver(ToSign(signOf(peer(1+w.rand.IntN(6)))), "r")
	case 9, 10:
		w.callBack()
	default:
		w.posts = nil // no more is known of them
		w.world.step()
	}
}

func (w *land) yieldAtRandom(shard ids.Shard) {
	w.shell.Yield(shard, func() {
		w.mu.Lock()
		w.leads[shard] = false
		w.mu.Unlock()
	})
	if w.rand.IntN(2) == 0 {
		synctest.Wait()
	}
}

// leadAgain lets another node have had the shard: some first proposals of ours are
// stored, the others never will be, and a device may have been counted on there.
func (w *land) leadAgain(shard ids.Shard) {
	synctest.Wait()
	w.mu.Lock()
	led := w.leads[shard]
	w.leads[shard] = true
	w.mu.Unlock()
	if !led {
		w.late = append(w.late, w.desk.decide(shard, w.rand.IntN(4))...)
		w.elsewhereCounts(shard)
	}
	w.shell.Lead(shard, func(err error) {
		if err != nil {
			w.t.Errorf("lead %d: %v", shard, err)
		}
	})
}

func (w *land) elsewhereCounts(shard ids.Shard) {
	for _, id := range w.devices {
		if w.shardOf(id) != shard || w.rand.IntN(2) == 0 {
			continue
		}
		count := w.stored(id) + 1
		var b wire.Batch
		b.Put(wire.ClassContact, wire.EndpointKey(id), binary.BigEndian.AppendUint64(nil, uint64(count)))
		w.desk.mu.Lock()
		w.desk.apply(shard, &b)
		w.desk.mu.Unlock()
		w.mu.Lock()
		w.last[id] = count // the device knows: less would be of the past
		w.mu.Unlock()
		w.told[id] = max(w.told[id]+1, count)
	}
}

// decide applies the first proposals of a shard and forgets the others. What it
// returns tells those who proposed.
func (d *desk) decide(shard ids.Shard, first int) (late []func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, p := range d.pending[shard] {
		err := errDisk
		if i < first {
			d.apply(shard, p.batch)
			err = nil
		}
		late = append(late, func() { p.done(err) })
	}
	delete(d.pending, shard)
	return late
}

// callBack ends something that another node was asked, or that was decided.
func (w *land) callBack() {
	if w.rand.IntN(2) == 0 && len(w.late) > 0 {
		i := w.rand.IntN(len(w.late))
		w.late[i]()
		w.late = append(w.late[:i], w.late[i+1:]...)
	}
	w.askRemote()
}

func (w *land) askRemote() (more bool) {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.remote) == 0 {
		return false
	}
	f := w.remote[0]
	w.remote = w.remote[1:]
	f()
	return true
}

// turn asks for a turn that writes a record of its own.
func (w *land) turn(shard ids.Shard) *answers {
	w.turns++
	a, key := new(answers), []byte(fmt.Sprint("turn ", w.turns))
	err := w.shell.Do(shard, func(_ time.Time, s *endpoint.Shard, fx *endpoint.Effects) {
		fx.Batch.Put(wire.ClassMeta, key, nil)
		fx.Replies = append(fx.Replies, func(err error) {
			if _, found, _ := w.desk.Get(shard, wire.ClassMeta, key, nil); err == nil && !found {
				w.t.Errorf("%s is answered and not stored", key)
			}
			a.add(err)
		})
	}, a.add)
	if err != nil {
		a.add(err)
	}
	return a
}

// finish lets all come to an end.
func (w *land) finish() {
	for more := true; more; {
		for _, f := range w.late {
			f()
		}
		w.late = nil
		more = w.desk.commitAll(w.mishap())
		more = w.askRemote() || more || len(w.late) > 0
	}
	for shard := range w.shards() {
		w.leadAgain(shard)
	}
	w.automatic()
	pass(time.Second)
	for i, a := range w.replies {
		if len(a.errs) != 1 {
			w.t.Fatalf("call %d was answered %v", i, a.errs)
		}
		err := a.errs[0]
		if errors.Is(err, endpoint.ErrElsewhere) {
			w.nots++
		} else if err != nil && !errors.Is(err, endpoint.ErrBusy) && !w.harm {
			w.t.Errorf("call %d: %v", i, err)
		}
	}
	for _, id := range w.devices {
		if stored := w.stored(id); stored < w.last[id] || stored > w.told[id] {
			w.t.Errorf("%x: %d stored, %d acknowledged, %d told", uint64(id), stored, w.last[id], w.told[id])
		}
	}
	w.quiet()
}

// This test, too, must not prove things about nothing.
func TestTheLandIsLively(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newLand(t, 3, true)
		for range 2000 {
			w.step()
		}
		w.finish()
		w.close()
		s := w.shell.Stats()
		if s.Passivated == 0 || s.Panics == 0 || s.Forwarded < 20 || s.Loaded < 50 || len(w.sent) < 100 || w.turns < 50 || w.nots < 20 {
			t.Errorf("%+v, %d sent, %d turns, %d elsewhere", s, len(w.sent), w.turns, w.nots)
		}
	})
}
