package stream

import (
	"fmt"
	"slices"
	"sync"

	"dormouse/codec/ids"
)

// maxCallsEach bounds the connections of calls that one node may have here: one of
// its mesh, its dead predecessors, and those of Dial. The oldest goes.
const maxCallsEach = 4

// guest is a node that is connected here, with the connections that it dialled.
type guest struct {
	turn  chan struct{} // of one: whoever has it may call Frame
	slots *slots

	// Guarded by guests.
	frames *pipe
	calls  []*pipe // the oldest first
	users  int     // goroutines that work for it
}

// guests are the nodes that are connected here, and those that are peers.
type guests struct {
	o *Options

	mu    sync.Mutex // guards all below
	peers map[ids.Node]Peer
	here  map[ids.Node]*guest
}

// setPeers gives up connections of frames of nodes that are no peers any more, and
// all of lives that are over. Calls of others go on.
func (r *guests) setPeers(peers map[ids.Node]Peer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.peers = peers
	for id, g := range r.here {
		p, known := peers[id]
		if g.frames != nil && (!known || g.frames.peer.Incarnation < p.Node.Incarnation) {
			g.frames.fail(errRetired)
		}
		if known {
			g.retire(p.Node.Incarnation)
		}
	}
}

// retire gives up the connections of lives before that incarnation.
func (g *guest) retire(incarnation uint64) {
	for _, c := range g.all() {
		if c.peer.Incarnation < incarnation {
			c.fail(errRetired)
		}
	}
}

func (g *guest) all() []*pipe {
	if g.frames == nil {
		return g.calls
	}
	return append([]*pipe{g.frames}, g.calls...)
}

// admit lets a connection in, in place of an older one, or says in a sentence why
// not. Whoever was admitted is to leave.
func (r *guests) admit(c *pipe, p purpose) (*guest, string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	g := r.here[c.peer.ID]
	if sentence := r.refuse(c, p, g); sentence != "" {
		return nil, sentence
	}
	if g == nil {
		g = &guest{turn: make(chan struct{}, 1), slots: &slots{most: r.o.MaxServe, limit: 4 * r.o.MaxFrame}}
		r.here[c.peer.ID] = g
	}
	g.retire(c.peer.Incarnation)
	g.users++
	if p == forFrames {
		if g.frames != nil {
			g.frames.fail(errReplaced)
		}
		g.frames = c
		return g, ""
	}
	if g.calls = append(g.calls, c); len(g.calls) > maxCallsEach {
		g.calls[0].fail(errReplaced)
		g.calls = slices.Delete(g.calls, 0, 1)
	}
	return g, ""
}

func (r *guests) refuse(c *pipe, p purpose, g *guest) string {
	peer, known := r.peers[c.peer.ID]
	newest := peer.Node.Incarnation
	if g != nil {
		for _, other := range g.all() {
			newest = max(newest, other.peer.Incarnation)
		}
	}
	switch {
	case c.peer.Incarnation < newest:
		return fmt.Sprintf("life %d of node %s is over, life %d was seen", c.peer.Incarnation, c.peer.ID, newest)
	case known:
		return ""
	case p == forFrames:
		return fmt.Sprintf("node %s is no peer of node %s", c.peer.ID, r.o.Self.ID)
	case g == nil && r.strangers() >= r.o.MaxStrangers:
		return fmt.Sprintf("%d nodes that are no peers are connected already", r.o.MaxStrangers)
	}
	return ""
}

func (r *guests) strangers() (n int) {
	for id := range r.here {
		if _, known := r.peers[id]; !known {
			n++
		}
	}
	return n
}

// leave is called when nothing works for the connection any more.
func (r *guests) leave(g *guest, c *pipe) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if g.frames == c {
		g.frames = nil
	}
	if i := slices.Index(g.calls, c); i >= 0 {
		g.calls = slices.Delete(g.calls, i, i+1)
	}
	if g.users--; g.users == 0 {
		delete(r.here, c.peer.ID)
	}
}
