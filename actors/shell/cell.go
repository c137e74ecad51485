package shell

import (
	"fmt"
	"runtime/debug"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
)

// maxWaiting bounds the events that wait until a dropped cell may be loaded
// again; what comes beyond is dropped.
const maxWaiting = 64

// cell is the place of an endpoint in its loop's memory. It is the actor and
// the mailbox in one allocation.
type cell struct {
	mailbox
	id    ids.Endpoint
	shard *shard

	// state is nil after a failure: the memory is ahead of the store, and
	// loading must wait until the lane is empty. Events wait meanwhile.
	state   Cell
	waiting []message
	lane    lane

	sibling      *cell // the next one with the same handle
	older, newer *cell // by last event
	last         int64 // of the loop's clock
	wake         int64 // when the cell wants a Tick, 0 never
	key          int64 // its place in the heap: not later than wake
	index        int   // in the heap, -1 for not there
}

// call is the message by which a loop runs a cell. There is one per loop.
type call struct {
	now   time.Time
	event endpoint.Event
	fx    *endpoint.Effects
}

// Receive implements actor.Actor.
func (c *cell) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *call:
		c.state.Handle(m.now, m.event, m.fx)
	case *actor.Stopped:
		c.loop.drop(c)
	}
}

// mailbox implements actor.Mailbox without a queue: the loop that posts a call
// is the dispatcher, and runs it at once; whatever others send goes through
// the loop's inbox first.
type mailbox struct {
	loop    *loop
	invoker actor.MessageInvoker
}

// RegisterHandlers implements actor.Mailbox.
func (m *mailbox) RegisterHandlers(invoker actor.MessageInvoker, _ actor.Dispatcher) {
	m.invoker = invoker
}

// Start implements actor.Mailbox.
func (m *mailbox) Start() {}

// UserMessageCount implements actor.Mailbox.
func (m *mailbox) UserMessageCount() int { return 0 }

// run invokes a call. A panic goes to the supervisor, which tells the loop.
func (m *mailbox) run(c *call) {
	defer func() {
		if r := recover(); r != nil {
			m.invoker.EscalateFailure(r, c)
		}
	}()
	m.invoker.InvokeUserMessage(c)
}

// PostUserMessage implements actor.Mailbox for those who send to a cell by
// its PID.
func (c *cell) PostUserMessage(sent any) {
	_, content, _ := actor.UnwrapEnvelope(sent)
	event, ok := content.(endpoint.Event)
	if !ok {
		return
	}
	if err := c.loop.inbox.put(message{to: ToEndpoint(c.id), event: event}); err != nil {
		endpoint.Reject(event, err)
	}
}

// PostSystemMessage implements actor.Mailbox. A cell is loaded when it is
// spawned, suspended by being dropped, and never restarted.
func (c *cell) PostSystemMessage(message any) {
	switch message.(type) {
	case *actor.Started, *actor.Restart, actor.MailboxMessage:
		return
	}
	c.loop.inbox.post(func() {
		if c.invoker != nil {
			c.invoker.InvokeSystemMessage(message)
		}
	})
}

// CellName is the name of the actor of an endpoint: PIDs by arithmetic.
func CellName(id ids.Endpoint) string {
	const digits = "0123456789abcdef"
	name := [18]byte{'e', '/'}
	for i := len(name) - 1; i > 1; i-- {
		name[i] = digits[id&15]
		id >>= 4
	}
	return string(name[:])
}

var stopMessage = &actor.Stop{}

// spawn makes c an actor. It costs six allocations; see
// docs/decisions/2026-11-23-run-loops.md for what was tried.
func (l *loop) spawn(c *cell) error {
	l.spawning = c
	_, err := l.root.SpawnNamed(l.props, CellName(c.id))
	if err != nil {
		return fmt.Errorf("spawn %s: %w", CellName(c.id), err)
	}
	return nil
}

// stopActor ends the actor at once: its message Stopped comes before the
// return. It may be called twice.
func (c *cell) stopActor() { c.invoker.InvokeSystemMessage(stopMessage) }

// supervisor stops every cell that fails. The loop carries it out itself when
// the call has returned (crashed), because the cell's groups fail with it.
type supervisor struct{ loop *loop }

// HandleFailure implements actor.SupervisorStrategy.
func (s *supervisor) HandleFailure(_ *actor.ActorSystem, _ actor.Supervisor, _ *actor.PID, _ *actor.RestartStatistics, reason, _ any) {
	s.loop.failure = &Panic{Reason: fmt.Sprint(reason), Stack: debug.Stack()}
}
