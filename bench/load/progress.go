package load

import (
	"fmt"
	"io"
	"time"
)

// progress prints a line every so often.
type progress struct {
	to     io.Writer
	every  time.Duration
	origin time.Time // what the first column counts from
	last   time.Time
	next   time.Time // zero: never
	ended  uint64    // at the last line
	used   time.Duration
}

func newProgress(now time.Time, o Options, origin time.Time) *progress {
	p := &progress{to: o.Progress, every: o.Every, origin: origin, last: now}
	if o.Progress == nil {
		return p
	}
	p.next = now.Add(o.Every)
	if o.Watch != nil {
		p.used, _ = o.Watch.CPU() // a server that cannot be watched is found out by what follows
	}
	return p
}

// state is what a line shows beside what it is told by Watch.
type state struct {
	kind     Kind
	tally    *tally
	inFlight int
}

// line prints what happened since the last one, where it is time.
func (p *progress) line(now time.Time, w Watch, s state) error {
	if p.next.IsZero() || now.Before(p.next) {
		return nil
	}
	t := s.tally
	done := t.ended - p.ended
	l := latencyOf(t.interval)
	t.interval.Reset()
	text := fmt.Sprintf("%6.0f s  %s  %7.0f/s  p50 %s  p99 %s  most %s  in flight %d  repeated %d  unanswered %d",
		now.Sub(p.origin).Seconds(), s.kind, float64(done)/now.Sub(p.last).Seconds(),
		millis(l.Median), millis(l.P99), millis(l.Max), s.inFlight, t.repeated, t.unanswered)
	if w != nil {
		used, err := w.CPU()
		if err != nil {
			return err
		}
		rss, err := w.Memory()
		if err != nil {
			return err
		}
		text += fmt.Sprintf("  server %s each, %s", micros((used-p.used)/time.Duration(max(done, 1))), mebibytes(rss))
		p.used = used
	}
	p.last, p.next, p.ended = now, now.Add(p.every), t.ended
	_, err := fmt.Fprintln(p.to, text)
	return err
}
