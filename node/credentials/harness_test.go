package credentials

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/actors/shell"
	"dormouse/codec/ids"
	"dormouse/codec/model"
	"dormouse/codec/platform"
	"dormouse/codec/wire"
	"dormouse/persistence/seal"
)

const shards = 8

// disk is a State in memory and what commits to it, in order. hold keeps back
// what is proposed until it is let go, or lost in a crash.
type disk struct {
	mu      sync.Mutex
	records map[string][]byte
	hold    func(shard ids.Shard, b *wire.Batch) bool // nil: commit all
	held    []func(err error)
	reads   int
	broken  error // what reading answers
	full    error // what commits answer
}

func recordKey(s ids.Shard, c wire.Class, key []byte) string {
	return string([]byte{byte(c), byte(s)}) + string(key)
}

func (d *disk) Get(s ids.Shard, c wire.Class, key, dst []byte) ([]byte, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reads++
	v, ok := d.records[recordKey(s, c, key)]
	return append(dst, v...), ok, d.broken
}

func (d *disk) Scan(s ids.Shard, c wire.Class, from, to []byte, reverse bool, f func(key, value []byte) bool) error {
	first, end := recordKey(s, c, from), string([]byte{byte(c), byte(s) + 1})
	if to != nil {
		end = recordKey(s, c, to)
	}
	type record struct{ key, value []byte }
	var found []record
	d.mu.Lock()
	for k, v := range d.records {
		if k >= first && k < end {
			found = append(found, record{[]byte(k[2:]), bytes.Clone(v)})
		}
	}
	err := d.broken
	d.mu.Unlock()
	slices.SortFunc(found, func(a, b record) int { return bytes.Compare(a.key, b.key) })
	if reverse {
		slices.Reverse(found)
	}
	for _, r := range found {
		if err != nil || !f(r.key, r.value) {
			break
		}
	}
	return err
}

func (d *disk) propose(shard ids.Shard, b *wire.Batch, done func(error)) {
	d.mu.Lock()
	finish := func(err error) {
		if err == nil {
			d.apply(shard, b)
		}
		done(err)
	}
	if d.hold != nil && d.hold(shard, b) {
		d.held = append(d.held, finish)
		d.mu.Unlock()
		return
	}
	err := d.full
	d.mu.Unlock()
	finish(err)
}

func (d *disk) apply(shard ids.Shard, b *wire.Batch) {
	d.mu.Lock()
	defer d.mu.Unlock()
	_ = b.Each(func(w wire.Write) error {
		if key := recordKey(shard, w.Class, w.Key); w.Kind == wire.Put {
			d.records[key] = bytes.Clone(w.Value)
		} else {
			delete(d.records, key)
		}
		return nil
	})
}

// letGo ends the holding: what was held commits, or fails.
func (d *disk) letGo(err error) {
	d.mu.Lock()
	held := d.held
	d.held, d.hold = nil, nil
	d.mu.Unlock()
	for _, finish := range held {
		finish(err)
	}
}

// holdClass holds what writes to a class.
func (d *disk) holdClass(c wire.Class) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hold = func(_ ids.Shard, b *wire.Batch) (holds bool) {
		_ = b.Each(func(w wire.Write) error { holds = holds || w.Class == c; return nil })
		return holds
	}
}

// node is a Store over a real shell; its endpoints know of credentials alone.
type node struct {
	*testing.T
	*Store
	disk  *disk
	shell *shell.Shell
	log   *strings.Builder // of the Store, at every level
}

var ring = func() *seal.Ring {
	r, err := seal.New(bytes.Repeat([]byte{7}, seal.KeySize))
	if err != nil {
		panic(err)
	}
	return r
}()

// inTime runs a test on a clock of its own.
func inTime(t *testing.T, f func(t *testing.T, n *node)) {
	synctest.Test(t, func(t *testing.T) { f(t, start(t, &disk{records: map[string][]byte{}})) })
}

