// Package store keeps the records of all shards of a node in one Pebble
// database. It promises three things: Apply is all or none and durable when it
// returns nil; what was once acknowledged is there after any crash; a full
// disk is an answer (ErrFull, Space), not an end. It knows nothing of what the
// records mean, takes no decision about a shard, and sends nothing.
//
//	physical key = class(1) shard(2, big-endian) key
//	0x00 "store" = version(1) shards(2) cluster key(16)    the store's own record
//
// Class and shard come first, so that all records of one kind in one shard are
// one range. The layout has its page in docs/formats/store.md.
//
// Between Pebble and the disk stands a guard (guard.go): Pebble ends the
// process when a write to its log or manifest fails, in places with a panic
// under a lock that it does not hold. Such a write waits for space instead,
// and where waiting cannot help Events.Fatal is told before Pebble is.
package store
