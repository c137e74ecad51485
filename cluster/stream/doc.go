// Package stream is the mesh of TCP connections between nodes: what has to come
// in order, or is too long for a datagram.
//
//	Send ──▶ queue of the peer (bounded) ──▶ connection of frames ──▶ Frame, in order, one goroutine a peer
//	Call ──▶ queue of the peer (bounded) ──▶ connection of calls  ──▶ Serve, many at a time ──▶ answer, over the same
//
// Each node dials two connections to each of its peers: one carries frames, the
// other its calls and their answers, so that an answer of megabytes holds up no
// heartbeat of raft. What a node sends goes over connections that it dialled
// itself; those that it accepted carry what its peers send.
//
// # What it promises
//
// Frames of one connection come in the order in which they were sent, none twice
// and none left out between two that came. When a connection breaks, what waited
// for it is dropped, and what was under way may have come or not; who sends
// repeats, as raft does. A call ends with its answer, or with an error that tells
// whether it may have happened: ErrNotSent says that it did not, ErrUnknownOutcome
// that nobody knows. Send never waits. A peer that is slow or gone holds up nobody
// but who calls it, and a call to a peer that is known to be out of reach fails at
// once.
//
// A peer that falls silent is noticed: both ends of every connection say something
// every second, and whoever hears nothing for four of them, or cannot get rid of
// a piece for five seconds, breaks the connection.
//
// # Who may talk
//
// TLS 1.3, both sides with a certificate of the cluster's private CA. Behind it
// both say in a greeting who they are; another cluster, another node than the one
// that was dialled, a clock that is far off, a life of a node that is over and a
// version that is not understood are refused with a sentence, and both sides
// learn it (Options.Refused). A node that is no peer may call and be answered, for
// that is how it joins; its frames are refused.
//
// # What it does not do
//
// It chooses no peers: they come from outside (SetPeers). It repeats nothing. A
// certificate says that a node belongs to the cluster, not which one it is: the
// name in it is not looked at, and nodes trust each other's greetings.
package stream
