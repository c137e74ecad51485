package peers

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"dormouse/cluster/ring"
	"dormouse/cluster/shards"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// placing is what the placement loop keeps between two rounds.
type placing struct {
	topology atomic.Pointer[ring.Topology]

	mu      sync.Mutex
	moving  map[ids.Shard]bool // changes that were asked for and not answered
	adding  int                // of them, those that copy a state
	writing bool               // a topology of this node's is on its way

	planned plannedFor // the placement loop's own
}

// plannedFor is what a plan was made of that stands.
type plannedFor struct {
	version uint64
	records []Record
}

// maxAdding bounds the states that one node sends at a time.
const maxAdding = 4

// systemVoters is how many nodes vote on what the whole cluster must know.
const systemVoters = 5

// placeOnce looks at all that this node leads.
func (p *Peers) placeOnce(context.Context) {
	p.followFormat()
	p.followSpace()
	t, err := p.topology()
	if err != nil {
		p.o.Log.Error("the topology cannot be read", "error", err)
		return
	}
	if s, ok := p.engine.Status(ids.System); ok && s.Leads {
		if records, err := p.records(); err != nil {
			p.o.Log.Error("the records of the nodes cannot be read", "error", err)
		} else {
			p.plan(t, records)
			p.nearer(s, systemWanted(s, records))
		}
	}
	p.forget()
	if t.Version == 0 {
		return
	}
	if before := p.place.topology.Load(); before == nil || before.Version != t.Version {
		p.place.topology.Store(&t)
		p.members.SetTopology(t.Version)
	}
	for shard := range ids.Shard(p.o.Shards) {
		if s, ok := p.engine.Status(shard); ok && s.Leads {
			h := t.Of(shard)
			p.nearer(s, ring.Wanted{Voters: h.Voters(), Learners: h.Learners()})
		}
	}
}

// plan makes the next topology where the nodes are others than those of the one in
// force. The leader of the system group alone does so.
func (p *Peers) plan(t ring.Topology, records []Record) {
	if planned := &p.place.planned; planned.version == t.Version && slices.Equal(planned.records, records) {
		return // what follows from these is in force
	}
	var nodes []ring.Node
	for _, r := range records {
		if !r.Removed {
			nodes = append(nodes, ring.Node{ID: r.ID, Zone: r.Zone, Weight: r.Weight, Draining: r.Draining})
		}
	}
	if len(nodes) == 0 {
		return // this node's own record is on its way
	}
	var next ring.Topology
	var err error
	if t.Version == 0 {
		next, err = ring.Place(nodes, int(p.o.Shards), p.o.Replicas)
	} else {
		next, err = ring.Replan(t, nodes)
	}
	switch {
	case err != nil:
		p.o.Log.Error("the shards cannot be placed", "error", err)
	case next.Version != t.Version:
		b := new(wire.Batch)
		b.Put(wire.ClassMeta, topologyKey, next.Append(nil))
		p.write(b, func(err error) {
			if err == nil {
				p.o.Log.Info("a new topology", "version", next.Version, "nodes", len(nodes))
			}
		})
	default:
		p.place.planned = plannedFor{t.Version, records}
	}
}

// write proposes to the system group, one change at a time.
func (p *Peers) write(b *wire.Batch, done func(error)) {
	p.place.mu.Lock()
	defer p.place.mu.Unlock()
	if p.place.writing {
		return
	}
	p.place.writing = true
	p.engine.Propose(ids.System, b, func(err error) {
		p.place.mu.Lock()
		p.place.writing = false
		p.place.mu.Unlock()
		done(err)
	})
}

