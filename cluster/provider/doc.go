// Package provider makes protoactor work between nodes: over the membership
// that cluster/members sees and the placement that cluster/ring decides, not
// over protoactor's own.
//
//	Call ──▶ queue of the peer (bounded) ──▶ line ──TLS──▶ door ──▶ gate/node ──▶ window ──▶ Serve (bounded)
//	  ▲                                                                                        │
//	  └──── gate/node ◀── door ◀──TLS── line ◀── queue of the peer (bounded) ◀── the answer ───┘
//
// A Node gives an actor system an address, and everything that is needed there:
// the service of protoactor's remote, in both directions; its cluster with our
// Provider and Lookup; the process gate/node that takes and answers envelopes;
// Call on the asking side, and Serve on the other. What passes between nodes is
// an Envelope in a google.protobuf.BytesValue.
//
// # What it promises
//
// A call is served at most once by one life of a node. It is written again only
// to the same life, after the stream that carried it, or was to carry its
// answer, is no more; the receiver knows calls that it has seen
// (Options.Window), and where it can no longer know, it refuses. An error that is
// ErrNotSent says that the call was not served and will not be; one that is
// ErrUnknownOutcome that it may have been.
//
// Calls do not keep their order. Nothing waits for a peer but the goroutine that
// called, and what is for another peer is not held up.
//
// # What is taken of protoactor, and what is not
//
// Of remote: the protocol (its gRPC service and messages, its serializer), PIDs
// with an address, futures over it. Not its Remote, whose Start, queues,
// reconnecting and end have traps that its interceptors cannot heal:
// docs/decisions/2026-11-30-protoactor-remote.md has the evidence. Of cluster:
// Get and Request by identity, and the member list. Not gossip, pubsub, kinds,
// activations and the PID cache: they are not started. The block list is no
// fence; here a life is refused when a later incarnation of its node is known.
//
// A message that we do not know is passed over, and what came with it is
// delivered: nodes of two releases run together. System messages (Watch, Stop)
// do not cross nodes.
//
// # What it owes and is owed
//
// One Node can be made of an actor system, and no second one after its Close.
// Whoever makes a Node guarantees an incarnation that is higher with every
// start.
package provider
