package peers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"dormouse/cluster/link"
	"dormouse/cluster/members"
	"dormouse/cluster/provider"
	"dormouse/cluster/stream"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// Peers is a node's place among others. Its methods may be called concurrently.
type Peers struct {
	o      Options
	engine Engine      // set by Start
	ready  atomic.Bool // it is

	ports   members.Ports
	mesh    *stream.Mesh
	system  *provider.System
	actors  *provider.Node
	link    *link.Link
	members *members.Members

	mu    sync.Mutex // guards what follows
	nodes map[ids.Node]*node
	leads map[ids.Shard]lead // as others say

	news chan struct{} // of what this node leads, or who is there to be told

	deciding chan struct{} // of one place: see decide

	place   placing
	leaving atomic.Bool
	full    atomic.Bool // as the others were told last
	fault   string      // of the last hello; touched by its goroutine alone
	cancel  context.CancelFunc
	group   sync.WaitGroup
}

// node is another node as gossip has it.
type node struct {
	members.Member
	alive bool
	since time.Time // of alive
}

// lead is who said last that it leads a shard.
type lead struct {
	node ids.Node
	term uint64
}

// New binds the addresses. Nobody is spoken to before Start.
func New(o Options) (*Peers, error) {
	if o.Replicas == 0 {
		o.Replicas = 3
	}
	if o.Full == nil {
		o.Full = func() bool { return false }
	}
	if o.Heard == nil {
		o.Heard = func() {}
	}
	p := &Peers{o: o, nodes: map[ids.Node]*node{}, leads: map[ids.Shard]lead{}, news: make(chan struct{}, 1), deciding: make(chan struct{}, 1), cancel: func() {}}
	if err := p.open(); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// The ports of a node, behind that of its gossip.
const (
	streamPort = 1 // TCP; datagrams UDP
	actorPort  = 2 // TCP
)

// at is an address of this node, of the port that lies so far behind the first.
func (p *Peers) at(behind uint16) string {
	return netip.AddrPortFrom(p.o.Bind.Addr(), p.o.Bind.Port()+behind).String()
}

func (p *Peers) open() (err error) {
	if err = p.choosePorts(); err != nil {
		return err
	}
	first := p.o.Bind.Port()
	p.ports = members.Ports{HTTP: p.o.HTTP, Cluster: first + streamPort, Link: first + streamPort, Actors: first + actorPort}
	for _, open := range []func() error{p.openMesh, p.openLink, p.openActors} {
		if err = open(); err != nil {
			return err
		}
	}
	return nil
}

func (p *Peers) openMesh() error {
	listener, err := net.Listen("tcp", p.at(streamPort))
	if err != nil {
		return fmt.Errorf("peers: listen for streams: %w", err)
	}
	p.mesh, err = stream.New(stream.Options{
		Self: p.o.Self, Cluster: p.o.Cluster, Listener: listener, Identity: p.o.Identity, Claim: p.claims(),
		Frame: p.frame, Serve: p.serveMesh, MaxServe: 256,
		Refused: func(remote string, err error) {
			p.o.Log.Warn("another node was refused, or refuses this one", "remote", remote, "reason", err)
		},
		Log: p.o.Log,
	})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	return nil
}

func (p *Peers) openLink() error {
	socket, err := link.Listen(p.at(streamPort))
	if err != nil {
		return err
	}
	ring, err := p.ring(p.o.Keys)
	if err == nil {
		p.link, err = link.New(socket, link.Options{Self: p.o.Self, Ring: ring, Receive: link.Receive(p.o.Datagrams), Linger: 200 * time.Microsecond})
	}
	if err != nil {
		return errors.Join(err, socket.Close())
	}
	return nil
}

func (p *Peers) ring(keys [][]byte) (*link.Ring, error) {
	if len(keys) == 0 {
		keys = [][]byte{openKeys(p.o.Cluster)}
	}
	return link.NewRing(keys...)
}

// Addr is where this node gossips, as others are told: a port that was left open
// is filled in.
func (p *Peers) Addr() netip.AddrPort { return p.o.Advertise }

// Start lets the node be seen, and looks for the others.
func (p *Peers) Start(e Engine) error {
	p.engine = e
	p.ready.Store(true)
	m, err := members.Start(members.Options{
		Name: p.o.Name, ID: p.o.Self.ID, Incarnation: p.o.Self.Incarnation, Bind: p.o.Bind, Advertise: p.o.Advertise,
		Join: p.joinList(), Cluster: p.o.Cluster, Keys: p.o.Keys, Zone: p.o.Zone, Ports: p.ports,
		Reads: p.o.Formats.Program(), Writes: p.o.Formats.Level(),
		Listener: members.Listener{Changed: p.gossip, Conflict: p.conflict}, Log: p.o.Log,
	})
	if err != nil {
		return err
	}
	p.members = m
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	p.group.Go(func() { p.run(ctx, placeEvery, nil, p.placeOnce) })
	p.group.Go(func() { p.run(ctx, leadsEvery, p.news, func(context.Context) { p.tellLeads() }) })
	p.group.Go(func() { p.run(ctx, helloEvery, nil, p.hello) })
	return nil
}

// joinList is what was given, and where other nodes were when they were last
// heard of: a node that starts again finds them without help.
func (p *Peers) joinList() []string {
	list := append([]string(nil), p.o.Join...)
	records, err := p.records()
	if err != nil {
		p.o.Log.Warn("the records of the nodes cannot be read", "error", err)
	}
	for _, r := range records {
		if r.ID != p.o.Self.ID && !r.Removed {
			list = append(list, r.Addr.String())
		}
	}
	return list
}

// run does something again and again, and whenever there are news.
func (p *Peers) run(ctx context.Context, every time.Duration, news <-chan struct{}, f func(context.Context)) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		f(ctx)
		select {
		case <-t.C:
		case <-news:
		case <-ctx.Done():
			return
		}
	}
}

