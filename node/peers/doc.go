// Package peers makes a node one of many: it knows the other nodes and how to
// reach them, which of them leads a shard, and moves shards to where the topology
// wants them.
//
//	gossip (cluster/members) ──▶ who is there ──▶ peers of the mesh and of the link
//	mesh (cluster/stream)    ──▶ frames of the engine (cluster/shards), leads, states
//	protoactor (cluster/provider) ──▶ commands
//	link (cluster/link)      ──▶ datagrams of devices
//
//	leader of ids.System: node records ──ring.Replan──▶ topology, agreed like every other record
//	leader of a shard:    group as it is ──ring.Group.Next──▶ one change at a time
//
// Gossip says who is there and where, and nothing more: what is agreed lies in the
// system group, whose state every node has. A node is in the topology from its
// first hello until it is removed; one that fails keeps its place, for its data is
// likely to come back.
//
// It does not look into requests or datagrams; node/app joins it to what does.
package peers
