package shell

import (
	"math"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/codec/wire"
)

// marks say when a shard that is led writes until when it was served
// (endpoint.Served). A shard without devices writes none. A mark goes along with
// what is written anyway from half of Options.MarkEvery on; where nothing is, it
// has a batch of its own before the whole is over. Instants are those of the
// loop's clock.
type marks struct {
	inUse   bool // there are devices
	marking bool // one is proposed and not settled: there is one at a time
	along   int64
	alone   int64
}

// marksIn is into how many steps MarkEvery is divided. Marks of their own are
// written at the steps of the loop's clock, so those of many shards that fall into
// the same step are one sync, and an idle node syncs no more than once a step.
const marksIn = 10

func (l *loop) markStep() int64 { return max(1, int64(l.options.MarkEvery)/marksIn) }

// resume begins the marks of a leadership. Shards take turns from the beginning,
// as all may be led at the same moment.
func (l *loop) resume(s *shard) (gap time.Duration, err error) {
	gap, s.inUse, err = s.Resume(l.now)
	s.along = l.clock
	s.alone = l.clock + l.markStep()*(1+int64(s.ID)%(marksIn-1))
	l.expectMark(s)
	return gap, err
}

// expectMark lets the loop look at the shard in time.
func (l *loop) expectMark(s *shard) {
	if s.inUse && !s.marking {
		step := l.markStep()
		l.nextMarks = min(l.nextMarks, (s.alone+step-1)/step*step)
	}
}

// markShards gives a batch to each mark that has waited long enough for one.
func (l *loop) markShards() {
	if l.clock < l.nextMarks {
		return
	}
	l.nextMarks = math.MaxInt64
	for _, s := range l.led {
		if s.inUse && !s.marking && l.clock >= s.alone {
			l.mark(s, l.proposal(s))
		}
		l.expectMark(s)
	}
}

// takeAlong adds a mark to what a shard proposes, if one is due. The first device
// of a shard begins its marks.
func (l *loop) takeAlong(s *shard, p *proposal) {
	switch {
	case s.marking || l.clock < s.along:
	case s.inUse:
		l.mark(s, p)
	case p.hasDevice():
		s.inUse = true
		s.Served.Mark(l.now)
		l.mark(s, p)
	}
}

// mark adds a mark to p. Until it is stored the one before counts.
func (l *loop) mark(s *shard, p *proposal) {
	s.Served.Note(l.now)
	next := endpoint.Served{Outages: s.Served.Outages}
	next.Mark(l.now)
	p.mark = next.Until
	l.marked = next.Append(l.marked[:0])
	p.batch.Put(wire.ClassMeta, endpoint.ServedKey, l.marked)
	s.marking = true
	s.along = l.clock + int64(l.options.MarkEvery)/2
	s.alone = l.clock + int64(l.options.MarkEvery) - l.markStep()
}

// markSettled ends what mark began.
func (l *loop) markSettled(s *shard, p *proposal) {
	s.marking = false
	if p.err == nil {
		if gap := p.mark.Sub(s.Served.Until); gap >= endpoint.LeastOutage {
			l.unserved(s, gap)
		}
		s.Served.Mark(p.mark)
	}
	l.expectMark(s)
}

func (l *loop) unserved(s *shard, gap time.Duration) {
	if f := l.options.Events.Unserved; f != nil {
		f(s.ID, gap)
	}
}

// noteOutage takes a time in which the node stood still, or could not commit, for
// an outage before timers fire by it.
func (l *loop) noteOutage(s *shard) {
	if s.inUse {
		s.Served.Note(l.now)
	}
}

// hasDevice reports that the batch writes the contact of an endpoint.
func (p *proposal) hasDevice() (has bool) {
	// The batch is our own: it cannot be malformed.
	_ = p.batch.Each(func(w wire.Write) error {
		has = has || w.Class == wire.ClassContact && w.Kind == wire.Put
		return nil
	})
	return has
}
