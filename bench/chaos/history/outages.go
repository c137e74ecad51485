package history

import (
	"cmp"
	"slices"
	"time"
)

// fault reports an event that may interrupt the service.
func (k Kind) fault() bool { return k >= Killed && k <= Died }

// Outage is the time from a fault until every exchange succeeded again with a
// node that lived.
type Outage struct {
	Fault Event         `json:"fault"`
	Until time.Duration `json:"until"` // after the fault; 0: nothing failed, or it lasts until the next event
	Tries int           `json:"tries"` // that failed
}

// eve is how long before a fault a try may be sent that fails with it: its answer
// was under way.
const eve = time.Second

// outages judges the times after faults. A try fails at the moment at which it
// was sent: the service was not there then. It counts to the last fault before.
func (v *Verdict) outages(events []Event, r Rules) {
	var faults []Outage
	var silent, deaf []Event
	for _, e := range events {
		switch {
		case e.Kind.fault():
			faults = append(faults, Outage{Fault: e})
		case e.Kind == Silent:
			silent = append(silent, e)
		case e.Kind == Recovered:
			v.Figures.Waits = append(v.Figures.Waits, e.At-e.Since)
		case e.Kind == Unanswered:
			deaf = append(deaf, e)
		}
	}
	slices.SortStableFunc(faults, func(a, b Outage) int { return cmp.Compare(a.Fault.At, b.Fault.At) })
	slices.SortFunc(silent, func(a, b Event) int { return cmp.Compare(a.Since, b.Since) })
	var late []Event                                                              // that no fault explains
	excused, others := map[uint32][]time.Duration{}, map[uint32][]time.Duration{} // tries by device
	at := -1
	for _, e := range silent {
		for at+1 < len(faults) && faults[at+1].Fault.At <= e.Since+eve {
			at++
		}
		if at >= 0 && faults[at].Fault.lasts() {
			faults[at].Tries++
			v.Figures.Meanwhile++
			excused[e.Device] = append(excused[e.Device], e.Since)
			continue
		}
		others[e.Device] = append(others[e.Device], e.Since)
		if at < 0 || e.Since-faults[at].Fault.At > r.Recovery {
			late = append(late, e)
			continue
		}
		faults[at].Until = max(faults[at].Until, e.Since-faults[at].Fault.At)
		faults[at].Tries++
	}
	for _, e := range deaf {
		// A device has one exchange at a time: the tries since its first are its own.
		own := func(at time.Duration) bool { return at >= e.Since && at <= e.At }
		if !slices.ContainsFunc(excused[e.Device], own) || slices.ContainsFunc(others[e.Device], own) {
			v.broken(Deaf, "device %d got no answer by %v", e.Device, since(e.At))
		}
	}
	v.Figures.Outages, v.Figures.Late = faults, len(late)
	if allowed := max(int(r.Tries*uint64(r.Stray)/1_000_000), 1); len(late) > allowed {
		for _, e := range late {
			v.broken(Slow, "device %d got no answer of node %d at %v, more than %v after the last fault", e.Device, e.Node, since(e.Since), r.Recovery)
		}
	}
}
