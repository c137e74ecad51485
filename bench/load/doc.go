// Package load is very many simulated devices that cost next to nothing, so
// that what is measured is the server: they register, and then update, send or
// notify in turn, as fast as a number of exchanges in flight allows (closed
// loop) or at a fixed rate, whatever the server does (open loop).
//
//	work (who is next) ─▶ exchanges (one per slot) ─▶ socket ─▶ server
//	pace (when)              ▲    │ wheel: repetitions    │
//	                         └────┴─────── answers ◀──────┘
//	                              └▶ tally ─▶ Result
//
// One goroutine does all of it. A device is some eighty bytes and no
// goroutine; every one has an IPv4 address of its own in 127.0.0.0/8, as the
// server must tell devices apart by address, and all of them share one socket.
// Requests are Confirmable and are repeated as RFC 7252 section 4.2 says.
//
// With DTLS, sessions (one small secure.Link per device) lie before the socket:
//
//	Handshake ─▶ shaker (goroutines, bounded) ─▶ sessions ◀──▶ exchanges
//
// They are made by Handshake and at no other time, and a device that moves, as a
// NAT makes it, sends from address after address.
//
// The devices understand nothing but the start of an observation: package
// device has those that do.
package load
