// Package sim runs the real engine of cluster/shards on simulated machines: one
// goroutine, a virtual clock, and chance that comes from a seed alone. Frames are
// late, lost, doubled and overtake one another; machines stop at any write, frame
// or callback and come back with what their disk has kept; groups grow, shrink
// and move meanwhile.
//
//	clients ──▶ life: engine + disk ──frames──▶ network ──▶ other lives
//	               │ Led, Yielded, callbacks
//	               ▼
//	            owner: effects and numbers, as the actors would have them
//
// What every run is held to:
//
//   - What was acknowledged is in every replica in the end, and in that of a
//     leader when it is told that it leads. What was refused never is.
//   - Reads are linearizable, key by key (porcupine).
//   - Replicas of a shard that have applied the same entry have the same state.
//   - One node at most serves a shard in a term.
//   - An effect happens once at most, whoever owns the shard, and a number of a
//     session is used once at most.
//   - No node ends but by a crash of the script.
//   - When the faults are over, every shard is served and is where it should be
//     within a bounded number of ticks.
//
// A seed is a whole run: the same one has the same trace. SIM_SEED=n repeats a
// run, SIM=10m goes on with new seeds for as long. Mutations of the users' code
// and of the disk show that what is checked would be seen.
package sim
