// Package secure is the client's side of DTLS 1.2 with pre-shared keys: Handshake
// makes a session, and Link is its records from then on, with or without
// Connection ID (RFC 9146). Pion leads the handshake and is gone after it; the
// records are those of codec/dtlsrec under the keys that it leaves, so that a
// session that sleeps is some two hundred bytes and no goroutine.
//
//	caller            Handshake              pion
//	send      ◀──     ClientHello ...   ◀──  flights, repeated by it
//	received  ──▶     kept if sealed    ──▶
//	                  keys, CIDs, number ◀── exported state
//	                  close_notify       ◀── swallowed: the session goes on
//	          ◀──     Link
//
// A Link watches the server, too: see ReusedNonces. It has no clock, no socket
// and no opinion on when a session is lost: whoever has it decides.
package secure