// systemWanted is who should be in the system group: all nodes, of which some
// vote, an odd number of them. Who votes goes on voting.
func systemWanted(s shards.Status, records []Record) (w ring.Wanted) {
	var stay, leave []ids.Node
	for _, r := range records {
		switch {
		case r.Removed:
		case r.Draining:
			leave = append(leave, r.ID)
		default:
			stay = append(stay, r.ID)
		}
	}
	if len(stay) == 0 {
		stay, leave = leave, nil
	}
	if len(stay) == 0 {
		return ring.Wanted{Voters: s.Voters, Learners: s.Learners}
	}
	slices.SortStableFunc(stay, func(a, b ids.Node) int { return rank(s, a) - rank(s, b) })
	voters := min(len(stay), systemVoters)
	voters -= 1 - voters%2
	w.Voters = stay[:voters]
	w.Learners = append(append([]ids.Node(nil), stay[voters:]...), leave...)
	return w
}

func rank(s shards.Status, n ids.Node) int {
	switch {
	case n == s.Leader:
		return 0
	case slices.Contains(s.Voters, n):
		return 1
	}
	return 2
}

var changes = map[ring.MoveKind]shards.Change{
	ring.AddLearner: shards.AddLearner, ring.Promote: shards.Promote, ring.Transfer: shards.Transfer,
	ring.Demote: shards.Demote, ring.Remove: shards.Remove,
}

// followSpace tells the others when the disk has no room any more, and when it has.
func (p *Peers) followSpace() {
	full := p.o.Full()
	if p.full.Swap(full) != full {
		p.members.SetFull(full)
	}
}

// nearer brings a group that this node leads nearer to where it should be: to a
// leader with room before all else.
func (p *Peers) nearer(s shards.Status, want ring.Wanted) {
	if p.full.Load() {
		if heir, found := p.heir(s); found && p.roomy(heir) {
			p.move(ring.Move{Kind: ring.Transfer, Shard: s.Shard, Node: heir})
			return
		}
	}
	g := ring.Group{Shard: s.Shard, Voters: s.Voters, Learners: s.Learners, Leader: s.Leader}
	if m, more := g.Toward(want); more && p.may(m) {
		p.move(m)
	}
}

// move makes a change of a group that this node leads.
func (p *Peers) move(m ring.Move) {
	p.place.mu.Lock()
	if p.place.moving == nil {
		p.place.moving = map[ids.Shard]bool{}
	}
	busy := p.place.moving[m.Shard]
	adds := m.Kind == ring.AddLearner
	if busy || adds && p.place.adding >= maxAdding {
		p.place.mu.Unlock()
		return
	}
	p.place.moving[m.Shard] = true
	if adds {
		p.place.adding++
	}
	p.place.mu.Unlock()
	p.engine.Change(m.Shard, changes[m.Kind], m.Node, func(err error) {
		p.place.mu.Lock()
		delete(p.place.moving, m.Shard)
		if adds {
			p.place.adding--
		}
		p.place.mu.Unlock()
		if err == nil {
			p.o.Log.Info("moved " + m.String())
		} else if !errors.Is(err, shards.ErrMove) {
			p.o.Log.Debug("could not move "+m.String(), "error", err)
		}
	})
}

// may says that a move is of use now: nothing new goes to a node that is not
// there, and a node leads again only when it has been there for a while.
func (p *Peers) may(m ring.Move) bool {
	alive, since := p.alive(m.Node)
	switch m.Kind {
	case ring.AddLearner, ring.Promote:
		return alive
	case ring.Transfer:
		return alive && since >= settledAfter && !p.leaving.Load() && p.roomy(m.Node)
	}
	return true
}

// hello makes sure that the cluster knows this node, and where it is.
func (p *Peers) hello(ctx context.Context) {
	want := Record{ID: p.o.Self.ID, Name: p.o.Name, Zone: p.o.Zone, Addr: p.members.Addr(), Weight: 1, Reads: p.o.Formats.Program()}
	have, found, err := p.record(want.ID)
	if err != nil || found && (have.Removed || have.Name == want.Name && have.Zone == want.Zone && have.Addr == want.Addr && have.Reads == want.Reads) {
		return
	}
	if err = p.sayHello(ctx, want); err == nil {
		p.fault = ""
	} else if text := err.Error(); text != p.fault && ctx.Err() == nil {
		p.fault = text
		p.o.Log.Warn("the cluster does not take this node yet", "reason", text)
	}
	if errors.Is(err, ErrFormat) {
		p.o.Unfit(err)
	}
}

