// Package shell runs endpoints: it brings datagrams, commands and timers to
// the state machine that owns them, and carries out what it wants in the one
// order that is allowed.
//
//	Deliver ─┐            ┌───────────────── loop (one goroutine) ────────────────┐
//	Post ────┼─▶ inbox ──▶│ event ─▶ cell's actor ─▶ Effects ─▶ batch of the shard │──▶ Propose
//	Do ──────┘  bounded   │                            │                          │       │
//	                      │ Send, Replies, Notices ◀── lane of the cell ◀─────────│◀──────┘ committed
//	                      └────────────────────────────────────────────────────────┘
//
// A shard belongs to one loop, and is there while the node leads it: Lead reads
// what the shard knows of itself, Yield drops all that is in memory of it. What
// comes for a shard that is not led goes to the node that leads it
// (Options.Elsewhere, Options.RemoteSign) or is answered endpoint.ErrElsewhere.
//
// What is in memory of an endpoint is a cell, an actor of protoactor whose
// mailbox has no queue of its own: the loop's inbox is the queue of all its
// actors, and the loop's goroutine is their dispatcher. A cell that is idle, has
// nothing in flight and is not busy is passivated to zero bytes; the next event
// loads it.
//
// The shell promises: events of an endpoint are handled in the order in which
// they were admitted; the effects of one Handle are released as a group, in
// the order of the Handles, and not before all they wrote is committed; after
// a failed commit the cell is loaded again from the store; after Yield nothing
// of that leadership is released, however its commits end; a datagram whose effects
// were lost with the leadership goes to Options.Elsewhere. It does not
// retransmit, and it drops datagrams when it is full: a device sends again.
package shell
