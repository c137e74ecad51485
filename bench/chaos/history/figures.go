package history

import (
	"slices"
	"time"
)

// Figures are what a history counts.
type Figures struct {
	Submitted    int `json:"submitted"`
	Acknowledged int `json:"acknowledged"`
	Unclear      int `json:"unclear"` // submissions without an answer
	Executed     int `json:"executed"`
	Again        int `json:"again"`      // executions beyond the first of an operation
	Recognised   int `json:"recognised"` // repetitions that devices recognised
	Successful   int `json:"successful"` // at the first node that was asked
	Failed       int `json:"failed"`
	Registered   int `json:"registered"`
	Handshakes   int `json:"handshakes"`
	ShakesFailed int `json:"shakesFailed"`
	Known        int `json:"known"` // registrations at the end

	Outages   []Outage        `json:"outages"`   // by fault
	Meanwhile int             `json:"meanwhile"` // tries without answer while a fault lasted that explains them
	Late      int             `json:"late"`      // tries without answer that no fault explains
	Waits     []time.Duration `json:"-"`         // of devices with a node that lived, until they were answered
}

func (v *Verdict) count(events []Event, b *book) {
	f := &v.Figures
	counters := map[Kind]*int{
		Submitted: &f.Submitted, Acknowledged: &f.Acknowledged, Unclear: &f.Unclear, Executed: &f.Executed,
		Recognised: &f.Recognised, Registered: &f.Registered, Shaken: &f.Handshakes, ShakeFailed: &f.ShakesFailed, Known: &f.Known,
	}
	for _, e := range events {
		if n := counters[e.Kind]; n != nil {
			*n++
		}
	}
	for _, o := range b.operations {
		f.Again += max(len(o.executed)-1, 0)
		if len(o.seen) == 0 {
			continue
		}
		switch o.seen[0].Text {
		case successful:
			f.Successful++
		case failed:
			f.Failed++
		}
	}
	for _, e := range b.unasked {
		v.broken(Unasked, "device %d, operation %d: %v at %v", e.Device, e.Op, e.Kind, since(e.At))
	}
}

// Quantile is the smallest of some durations that no more than a share q, 0 to
// 1, of them exceeds; 0 of none.
func Quantile(list []time.Duration, q float64) time.Duration {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