// gossip takes over who is there. A node that failed stays a peer, until forget: gossip
// may be wrong, and raft and the link lose nothing by trying.
func (p *Peers) gossip(events []members.Event, _ []members.Member) {
	for _, e := range events {
		if e.Member.ID == p.o.Self.ID {
			continue
		}
		p.o.Log.Info("node "+e.Kind.String(), "name", e.Member.Name, "node", e.Member.ID.String(), "address", e.Member.Addr.String())
		p.mu.Lock()
		n := p.nodes[e.Member.ID]
		if n == nil {
			n = &node{}
			p.nodes[e.Member.ID] = n
		}
		alive := e.Kind == members.Joined || e.Kind == members.Updated
		if alive && (!n.alive || n.Incarnation != e.Member.Incarnation) {
			n.since = time.Now()
		}
		n.Member, n.alive = e.Member, alive
		p.mu.Unlock()
		if alive {
			p.compare(e.Member)
		}
	}
	p.setPeers()
	for _, e := range events {
		if e.Kind == members.Failed || e.Kind == members.Left {
			p.engine.Forget(e.Member.ID)
		}
	}
	p.LeadsChanged()
}

func (p *Peers) setPeers() {
	p.mu.Lock()
	defer p.mu.Unlock()
	var streams []stream.Peer
	var links []link.Peer
	var actors []provider.Member
	for _, n := range p.nodes {
		if !p.fits(n) {
			continue
		}
		self := wire.Node{ID: n.ID, Incarnation: n.Incarnation}
		streams = append(streams, stream.Peer{Node: self, Addr: netip.AddrPortFrom(n.Addr.Addr(), n.Ports.Cluster)})
		links = append(links, link.Peer{Node: self, Addr: netip.AddrPortFrom(n.Addr.Addr(), n.Ports.Link)})
		if n.hasActors() {
			actors = append(actors, n.actors())
		}
	}
	p.mesh.SetPeers(streams)
	p.link.SetPeers(links)
	p.actors.SetMembers(actors)
}

func (p *Peers) conflict(c members.Conflict) {
	p.o.Log.Error("two nodes with the same "+c.Same(), "one", c.Existing.Addr.String(), "other", c.Other.Addr.String())
}

// alive says that gossip has the node, and that it does not mean to go. since is
// how long that is so.
func (p *Peers) alive(n ids.Node) (ok bool, since time.Duration) {
	if n == p.o.Self.ID {
		return !p.leaving.Load(), time.Hour
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.nodes[n]
	if m == nil || !m.alive || m.Leaving || !p.fits(m) {
		return false, 0
	}
	return true, time.Since(m.since)
}

// Close ends all. Peers see a failure where Leave was not called before.
func (p *Peers) Close() error {
	p.cancel()
	p.group.Wait()
	var faults []error
	if p.actors != nil {
		faults = append(faults, p.closeActors())
	}
	if p.members != nil {
		faults = append(faults, p.members.Close())
	}
	if p.link != nil {
		faults = append(faults, p.link.Close())
	}
	if p.mesh != nil {
		faults = append(faults, p.mesh.Close())
	}
	return errors.Join(faults...)
}
