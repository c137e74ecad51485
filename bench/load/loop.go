package load

import (
	"context"
	"fmt"
	"time"

	"dormouse/bench/crowd"
	"dormouse/codec/coap"
)

// longestWait is how late an end of the context is noticed.
const longestWait = 100 * time.Millisecond

// loop is one run of the machinery. It is its only goroutine.
type loop struct {
	g         *Generator
	began     time.Time
	tally     *tally
	exchanges *exchanges
	work      *work
	pace      *pace // nil: closed loop
	progress  *progress
}

func (g *Generator) newLoop(kind Kind, inFlight int) *loop {
	now := time.Now()
	t := newTally()
	for i := range g.fleet.devices { // of a run that was broken off
		g.fleet.devices[i].slot = free
	}
	l := &loop{
		g: g, began: now, tally: t,
		exchanges: newExchanges(now, kind, inFlight, g.fleet, g.writer, t),
		progress:  newProgress(now, g.options, g.began),
	}
	g.runs++
	l.exchanges.run = g.runs
	return l
}

// run goes on until step says that it is done. step is asked in every turn and
// says when it wants to be asked again, zero for whenever.
func (l *loop) run(ctx context.Context, step func(now time.Time) (next time.Time, done bool)) error {
	for {
		now := time.Now()
		l.exchanges.tick(now)
		next, done := step(now)
		if done {
			return l.exchanges.fault
		}
		if err := l.turn(now, next); err != nil {
			return fmt.Errorf("load: with %d under way: %w", l.exchanges.inFlight(), err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// turn begins what is due, sends, and takes what comes until something is next.
func (l *loop) turn(now, next time.Time) error {
	e := l.exchanges
	l.begin(now)
	if err := l.progress.line(now, l.g.options.Watch, state{e.kind, e.tally, e.inFlight()}); err != nil {
		return err
	}
	if err := l.flush(); err != nil {
		return err
	}
	err := l.g.socket.Receive(l.wait(now, next), l.take())
	if err == nil {
		err = e.fault
	}
	return err
}

// take gives datagrams of one batch one time of arrival.
func (l *loop) take() func(crowd.Server, source, []byte) {
	var at time.Time
	return func(from crowd.Server, to source, payload []byte) {
		l.exchanges.from = from
		if at.IsZero() {
			at = time.Now()
		}
		if l.g.sessions == nil {
			l.exchanges.receive(at, to, payload)
			return
		}
		if !l.g.sessions.open(to, payload, func(message []byte) { l.exchanges.receive(at, to, message) }) {
			l.tally.strays++
		}
	}
}

// begin starts exchanges as long as they are due, somebody is free and there
// is room.
func (l *loop) begin(now time.Time) {
	e := l.exchanges
	for e.room() {
		if l.pace != nil && l.pace.next().After(now) {
			return
		}
		device, ok := l.work.take(e.busy)
		if !ok {
			return
		}
		due := now
		if l.pace != nil {
			due, _ = l.pace.take(now)
		}
		e.begin(now, due, device)
	}
}

func (l *loop) flush() error {
	out := l.exchanges.out
	if l.g.sessions != nil {
		out = l.g.sessions.seal(out)
	}
	err := l.g.socket.Send(out)
	clear(l.exchanges.out)
	l.exchanges.out = l.exchanges.out[:0]
	return err
}

// wait is the time until the earliest of what is next.
func (l *loop) wait(now, next time.Time) time.Duration {
	wait := longestWait
	for _, at := range []time.Time{next, l.exchanges.wheel.Next(), l.progress.next} {
		if !at.IsZero() {
			wait = min(wait, at.Sub(now))
		}
	}
	if l.pace != nil && l.exchanges.room() {
		wait = min(wait, max(l.pace.next().Sub(now), busyRetry))
	}
	return max(wait, 0)
}

// busyRetry is how soon an exchange that is due is tried again while all
// devices are busy; answers come earlier.
const busyRetry = 50 * time.Microsecond

// Drain times: what is under way at the end of a run may still be answered,
// else the next run would take its answers for strays.
const (
	drainFor  = 2 * time.Second
	drainWait = 50 * time.Millisecond
)

// drain waits for answers without asking more.
func (l *loop) drain() {
	l.exchanges.failed = func(uint32, coap.Code) {}
	for until := time.Now().Add(drainFor); l.exchanges.inFlight() > 0 && time.Now().Before(until); {
		if l.flush() != nil || l.g.socket.Receive(drainWait, l.take()) != nil {
			return
		}
	}
}
