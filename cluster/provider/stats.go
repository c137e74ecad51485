package provider

import "sync/atomic"

// counters since the start of the node.
type counters struct {
	calls, served, repeats, resent, panics       atomic.Int64
	droppedAnswers, lateAnswers, strange, sifted atomic.Int64
	failedDials, lostLines, refusedPeers         atomic.Int64
}

// Stats are counters since the start.
type Stats struct {
	Calls          int64 // to other nodes
	Served         int64 // requests that Serve was called with
	Repeats        int64 // requests that came again
	Resent         int64 // calls that were written again
	Panics         int64 // of Serve
	DroppedAnswers int64 // whose caller is gone, or has too many that wait
	LateAnswers    int64 // that nobody waits for
	Strange        int64 // messages that a gate does not know, and requests of unknown nodes
	Sifted         int64 // messages of peers that were not for us, or not readable
	FailedDials    int64 // attempts to connect to a peer
	LostLines      int64 // streams to peers that ended by themselves
	Refused        int64 // connections and streams of strangers
}

// Stats reads them.
func (n *Node) Stats() Stats {
	c := &n.stats
	return Stats{
		Calls: c.calls.Load(), Served: c.served.Load(), Repeats: c.repeats.Load(), Resent: c.resent.Load(), Panics: c.panics.Load(),
		DroppedAnswers: c.droppedAnswers.Load(), LateAnswers: c.lateAnswers.Load(), Strange: c.strange.Load(), Sifted: c.sifted.Load(),
		FailedDials: c.failedDials.Load(), LostLines: c.lostLines.Load(), Refused: c.refusedPeers.Load(),
	}
}

// refused counts a stranger, and logs every one whose number is a power of two:
// strangers cannot fill the log.
func (n *Node) refused(err error) {
	if count := n.stats.refusedPeers.Add(1); count&(count-1) == 0 {
		n.o.Log.Warn("provider: refused: "+err.Error(), "refused", count)
	}
}
