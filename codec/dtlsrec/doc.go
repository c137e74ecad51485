// Package dtlsrec reads and writes the records of established DTLS 1.2
// sessions: the record layer of RFC 6347, the tls12_cid records of RFC 9146,
// alerts, and the four PSK cipher suites that LwM2M devices use. It continues
// a session on the secrets of a handshake that somebody else made. Of
// handshakes it reads what tells their messages apart, no more.
//
//	classic    type(1) version(2) epoch(2) sequence(6) length(2) fragment
//	tls12_cid  25(1)   version(2) epoch(2) sequence(6) cid(n) length(2) fragment
//
// What the fragment holds depends on the suite:
//
//	CCM, GCM   explicit nonce(8) ciphertext tag(8|16)        RFC 6655, RFC 5288
//	CBC        IV(16) ciphertext of: plaintext MAC(32) padding    RFC 5246 section 6.2.3.2
//
// In a tls12_cid record the plaintext is followed by its content type and any
// number of zeros (DTLSInnerPlaintext).
//
// The package has no memory of what it opened or sealed: a caller that gives
// the same sequence number twice to Seal breaks the cipher, and one that does
// not ask a Window opens replays. Package actors/session is that caller.
package dtlsrec

import "errors"

var (
	// ErrMalformed is returned for bytes that are no record of DTLS 1.2, or no
	// message of the kind asked for.
	ErrMalformed = errors.New("dtlsrec: malformed record")
	// ErrForged is returned for a record that was not sealed by the peer, or
	// was changed on its way. It says no more: the reason would help forgers.
	ErrForged = errors.New("dtlsrec: record fails its check")
	// ErrSuite is returned for a cipher suite that is not one of the four, and
	// for secrets that do not fit their suite.
	ErrSuite = errors.New("dtlsrec: unknown cipher suite or wrong secrets")
)