func start(t *testing.T, d *disk) *node {
	n := &node{T: t, disk: d, log: new(strings.Builder)}
	env := &endpoint.Env{
		State: d, Key: ids.Key{1}, Shards: shards, Model: model.Core(), Seal: ring,
		Random: func() uint32 { return 1 }, Full: func() bool { return false },
	}
	var err error
	n.shell, err = shell.New(shell.Options{
		Env: env, Propose: d.propose, Send: func([]shell.Out) {}, Loops: 2,
		Load: func(s *endpoint.Shard, id ids.Endpoint) (shell.Cell, error) { return endpoint.LoadFrom(s, id) },
	})
	if err != nil {
		t.Fatal(err)
	}
	for id := range ids.Shard(shards) {
		n.shell.Lead(id, func(err error) {
			if err != nil {
				t.Errorf("lead shard %d: %v", id, err)
			}
		})
	}
	n.shell.Start()
	synctest.Wait()
	t.Cleanup(n.shell.Stop)
	n.Store = New(env, d, n.shell, slog.New(slog.NewTextHandler(n.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	return n
}

// pass lets virtual time go by.
func pass(d time.Duration) { <-time.After(d) }

var background = context.Background()

func of(endpoint, identity, key string) platform.NewCredentials {
	return platform.NewCredentials{Endpoint: endpoint, Identity: identity, Key: []byte(key)}
}

// add wants an endpoint to have credentials.
func (n *node) add(endpoint, identity, key string, replace bool) {
	n.Helper()
	if _, _, err := n.Add(background, of(endpoint, identity, key), replace); err != nil {
		n.Fatalf("add %s %s: %v", endpoint, identity, err)
	}
}

// knows checks what a handshake finds: key@endpoint, "" for nothing.
func (n *node) knows(identity, want string) {
	n.Helper()
	key, name, _, ok := n.Lookup([]byte(identity))
	got := ""
	if ok {
		got = string(key) + "@" + name
	}
	if got != want {
		n.Errorf("%s is %q, want %q", identity, got, want)
	}
}

// claimed is a claim as it is committed: "endpoint", "endpoint?" while it is
// reserved, "" for none.
func (n *node) claimed(identity string) string {
	n.Helper()
	c, err := n.Store.claim(n.env.Key.Identity([]byte(identity)))
	if err != nil {
		n.Fatal(err)
	}
	if c.Confirmed() {
		return c.Endpoint
	}
	return c.Endpoint + "?"
}

func (n *node) sweepAll() {
	n.Helper()
	for shard := range ids.Shard(shards) {
		if err := n.Sweep(background, shard); err != nil {
			n.Fatal(err)
		}
	}
}

// check is what holds at every moment: who has an identity has its claim.
func (n *node) check() {
	n.Helper()
	for shard := range ids.Shard(shards) {
		err := n.disk.Scan(shard, wire.ClassCredentials, nil, nil, false, func(_, value []byte) bool {
			c, err := endpoint.ParseCredentials(value)
			if held := strings.TrimSuffix(n.claimed(c.Identity), "?"); err != nil || held != c.Endpoint {
				n.Errorf("%s has %s, which is claimed by %q, %v", c.Endpoint, c.Identity, held, err)
			}
			return true
		})
		if err != nil {
			n.Fatal(err)
		}
	}
}

// count is the number of records of a class.
func (d *disk) count(c wire.Class) (k int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key := range d.records {
		if key[0] == byte(c) {
			k++
		}
	}
	return k
}

var errBroken = errors.New("the disk is broken")

// forgetMarks takes away what shards write of themselves from time to time.
func (d *disk) forgetMarks() {
	d.mu.Lock()
	defer d.mu.Unlock()
	maps.DeleteFunc(d.records, func(key string, _ []byte) bool { return wire.Class(key[0]) == wire.ClassMeta })
}

// put stores a record behind the back of all.
func (d *disk) put(key string, value []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.records[key] = value
}
