// Package session is a DTLS session that sleeps: what a device and we agreed
// on in a handshake, which numbers we may still send with, and which records
// were accepted. It is a state machine without clock or I/O, owned by the actor
// of the endpoint, and comes back from two stored parts:
//
//	secret  made once, when the handshake ends, sealed by the caller
//	state   a few bytes, written with the contact whenever Dirty says so
//
// It promises that no sequence number is ever used twice under its keys and
// that no record has an effect twice, whenever the process dies. For that the
// caller keeps the effect rule: after Open and Seal, if Dirty, the state is
// committed before anything that they led to leaves; and where a commit fails
// the session is dropped and loaded again, for it is ahead of what is stored.
//
// Numbers are reserved in blocks of 64. The state holds the end of the block;
// a session that was loaded starts there, and forgoes what was left of it.
//
//	Open, Seal ──▶ live ── close_notify, a fatal alert, Close, the last number ──▶ ended
//
// Addresses, CoAP, and whose session it is when are the endpoint's business.
package session

import "errors"

var (
	// ErrRecord is returned for bytes that are no secret or state of a session.
	ErrRecord = errors.New("session: malformed record")
	// ErrReplay says that a record was dropped because it was accepted before,
	// or is too old to know.
	ErrReplay = errors.New("session: record was there before")
	// ErrForeign says that a record was dropped because it is not one of this
	// session: another epoch, another Connection ID, or none where one is due.
	ErrForeign = errors.New("session: record of another session")
	// ErrEnded says that the session is over.
	ErrEnded = errors.New("session: over")
)
