// Package credentials keeps the pre-shared keys of endpoints: the HTTP API
// changes them, and handshakes look them up by the identity that a client sends.
//
//	Lookup   identity ─▶ claim, in the identity's shard ─▶ credentials, in the endpoint's ─▶ key
//	Add      reserve the claim ─▶ endpoint.SetCredentials ─▶ settle the claim, and that on the identity before
//	Remove   endpoint.DropCredentials ─▶ settle the claim
//
// Two shards are written one after the other. What a crash leaves between them
// is a claim whose endpoint does not have the identity: it opens nothing, blocks
// nobody for longer than claim.ReserveFor, and goes at the sweep.
//
// It promises that no identity is two endpoints', that keys are sealed where they
// are stored and appear in no list, error or log, and that an unknown identity
// takes the steps of a known one. What is not hidden is the difference between
// reading a record that is there and one that is not: some microseconds, in a
// handshake whose answer waits for a sync. It does not count or limit look-ups:
// that is node/dtlsfront.
package credentials
