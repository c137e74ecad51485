// Package shards makes proposed batches durable on a majority of a shard's nodes,
// in order, shard by shard, and says when they are. It is the one place that a
// change has to pass before anything of it may be seen: effects run from the
// callback of Propose, never before. It does not know what the records mean, and
// reads none.
//
//	Propose ─▶ inbox (bounded) ─┐                            ┌─▶ frames to the other nodes
//	frames of other nodes ──────┼─▶ turn: all groups ─▶ pass ┼─▶ one write of all groups, one sync
//	ticks ──────────────────────┘        │                   └─▶ callbacks, Led, Yielded
//	                                     └── until no group wants anything
//
// There is a group of raft (go.etcd.io/raft) for each shard and one for what the
// whole cluster must know (ids.System). One goroutine runs all groups of a node,
// so whatever came meanwhile is one turn, one entry a shard and one sync. A node
// that is alone runs the same code with one voter in each group.
//
//   - Callbacks of one shard come in the order of its proposals, each once. They
//     all come from one goroutine: a callback that waits makes every shard wait.
//   - A callback with nil means that the batch is applied here, and durable on a
//     majority. The state itself is written without a sync of its own: the log
//     that leads to it is synced.
//   - Led means that the state here has all that was ever committed. What a node
//     proposes that leads no more is answered ErrLeadershipLost, and may still
//     be committed by the next leader: whoever asked knows nothing.
//   - Who may read: the leader, behind Read.
//
// Which nodes should be in a group is not decided here (cluster/ring); Change
// carries it out. Nor does it know how frames travel (Options.Send).
package shards
