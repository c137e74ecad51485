// Package wire holds what nodes and their stores exchange: batches of record
// writes, as they are proposed to a shard, kept in its log and applied to its
// state; and datagrams of devices that one node forwards to another. It knows
// no store and no network.
package wire
