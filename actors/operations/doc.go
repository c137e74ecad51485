// Package operations holds what an endpoint is asked to do and what became of
// it: the operation with its states, its stored form, and the queue that
// decides what goes out next. It promises that an operation never runs twice
// by our fault; it sends nothing and knows no clock.
//
//	PENDING ──start──▶ EXECUTING ──answers to all lines──▶ SUCCESSFUL | FAILED
//	   ▲                   │
//	   └──── no answer ────┘   (delivered once: counts against the cap of a wake-up)
package operations
