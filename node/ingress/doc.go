// Package ingress is a node's UDP sockets: it hands over datagrams with the way
// back to whoever sent them, and sends datagrams along such ways. It moves them
// in batches, one system call each (recvmmsg, sendmmsg), and allocates nothing
// per datagram. It knows no CoAP, keeps no state per peer and promises no
// delivery: what the kernel has no room for is counted and forgotten, because a
// CoAP peer repeats.
//
//	          ┌ Listen ──────────────────────────────────────────────┐
//	socket 0 ─┤ reader: recvmmsg ─▶ []In{Path, Payload} ─▶ receive() │
//	socket 1 ─┤ reader: ...                                          │
//	          │ Send([]Out): by listener ─▶ sendmmsg                 │
//	          └──────────────────────────────────────────────────────┘
//
// An answer leaves from the address that was asked (IP_PKTINFO, IPV6_PKTINFO):
// a device behind a NAT or a firewall sees no other. A socket bound to one
// address needs no such note; only wildcard sockets pay for it.
//
// The package is for Linux.
package ingress
