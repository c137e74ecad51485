// Package swarm is the devices of a chaos run: many, light, on one goroutine and
// one socket, and strict about what a server owes them.
//
//	turns (who is next) ─▶ exchanges ─▶ sessions ─▶ socket ─▶ any node
//	                          ▲  │ wheel: repetitions   │
//	                          └──┴── answers, requests ◀┘ ─▶ history
//
// Every exchange begins at a node that is chosen at random, whether it lives or
// not; the first repetition goes to the same one, later ones anywhere. An answer
// from a node that was not asked is dropped, as RFC 7252 section 5.3.2 has it.
// Devices change their address from time to time.
//
// A device remembers what it was asked for 247 s (RFC 7252 section 4.5), over all
// nodes, which are one service: the same message ID, token and payload are a
// repetition, whoever sends it. All else is executed, and is in the history.
//
// A part of the devices has DTLS with Connection ID. A session is made once; a
// device makes another one only when the server ends it.
package swarm
