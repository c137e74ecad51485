package load

import "time"

// burst is the grid that an open loop sends on: what falls due in a
// millisecond goes out together at its end, as echo's does.
const burst = time.Millisecond

// pace is the schedule of an open loop. It depends on the time alone: what
// could not be sent when it was due stays due, and the time that it was due is
// what its latency counts from. Else a server that stalls would silence
// exactly those exchanges that it would have delayed (coordinated omission).
type pace struct {
	began time.Time
	rate  int
	taken int64
}

// at is when exchange k (from 0) is due: the end of its burst.
func (p *pace) at(k int64) time.Time {
	whole, rest := k/int64(p.rate), k%int64(p.rate) // else k seconds would overflow
	due := time.Duration(whole)*time.Second + time.Duration(rest*int64(time.Second)/int64(p.rate))
	return p.began.Add(due.Truncate(burst) + burst)
}

// take is when the next exchange was due; false where none is yet.
func (p *pace) take(now time.Time) (due time.Time, ok bool) {
	due = p.at(p.taken)
	if due.After(now) {
		return time.Time{}, false
	}
	p.taken++
	return due, true
}

// next is when something will be due.
func (p *pace) next() time.Time { return p.at(p.taken) }
