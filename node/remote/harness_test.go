package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/actors/shell"
	"dormouse/codec/ids"
	"dormouse/codec/model"
	"dormouse/codec/wire"
	"dormouse/node/admin"
	"dormouse/node/credentials"
	"dormouse/node/fleet"
	"dormouse/persistence/seal"
)

const (
	shards = 8
	nodes  = 3
)

var background = context.Background()

var ring = func() *seal.Ring {
	r, err := seal.New(bytes.Repeat([]byte{7}, seal.KeySize))
	if err != nil {
		panic(err)
	}
	return r
}()

// world is three nodes, each a shell and a router over what it leads. What is
// committed of a shard is on one disk, which only the leader of the shard may read.
type world struct {
	*testing.T
	nodes []*node // IDs from 1

	mu      sync.Mutex // guards what follows
	records map[string][]byte
	leader  [shards]ids.Node // 0: nobody
	calls   []string         // "1>2 method"
	reads   int              // barriers
	// lose says what becomes of a call: lost before or behind the work of to.
	lose func(to ids.Node, kind byte, request []byte) (before, behind bool)
	// delay is how long a request is on its way, and whether its caller is told
	// before that it is lost.
	delay func() (d time.Duration, late bool)
	late  sync.WaitGroup // requests that nobody waits for
	loose atomic.Bool    // shards move while they are read
	// hold keeps back commits.
	hold func(shard ids.Shard, b *wire.Batch) bool
	held []func()
}

// node is one of them.
type node struct {
	w   *world
	id  ids.Node
	env *endpoint.Env
	log strings.Builder

	router  *Router
	shell   *shell.Shell
	fleet   *fleet.Fleet
	keys    *credentials.Store
	backend admin.Backend

	believes [shards]atomic.Uint64 // the leader as far as the node knows; 0: as it is, unknown: nobody
}

const unknown = 1 << 32

// begin is when a bubble of time begins.
var begin = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// inTime runs a test on a clock of its own.
func inTime(t *testing.T, f func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		pass(time.Until(begin))
		f(newWorld(t))
	})
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, records: map[string][]byte{}}
	for id := range ids.Node(nodes) {
		w.nodes = append(w.nodes, w.newNode(id+1))
	}
	for shard := range ids.Shard(shards) {
		w.move(shard, ids.Node(shard%nodes)+1)
	}
	return w
}

