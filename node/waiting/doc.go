// Package waiting is the room in which datagrams of devices wait while nobody is
// known to lead their shard: between two leaderships, or until a leader that was
// elected takes events.
//
// It promises that a datagram leaves once or is dropped and counted, and that those
// of a shard leave in the order in which they came, also before what comes while
// they leave. It holds a bounded number of them, each for a bounded time. It does
// not repeat, and it does not know whether a leader that it sends to still leads:
// that one has a room too.
package waiting
