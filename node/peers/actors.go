package peers

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"dormouse/cluster/provider"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// actorPatience is how long a call waits for a node that cannot be reached. It is
// about what gossip needs to see that a node is gone.
const actorPatience = time.Second

// openActors makes the actor system of this node one of many. What others ask is
// refused before Start.
func (p *Peers) openActors() (err error) {
	p.system = provider.NewSystem(p.o.Self.ID, p.o.Self.Incarnation)
	o := provider.Options{
		System: p.system, Cluster: p.o.Cluster, Node: p.o.Self.ID, Incarnation: p.o.Self.Incarnation,
		Listen: p.at(actorPort), Advertise: netip.AddrPortFrom(p.o.Advertise.Addr().Unmap(), p.ports.Actors).String(),
		Serve: p.serveActors, Owner: p.gate, Patience: actorPatience, Log: p.o.Log,
	}
	if p.o.Identity != nil {
		if claim := p.claims(); claim != nil {
			o.Claim = func(n ids.Node, c *x509.Certificate) error { return claim(wire.Node{ID: n}, c) }
		}
		if o.ServerTLS, o.ClientTLS, err = p.o.Identity.TLS(); err != nil {
			return err
		}
	}
	p.actors, err = provider.Start(o)
	return err
}

// System is the actor system that PIDs of other nodes lead out of.
func (p *Peers) System() *provider.System { return p.system }

// Gate takes requests of other nodes. Who registers gates of shards in System
// sends on to it what is not for them.
func (p *Peers) Gate() provider.Process { return p.actors.Gate() }

// Actors is what protoactor makes of the cluster: its Cluster finds the gate of a
// shard by its name.
func (p *Peers) Actors() *provider.Node { return p.actors }

// hasActors says that the node can be called by protoactor: it is there, or is
// about to go and answers what it was asked.
func (n *node) hasActors() bool { return (n.alive || n.Leaving) && n.Ports.Actors != 0 }

// actors is the node as protoactor knows it.
func (n *node) actors() provider.Member {
	return provider.Member{
		ID: provider.SystemID(n.ID, n.Incarnation), Node: n.ID, Incarnation: n.Incarnation,
		Host: n.Addr.Addr().Unmap().String(), Port: int(n.Ports.Actors),
	}
}

func (p *Peers) serveActors(ctx context.Context, from ids.Node, kind byte, request []byte) ([]byte, error) {
	if !p.ready.Load() {
		return nil, fmt.Errorf("%w: the node is starting", provider.ErrBusy)
	}
	return p.serveCall(ctx, from, kind, request)
}

// gatePrefix and the number of a shard in decimal are the name of its gate
// (actors/shell).
const gatePrefix = "gate/"

// gate finds the gate of a shard by its name: at the node that leads the shard.
func (p *Peers) gate(identity string) (address, gate string, ok bool) {
	digits, ok := strings.CutPrefix(identity, gatePrefix)
	number, err := strconv.ParseUint(digits, 10, 16)
	if !ok || err != nil || !p.ready.Load() || !p.o.Shards.Has(ids.Shard(number)) {
		return "", "", false
	}
	owner, known := p.Owner(ids.Shard(number))
	switch {
	case !known:
		return "", "", false
	case owner == p.o.Self.ID:
		self := p.actors.Self()
		return self.Address(), identity, true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.nodes[owner]
	if n == nil || !n.hasActors() {
		return "", "", false
	}
	m := n.actors()
	return m.Address(), identity, true
}

// closeActorsWait bounds what is waited for until others have their answers.
const closeActorsWait = 5 * time.Second

func (p *Peers) closeActors() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeActorsWait)
	defer cancel()
	return p.actors.Close(ctx)
}

// serveCall answers what is asked of Options.Serve, by whatever way.
func (p *Peers) serveCall(ctx context.Context, from ids.Node, kind byte, request []byte) ([]byte, error) {
	if kind < FirstKind || p.o.Serve == nil {
		return nil, fmt.Errorf("peers: no call of kind %d", kind)
	}
	return p.o.Serve(ctx, from, kind, request)
}
