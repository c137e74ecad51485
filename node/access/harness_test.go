package access

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dormouse/actors/access"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
	"dormouse/node/admin"
)

// cheap is a cost for tests.
var cheap = access.Cost{Memory: 64, Time: 1, Threads: 1}

// system is a system group in memory: one state that every node has, and who leads.
type system struct {
	mu      sync.Mutex
	records map[string][]byte
	term    uint64
	leader  *node
	broken  error
	held    []func(err error) // nil to commit
	hold    bool
}

// node is a Store, a Service and a Leader that finds the one that leads.
type node struct {
	*Service
	sys *system
}

func recordKey(s ids.Shard, c wire.Class, key []byte) string {
	return string([]byte{byte(c), byte(s >> 8), byte(s)}) + string(key)
}

func (n *node) Get(s ids.Shard, c wire.Class, key, dst []byte) ([]byte, bool, error) {
	n.sys.mu.Lock()
	defer n.sys.mu.Unlock()
	v, ok := n.sys.records[recordKey(s, c, key)]
	return append(dst, v...), ok, n.sys.broken
}

func (n *node) Scan(s ids.Shard, c wire.Class, from, to []byte, reverse bool, f func(key, value []byte) bool) error {
	first, end := recordKey(s, c, from), recordKey(s+1, c, nil)
	if len(to) > 0 {
		end = recordKey(s, c, to)
	}
	n.sys.mu.Lock()
	view, err := maps.Clone(n.sys.records), n.sys.broken
	n.sys.mu.Unlock()
	keys := slices.Sorted(maps.Keys(view))
	if reverse {
		slices.Reverse(keys)
	}
	for _, k := range keys {
		if k >= first && k < end && !f([]byte(k[3:]), view[k]) {
			break
		}
	}
	return err
}

func (n *node) Lead() (uint64, bool) {
	n.sys.mu.Lock()
	defer n.sys.mu.Unlock()
	return n.sys.term, n.sys.leader == n
}

func (n *node) Propose(term uint64, b *wire.Batch, done func(error)) {
	n.sys.mu.Lock()
	defer n.sys.mu.Unlock()
	commit := func(err error) {
		if err == nil && (n.sys.term != term || n.sys.leader != n) {
			err = ErrElsewhere
		}
		if err == nil {
			n.sys.apply(b)
		}
		go done(err)
	}
	if n.sys.hold {
		n.sys.held = append(n.sys.held, commit)
		return
	}
	commit(nil)
}

func (s *system) apply(b *wire.Batch) {
	_ = b.Each(func(w wire.Write) error {
		k := recordKey(ids.System, w.Class, w.Key)
		switch w.Kind {
		case wire.Put:
			s.records[k] = bytes.Clone(w.Value)
		case wire.Delete:
			delete(s.records, k)
		case wire.DeleteRange:
			end := recordKey(ids.System, w.Class, w.Value)
			maps.DeleteFunc(s.records, func(r string, _ []byte) bool { return r >= k && r < end })
		}
		return nil
	})
}

// lead makes a node the leader, in another term.
func (s *system) lead(n *node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.term++
	s.leader = n
}

// route takes what logins find out to the node that leads.
type route struct{ sys *system }

func (r route) to() *Service {
	r.sys.mu.Lock()
	defer r.sys.mu.Unlock()
	return r.sys.leader.Service
}
func (r route) Upgrade(ctx context.Context, u Upgrade) error { return r.to().Upgrade(ctx, u) }
func (r route) Lock(ctx context.Context, s access.Subject, c access.Count) error {
	return r.to().Lock(ctx, s, c)
}
func (r route) Unlock(ctx context.Context, s access.Subject) error { return r.to().Unlock(ctx, s) }

// world is nodes, a clock that tests move, and what was logged.
type world struct {
	testing.TB
	sys   *system
	nodes []*node
	*node // the first
	mu    sync.Mutex
	time  time.Time
	log   *bytes.Buffer
	admin access.Principal
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.time
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.time = w.time.Add(d)
}

const adminPassword = "planted-admin-password"

// newWorld has nodes of which the first leads, the tenants management and acme, and
// their admins, admin and ann.
func newWorld(t testing.TB, nodes int, change func(*Options)) *world {
	w := &world{TB: t, sys: &system{records: map[string][]byte{}}, time: time.UnixMilli(1_800_000_000_123), log: new(bytes.Buffer)}
	out := &guarded{w: w.log}
	for range nodes {
		n := &node{sys: w.sys}
		o := Options{Store: n, Cost: cheap, Now: w.now, Log: slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))}
		if change != nil {
			change(&o)
		}
		n.Service = New(o)
		n.Route(route{w.sys})
		w.nodes = append(w.nodes, n)
	}
	w.node = w.nodes[0]
	w.sys.lead(w.node)
	if shown, err := w.First(t.Context(), adminPassword); err != nil || shown != "" {
		t.Fatal(shown, err)
	}
	w.admin = w.login("management/admin:" + adminPassword)
	if _, err := w.CreateTenant(t.Context(), &w.admin, NewTenant{ID: "Acme", Name: "Acme Inc."}); err != nil {
		t.Fatal(err)
	}
	acting := w.login("acme/management/admin:" + adminPassword)
	if _, err := w.CreateUser(t.Context(), &acting, NewUser{Name: "Ann", Roles: access.RoleTenantAdmin, Password: annPassword}); err != nil {
		t.Fatal(err)
	}
	return w
}

const annPassword = "planted-ann-password"

type guarded struct {
	mu sync.Mutex
	w  *bytes.Buffer
}

func (g *guarded) Write(b []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.w.Write(b)
}

var home = netip.MustParseAddr("192.0.2.1")

func basic(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }

func (w *world) try(n *node, credentials string, from netip.Addr) (access.Principal, error) {
	header := basic(credentials)
	if strings.HasPrefix(credentials, "dm_") {
		header = "Bearer " + credentials
	}
	return n.Login(w.Context(), Request{Authorization: header, Source: from})
}

func (w *world) login(credentials string) access.Principal {
	w.Helper()
	p, err := w.try(w.node, credentials, home)
	if err != nil {
		w.Fatalf("%s: %v", credentials, err)
	}
	return p
}

// user makes a user of acme.
func (w *world) user(name string, roles access.Roles) access.User {
	w.Helper()
	ann := w.login("acme/ann:" + annPassword)
	u, err := w.CreateUser(w.Context(), &ann, NewUser{Name: name, Roles: roles, Password: access.Secret("planted-" + name)})
	if err != nil {
		w.Fatal(err)
	}
	return u
}

// kind names the kind of an error.
func kind(err error) string {
	for _, k := range []struct {
		name string
		err  error
	}{{"unauthorized", access.ErrUnauthorized}, {"forbidden", access.ErrForbidden}, {"elsewhere", ErrElsewhere}} {
		if isKind(err, k.err) {
			return k.name
		}
	}
	if _, ok := err.(*access.Throttled); ok {
		return "throttled"
	}
	if err == nil {
		return "ok"
	}
	name, _ := admin.Describe(err)
	if name == "" {
		return fmt.Sprintf("internal: %v", err)
	}
	return name
}
