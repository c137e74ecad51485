package link

import (
	"fmt"
	"strings"
	"sync/atomic"
)

// Stats are counters since New, and how many peers there are now.
type Stats struct {
	Sent       uint64 // datagrams that the socket took
	SentFrames uint64 // in so many frames
	SentBytes  uint64 // of so many bytes, without IP and UDP

	Received       uint64 // datagrams handed over
	ReceivedFrames uint64 // in so many frames
	ReceivedBytes  uint64 // of so many bytes

	ReadErrors uint64 // of the socket; none ends the Link

	Dropped [drops]uint64 // by Drop: datagrams, or frames where Drop.Incoming
	Peers   int
}

func (s Stats) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d sent in %d frames, %d received in %d", s.Sent, s.SentFrames, s.Received, s.ReceivedFrames)
	for d, n := range s.Dropped {
		if n > 0 {
			fmt.Fprintf(&b, ", %s %d", Drop(d), n)
		}
	}
	return b.String()
}

type counters struct {
	sent, sentFrames, sentBytes             atomic.Uint64
	received, receivedFrames, receivedBytes atomic.Uint64
	readErrors                              atomic.Uint64
	dropped                                 [drops]atomic.Uint64
}

func (c *counters) drop(why Drop, n int) { c.dropped[why].Add(uint64(n)) }

func (c *counters) tookFrame(datagrams, bytes int) {
	c.sent.Add(uint64(datagrams))
	c.sentFrames.Add(1)
	c.sentBytes.Add(uint64(bytes))
}

func (c *counters) gotFrame(datagrams, bytes int) {
	c.received.Add(uint64(datagrams))
	c.receivedFrames.Add(1)
	c.receivedBytes.Add(uint64(bytes))
}

func (c *counters) snapshot() Stats {
	s := Stats{
		Sent: c.sent.Load(), SentFrames: c.sentFrames.Load(), SentBytes: c.sentBytes.Load(),
		Received: c.received.Load(), ReceivedFrames: c.receivedFrames.Load(), ReceivedBytes: c.receivedBytes.Load(),
		ReadErrors: c.readErrors.Load(),
	}
	for i := range c.dropped {
		s.Dropped[i] = c.dropped[i].Load()
	}
	return s
}