func (p *Peers) sayHello(ctx context.Context, r Record) (err error) {
	request := r.append(nodeKey(r.ID))
	if p.o.Replace {
		request = append([]byte{1}, request...)
	} else {
		request = append([]byte{0}, request...)
	}
	switch owner, known := p.Owner(ids.System); {
	case known && owner == p.o.Self.ID:
		return p.takeHello(ctx, request)
	case known:
		return p.askHello(ctx, owner, request)
	}
	err = errors.New("no other node is there")
	for _, n := range p.Others() { // a node that is new knows nobody's group
		if err = p.askHello(ctx, n, request); err == nil {
			break
		}
	}
	return err
}

func (p *Peers) askHello(ctx context.Context, to ids.Node, request []byte) error {
	ctx, cancel := context.WithTimeout(ctx, helloEvery)
	defer cancel()
	_, err := p.mesh.Call(ctx, to, kindHello, request)
	return retold(err)
}

// Others are the nodes that are there, besides this one, in the order of their IDs.
func (p *Peers) Others() (list []ids.Node) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, n := range p.nodes {
		if n.alive && p.fits(n) {
			list = append(list, id)
		}
	}
	slices.Sort(list)
	return list
}

// takeHello writes a node's record: replace(1) ID(8) record. A node that does not
// lead the system group passes it on to who does.
func (p *Peers) takeHello(ctx context.Context, b []byte) error {
	r, err := parseHello(b)
	if err != nil {
		return err
	}
	s, ok := p.engine.Status(ids.System)
	if !ok || !s.Leads {
		if !ok || s.Leader == 0 || s.Leader == p.o.Self.ID {
			return errors.New("peers: nobody leads the system group now")
		}
		return p.askHello(ctx, s.Leader, b)
	}
	if err := p.decide(ctx); err != nil {
		return err
	}
	defer p.decided()
	if err := p.mustRead(r.Name, r.Reads); err != nil {
		p.o.Log.Warn("a node is not taken", "node", r.ID.String(), "reason", err)
		return err
	}
	records, err := p.records()
	if err != nil {
		return err
	}
	for _, other := range records {
		switch {
		case other.ID == r.ID && other.Removed:
			return fmt.Errorf("peers: node %v was removed from the cluster: its data must go before it comes back", r.ID)
		case other.ID == r.ID:
			r.Draining = other.Draining
		case other.Name == r.Name && !other.Removed && b[0] == 1:
			if alive, _ := p.alive(other.ID); alive {
				return fmt.Errorf("peers: node %v has the name %q, and is there", other.ID, r.Name)
			}
			other.Removed = true
			if err := p.put(ctx, &other); err != nil {
				return err
			}
		case other.Name == r.Name && !other.Removed:
			return fmt.Errorf("peers: the name %q belongs to node %v: if its data is lost, remove it, or start with --replace", r.Name, other.ID)
		}
	}
	return p.put(ctx, &r)
}

// parseHello reads the record of a hello.
func parseHello(b []byte) (Record, error) {
	if len(b) < 9 {
		return Record{}, wire.ErrFields
	}
	return parseRecord(ids.Node(binary.BigEndian.Uint64(b[1:])), b[9:])
}

// put writes a record and waits for the commit.
func (p *Peers) put(ctx context.Context, r *Record) error {
	b := new(wire.Batch)
	b.Put(wire.ClassMeta, r.key(), r.append(nil))
	return p.commit(ctx, b)
}

// commit writes to the system group and waits.
func (p *Peers) commit(ctx context.Context, b *wire.Batch) error {
	done := make(chan error, 1)
	p.engine.Propose(ids.System, b, func(err error) { done <- err })
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
