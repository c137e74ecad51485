// Package ring says which nodes should hold each shard, and which of them
// should lead it. It decides and does nothing: it is given the topology so far
// and the nodes, and returns the next topology, the same on every node and in
// whatever order the nodes were named. Raft disposes: Group.Next says by which
// single change a shard's group comes nearer to what the topology wants.
//
//	nodes ─┐                                   Topology, agreed by the system group
//	       ├─▶ Replan ─▶ version 8 ─▶ shard 0: n3 n1 n7        first: preferred leader
//	version 7 ─┘                      shard 1: n1 n7 n2        then the other voters
//	                                  ...                      of an even number the last is a learner
//
//	group of shard 0 ── Next ──▶ add n7 as learner ▶ promote n7 ▶ lead by n3 ▶ remove n2
//
// How Replan decides, each step over whole numbers:
//
//  1. What is held by nodes that may hold it is kept. (keep.go)
//  2. Each node gets a quota: one replica after the other goes to the node that
//     is the least loaded with it, for its weight. Such quotas are coherent: a
//     node that joins lets nobody else's rise, one that leaves lets nobody
//     else's fall. So all movement is to the one, or from the other. (quota.go)
//  3. Nodes below their quota take what nobody holds, or what is held beyond
//     a quota, the highest rendezvous weights of shard and node first.
//     (fill.go) Where none can take directly, replicas move along a chain,
//     the shortest there is. (chain.go)
//  4. Leaders stay where they are as long as each node leads its share within
//     a sixth. (lead.go)
//
// It promises, in this order:
//
//   - no two replicas of a shard on one node, and none on a node that drains,
//     except where all do;
//   - the replicas of a shard spread over the zones as evenly as these allow:
//     with as many zones as replicas, each in its own. Zones go before
//     balance: the only node of a zone may have to hold every shard;
//   - as many replicas a node as its share, rounded up;
//   - the least movement that these leave.
//
// It does not know whether a node is alive: its user leaves out a node that
// will not come back, and keeps one that may. Which node a shard's data is on,
// and who leads it now, is what raft says, not what stands here.
//
// Topologies are values: nothing here changes one that it was given, and what
// is returned may share memory with it.
package ring
