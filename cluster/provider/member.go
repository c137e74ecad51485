package provider

import (
	"net"
	"strconv"
	"strings"
	"sync"

	"github.com/asynkron/protoactor-go/cluster"

	"dormouse/codec/ids"
)

// Member is a life of a node, as the membership knows it.
type Member struct {
	ID          string // of its actor system: new with every start
	Node        ids.Node
	Incarnation uint64
	Host        string // of its remote, without brackets
	Port        int
}

// Address is where its remote listens, as PIDs have it.
func (m *Member) Address() string { return net.JoinHostPort(m.Host, strconv.Itoa(m.Port)) }

// Provider implements cluster.ClusterProvider: it tells protoactor's member list
// what the membership knows, in a goroutine of its own, and finds out nothing by
// itself. It is made by Start, and fed by Node.SetMembers.
type Provider struct {
	self func() Member

	mu     sync.Mutex
	latest []Member
	wake   chan struct{} // of size 1: latest has changed
	stop   chan struct{} // nil before the start and after the end
	group  sync.WaitGroup
}

func newProvider(self func() Member) *Provider {
	return &Provider{self: self, wake: make(chan struct{}, 1)}
}

// StartMember implements cluster.ClusterProvider.
func (p *Provider) StartMember(c *cluster.Cluster) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stop == nil {
		stop := make(chan struct{})
		p.stop = stop
		p.group.Go(func() { p.feed(stop, c.MemberList.UpdateClusterTopology) })
	}
	return nil
}

// StartClient implements cluster.ClusterProvider: a client knows the members,
// too.
func (p *Provider) StartClient(c *cluster.Cluster) error { return p.StartMember(c) }

// Shutdown implements cluster.ClusterProvider. It waits for the goroutine.
func (p *Provider) Shutdown(bool) error {
	p.mu.Lock()
	if p.stop != nil {
		close(p.stop)
		p.stop = nil
	}
	p.mu.Unlock()
	p.group.Wait()
	return nil
}

// setMembers takes the full list. Of several in a row the last counts.
func (p *Provider) setMembers(all []Member) {
	p.mu.Lock()
	p.latest = all
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *Provider) feed(stop chan struct{}, update func(cluster.Members)) {
	names := namer{there: map[string]bool{}, left: map[string]int{}}
	for {
		select {
		case <-stop:
			return
		case <-p.wake:
		}
		p.mu.Lock()
		all := p.latest
		p.mu.Unlock()
		update(names.members(p.self(), all))
	}
}

// namer gives members the IDs under which protoactor knows them. An ID that has
// left its list is blocked for ever, but a node that was suspected falsely comes
// back in the same life: it gets a suffix then.
type namer struct {
	there map[string]bool
	left  map[string]int // how often an ID has left
}

func (n *namer) members(self Member, all []Member) cluster.Members {
	there := map[string]bool{self.ID: true}
	list := cluster.Members{n.member(&self)}
	for i := range all {
		if m := &all[i]; !there[m.ID] {
			there[m.ID] = true
			list = append(list, n.member(m))
		}
	}
	for id := range n.there {
		if !there[id] {
			n.left[id]++
		}
	}
	n.there = there
	return list
}

func (n *namer) member(m *Member) *cluster.Member {
	id, host := m.ID, m.Host
	if times := n.left[m.ID]; times > 0 {
		id += "~" + strconv.Itoa(times)
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]" // protoactor joins host and port as they are
	}
	return &cluster.Member{Id: id, Host: host, Port: int32(m.Port)}
}
