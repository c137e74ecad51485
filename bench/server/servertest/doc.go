// Package servertest is a server in miniature, for the tests of those that
// drive and watch one: it answers Register, Update and Send, lists who has
// registered, and observes devices that an operation names; over DTLS, too, where
// that is asked for. What it was asked is counted.
//
// Main makes a test program a server process, called with the flags of a real
// one.
package servertest