func (w *world) newNode(id ids.Node) *node {
	n := &node{w: w, id: id}
	random := uint32(id) << 8
	n.env = &endpoint.Env{
		Config: endpoint.Config{AcceptUnknown: true, AwakeTime: -1, RequestTimeout: 180 * time.Second, MaxRequestTimeout: 600 * time.Second,
			LifetimeGrace: time.Hour, MaxPending: 10, MaxQueued: 5, StarvedAfter: 48 * time.Hour},
		State: local{n}, Key: ids.Key{1}, Shards: shards, Model: model.Core(), Seal: ring,
		Random: func() uint32 { random += 0x9e3779b9; return random },
		Full:   func() bool { return false },
	}
	var mu sync.Mutex
	draw := n.env.Random
	n.env.Random = func() uint32 { mu.Lock(); defer mu.Unlock(); return draw() }
	logger := slog.New(slog.NewTextHandler(&n.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	n.router = New(Options{Cluster: n, Env: n.env, Logger: logger})
	var err error
	n.shell, err = shell.New(shell.Options{
		Env: n.env, Propose: n.propose, Send: func([]shell.Out) {}, Loops: 2, RemoteSign: n.router.RemoteSign,
		Load: func(s *endpoint.Shard, id ids.Endpoint) (shell.Cell, error) { return endpoint.LoadFrom(s, id) },
	})
	if err != nil {
		w.Fatal(err)
	}
	n.keys = credentials.New(n.env, n.router.State(), n.shell, logger)
	n.keys.Route(n.router.Claims())
	n.fleet = fleet.New(n.env, n.router.State(), n.shell, n.keys, logger)
	n.router.Join(Parts{Shell: n.shell, Fleet: n.fleet, Credentials: n.keys})
	n.backend = n.router.Backend()
	n.shell.Start()
	w.Cleanup(func() {
		n.shell.Stop()
		n.router.Close()
	})
	return n
}

// Owner implements Cluster.
func (n *node) Owner(shard ids.Shard) (ids.Node, bool, bool) {
	owner := ids.Node(n.believes[shard].Load())
	if owner == 0 {
		n.w.mu.Lock()
		owner = n.w.leader[shard]
		n.w.mu.Unlock()
	}
	if owner == unknown || owner == 0 {
		return 0, false, false
	}
	return owner, owner == n.id, true
}

func (n *node) leads(shard ids.Shard) bool {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	return n.w.leader[shard] == n.id
}

var errLost = errors.New("leadership lost")

// Read implements Cluster.
func (n *node) Read(shard ids.Shard, done func(error)) {
	if !n.leads(shard) {
		done(errLost)
		return
	}
	n.w.mu.Lock()
	n.w.reads++
	n.w.mu.Unlock()
	go done(nil)
}

// failure of a call.
type failure struct{ unsent bool }

func (f failure) Error() string { return "the connection broke" }
func (f failure) NotSent() bool { return f.unsent }

// Call implements Cluster.
func (n *node) Call(ctx context.Context, to ids.Node, kind byte, request []byte) ([]byte, error) {
	w := n.w
	w.mu.Lock()
	w.calls = append(w.calls, fmt.Sprintf("%d>%d %d", n.id, to, kind))
	lose, delay := w.lose, w.delay
	w.mu.Unlock()
	before, behind := false, false
	if lose != nil {
		before, behind = lose(to, kind, request)
	}
	if before || to == 0 || to > nodes || to == n.id {
		return nil, failure{unsent: true}
	}
	if delay != nil {
		d, late := delay()
		if late {
			w.late.Go(func() {
				pass(d)
				_, _ = w.nodes[to-1].router.Serve(background, n.id, kind, request)
			})
			return nil, failure{}
		}
		pass(d)
	}
	answer, err := w.nodes[to-1].router.Serve(ctx, n.id, kind, bytes.Clone(request))
	if behind {
		return nil, failure{}
	}
	return answer, err
}

// propose commits where the node leads.
func (n *node) propose(shard ids.Shard, b *wire.Batch, done func(error)) {
	w := n.w
	w.mu.Lock()
	if w.hold != nil && w.hold(shard, b) {
		w.held = append(w.held, func() { n.commit(shard, b, done) })
		w.mu.Unlock()
		return
	}
	w.mu.Unlock()
	n.commit(shard, b, done)
}

func (n *node) commit(shard ids.Shard, b *wire.Batch, done func(error)) {
	w := n.w
	w.mu.Lock()
	if w.leader[shard] != n.id {
		w.mu.Unlock()
		done(endpoint.ErrElsewhere)
		return
	}
	_ = b.Each(func(write wire.Write) error {
		switch key := recordKey(shard, write.Class, write.Key); write.Kind {
		case wire.Put:
			w.records[key] = bytes.Clone(write.Value)
		case wire.Delete:
			delete(w.records, key)
		case wire.DeleteRange:
			for k := range w.records {
				if k >= key && k < recordKey(shard, write.Class, write.Value) {
					delete(w.records, k)
				}
			}
		}
		return nil
	})
	w.mu.Unlock()
	done(nil)
}

// move gives a shard to a node, 0 for nobody.
func (w *world) move(shard ids.Shard, to ids.Node) {
	w.Helper()
	w.mu.Lock()
	from := w.leader[shard]
	w.leader[shard] = 0
	w.mu.Unlock()
	if from != 0 {
		w.nodes[from-1].shell.Yield(shard, func() {})
	}
	synctest.Wait()
	w.mu.Lock()
	w.leader[shard] = to
	w.mu.Unlock()
	if to != 0 {
		w.nodes[to-1].shell.Lead(shard, func(err error) {
			if err != nil {
				w.Error(err)
			}
		})
	}
	synctest.Wait()
}

// called are the calls since the last time.
func (w *world) called() (calls []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	calls, w.calls = w.calls, nil
	return calls
}

func (w *world) set(lose func(to ids.Node, kind byte, request []byte) (before, behind bool)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lose = lose
}

// local is what a node has of the disk: a shard that it does not lead, it must
// not read.
type local struct{ n *node }

func recordKey(s ids.Shard, c wire.Class, key []byte) string {
	return string([]byte{byte(c), byte(s)}) + string(key)
}

func (l local) Get(s ids.Shard, c wire.Class, key, dst []byte) ([]byte, bool, error) {
	if !l.n.leads(s) && !l.n.w.loose.Load() {
		l.n.w.Errorf("node %d reads shard %d, which it does not lead", l.n.id, s)
	}
	return l.n.w.Get(s, c, key, dst)
}

func (l local) Scan(s ids.Shard, c wire.Class, from, to []byte, reverse bool, f func(key, value []byte) bool) error {
	if !l.n.leads(s) && !l.n.w.loose.Load() {
		l.n.w.Errorf("node %d scans shard %d, which it does not lead", l.n.id, s)
	}
	return l.n.w.Scan(s, c, from, to, reverse, f)
}

// Get and Scan read the disk as one node that leads all shards does.
func (w *world) Get(s ids.Shard, c wire.Class, key, dst []byte) ([]byte, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	v, ok := w.records[recordKey(s, c, key)]
	return append(dst, v...), ok, nil
}

func (w *world) Scan(s ids.Shard, c wire.Class, from, to []byte, reverse bool, f func(key, value []byte) bool) error {
	first, end := recordKey(s, c, from), string([]byte{byte(c), byte(s) + 1})
	if to != nil {
		end = recordKey(s, c, to)
	}
	var found []record
	w.mu.Lock()
	for k, v := range w.records {
		if k >= first && k < end {
			found = append(found, record{[]byte(k[2:]), bytes.Clone(v)})
		}
	}
	w.mu.Unlock()
	slices.SortFunc(found, func(a, b record) int { return bytes.Compare(a.key, b.key) })
	if reverse {
		slices.Reverse(found)
	}
	for _, r := range found {
		if !f(r.key, r.value) {
			break
		}
	}
	return nil
}

func (w *world) put(s ids.Shard, c wire.Class, key, value []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.records[recordKey(s, c, key)] = bytes.Clone(value)
}

// count is the number of records of a class.
func (w *world) count(c wire.Class) (k int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for key := range w.records {
		if key[0] == byte(c) {
			k++
		}
	}
	return k
}

// device stores the records of a device that sleeps.
func (w *world) device(name string) ids.Endpoint {
	id := w.nodes[0].env.Key.Endpoint(name)
	now := time.Now()
	r := endpoint.Registration{Name: name, Created: now, Registered: true, Since: now, Lifetime: 600, Binding: "U"}
	c := endpoint.Contact{LastContact: now, LastUpdate: now, Registered: true, Lifetime: 600, Asleep: true,
		Path: wire.ReturnPath{Peer: netip.MustParseAddrPort("[2001:db8::1]:5683")}}
	r.Settings.Format = 0xffff
	w.put(w.shard(id), wire.ClassRegistration, wire.EndpointKey(id), r.Append(nil))
	w.put(w.shard(id), wire.ClassContact, wire.EndpointKey(id), c.Append(nil))
	return id
}

func (w *world) shard(e ids.Endpoint) ids.Shard { return ids.Shards(shards).Of(e) }

// nameIn is the name of an endpoint whose shard a node leads.
func (w *world) nameIn(prefix string, leader ids.Node) string {
	for i := 0; ; i++ {
		name := fmt.Sprint(prefix, i)
		if w.ownerOf(name) == leader {
			return name
		}
	}
}

func (w *world) ownerOf(name string) ids.Node {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.leader[w.shard(w.nodes[0].env.Key.Endpoint(name))]
}

// identityIn is a PSK identity whose claim lies in a shard that a node leads.
func (w *world) identityIn(prefix string, leader ids.Node) string {
	for i := 0; ; i++ {
		identity := fmt.Sprint(prefix, i)
		shard := ids.Shards(shards).OfIdentity(w.nodes[0].env.Key.Identity([]byte(identity)))
		w.mu.Lock()
		led := w.leader[shard]
		w.mu.Unlock()
		if led == leader {
			return identity
		}
	}
}

// single is the API of one node that leads everything, for what is read.
func (w *world) single() *fleet.Fleet {
	of := w.nodes[0].env
	env := endpoint.Env{Config: of.Config, State: w, Key: of.Key, Shards: of.Shards, Model: of.Model, Random: of.Random, Full: of.Full, Seal: of.Seal}
	logger := slog.New(slog.DiscardHandler)
	return fleet.New(&env, w, w.nodes[0].shell, credentials.New(&env, w, w.nodes[0].shell, logger), logger)
}

// pass lets virtual time go by.
func pass(d time.Duration) { <-time.After(d) }
