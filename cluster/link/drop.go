package link

import "fmt"

// Drop says why a frame or a datagram went no further.
type Drop uint8

// Datagrams that Send did not take, or that were lost behind it.
const (
	// DropNoPeer: the node is not among the peers, or is this one.
	DropNoPeer Drop = iota
	// DropQueueFull: Options.QueueBytes wait for the peer already.
	DropQueueFull
	// DropTooLong: the datagram is longer than wire.MaxForwarded.
	DropTooLong
	// DropHops: it has crossed wire.MaxHops links already.
	DropHops
	// DropNoPath: its path names no peer, so that nobody could answer.
	DropNoPath
	// DropClosed: the Link is closed.
	DropClosed
	// DropPeerGone: it waited for a peer that was taken away.
	DropPeerGone
	// DropWrite: the socket refused the frame it was in.
	DropWrite

	// Frames that came in and were not let through. None is answered.

	// DropMalformed: no frame; or what was sealed holds no datagrams, which only
	// another program under our key makes.
	DropMalformed
	// DropVersion: a frame of a version that this program does not know.
	DropVersion
	// DropReflected: its sender is this node.
	DropReflected
	// DropUnknown: its sender is not among the peers.
	DropUnknown
	// DropStale: its sender has started again since.
	DropStale
	// DropEarly: its sender has started again, and SetPeers did not say so yet.
	DropEarly
	// DropKey: sealed under a key that is not in the ring.
	DropKey
	// DropReplay: its counter was accepted before, or lies before the window.
	DropReplay
	// DropForged: it does not open. It was changed, made without the key, made
	// for another node, or for this one before its restart.
	DropForged

	drops // their number
)

var dropNames = [drops]string{
	"no_peer", "queue_full", "too_long", "hops", "no_path", "closed", "peer_gone", "write",
	"malformed", "version", "reflected", "unknown", "stale", "early", "key", "replay", "forged",
}

// Drops are all values, in order.
func Drops() []Drop {
	all := make([]Drop, drops)
	for i := range all {
		all[i] = Drop(i)
	}
	return all
}

// Incoming reports that the drop is of a frame that came in; others are of
// datagrams that were to leave.
func (d Drop) Incoming() bool { return d >= DropMalformed && d < drops }

// String is a word for labels of metrics.
func (d Drop) String() string {
	if d < drops {
		return dropNames[d]
	}
	return fmt.Sprintf("drop_%d", uint8(d))
}
