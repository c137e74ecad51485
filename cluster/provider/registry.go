package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"dormouse/codec/ids"
)

// registry has the lives of other nodes that may be reached, and may reach us:
// members, and guests, who knocked before the membership told of them. Of two
// lives of a node, or at one address, the one with the higher incarnation counts.
type registry struct {
	ctx  context.Context
	o    *Options
	self func() Member
	run  func(*peer) // the goroutine of a peer
	// group is of those goroutines.
	group sync.WaitGroup

	mu        sync.Mutex
	byAddress map[string]*peer
	byNode    map[ids.Node]*peer
	closed    bool
}

func newRegistry(ctx context.Context, o *Options, self func() Member, run func(*peer)) *registry {
	return &registry{ctx: ctx, o: o, self: self, run: run, byAddress: map[string]*peer{}, byNode: map[ids.Node]*peer{}}
}

func (r *registry) at(address string) *peer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.byAddress[address]
}

func (r *registry) all() []*peer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Values(r.byAddress))
}

func (r *registry) of(node ids.Node) *peer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.byNode[node]
}

var (
	errLeft     = errors.New("it has left")
	errReplaced = errors.New("it has started again")
	errOldLife  = errors.New("provider: an earlier life of the node, or of another one at its address")
	errSelf     = errors.New("provider: it calls itself as this node, or is at its address")
	errClosing  = errors.New("provider: this node is closing")
)

// set takes the full list of members.
func (r *registry) set(all []Member) {
	self := r.self()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	listed := map[*peer]bool{}
	for _, m := range all {
		if m.Node == self.Node || m.Address() == self.Address() {
			continue
		}
		if p, err := r.take(m); err == nil {
			p.member, listed[p] = true, true
			p.kick()
		}
	}
	for _, p := range r.byAddress {
		if !listed[p] && p.member {
			r.remove(p, errLeft)
		}
	}
}

// take finds or makes the peer of a life, which replaces earlier ones.
func (r *registry) take(m Member) (*peer, error) {
	for _, p := range []*peer{r.byNode[m.Node], r.byAddress[m.Address()]} {
		switch {
		case p == nil:
		case p.node == m.Node && p.address == m.Address() && p.incarnation == m.Incarnation:
			return p, nil
		case p.node == m.Node && p.incarnation >= m.Incarnation:
			return nil, fmt.Errorf("%w: %s with incarnation %d, while %d is known", errOldLife, m.Node, m.Incarnation, p.incarnation)
		}
	}
	for _, p := range []*peer{r.byNode[m.Node], r.byAddress[m.Address()]} {
		if p != nil {
			r.remove(p, errReplaced)
		}
	}
	p := newPeer(r.ctx, m, r.o)
	r.group.Go(func() { r.run(p) })
	r.byNode[p.node], r.byAddress[p.address] = p, p
	return p, nil
}

func (r *registry) remove(p *peer, why error) {
	if r.byAddress[p.address] == p {
		delete(r.byAddress, p.address)
	}
	if r.byNode[p.node] == p {
		delete(r.byNode, p.node)
	}
	p.close(why)
}

// welcome takes a life that opened a stream to us, be it a guest; leave must
// follow.
func (r *registry) welcome(m Member) (*peer, error) {
	self := r.self()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, errClosing
	}
	if m.Node == self.Node || m.Address() == self.Address() {
		return nil, errSelf
	}
	p, err := r.take(m)
	if err != nil {
		return nil, err
	}
	p.guests++
	p.kick()
	return p, nil
}

func (r *registry) leave(p *peer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p.guests--; p.guests == 0 && !p.member {
		r.remove(p, errLeft)
	}
}

// close ends all lives, and waits for their goroutines.
func (r *registry) close() {
	r.mu.Lock()
	r.closed = true
	for _, p := range r.byAddress {
		r.remove(p, ErrClosed)
	}
	r.mu.Unlock()
	r.group.Wait()
}
