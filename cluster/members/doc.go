// Package members says which nodes are there: who joined, who left, who failed,
// and what each tells of itself. It finds a dead node within three seconds
// (three nodes on a LAN; see profile.go for the arithmetic), keeps strangers
// out by key and label, and finds its way back after a cut.
//
//	memberlist ──callbacks──▶ tracker (latest of each name) ──▶ one goroutine: view ──▶ Listener.Changed(events, all)
//	     ▲                                                                     └──────▶ Listener.Conflict
//	     ├── joiner: the join list until it answers, then members that failed
//	     └── announcer: new metadata
//
// What it promises:
//
//   - Events come in order, from one goroutine, each batch with the whole list
//     after it. A slow listener delays events, and never memberlist: what happens
//     meanwhile to one name is summed up, so nothing grows.
//   - A life is a pair of node ID and incarnation. One that ends without a word
//     is Failed, however soon the next begins under the same name.
//   - Two nodes under one name or one ID are reported. Both stay as they are:
//     which of them wins is decided elsewhere.
//   - The keys can be replaced while the cluster runs (SetKeys).
//
// What it does not do: it agrees on nothing. Two nodes may see different lists
// for seconds, and for as long as a cut lasts; a member that is listed may be
// dead, and one that Failed may be alive behind a cut. It carries no data,
// decides no placement and founds no cluster: Met tells the caller whether a
// peer was ever seen.
//
// Traps of memberlist that are closed here: metadata over 512 bytes panics; a
// bind address that is a host name binds every interface; joining oneself counts
// as success; a node that is found by another does not look any further; a dead
// node with a new address is refused for ever, and one that was away for longer
// than it is gossiped to is never asked again; the list of members does not tell
// Left from Failed; removing a key races with its use.
//
// What stays open: gossip is encrypted and authentic, but a recorded packet can
// be sent again. An old incarnation number makes it void, as a rule; at worst a
// node has to refute its own death.
package members
