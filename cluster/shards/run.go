package shards

import (
	"fmt"
	"time"
)

// stop is the end of an engine whose storage cannot go on.
func (e *Engine) stop(err error) {
	e.inbox.kill()
	close(e.fatal)
	if e.o.Events.Fatal != nil {
		e.o.Events.Fatal(err)
	}
}

// run is the engine's goroutine.
func (e *Engine) run() {
	ticker := time.NewTicker(e.o.Tick)
	defer ticker.Stop()
	if !e.Begin() {
		return
	}
	var last time.Time // end of the last turn that wrote
	for {
		ticks := 0
		select {
		case <-e.inbox.wake:
			if e.o.Linger > 0 && !last.IsZero() && time.Since(last) < pauseAfter*e.o.Linger {
				e.linger()
			}
		case <-ticker.C:
			ticks = 1
		}
		wrote, open := e.Turn(ticks)
		if !open {
			return
		}
		if wrote {
			last = time.Now()
		}
	}
}

// Begin and Turn are what Start calls on a goroutine of the engine's: who has
// time and order in his own hands (cluster/sim) calls them instead, Begin first.
// false: the engine has ended.
func (e *Engine) Begin() (open bool) {
	e.begun.Store(true)
	return e.well(e.begin)
}

// Turn takes what has come, lets so many ticks pass, and does all that follows.
// wrote: something was synced.
func (e *Engine) Turn(ticks int) (wrote, open bool) {
	well := e.well(func() (err error) {
		wrote, open, err = e.turn(ticks)
		return err
	})
	if well && !open {
		close(e.ended)
	}
	return wrote, well && open
}

// well runs f, and ends the engine where it does not go well.
func (e *Engine) well(f func() error) bool {
	if err := e.guarded(f); err != nil {
		e.stop(err)
		return false
	}
	return true
}

// pauseAfter times Linger without a round, the next proposal counts as alone.
const pauseAfter = 4

// linger waits for company, for at most Linger.
func (e *Engine) linger() {
	// A signal of the turn before may still lie there.
	select {
	case <-e.inbox.enough:
	default:
	}
	if !e.inbox.canLinger() {
		return
	}
	t := time.NewTimer(e.o.Linger)
	defer t.Stop()
	select {
	case <-t.C:
	case <-e.inbox.enough:
	}
}

// guarded turns a panic of raft into an error: its state is not to be trusted
// any more.
func (e *Engine) guarded(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("shards: raft gave up: %v", r)
		}
	}()
	return f()
}

// begin lets the groups that this node is alone in have their leader at once.
func (e *Engine) begin() error {
	for _, g := range e.list {
		if g.alone() {
			if err := g.node.Campaign(); err != nil {
				return fmt.Errorf("shards: lead shard %d: %w", g.shard, err)
			}
		}
		g.touch()
	}
	_, err := e.advance()
	return err
}
