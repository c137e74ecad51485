package history

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Words of the API.
const (
	successful = "SUCCESSFUL"
	failed     = "FAILED"
	unknown    = "sent, answer unknown"
)

// operation judges one.
func (v *Verdict) operation(o *operation, b *book, r Rules) {
	v.repetitions(o, b, r)
	if !o.acknowledged {
		return // nobody was promised anything, but that it does not run twice
	}
	if known := len(o.seen); known < r.Nodes {
		v.broken(Lost, "operation %d (%d): %d nodes were asked at the end, want %d", o.op, o.id, known, r.Nodes)
	}
	for _, e := range o.seen {
		v.ended(o, e, b, r)
	}
}

// ended judges what one node tells of an operation at the end.
func (v *Verdict) ended(o *operation, e Event, b *book, r Rules) {
	if first := o.seen[0]; e.Kind == first.Kind && (e.Text != first.Text || e.Reason != first.Reason) {
		v.broken(Disagreed, "operation %d: %s %q at node %d, %s %q at node %d", o.op, first.Text, first.Reason, first.Node, e.Text, e.Reason, e.Node)
	}
	switch {
	case e.Kind == Missing:
		v.broken(Lost, "operation %d (%d), acknowledged at %v: node %d does not know it", o.op, o.id, since(o.ackedAt), e.Node)
	case e.Text == successful && len(o.executed) == 0:
		v.broken(NotDone, "operation %d of device %d is SUCCESSFUL at node %d and was not executed", o.op, o.device, e.Node)
	case e.Text == successful:
	case e.Text == failed:
		v.failure(o, e, b, r)
	default:
		v.broken(Unfinished, "operation %d of device %d, acknowledged at %v: %s at node %d", o.op, o.device, since(o.ackedAt), e.Text, e.Node)
	}
}

// failure is allowed for what must not run twice, once the device may have
// forgotten the first time.
func (v *Verdict) failure(o *operation, e Event, b *book, r Rules) {
	until := b.last
	if e.Since > 0 {
		until = min(until, e.Since)
	}
	switch {
	case !strings.Contains(e.Reason, unknown) || o.twice:
		v.broken(WrongEnd, "operation %d of device %d failed at node %d: %q", o.op, o.device, e.Node, e.Reason)
	case until-o.submitted < r.Lifetime && !b.forgets(o.device, o.submitted, until):
		v.broken(WrongEnd, "operation %d of device %d, submitted at %v, failed at %v: %q, and its device forgot nothing", o.op, o.device, since(o.submitted), since(until), e.Reason)
	}
}

// repetitions judges how often an operation was executed. The first attempt
// left after it was submitted, so that nothing may go out anew within the
// lifetime from there.
func (v *Verdict) repetitions(o *operation, b *book, r Rules) {
	for i := 1; i < len(o.executed); i++ {
		before, at := o.executed[i-1], o.executed[i]
		switch {
		case !o.twice:
			v.broken(Twice, "operation %d of device %d must run once, and ran at %v and %v", o.op, o.device, since(before), since(at))
		case at-o.submitted < r.Lifetime && !b.forgets(o.device, before, at):
			v.broken(Twice, "operation %d of device %d ran at %v and %v, while its device knew it", o.op, o.device, since(before), since(at))
		}
	}
}

// order judges the operations of a device: what was acknowledged before another
// one was submitted was created before it.
func (v *Verdict) order(device uint32, list []*operation) {
	done := slices.DeleteFunc(slices.Clone(list), func(o *operation) bool { return len(o.executed) == 0 })
	bySubmission := slices.Clone(done)
	slices.SortFunc(bySubmission, func(a, b *operation) int { return cmp.Compare(a.submitted, b.submitted) })
	byAck := slices.DeleteFunc(done, func(o *operation) bool { return !o.acknowledged })
	slices.SortFunc(byAck, func(a, b *operation) int { return cmp.Compare(a.ackedAt, b.ackedAt) })
	var latest *operation // of those that were created before
	for _, o := range bySubmission {
		for len(byAck) > 0 && byAck[0].ackedAt < o.submitted {
			if latest == nil || byAck[0].executed[0] > latest.executed[0] {
				latest = byAck[0]
			}
			byAck = byAck[1:]
		}
		if latest != nil && latest.executed[0] > o.executed[0] {
			v.broken(Order, "device %d ran operation %d, submitted at %v, at %v, and operation %d, acknowledged at %v, at %v",
				device, o.op, since(o.submitted), since(o.executed[0]), latest.op, since(latest.ackedAt), since(latest.executed[0]))
		}
	}
}

// since is a duration that people read.
func since(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
