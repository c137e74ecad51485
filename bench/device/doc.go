// Package device is a simulated LwM2M client of version 1.0, 1.1 or 1.2 over
// CoAP: what a faithful device says and answers, as a state machine that is given
// messages and the time, and a Fleet that runs many of them over sockets, in the
// clear or with DTLS between the two.
//
//	waiting ──Register──▶ registering ──2.01──▶ registered ──Disable, Stop──▶ leaving
//	   ▲ ▲                    │                    │  │  ▲                       │
//	   │ └── no answer, 5.xx ─┘                    │  └──┘ Update                │ 2.02
//	   └──────── reboot, Update answered 4.04 ─────┘                             ▼
//	   ▲                                                        for a while: waiting, for good: gone
//	   └────────────────────────────────────────────────────────────────────────┘
//
// Its parts are packages: objects is what the device has, access what a server
// may do with it, report when it tells of its values. Here is what lies between
// them and the wire: registration, requests and their answers, notifications,
// Send, block-wise transfer, queue mode.
//
// A device of this package does not bootstrap, and has one server.
package device
