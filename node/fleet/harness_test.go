package fleet

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/actors/operations"
	"dormouse/codec/ids"
	"dormouse/codec/model"
	"dormouse/codec/wire"
	"dormouse/node/credentials"
)

// begin is when a test's bubble of time begins.
var begin = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// inTime runs a test on a clock of its own.
func inTime(t *testing.T, f func(t *testing.T, n *node)) {
	synctest.Test(t, func(t *testing.T) {
		pass(time.Until(begin))
		f(t, newNode())
	})
}

// node is a State and a Gate in memory: every event is handled at once by an
// endpoint that is built from the records and forgotten again.
type node struct {
	*Fleet
	shards map[ids.Shard]*endpoint.Shard

	mu      sync.Mutex // guards all below
	records map[string][]byte
	refused error // what the gate answers, nil: it works
	broken  error // what reading answers
	posted  []endpoint.Event
	foreign map[ids.Shard]bool // led by others
}

const shards = 8

func newNode() *node {
	n := &node{records: map[string][]byte{}, shards: map[ids.Shard]*endpoint.Shard{}}
	next := uint32(0)
	env := &endpoint.Env{
		Config: endpoint.Config{AcceptUnknown: true, AwakeTime: -1, RequestTimeout: 180 * time.Second, MaxRequestTimeout: 600 * time.Second,
			LifetimeGrace: time.Hour, MaxPending: 10, MaxQueued: 5, StarvedAfter: 48 * time.Hour},
		State: n, Key: ids.Key{1}, Shards: shards, Model: model.Core(),
		Random: func() uint32 { next += 0x9e3779b9; return next },
		Full:   func() bool { return false },
	}
	logger := slog.New(slog.NewTextHandler(io.Discard, nil))
	n.Fleet = New(env, n, n, credentials.New(env, n, n, logger), logger)
	return n
}

func recordKey(s ids.Shard, c wire.Class, key []byte) string {
	return string([]byte{byte(c), byte(s)}) + string(key)
}

func (n *node) Get(s ids.Shard, c wire.Class, key, dst []byte) ([]byte, bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	v, ok := n.records[recordKey(s, c, key)]
	return append(dst, v...), ok, n.broken
}

func (n *node) Scan(s ids.Shard, c wire.Class, from, to []byte, reverse bool, f func(key, value []byte) bool) error {
	first, end := recordKey(s, c, from), recordKey(s, c, to)
	if to == nil {
		end = string([]byte{byte(c), byte(s) + 1})
	}
	n.mu.Lock()
	err := n.broken
	type record struct{ key, value []byte }
	var found []record
	for k, v := range n.records {
		if k >= first && k < end {
			found = append(found, record{[]byte(k[2:]), bytes.Clone(v)})
		}
	}
	n.mu.Unlock()
	slices.SortFunc(found, func(a, b record) int { return bytes.Compare(a.key, b.key) })
	if reverse {
		slices.Reverse(found)
	}
	for _, r := range found {
		if !f(r.key, r.value) {
			break
		}
	}
	return err
}

func (n *node) put(s ids.Shard, c wire.Class, key, value []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.records[recordKey(s, c, key)] = bytes.Clone(value)
}

func (n *node) shard(id ids.Shard) *endpoint.Shard {
	if n.shards[id] == nil {
		s, err := endpoint.NewShard(n.env, id)
		if err != nil {
			panic(err)
		}
		n.shards[id] = s
	}
	return n.shards[id]
}

// Post implements Gate.
func (n *node) Post(id ids.Endpoint, ev endpoint.Event) error {
	n.mu.Lock()
	refused := n.refused
	n.posted = append(n.posted, ev)
	n.mu.Unlock()
	if refused != nil {
		return refused
	}
	shard := n.env.Shards.Of(id)
	e, err := endpoint.LoadFrom(n.shard(shard), id)
	if err != nil {
		return err
	}
	return n.commit(shard, func(fx *endpoint.Effects) { e.Handle(time.Now(), ev, fx) })
}

// Leads implements Gate: all shards but those that are foreign.
func (n *node) Leads(shard ids.Shard) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return !n.foreign[shard]
}

// Do implements Gate.
func (n *node) Do(shard ids.Shard, f func(time.Time, *endpoint.Shard, *endpoint.Effects), _ func(error)) error {
	n.mu.Lock()
	refused := n.refused
	n.mu.Unlock()
	if refused != nil {
		return refused
	}
	return n.commit(shard, func(fx *endpoint.Effects) { f(time.Now(), n.shard(shard), fx) })
}

func (n *node) commit(shard ids.Shard, f func(*endpoint.Effects)) error {
	var fx endpoint.Effects
	f(&fx)
	n.mu.Lock()
	_ = fx.Batch.Each(func(w wire.Write) error {
		switch key := recordKey(shard, w.Class, w.Key); w.Kind {
		case wire.Put:
			n.records[key] = bytes.Clone(w.Value)
		case wire.Delete:
			delete(n.records, key)
		case wire.DeleteRange:
			for k := range n.records {
				if k >= key && k < recordKey(shard, w.Class, w.Value) {
					delete(n.records, k)
				}
			}
		}
		return nil
	})
	n.mu.Unlock()
	for _, r := range fx.Replies {
		r(nil)
	}
	return nil
}

// count is the number of records of a class.
func (n *node) count(c wire.Class) (k int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for key := range n.records {
		if key[0] == byte(c) {
			k++
		}
	}
	return k
}

// device stores the records of a device that is registered now.
func (n *node) device(name string, change func(*endpoint.Registration, *endpoint.Contact)) ids.Endpoint {
	id := n.env.Key.Endpoint(name)
	now := time.Now()
	r := endpoint.Registration{Name: name, Created: now, Registered: true, Since: now, Lifetime: 600, Binding: "U"}
	c := endpoint.Contact{LastContact: now, LastUpdate: now, Registered: true, Lifetime: 600,
		Path: wire.ReturnPath{Peer: netip.MustParseAddrPort("[2001:db8::1]:5683")}}
	r.Settings.Format = 0xffff
	if change != nil {
		change(&r, &c)
	}
	shard, key := n.env.Shards.Of(id), wire.EndpointKey(id)
	n.put(shard, wire.ClassRegistration, key, r.Append(nil))
	n.put(shard, wire.ClassContact, key, c.Append(nil))
	return id
}

// operation stores an operation that ended.
func (n *node) operation(id ids.Operation, e ids.Endpoint, status operations.Status) {
	op := operations.Operation{ID: id, Endpoint: e, Device: e.Object(), Status: status, Text: "read /3", Updated: id.Time()}
	n.put(id.Shard(), wire.ClassOperation, wire.OperationKey(id), op.Append(nil))
	n.put(id.Shard(), wire.ClassByDevice, wire.DeviceOperationKey(e, id), nil)
}

var errBroken = errors.New("the disk is broken")
