package shell

import (
	"time"

	"dormouse/actors/endpoint"
	"dormouse/codec/wire"
)

const (
	// maxFired is how many durable timers one turn hands out, so that a mass
	// expiry does not starve datagrams.
	maxFired = 256
	// maxFiring is how many of a shard may be handed out and not handled.
	maxFiring = 1024
	// retryAfter is how many steps later a timer comes again whose
	// consequences could not be committed, or whose endpoint cannot be loaded.
	retryAfter = 10
	// cleanupEvery is how often handled timers are deleted, as one range.
	cleanupEvery = time.Hour
)

// clockwork is the durable timers of a shard.
type clockwork struct {
	queue  Timers // nil: none
	poll   int64  // when to ask the queue, on the loop's clock
	clean  int64  // when to clean up
	firing int    // handed out, not handled
	retry  []retry
}

type retry struct {
	due Due
	at  int64
}

func (k *clockwork) room() int { return maxFiring - k.firing - len(k.retry) }

// next is when the clockwork has something to do.
func (k *clockwork) next() int64 {
	at := k.clean
	if k.room() > 0 {
		at = min(at, k.poll)
	}
	if len(k.retry) > 0 {
		at = min(at, k.retry[0].at)
	}
	return at
}

func at(ms int64) time.Time { return time.UnixMilli(ms) }

// fireTimers hands out the durable timers that have come, beginning with
// another shard each time.
func (l *loop) fireTimers() {
	if l.options.Timers == nil || l.clock < l.nextTimers {
		return
	}
	budget := maxFired
	l.nextTimers = l.clock + int64(l.options.TimerStep)
	l.firstTimers++
	for i := range l.led {
		s := l.led[(i+l.firstTimers)%len(l.led)]
		if s.queue == nil {
			continue
		}
		if l.clock >= s.next() {
			budget -= l.fireShard(s, budget)
		}
		l.nextTimers = min(l.nextTimers, s.next())
	}
}

func (l *loop) fireShard(s *shard, budget int) (fired int) {
	if l.clock >= s.clean {
		s.clean = l.clock + int64(cleanupEvery)
		if from, to := s.queue.Cleanup(l.now); to != nil {
			l.proposal(s).batch.DeleteRange(wire.ClassTimer, from, to)
		}
	}
	for fired < budget && len(s.retry) > 0 && s.retry[0].at <= l.clock {
		due := s.retry[0].due
		s.retry = s.retry[1:]
		l.fire(s, due)
		fired++
	}
	limit := min(budget-fired, s.room())
	if limit <= 0 || l.clock < s.poll {
		return fired
	}
	l.noteOutage(s)
	due, next, err := s.queue.Due(l.now, limit)
	s.poll = l.clock + int64(l.options.TimerStep)
	if err != nil {
		if f := l.options.Events.TimersFailed; f != nil {
			f(s.ID, err)
		}
	} else if !next.IsZero() {
		s.poll = min(s.poll, max(l.clock, l.clockOf(next)))
	}
	for _, d := range due {
		l.fire(s, d)
	}
	return fired + len(due)
}

func (l *loop) fire(s *shard, due Due) {
	s.firing++
	l.stats.timers.Add(1)
	m := message{to: ToEndpoint(due.Endpoint), event: endpoint.Deadline{At: due.At.UnixMilli()}, timer: s}
	l.toEndpoint(due.Endpoint, &m)
}

// timerDone ends what fire began.
func (l *loop) timerDone(s *shard, due Due, err error) {
	s.firing--
	if err == nil {
		s.queue.Handled(due)
	} else {
		s.retry = append(s.retry, retry{due, l.clock + retryAfter*int64(l.options.TimerStep)})
	}
	l.nextTimers = min(l.nextTimers, s.next())
}

// armed tells the queue of the timers in a committed proposal.
func (l *loop) armed(p *proposal) {
	s := p.shard
	if s.queue == nil {
		return
	}
	// The batch is our own and was committed: it cannot be malformed.
	_ = p.batch.Each(func(w wire.Write) error {
		if w.Class != wire.ClassTimer || w.Kind != wire.Put {
			return nil
		}
		at, id, err := wire.ParseTimerKey(w.Key)
		if err != nil {
			return err
		}
		poll := max(l.clock, l.clockOf(at))
		if s.queue.Armed(Due{at, id}) {
			poll = l.clock
		}
		s.poll = min(s.poll, poll)
		l.nextTimers = min(l.nextTimers, s.poll)
		return nil
	})
}
