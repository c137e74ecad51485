// Package bootstrap is the LwM2M bootstrap server's session with one client, as
// a state machine (OMA Core 6.1, Transport 6.4.1):
//
//	Handle(now, event) → effects
//
//	POST /bs ──▶ Discover ──▶ Delete ──▶ /0 ──▶ /1 ──▶ /2 ──▶ Read ──▶ Finish ──▶ done
//	2.04         (optional)   └────────── a refusal is noted ───────┘    │
//	    silence, 247 s, a new POST /bs, Finish refused ──────────────────┴──▶ failed
//
// It promises that one request is under way at a time, that the client's bootstrap
// account is neither deleted nor overwritten where its place is known, that each
// session that began ends with exactly one notice, and that it goes on where it stood
// after a restart of the node: all it asks may be asked twice, and what it stores is
// stored before it is visible (see Effects). It starts no goroutine, takes no lock,
// has no clock, and keeps no secret in its record.
//
// GET /bspack is answered with the whole configuration and needs no session.
//
// The record is described in docs/formats/bootstrap.md.
package bootstrap
