// Package shards makes proposed batches durable, in order, shard by shard, and
// says when they are. It is the one place that a change has to pass before
// anything of it may be seen: effects run from the callback of Propose, never
// before. It does not know what the records mean, and reads none.
//
//	Propose ──▶ pending (bounded, in order) ──▶ one round at a time: Apply, one sync ──▶ callbacks, in order
//
// Local is the committer of a node that is alone. A committer of replicated
// shards has the same method and the same rules:
//
//   - Callbacks of one shard come in the order of its proposals, each once. They
//     all come from one goroutine: a callback that waits makes every shard wait.
//   - A proposal that fails does not take those behind it along.
//   - The batch belongs to the committer until the callback; then it may be used again.
package shards
