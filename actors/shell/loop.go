package shell

import (
	"math"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"dormouse/codec/wire"
)

// maxTurn is how many messages a loop handles before it proposes and sends.
const maxTurn = 1024

// loop owns some shards with all their cells, while the node leads them. Its goroutine alone touches the
// fields below inbox; others reach it through the inbox.
type loop struct {
	shell   *Shell
	options *Options
	stats   counters
	inbox   *inbox

	shards []*shard // by ID; nil: not led here, or another loop's
	led    []*shard // those of them that are led, in no order
	ages   ages
	wakes  wakes

	root     *actor.RootContext
	props    *actor.Props
	spawning *cell
	call     call
	failure  *Panic // of the call that just ran, nil for none

	epoch time.Time
	now   time.Time // of this turn
	clock int64     // nanoseconds from epoch to now; never 0

	orders []order
	left   []func() // of Yield: called when what this turn set free has left
	inside []func()
	taken  []message
	rest   []message // of taken, not handled yet
	again  []message // waited for a cell to be loaded again

	dirty      []*shard // with a proposal of this turn
	released   []*group
	outs       []Out
	inFlight   int // groups in lanes
	committing int // proposals not settled

	nextTimers  int64
	firstTimers int
	nextMarks   int64
	marked      []byte // of mark

	spare          []*group
	spareProposals []*proposal
	token          [8]byte
	scratch        [32]byte
	clears         map[wire.Sign][]func() // see remote.go

	sent, received int          // handed from loop to loop
	leaving        chan<- tally // the one who wants to know when it is quiet
	closing        bool
}

func newLoop(s *Shell) *loop {
	l := &loop{
		shell: s, options: &s.options, inbox: newInbox(s.options.Inbox),
		shards: make([]*shard, s.options.Env.Shards), clears: make(map[wire.Sign][]func()), epoch: time.Now().Add(-1), nextMarks: math.MaxInt64,
	}
	l.props = actor.PropsFromProducer(
		func() actor.Actor { return l.spawning },
		actor.WithMailbox(func() actor.Mailbox { return l.spawning }),
	)
	l.root = s.system.Root.Copy().WithGuardian(&supervisor{l})
	return l
}

// clockOf is t on the loop's clock.
func (l *loop) clockOf(t time.Time) int64 { return int64(t.Sub(l.epoch)) }

// run is the loop's goroutine.
func (l *loop) run() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		if l.shell.stopped() {
			l.abandon()
			return
		}
		if l.turn() {
			continue
		}
		timer.Reset(l.pause())
		select {
		case <-l.inbox.wake:
		case <-timer.C:
		case <-l.shell.stop:
		}
	}
}

// turn handles what has come, proposes what was written and sends what is
// free. It reports that there is more to do at once.
func (l *loop) turn() (more bool) {
	l.now = time.Now()
	l.clock = l.clockOf(l.now)
	l.take()
	for i, o := range l.orders { // first: see close
		o.run()
		l.orders[i] = order{}
	}
	for i, f := range l.inside {
		f()
		l.inside[i] = nil
	}
	l.handleAgain()
	l.handleRest()
	if !l.closing {
		more = l.tick()
		l.markShards()
		l.fireTimers()
		l.sweep()
	}
	l.proposeAll()
	l.flush()
	for i, done := range l.left {
		done()
		l.left[i] = nil
	}
	l.left = l.left[:0]
	stalled := len(l.rest) > 0 && l.inFlight >= l.options.Inbox
	if more || len(l.again) > 0 || len(l.rest) > 0 && !stalled || !l.inbox.sleep(len(l.rest)) {
		return true
	}
	l.report()
	return false
}

func (l *loop) take() {
	var fresh bool
	taken := l.taken[:0]
	l.orders, l.inside, taken, fresh = l.inbox.take(l.orders[:0], l.inside[:0], taken, len(l.rest))
	if fresh {
		l.taken, l.rest = taken, taken
	}
}

// handleAgain handles what waited for cells that may be loaded now. It may
// have to wait again.
func (l *loop) handleAgain() {
	if len(l.again) == 0 {
		return
	}
	again := l.again
	l.again = nil
	for i := range again {
		l.dispatch(&again[i])
	}
}

// handleRest handles a bounded number of messages, none while too many groups
// are in flight: then the inbox fills up, and refuses.
func (l *loop) handleRest() {
	for n := min(maxTurn, len(l.rest)); n > 0 && l.inFlight < l.options.Inbox; n-- {
		l.dispatch(&l.rest[0])
		l.rest[0] = message{}
		l.rest = l.rest[1:]
	}
}

// pause is how long nothing will be due.
func (l *loop) pause() time.Duration {
	next := int64(math.MaxInt64)
	if l.closing {
		return time.Hour
	}
	if at := l.wakes.next(); at != 0 {
		next = at
	}
	if c := l.ages.oldest; c != nil {
		next = min(next, c.last+int64(l.options.Idle))
	}
	next = min(next, l.nextMarks)
	if l.options.Timers != nil {
		next = min(next, l.nextTimers)
	}
	return max(0, time.Duration(min(next-l.clock, int64(time.Hour))))
}

// hand runs f on another loop.
func (l *loop) hand(target *loop, f func()) {
	l.sent++
	target.inbox.post(func() {
		target.received++
		f()
	})
}
