// Package apptest talks to a running node from outside, for tests: as a CoAP
// client on a socket of its own, as a scripted LwM2M device, and as a client
// of the HTTP API.
//
// A Client repeats what is not answered, as RFC 7252 has it but sooner, and
// answers a repeated request of the node from memory. So a datagram that is
// lost, or a node that is restarted at the same address, is no fault by
// itself; what nobody waited for is kept to be looked at (Client.Strays).
package apptest
