// Package dtlsfront makes DTLS 1.2 handshakes with pre-shared keys. It is fed
// the datagrams of handshakes, keeps nothing of a peer that has not shown that
// it receives at its address, and hands over the secrets of a finished handshake.
// The last flight leaves when these are stored: a client that saw it has a
// session that outlives this process. Records of established sessions, and what
// sessions there are, it does not know.
//
//	client                  dtlsfront                        pion       caller
//	ClientHello       ──▶   cookie by HMAC, nothing kept
//	                  ◀──   HelloVerifyRequest
//	ClientHello       ──▶   cookie good, admitted      ──▶   goroutines
//	                  ◀──   ServerHello, ...Done       ◀──
//	ClientKeyExchange ──▶   in order, once             ──▶   ─────────▶ PSK
//	[CCS] Finished    ──▶   checked against the key    ──▶
//	                        held: [CCS] Finished       ◀──   (pion ends)
//	                        Commit ───────────────────────────────────▶ stored
//	                  ◀──   [CCS] Finished             ◀─────────────── done(nil)
//	Finished again    ──▶   the same bytes, for Timeout
//
// Pion leads the handshake, but it does not meet the client: it gets a
// ClientHello that stands in for the client's, with a cookie of pion's and one
// cipher suite, and puts the true one into the hashes where that counts. See
// docs/decisions/2026-11-23-dtls-cookie.md. It never repeats a flight by itself;
// whatever the client repeats is answered by what was sent before.
//
// An identity that nobody knows goes on with a key that nobody has, so that it
// fails as a wrong key does: by the same alert, at the same message.
package dtlsfront
