package provider

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"
	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc"
)

// Node is an actor system that is part of the cluster. Its methods may be called
// concurrently.
type Node struct {
	o        Options
	life     uint64 // names the calls of this process; even
	self     *actor.PID
	provider *Provider
	cluster  *cluster.Cluster
	server   *grpc.Server
	serving  sync.WaitGroup // of the server's goroutine

	peers  *registry
	doors  *doors
	pool   *pool
	window *window
	count  atomic.Uint64
	stats  counters

	ctx context.Context // of what is served; ends with Close
	end context.CancelFunc

	closing sync.Once
	closed  error
}

// Start makes the actor system part of the cluster: it listens, and takes
// requests. It knows no members before SetMembers.
func Start(o Options) (*Node, error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	n := &Node{o: o, life: rand.Uint64() &^ 1, doors: newDoors(), pool: newPool(o.Serving), window: newWindow(o.Window, o.WindowBytes)}
	n.ctx, n.end = context.WithCancel(context.Background())
	n.peers = newRegistry(n.ctx, &n.o, n.Self, n.serveLine)
	n.provider = newProvider(n.Self)
	if err := n.start(); err != nil {
		n.end()
		return nil, err
	}
	return n, nil
}

func (n *Node) start() error {
	if _, absent := n.o.System.ProcessRegistry.Add(n.Gate(), GateName); !absent {
		return fmt.Errorf("provider: the actor system has a %s already", GateName)
	}
	listener, err := net.Listen("tcp", n.o.Listen)
	if err != nil {
		n.o.System.ProcessRegistry.Remove(actor.NewPID("", GateName))
		return fmt.Errorf("provider: listening on %s: %w", n.o.Listen, err)
	}
	n.join(n.o.address(listener.Addr().String()))
	n.self = n.o.System.NewLocalPID(GateName)
	n.startCluster()
	n.server = grpc.NewServer(n.serverOptions()...)
	remote.RegisterRemotingServer(n.server, &porch{node: n})
	n.serving.Go(func() { _ = n.server.Serve(listener) })
	return nil
}

// join gives the actor system its address, and PIDs of others a way.
func (n *Node) join(address string) {
	there := &elsewhere{n}
	registry := n.o.System.ProcessRegistry
	registry.Address = address
	registry.RegisterAddressResolver(func(*actor.PID) (actor.Process, bool) { return there, true })
}

// startCluster does of Cluster.StartMember what has a use here. Its Remote is
// never started: the member list asks it for the block list alone.
func (n *Node) startCluster() {
	c := cluster.Configure(n.o.Cluster, n.provider, &Lookup{n.o.Owner}, remote.Configure("", 0),
		cluster.WithClusterContextProducer(newRouter), cluster.WithHeartbeatExpiration(100*365*24*time.Hour))
	c.GossipInterval = 5 * time.Second
	n.cluster = cluster.New(n.o.System, c)
	n.cluster.Remote = remote.NewRemote(n.o.System, c.RemoteConfig)
	n.cluster.IdentityLookup = c.IdentityLookup
	n.cluster.IdentityLookup.Setup(n.cluster, nil, false)
	_ = n.provider.StartMember(n.cluster) // which cannot fail
	n.provider.setMembers(nil)
}

// Self is this node, as the others' SetMembers has to name it.
func (n *Node) Self() Member {
	m := Member{ID: n.o.System.ID, Node: n.o.Node, Incarnation: n.o.Incarnation}
	if host, port, err := n.o.System.GetHostPort(); err == nil {
		m.Host, m.Port = host, port
	}
	return m
}

// SetMembers takes the full list of members, with or without this node. Calls to
// nodes that have left end at once. It does not wait, and may be called from any
// callback.
func (n *Node) SetMembers(all []Member) {
	n.peers.set(all)
	n.provider.setMembers(append([]Member(nil), all...))
}

// Cluster is protoactor's, for Get, Request and the member list. Neither its
// StartMember nor its Shutdown may be called.
func (n *Node) Cluster() *cluster.Cluster { return n.cluster }

// Gate is a process that takes envelopes like GateName's, to be registered under
// further names that begin with "gate/", or behind another process there.
func (n *Node) Gate() actor.Process { return &gate{n} }
