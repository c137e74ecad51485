package stream

import (
	"fmt"
	"sync/atomic"
)

// Stats are counters since New, and how the peers are now.
type Stats struct {
	Peers   int // named by the last SetPeers
	Reached int // of them: both connections stand

	Sent, SentBytes         uint64 // frames that the kernel took, with their headers
	Received, ReceivedBytes uint64 // frames that Frame was given

	DroppedFull   uint64 // frames that Send did not take: the queue was full
	DroppedAway   uint64 // the peer was not connected, or none
	DroppedLength uint64 // empty, or too long
	DroppedBroken uint64 // frames that waited when the connection broke

	Calls, CallsFailed uint64 // of this node; a RemoteError is a failure, too
	Served             uint64 // of others
	Busy               uint64 // of others, for which there was no room

	Connected    uint64 // connections that this node made
	Broken       uint64 // of them
	DialFailures uint64
	RefusedOut   uint64 // of them: one of both sides did not want the other
	RefusedIn    uint64 // connections to this node that did not become one
	Crowded      uint64 // likewise, for there were too many at once
	AcceptErrors uint64
}

func (s Stats) String() string {
	return fmt.Sprintf("%d of %d peers reached, %d frames sent, %d received, %d dropped, %d calls (%d failed), %d served (%d busy), %d connections broke, %d and %d refused",
		s.Reached, s.Peers, s.Sent, s.Received, s.DroppedFull+s.DroppedAway+s.DroppedLength+s.DroppedBroken,
		s.Calls, s.CallsFailed, s.Served, s.Busy, s.Broken, s.RefusedOut, s.RefusedIn)
}

type counters struct {
	sent, sentBytes, received, receivedBytes               atomic.Uint64
	droppedFull, droppedAway, droppedLength, droppedBroken atomic.Uint64
	calls, callsFailed, served, busy                       atomic.Uint64
	connected, broken, dialFailures, refusedOut            atomic.Uint64
	refusedIn, crowded, acceptErrors                       atomic.Uint64
}

func (c *counters) snapshot() Stats {
	return Stats{
		Sent: c.sent.Load(), SentBytes: c.sentBytes.Load(), Received: c.received.Load(), ReceivedBytes: c.receivedBytes.Load(),
		DroppedFull: c.droppedFull.Load(), DroppedAway: c.droppedAway.Load(), DroppedLength: c.droppedLength.Load(), DroppedBroken: c.droppedBroken.Load(),
		Calls: c.calls.Load(), CallsFailed: c.callsFailed.Load(), Served: c.served.Load(), Busy: c.busy.Load(),
		Connected: c.connected.Load(), Broken: c.broken.Load(), DialFailures: c.dialFailures.Load(), RefusedOut: c.refusedOut.Load(),
		RefusedIn: c.refusedIn.Load(), Crowded: c.crowded.Load(), AcceptErrors: c.acceptErrors.Load(),
	}
}
