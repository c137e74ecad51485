// Package endpoint is what the server knows of one LwM2M client and what it
// does about it: its registration, awake window, observations, operations and
// last values, as one state machine.
//
//	Handle(now, event) → effects
//
// It promises that nothing visible leaves before the write that justifies it
// is committed (see Effects), that two calls with the same state, time and
// event give the same effects (randomness comes through Env), and that an
// endpoint that is dropped from memory is rebuilt from its two records. It
// starts no goroutine, takes no lock, and reads only through Env.State.
//
//	           Register                 lifetime over, De-register
//	unknown ───────────▶ registered ───────────────────────────▶ gone
//	                     │  ▲      ▲                               │
//	       request times │  │any   └───────────── Register ────────┘
//	       out, window   ▼  │message
//	       over        asleep
//
// Its records are described in docs/formats/endpoint.md.
package endpoint
