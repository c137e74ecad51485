// Package exchange is the message layer of CoAP and its block-wise transfers
// as state machines: who is asked again and when, which answer belongs to which
// request, what is a repetition. They are given the time and the message and
// return what is to be sent; they know no socket, no peer address and no clock.
//
// Client is the side that asks a device (RFC 7252 section 4, RFC 7959, 8132):
//
//	idle ──Start──▶ unacknowledged ──ACK──▶ waiting ──────────────┐
//	                │  ▲     │   └──────answer──────────┐         │ answer
//	                └──┘     │ silence                  ▼         ▼
//	             repetition  ▼                    last block? ──no──▶ next block
//	                   NotAcknowledged               │ yes         (unacknowledged)
//	                                                 ▼
//	             RST: ResetByPeer                 Answered    silence: NotAnswered
//
// Reply, Slice, Answers and Upload are the side that answers it. The caller
// keeps one of each per device, gives Client only what came from that device,
// and never starts a second request before the first has ended (NSTART 1).
package exchange
