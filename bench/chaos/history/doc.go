// Package history is what happened in a chaos run, as a list of events, and
// Check, which judges it: a pure function, which knows of the run nothing but
// the events.
//
// All times are of one clock, that of the process which drove the run. What is
// judged is what platform clients and devices may rely on:
//
//   - an operation that was acknowledged (201) is known to every node at the
//     end, and has ended there with the same status everywhere;
//   - SUCCESSFUL was executed; FAILED says "sent, answer unknown", of one that
//     must not run twice, and only where its device may have forgotten it;
//   - nothing was executed twice that must not be; what may run twice did so
//     only after its device may have forgotten the first time;
//   - a device executed its operations in the order of their creation, where
//     one was acknowledged before the next one was submitted;
//   - a registration that was acknowledged is known until the end;
//   - a session is made once;
//   - no node ends by itself;
//   - after each fault every exchange with a node that lives succeeds again
//     within a bound.
//
// A device may have forgotten an operation after EXCHANGE_LIFETIME, by a full
// Register, and with a new session (RFC 7252 section 4.5).
package history
