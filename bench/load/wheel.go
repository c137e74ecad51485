package load

import "time"

// wheelStep is how exactly repetitions are timed, and wheelSteps such are what
// the wheel spans: more than the 48 s of a last repetition.
const (
	wheelStep  = 50 * time.Millisecond
	wheelSteps = 1024
)

// alarm is the exchange that something is due for. One whose number has moved
// on was answered: alarms are never taken out.
type alarm struct {
	slot   int32
	number uint32
}

// wheel is when exchanges are to be repeated: a ring of lists, each of one
// step of time. Setting an alarm is an append.
type wheel struct {
	epoch time.Time
	steps [wheelSteps][]alarm
	at    int64 // the first step that was not read yet
	set   int   // alarms in the lists
	spare []alarm
}

// add sets an alarm at the first step that ends after a wait, at most the span.
func (w *wheel) add(now time.Time, wait time.Duration, a alarm) {
	due := max(int64((now.Sub(w.epoch)+wait)/wheelStep)+1, w.at)
	due = min(due, w.at+wheelSteps-1)
	w.steps[due%wheelSteps] = append(w.steps[due%wheelSteps], a)
	w.set++
}

// advance calls f for all alarms up to now; f may set others.
func (w *wheel) advance(now time.Time, f func(alarm)) {
	for last := int64(now.Sub(w.epoch) / wheelStep); w.at <= last; {
		if w.set == 0 {
			w.at = last + 1
			return
		}
		due := w.steps[w.at%wheelSteps]
		w.steps[w.at%wheelSteps], w.spare = w.spare[:0], nil
		w.at++
		w.set -= len(due)
		for _, a := range due {
			f(a)
		}
		w.spare = due[:0]
	}
}

// next is the end of the step that is read next, zero while nothing is set.
func (w *wheel) next() time.Time {
	if w.set == 0 {
		return time.Time{}
	}
	return w.epoch.Add(time.Duration(w.at) * wheelStep)
}
