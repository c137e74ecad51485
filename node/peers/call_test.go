package peers

import (
	"context"
	"crypto/tls"
	"errors"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"dormouse/actors/shell"
	"dormouse/cluster/provider"
	"dormouse/cluster/stream"
	"dormouse/codec/ids"
)

const kind = FirstKind + 3

func ask(t *testing.T, p *Peers, to ids.Node, request string) string {
	t.Helper()
	answer, err := p.Command(within(t), to, kind, []byte(request))
	if err != nil {
		t.Errorf("%s asks %s: %v", p.o.Self.ID, to, err)
	}
	return string(answer)
}

// Each node asks each other one by protoactor; calls and states go over the mesh.
func TestCommandsFromEachToEach(t *testing.T) {
	nodes := three(t)
	for _, p := range nodes {
		before := p.mesh.Stats().Calls
		for _, other := range nodes {
			if other == p {
				continue
			}
			if got, want := ask(t, p, other.o.Self.ID, "x"), p.o.Self.ID.String()+" x"; got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
		if s := p.actors.Stats(); s.Calls != 2 {
			t.Errorf("%+v", s)
		}
		other := nodes[0].o.Self.ID
		if p == nodes[0] {
			other = nodes[1].o.Self.ID
		}
		if b, err := p.Fetch(within(t), other, nil); err != nil || string(b) != "state" {
			t.Errorf("a state: %q, %v", b, err)
		}
		if b, err := p.Call(within(t), other, kind, []byte("x")); err != nil || string(b) != p.o.Self.ID.String()+" x" {
			t.Errorf("a call: %q, %v", b, err)
		}
		if s := p.mesh.Stats(); s.Calls < before+2 { // and its hellos
			t.Errorf("%+v, %d before", s, before)
		}
	}
}

// The gate of a shard is found by its name, at whoever leads the shard.
func TestGatesAreFound(t *testing.T) {
	nodes := three(t)
	for _, p := range nodes {
		for shard := range ids.Shard(6) {
			p.System().ProcessRegistry.Add(p.Gate(), shell.GateName(shard))
		}
	}
	p := nodes[0]
	for shard := range ids.Shard(6) {
		before := servedBy(nodes)
		e := provider.Envelope{Kind: kind, ID: p.Actors().NewID(), Payload: []byte("x")}
		answer, err := p.Actors().Cluster().Request(shell.GateName(shard), "shard", e.Message())
		if err != nil {
			t.Fatal(err)
		}
		got, err := provider.ParseEnvelope(answer.(interface{ GetValue() []byte }).GetValue())
		if want := p.o.Self.ID.String() + " x"; err != nil || !got.Answer || string(got.Payload) != want {
			t.Errorf("shard %d: %+v, %v", shard, got, err)
		}
		for i, count := range servedBy(nodes) {
			if by := count > before[i]; by != (leader(shard, 3) == nodes[i].o.Self.ID) {
				t.Errorf("shard %d: served by node %d: %v", shard, i+1, by)
			}
		}
	}
	for _, stranger := range []string{"gate/7", "gate/x", "gate/node", "7", ""} {
		if _, err := p.Actors().Cluster().Request(stranger, "shard", (&provider.Envelope{Kind: kind}).Message()); !errors.Is(err, provider.ErrNoOwner) {
			t.Errorf("%q: %v", stranger, err)
		}
	}
}

func servedBy(nodes []*Peers) (counts []int64) {
	for _, p := range nodes {
		counts = append(counts, p.actors.Stats().Served)
	}
	return counts
}

type coded struct{}

func (coded) Error() string { return "coded" }
func (coded) Code() uint16  { return 42 }

// Whether a call was carried out is told alike by either way.
func TestErrorsKeepTheirMeaning(t *testing.T) {
	identity := identities(t)
	o := options(1, identity("node-0000000000000001"))
	o.Serve = func(ctx context.Context, _ ids.Node, _ byte, request []byte) ([]byte, error) {
		if string(request) == "wait" {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return nil, coded{}
	}
	a := start(t, o)
	b := start(t, options(2, identity("node-0000000000000002"), a.o.Bind.String()))
	met(t, a, b)
	for _, older := range []bool{false, true} {
		if older {
			forgetActors(b, 1)
			until(t, "the mesh", func() bool { _, err := b.Command(within(t), 1, kind, nil); return !isNotSent(err) })
		}
		calls := b.actors.Stats().Calls
		_, err := b.Command(within(t), 1, kind, nil)
		if code, ok := codeOf(err); !ok || code != 42 || isNotSent(err) {
			t.Errorf("older %v: %v", older, err)
		}
		ctx, end := context.WithTimeout(within(t), 300*time.Millisecond)
		_, err = b.Command(ctx, 1, kind, []byte("wait"))
		end()
		if _, ok := codeOf(err); ok || isNotSent(err) || err == nil {
			t.Errorf("older %v: an outcome that nobody knows: %v", older, err)
		}
		if _, err = b.Command(within(t), 3, kind, nil); !isNotSent(err) {
			t.Errorf("older %v: nobody: %v", older, err)
		}
		ended, cancel := context.WithCancel(within(t))
		cancel()
		if _, err = b.Command(ended, 1, kind, nil); !isNotSent(err) {
			t.Errorf("older %v: %v", older, err)
		}
		if got := b.actors.Stats().Calls - calls; older != (got == 0) {
			t.Errorf("older %v: %d calls by protoactor", older, got)
		}
	}
}

// forgetActors makes a node one of a release before protoactor, for another.
func forgetActors(p *Peers, n ids.Node) {
	p.mu.Lock()
	p.nodes[n].Ports.Actors = 0
	p.mu.Unlock()
	p.setPeers()
}

// A request that is too long for an envelope goes over the mesh.
func TestLongRequests(t *testing.T) {
	identity := identities(t)
	o := options(1, identity("node-0000000000000001"))
	o.Serve = func(context.Context, ids.Node, byte, []byte) ([]byte, error) { return nil, nil }
	a := start(t, o)
	b := start(t, options(2, identity("node-0000000000000002"), a.o.Bind.String()))
	met(t, a, b)
	until(t, "the mesh", func() bool {
		_, err := b.Command(within(t), 1, kind, make([]byte, provider.MaxPayload+1))
		if err != nil && !isNotSent(err) {
			t.Fatal(err)
		}
		return err == nil
	})
	if s := b.actors.Stats(); s.Calls != 0 {
		t.Errorf("%+v", s)
	}
}

// A node that was not started yet takes nothing, and says so by either way.
func TestNotStarted(t *testing.T) {
	identity := identities(t)
	a, b := open(t, options(1, identity("node-0000000000000001"))), open(t, options(2, identity("node-0000000000000002")))
	a.mesh.SetPeers([]stream.Peer{{Node: b.o.Self, Addr: addr(t, b.at(streamPort))}})
	a.actors.SetMembers([]provider.Member{b.actors.Self()})
	if _, err := a.actors.Call(within(t), 2, kind, nil); !isNotSent(fromActors(err)) {
		t.Error(err)
	}
	until(t, "the answer of the mesh", func() bool {
		_, err := a.mesh.Call(within(t), 2, kind, nil)
		if !isNotSent(fromMesh(err)) {
			t.Fatal(err)
		}
		return errors.Is(err, stream.ErrBusy)
	})
}

func addr(t *testing.T, s string) netip.AddrPort {
	t.Helper()
	a, err := netip.ParseAddrPort(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// A node that starts again at the same place is reached, and reaches the others;
// so is one that was ended without a word.
func TestRestart(t *testing.T) {
	nodes := three(t)
	o := nodes[2].o
	for life := uint64(2); life < 4; life++ {
		if life == 2 {
			if err := nodes[2].Leave(); err != nil {
				t.Error(err)
			}
		}
		if err := nodes[2].Close(); err != nil {
			t.Error(err)
		}
		o.Self.Incarnation = life
		o.Join = []string{nodes[0].o.Bind.String()}
		nodes[2] = start(t, o)
		for _, p := range nodes[:2] {
			until(t, "the new life", func() bool {
				p.mu.Lock()
				defer p.mu.Unlock()
				n := p.nodes[o.Self.ID]
				return n != nil && n.alive && n.Incarnation == life
			})
		}
		met(t, nodes...)
		for _, p := range nodes[:2] {
			ask(t, p, o.Self.ID, "x")
			ask(t, nodes[2], p.o.Self.ID, "x")
		}
		if calls := nodes[2].actors.Stats(); calls.Served != 2 || calls.Calls != 2 {
			t.Errorf("life %d: %+v", life, calls)
		}
	}
}

// Who has no certificate, or one of another CA, and who is of another cluster, is
// refused at the door of protoactor, too.
func TestStrangersAreRefused(t *testing.T) {
	identity := identities(t)
	a := start(t, options(1, identity("node-0000000000000001")))
	own, address := identity("node-0000000000000002"), a.actors.Self()
	refusals := func() int64 { return a.actors.Stats().Refused }
	foreign := identities(t)
	for name, change := range map[string]func(o *Options){
		"another CA":      func(o *Options) { o.Identity = foreign("b") },
		"no certificate":  func(o *Options) { o.Identity = nil },
		"another cluster": func(o *Options) { o.Cluster = "rats" },
	} {
		o := options(2, own)
		change(&o)
		before := refusals()
		b := open(t, o)
		b.actors.SetMembers([]provider.Member{address})
		if _, err := b.actors.Call(within(t), 1, kind, nil); !isNotSent(fromActors(err)) {
			t.Errorf("%s: %v", name, err)
		}
		until(t, "a refusal", func() bool { return refusals() > before })
	}
	if conn, err := tls.Dial("tcp", address.Address(), &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}); err == nil {
		conn.Close()
		t.Error("TLS 1.2 is spoken")
	}
	if s := a.actors.Stats(); s.Served != 0 {
		t.Errorf("%+v", s)
	}
}

// A certificate that is replaced counts from the next connection on.
func TestCertificatesAreReloaded(t *testing.T) {
	identity, foreign := identities(t), identities(t)
	var now atomic.Pointer[stream.Identity]
	set := func(i stream.Identity) { now.Store(&i) }
	set(foreign("a"))
	a := open(t, options(1, func() stream.Credentials { return (*now.Load())() }))
	b := open(t, options(2, identity("node-0000000000000002")))
	for _, p := range []*Peers{a, b} { // without gossip, which knows nobody
		p.ready.Store(true)
	}
	a.actors.SetMembers([]provider.Member{b.actors.Self()})
	b.actors.SetMembers([]provider.Member{a.actors.Self()})
	if _, err := a.actors.Call(within(t), 2, kind, nil); !isNotSent(fromActors(err)) {
		t.Fatal(err)
	}
	set(identity("node-0000000000000001"))
	for from, to := range map[*Peers]ids.Node{a: 2, b: 1} {
		until(t, "a call that is answered", func() bool {
			_, err := from.actors.Call(within(t), to, kind, nil)
			return err == nil
		})
	}
}
