package provider

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"dormouse/codec/ids"
)

// peer is one life of another node at one address: what is for it, and the line
// to it. Several lives of a node never share one.
type peer struct {
	node        ids.Node
	incarnation uint64
	address     string
	gate        *actor.PID
	o           *Options

	ctx    context.Context // ends when the life is over for us
	end    context.CancelFunc
	kicked chan struct{} // of size 1: the membership has news of it
	filled chan struct{} // of size 1: something is in the queue

	member bool // guarded by registry.mu, like guests
	guests int  // streams that it has opened to us

	mu      sync.Mutex
	pending map[uint64]*call // by count: not answered yet
	queue   []parcel         // to be written
	others  load             // of the queue: those that are no calls
	asked   int              // bytes of the pending calls
	line    *line            // nil: not connected
	since   time.Time        // since when it is tried in vain; zero: it is not
	why     error            // of the last attempt that failed
	late    *time.Timer      // ends what waits when since is Options.Patience ago
}

// load is a number of messages, and their bytes.
type load struct{ count, bytes int }

// parcel is a message on its way to a peer.
type parcel struct {
	target, sender *actor.PID
	header         map[string]string
	typeName       string
	data           []byte
	call           *call // nil: an answer, or a message to a PID
}

// call is one request on its way. Its fields are guarded by peer.mu until done
// is closed.
type call struct {
	id      ID
	data    []byte // of the envelope, as a parcel has it
	done    chan struct{}
	queued  bool
	writes  int
	payload []byte
	err     error
}

func newPeer(ctx context.Context, m Member, o *Options) *peer {
	p := &peer{
		node: m.Node, incarnation: m.Incarnation, address: m.Address(), gate: actor.NewPID(m.Address(), GateName), o: o,
		kicked: make(chan struct{}, 1), filled: make(chan struct{}, 1), pending: map[uint64]*call{},
	}
	p.ctx, p.end = context.WithCancel(ctx)
	return p
}

// begin takes a call in, or says why not.
func (p *peer) begin(c *call, self *actor.PID) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.ctx.Err() != nil:
		return fmt.Errorf("%w: %w: %s has left", ErrNotSent, ErrNoNode, p.node)
	case len(p.pending) >= p.o.InFlight:
		return fmt.Errorf("%w: %w: %d calls to %s are in flight", ErrNotSent, ErrBusy, len(p.pending), p.node)
	case p.asked > 0 && p.asked+len(c.data) > p.o.Pending:
		return fmt.Errorf("%w: %w: %d bytes of calls to %s are in flight", ErrNotSent, ErrBusy, p.asked, p.node)
	case p.lost():
		return fmt.Errorf("%w: %w", ErrNotSent, p.unreachable())
	}
	p.pending[c.id.Count] = c
	p.asked += len(c.data)
	p.put(c, self)
	return nil
}

// put queues a call; the caller holds mu.
func (p *peer) put(c *call, self *actor.PID) {
	c.queued = true
	p.push(parcel{target: p.gate, sender: self, typeName: envelopeType, data: c.data, call: c})
}

func (p *peer) push(m parcel) {
	p.queue = append(p.queue, m)
	select {
	case p.filled <- struct{}{}:
	default:
	}
}

// lost reports that the peer was tried in vain for too long.
func (p *peer) lost() bool { return !p.since.IsZero() && time.Since(p.since) > p.o.Patience }

func (p *peer) unreachable() error {
	why := p.why
	if why == nil {
		why = context.DeadlineExceeded
	}
	return fmt.Errorf("%s at %s cannot be reached since %v: %w", p.node, p.address, time.Since(p.since).Round(time.Millisecond), why)
}

// small messages count by their number alone, so that an answer that finds no
// room can be told of. In bytes.
const small = 1 << 10

// send queues what is no call: false where there is no room. It waits for a peer
// that cannot be reached, too: an answer that is dropped is asked for again when we
// greet the peer, and that may be before the greeting has come back to us.
func (p *peer) send(m parcel) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	full := p.others.count >= 2*p.o.InFlight || len(m.data) > small && p.others.bytes > 0 && p.others.bytes+len(m.data) > p.o.Pending
	if p.ctx.Err() != nil || full {
		return false
	}
	p.others = load{p.others.count + 1, p.others.bytes + len(m.data)}
	p.push(m)
	return true
}

// settle ends a call; the caller holds mu.
func (p *peer) settle(c *call, payload []byte, err error) {
	delete(p.pending, c.id.Count)
	p.asked -= len(c.data)
	c.payload, c.err = payload, err
	close(c.done)
}

// answered takes the answer to a call; false where nobody waits for it.
func (p *peer) answered(e *Envelope) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.pending[e.ID.Count]
	if c == nil {
		return false
	}
	if err := errorOf(e.Code, string(e.Payload), c.writes); err != nil {
		p.settle(c, nil, err)
	} else {
		p.settle(c, e.Payload, nil)
	}
	return true
}

// giveUp ends a call for a reason of ours: what was never written never will be.
func (p *peer) giveUp(c *call, why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pending[c.id.Count] == c {
		p.abandon(c, why)
	}
}

func (p *peer) abandon(c *call, why error) {
	outcome := ErrNotSent
	if c.writes > 0 {
		outcome = ErrUnknownOutcome
	}
	p.settle(c, nil, fmt.Errorf("%w: %w", outcome, why))
}

// take empties the queue into dst, and counts its calls as written. Calls that
// nobody waits for any more are left out.
func (p *peer) take(dst []parcel) []parcel {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.queue {
		if c := m.call; c != nil {
			c.queued = false
			if p.pending[c.id.Count] != c {
				continue
			}
			c.writes++
		}
		dst = append(dst, m)
	}
	clear(p.queue)
	p.queue, p.others = p.queue[:0], load{}
	return dst
}

// askAgain queues all calls that were written before: the stream that carried
// them, or the one that was to carry their answers, is no more.
func (p *peer) askAgain(self *actor.PID) (calls int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.pending {
		if !c.queued && c.writes > 0 {
			p.put(c, self)
			calls++
		}
	}
	return calls
}

// close ends the life: what is pending will not be answered.
func (p *peer) close(why error) {
	p.end()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.late != nil {
		p.late.Stop()
	}
	p.drop(why)
}

// dropCalls ends the calls; the caller holds mu, as that of drop.
func (p *peer) dropCalls(why error) {
	for _, c := range p.pending {
		p.abandon(c, why)
	}
	p.queue = slices.DeleteFunc(p.queue, func(m parcel) bool { return m.call != nil })
}

// drop ends all that waits.
func (p *peer) drop(why error) {
	p.dropCalls(why)
	clear(p.queue)
	p.queue, p.others = p.queue[:0], load{}
}

// trying says that somebody connects from now on.
func (p *peer) trying() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.since, p.why = time.Now(), nil
	p.late = time.AfterFunc(p.o.Patience, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.lost() {
			p.dropCalls(p.unreachable())
		}
	})
}

// failed keeps why an attempt failed.
func (p *peer) failed(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.why = err
}

// connected takes a line, or nil for its end.
func (p *peer) connected(l *line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line, p.since = l, time.Time{}
	p.late.Stop()
}

// kick ends a pause between two attempts to connect.
func (p *peer) kick() {
	select {
	case p.kicked <- struct{}{}:
	default:
	}
}

// current is the line, and whether something waits for it.
func (p *peer) current() (l *line, waiting bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.line, p.line != nil && len(p.queue) > 0
}
