package link

import "dormouse/codec/wire"

// queue is what waits for one peer: the texts of frames, one behind the other,
// as they will be sealed.
type queue struct {
	text   []byte
	ends   []segment // of the frames that are full
	open   int       // datagrams behind the last of them
	spare  []byte    // the text of the round before, for its memory
	listed bool      // the peer is among those that the sender will visit
}

// segment is one frame's text: it ends there and holds so many datagrams.
type segment struct{ end, datagrams int }

// keepBytes is how much memory an empty queue keeps of a burst, twice.
const keepBytes = 64 << 10

// add appends the datagram's envelope, unless it would exceed most bytes. A
// frame is closed when the next datagram does not fit into it.
func (q *queue) add(fwd *wire.Forward, frame, most int) bool {
	before := len(q.text)
	if before+fwd.MaxLen() > most {
		return false
	}
	q.text = fwd.Append(q.text)
	if q.open > 0 && len(q.text)-q.start()+Overhead > frame {
		q.ends = append(q.ends, segment{before, q.open})
		q.open = 0
	}
	q.open++
	return true
}

// start is where the frame that is not full begins.
func (q *queue) start() int {
	if len(q.ends) == 0 {
		return 0
	}
	return q.ends[len(q.ends)-1].end
}

// take empties the queue. What it returns is the caller's until giveBack.
func (q *queue) take(ends []segment) ([]byte, []segment) {
	text := q.text
	ends = append(ends[:0], q.ends...)
	if q.open > 0 {
		ends = append(ends, segment{len(text), q.open})
	}
	q.text, q.spare = q.spare[:0], nil
	q.ends, q.open, q.listed = q.ends[:0], 0, false
	return text, ends
}

// giveBack lets the queue use a text again.
func (q *queue) giveBack(text []byte) {
	if cap(text) <= keepBytes {
		q.spare = text[:0]
	}
}

// datagrams are those that wait.
func (q *queue) datagrams() int {
	n := q.open
	for _, s := range q.ends {
		n += s.datagrams
	}
	return n
}
