// Package wheel tells thousands of exchanges when each of them is to be repeated.
package wheel

import "time"

// Step is how exactly alarms are timed, Span the longest wait: more than the
// 48 s of a last repetition of CoAP.
const (
	Step = 50 * time.Millisecond
	Span = steps * Step

	steps = 1024
)

// Alarm is the exchange that something is due for. One whose number has moved
// on was answered: alarms are never taken out.
type Alarm struct {
	Slot   int32
	Number uint32
}

// Wheel is when exchanges are to be repeated: a ring of lists, each of one
// step of time. Setting an alarm is an append.
type Wheel struct {
	epoch time.Time // steps are counted from it
	lists [steps][]Alarm
	at    int64 // the first step that was not read yet
	set   int   // alarms in the lists
	spare []Alarm
}

// New makes a wheel that begins to turn at a time.
func New(epoch time.Time) *Wheel { return &Wheel{epoch: epoch} }

// Add sets an alarm at the first step that ends after a wait, at most the span.
func (w *Wheel) Add(now time.Time, wait time.Duration, a Alarm) {
	due := max(int64((now.Sub(w.epoch)+wait)/Step)+1, w.at)
	due = min(due, w.at+steps-1)
	w.lists[due%steps] = append(w.lists[due%steps], a)
	w.set++
}

// Advance calls f for all alarms up to now; f may set others.
func (w *Wheel) Advance(now time.Time, f func(Alarm)) {
	for last := int64(now.Sub(w.epoch) / Step); w.at <= last; {
		if w.set == 0 {
			w.at = last + 1
			return
		}
		due := w.lists[w.at%steps]
		w.lists[w.at%steps], w.spare = w.spare[:0], nil
		w.at++
		w.set -= len(due)
		for _, a := range due {
			f(a)
		}
		w.spare = due[:0]
	}
}

// Next is the end of the step that is read next, zero while nothing is set.
func (w *Wheel) Next() time.Time {
	if w.set == 0 {
		return time.Time{}
	}
	return w.epoch.Add(time.Duration(w.at) * Step)
}
