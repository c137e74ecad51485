package peers

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"dormouse/cluster/shards"
	"dormouse/cluster/stream"
	"dormouse/codec/format"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
	"dormouse/node/certs"
	"dormouse/node/formats"
)

// engine leads the system group at node 1, and each shard at the node of the
// number that follows the shard's in turn, for ever.
type engine struct {
	self  ids.Node
	nodes int
}

func leader(shard ids.Shard, nodes int) ids.Node {
	if shard == ids.System {
		return 1
	}
	return ids.Node(int(shard)%nodes + 1)
}

func (e engine) Status(shard ids.Shard) (shards.Status, bool) {
	n := leader(shard, e.nodes)
	return shards.Status{Shard: shard, Leader: n, Term: 1, Leads: n == e.self, Voters: []ids.Node{n}}, true
}

func (engine) Propose(_ ids.Shard, _ *wire.Batch, done func(error))              { go done(nil) }
func (engine) Receive(ids.Node, []byte) error                                    { return nil }
func (engine) Serve(context.Context, ids.Node, []byte) ([]byte, error)           { return []byte("state"), nil }
func (engine) Change(_ ids.Shard, _ shards.Change, _ ids.Node, done func(error)) { done(nil) }
func (engine) Forget(ids.Node)                                                   {}

// nothing is a State without records.
type nothing struct{}

func (nothing) Get(ids.Shard, wire.Class, []byte, []byte) ([]byte, bool, error) {
	return nil, false, nil
}

func (nothing) Scan(ids.Shard, wire.Class, []byte, []byte, bool, func(key, value []byte) bool) error {
	return nil
}

// identities are those of one CA.
func identities(t *testing.T) func(name string) stream.Identity {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "ca")
	if _, err := certs.Init(certs.New{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	return func(name string) stream.Identity {
		t.Helper()
		w := certs.Wanted{Dir: dir, Name: name}
		if _, err := certs.Issue(w); err != nil {
			t.Fatal(err)
		}
		i, err := certs.LoadIdentity(filepath.Join(w.Folder(), certs.NodeFile), filepath.Join(w.Folder(), certs.NodeKeyFile), filepath.Join(w.Folder(), certs.CAFile))
		if err != nil {
			t.Fatal(err)
		}
		return i.Credentials
	}
}

// first is the format level of a cluster that never raised it.
var first, _ = formats.Open(format.Program(), nothing{}, 0)

// options are those of a node in its first life.
func options(id ids.Node, identity stream.Identity, join ...string) Options {
	return Options{
		Self: wire.Node{ID: id, Incarnation: 1}, Name: "node-" + id.String(), Cluster: "mice", Bind: netip.MustParseAddrPort("127.0.0.1:0"),
		Join: join, Identity: identity, Shards: 6, State: nothing{}, Serve: echo,
		Datagrams: func(wire.Node, []wire.Forward) {}, Log: slog.New(slog.DiscardHandler),
		Formats: first, Unfit: func(error) {},
	}
}

// echo answers with who asked, and the request.
func echo(_ context.Context, from ids.Node, kind byte, request []byte) ([]byte, error) {
	return append([]byte(from.String()+" "), request...), nil
}

func open(t *testing.T, o Options) *Peers {
	t.Helper()
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func start(t *testing.T, o Options) *Peers {
	t.Helper()
	p := open(t, o)
	if err := p.Start(engine{o.Self.ID, 3}); err != nil {
		t.Fatal(err)
	}
	return p
}

// three nodes that know one another.
func three(t *testing.T) []*Peers {
	t.Helper()
	identity := identities(t)
	first := start(t, options(1, identity("node-"+ids.Node(1).String())))
	list := []*Peers{first}
	for id := ids.Node(2); id <= 3; id++ {
		list = append(list, start(t, options(id, identity("node-"+id.String()), first.o.Bind.String())))
	}
	met(t, list...)
	return list
}

// met waits until all can be called by all.
func met(t *testing.T, list ...*Peers) {
	t.Helper()
	for _, p := range list {
		for _, other := range list {
			if other != p {
				until(t, "nodes to meet", func() bool { return p.reachesActors(other.o.Self.ID) })
			}
		}
	}
}

// within ends a test that would hang.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	ctx := within(t)
	for !condition() {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("waiting for %s: %v", what, ctx.Err())
		}
	}
}

// What an error means to those who call.
func isNotSent(err error) bool {
	n, ok := errors.AsType[interface {
		error
		NotSent() bool
	}](err)
	return ok && n.NotSent()
}

func codeOf(err error) (uint16, bool) {
	c, ok := errors.AsType[interface {
		error
		Code() uint16
	}](err)
	if !ok {
		return 0, false
	}
	return c.Code(), true
}

func (engine) Recover(ids.Shard, func(error)) {}
