// Package operations holds what an endpoint is asked to do and what became of
// it: the operation with its states, results and stored form, and whether a
// request that went out may be repeated as it was. What goes out next is the
// endpoint's affair; it sends nothing and knows no clock.
//
//	PENDING ──start──▶ EXECUTING ──answers to all lines──▶ SUCCESSFUL | FAILED
//	   ▲                   │
//	   └──── no answer ────┘   (delivered once: counts against the cap of a wake-up)
package operations
