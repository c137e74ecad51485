// Package conformance shows, case by case, that a node passes the OMA Enabler
// Test Specification and keeps the rules of docs/conformance.md, whose rows
// point to its tests. It has no program code.
//
// A test starts from outside, as the specification does: an operator gives
// commands over HTTP, and looks there at results, values and registrations. The
// other side is a simulated device on a socket (client), which shares nothing
// with the node but the codecs and whose clock a test puts forward, so that no
// test waits for a device; or, where a device must do what a good one would
// not, or in an order of its own, a peer that says what the test tells it.
// Lifetimes run by the node's clock: cases of expiry take their seconds.
package conformance
