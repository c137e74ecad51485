package peers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"dormouse/cluster/shards"
	"dormouse/cluster/stream"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// Acts on a node, by the leader of the system group.
const (
	actDrain  = 1
	actRemove = 2
	actKeep   = 3 // takes a drain back

	actFinalize = 4 // raises the format level; its name is empty, the answer the level
)

var (
	// ErrNoNode: there is no such node.
	ErrNoNode = codedError{1, "peers: no such node"}
	// ErrAlive: a node that is there must be drained, not removed.
	ErrAlive = codedError{2, "peers: the node is there: drain it first, or end it"}
	// ErrFormat: a node does not read what the cluster writes, or would write.
	ErrFormat = codedError{3, "peers: format levels"}
)

// codedError is known again at the node that asked.
type codedError struct {
	code uint16
	text string
}

func (e codedError) Error() string { return e.text }

// Code is what travels (cluster/stream).
func (e codedError) Code() uint16 { return e.code }

// Drain moves all data off a node; keep takes that back.
func (p *Peers) Drain(ctx context.Context, name string, keep bool) error {
	act := byte(actDrain)
	if keep {
		act = actKeep
	}
	_, err := p.act(ctx, act, name)
	return err
}

// Remove says that a node is gone for good: its replicas are made anew on others.
func (p *Peers) Remove(ctx context.Context, name string) error {
	_, err := p.act(ctx, actRemove, name)
	return err
}

func (p *Peers) act(ctx context.Context, act byte, name string) ([]byte, error) {
	request := wire.AppendText([]byte{act}, name)
	s, ok := p.engine.Status(ids.System)
	if ok && s.Leads {
		return p.takeAct(ctx, request)
	}
	owner, known := p.Owner(ids.System)
	if !known || owner == p.o.Self.ID {
		return nil, errors.New("peers: nobody leads the system group now")
	}
	answer, err := p.mesh.Call(ctx, owner, kindAct, request)
	return answer, retold(err)
}

// retold is the error of this package that another node answered with.
func retold(err error) error {
	remote, ok := errors.AsType[*stream.RemoteError](err)
	if !ok {
		return err
	}
	for _, known := range []codedError{ErrNoNode, ErrAlive, ErrFormat} {
		if remote.Code == known.code {
			return fmt.Errorf("%w%s", known, strings.TrimPrefix(remote.Text, known.text))
		}
	}
	return err
}

func (p *Peers) takeAct(ctx context.Context, request []byte) ([]byte, error) {
	f := wire.NewFields(request)
	act, name := f.Byte(), f.Text()
	if f.Err() != nil {
		return nil, wire.ErrFields
	}
	if act == actFinalize {
		level, err := p.finalize(ctx)
		return []byte{byte(level)}, err
	}
	return nil, p.takeActOn(ctx, act, name)
}

func (p *Peers) takeActOn(ctx context.Context, act byte, name string) error {
	records, err := p.records()
	if err != nil {
		return err
	}
	for _, r := range records {
		if r.Removed || r.Name != name && r.ID.String() != name {
			continue
		}
		switch act {
		case actDrain:
			r.Draining = true
		case actKeep:
			r.Draining = false
		case actRemove:
			if alive, _ := p.alive(r.ID); alive && !p.holdsNothing(r.ID) {
				return fmt.Errorf("%w: %s", ErrAlive, name)
			}
			r.Removed = true
		default:
			return fmt.Errorf("peers: no act %d", act)
		}
		return p.put(ctx, &r)
	}
	return fmt.Errorf("%w: %q", ErrNoNode, name)
}

// holdsNothing says that the topology has nothing on the node any more, and that
// no group that is known here has it.
func (p *Peers) holdsNothing(n ids.Node) bool {
	t := p.place.topology.Load()
	if t == nil {
		return false
	}
	for _, l := range t.Loads() {
		if l.Node == n && l.Replicas > 0 {
			return false
		}
	}
	return true
}

// StepDown hands all that this node leads to others, before it stops, and tells
// them that it goes. It returns when it leads nothing, or when ctx ends.
func (p *Peers) StepDown(ctx context.Context) {
	p.leaving.Store(true)
	for {
		led := 0
		for _, shard := range p.o.Shards.All() {
			s, ok := p.engine.Status(shard)
			if !ok || !s.Leads {
				continue
			}
			if heir, found := p.heir(s); found {
				led++
				p.engine.Change(shard, shards.Transfer, heir, func(error) {})
			}
		}
		if led == 0 {
			return
		}
		t := time.NewTimer(50 * time.Millisecond)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			p.o.Log.Warn("not all shards were handed over", "left", led)
			return
		}
	}
}

// heir is a voter that is there, the first behind this node's own place, so that
// what one node leads goes to several; one that has room, if there is one.
func (p *Peers) heir(s shards.Status) (heir ids.Node, found bool) {
	n := len(s.Voters)
	for i := range n {
		v := s.Voters[(int(s.Shard)+i)%n]
		if v == p.o.Self.ID {
			continue
		}
		if alive, _ := p.alive(v); !alive {
			continue
		}
		if p.roomy(v) {
			return v, true
		}
		if !found {
			heir, found = v, true
		}
	}
	return heir, found
}

// roomy says that another node has not said that its disk is full.
func (p *Peers) roomy(n ids.Node) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.nodes[n]
	return m != nil && !m.Full
}

// Leave tells the others that this node goes on its own will.
func (p *Peers) Leave() error {
	if p.members == nil {
		return nil
	}
	return p.members.Leave(0)
}
