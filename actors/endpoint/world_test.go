package endpoint

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"dormouse/codec/ids"
	"dormouse/codec/model"
	"dormouse/codec/wire"
)

// world is one endpoint with its store, clock and counterparts.
type world struct {
	t      *testing.T
	env    *Env
	store  memory
	now    time.Time
	shard  *Shard
	e      *Endpoint
	wake   time.Time
	random uint32
	full   bool
	lose   crash
	peer   string
	ops    []ids.Operation
	asked  []asked // requests that were sent, each once
	out    strings.Builder

	device   *secured // the newest session's other end
	sessions int
	audit    *auditor
}

// crash is what happens to the next event that writes.
type crash uint8

const (
	noCrash      crash = iota
	beforeCommit       // it never was
	afterCommit        // it is stored, and that is all
)

const testName = "urn:dev:1"

func newWorld(t *testing.T) *world {
	w := &world{t: t, store: memory{}, now: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC), peer: "[2001:db8::1]:40000"}
	w.env = &Env{
		Config: Config{AcceptUnknown: true, AwakeTime: -1, RequestTimeout: 180 * time.Second, MaxRequestTimeout: 600 * time.Second,
			LifetimeGrace: time.Minute, MaxPending: 2, MaxQueued: 5, StarvedAfter: 48 * time.Hour},
		State: w.store, Shards: 4, Model: model.Core(),
		Random: func() uint32 { w.random++; return w.random },
		Full:   func() bool { return w.full },
		Seal:   &plainSeal{},
	}
	w.audit = newAuditor()
	w.env.Audit = w.audit.seal
	return w
}

// start loads the endpoint at the first event, or after a restart.
func (w *world) start() {
	if w.e != nil {
		return
	}
	id := w.env.Key.Endpoint(testName)
	var err error
	if w.shard, err = NewShard(w.env, w.env.Shards.Of(id)); err != nil {
		w.t.Fatal(err)
	}
	if _, _, err = w.shard.Resume(w.now); err != nil {
		w.t.Fatal(err)
	}
	if w.e, err = LoadFrom(w.shard, id); err != nil {
		w.t.Fatal(err)
	}
	w.wake = w.e.wake()
}

// mark stores that the shard is served until now.
func (w *world) mark() {
	w.start()
	w.shard.Served.Mark(w.now)
	w.store.apply(w.shard.ID, wire.Write{Kind: wire.Put, Class: wire.ClassMeta, Key: ServedKey, Value: w.shard.Served.Append(nil)})
}

// number is 1 for the first operation that was stored.
func (w *world) number(id ids.Operation) int { return slices.Index(w.ops, id) + 1 }

func (w *world) printf(format string, args ...any) { fmt.Fprintf(&w.out, format+"\n", args...) }

// handle gives one event to the endpoint and does what it wants, in the order
// of the effect rule.
func (w *world) handle(ev Event) (committed bool) {
	w.start()
	var fx Effects
	w.e.Handle(w.now, ev, &fx)
	if lose := w.lose; lose != noCrash && (fx.Batch.Len() > 0 || len(fx.Signposts) > 0) {
		w.lose, w.e = noCrash, nil
		if lose == afterCommit {
			w.commit(&fx)
			w.printf("nothing leaves")
			return true
		}
		for _, r := range fx.Replies {
			r(ErrClosed)
		}
		w.printf("commit lost")
		return false
	}
	w.commit(&fx)
	for _, s := range fx.Sends {
		w.sends(s)
	}
	for _, r := range fx.Replies {
		r(nil)
	}
	for _, n := range fx.Notices {
		if n.Kind != RequestSent {
			w.printf("notice %s", strings.TrimSpace(n.Kind.String()+" "+w.mask(n.Detail)))
		}
	}
	w.wake = fx.Wake
	return true
}

func (w *world) commit(fx *Effects) {
	var written []string
	_ = fx.Batch.Each(func(wr wire.Write) error {
		w.store.apply(w.shard.ID, wr)
		if wr.Class == wire.ClassOperation && wr.Kind == wire.Put {
			if id := ids.Operation(binary.BigEndian.Uint64(wr.Key)); w.number(id) == 0 {
				w.ops = append(w.ops, id)
			}
		}
		sign := map[wire.WriteKind]string{wire.Put: "+", wire.Delete: "-", wire.DeleteRange: "--"}[wr.Kind]
		written = append(written, sign+string(rune(wr.Class)))
		return nil
	})
	for _, s := range fx.Signposts {
		written = append(written, map[bool]string{false: "+", true: "-"}[s.Clear]+string(rune(s.Sign.Class)))
	}
	if len(written) > 0 {
		w.printf("commit %s", strings.Join(written, " "))
	}
}

// advance fires what is due up to the new time, earliest first.
func (w *world) advance(d time.Duration) {
	end := w.now.Add(d)
	for {
		w.start()
		at, timer := w.wake, w.timer()
		if at.IsZero() || !timer.IsZero() && timer.Before(at) {
			at = timer
		}
		if at.IsZero() || at.After(end) {
			break
		}
		if at.After(w.now) {
			w.now = at
		}
		w.printf("at +%s", w.now.Sub(end.Add(-d)))
		if at.Equal(timer) {
			key := wire.TimerKey(timer, w.e.id)
			if w.handle(Deadline{At: timer.UnixMilli()}) {
				w.store.apply(w.shard.ID, wire.Write{Kind: wire.Delete, Class: wire.ClassTimer, Key: key})
			}
		} else {
			w.handle(Tick{})
		}
	}
	w.now = end
}

// timer is the earliest durable one.
func (w *world) timer() (at time.Time) {
	_ = w.store.Scan(w.shard.ID, wire.ClassTimer, nil, nil, false, func(key, _ []byte) bool {
		at, _, _ = wire.ParseTimerKey(key)
		return false
	})
	return at
}

func (w *world) receive(peer, line string) {
	m := w.parseMessage(line)
	raw, err := m.Append(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	d := &Datagram{}
	if err := d.Parse(wire.ReturnPath{Peer: netip.MustParseAddrPort(peer), Local: netip.MustParseAddr("::1")}, raw); err != nil {
		w.t.Fatal(err)
	}
	w.handle(d)
}
