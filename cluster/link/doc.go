// Package link carries raw datagrams of devices between nodes: to the node that
// owns the device, and answers back to the node whose socket the device used.
//
//	Send ──▶ queue of the peer (bounded) ──▶ frames ──seal──▶ UDP ──▶ whose? known? fresh? ──open──▶ receive
//	          full: dropped, counted          several datagrams each     no: dropped, counted, no answer
//
// It is as good as the UDP between device and node, and no better: datagrams are
// lost, overtake one another, and are dropped where there is no room. None is
// handed over twice. Nothing in here waits for a peer, so that a node that is
// slow or gone holds up nobody; devices repeat what matters.
//
// # Keys and nonces
//
// All nodes share a ring of cluster keys. From each a key is derived
// (HKDF-SHA256) for every pair of sender and receiver, each with its
// incarnation, and one direction; the nonce is the frame's counter. So no nonce
// comes twice under a key as long as no node starts twice with the same
// incarnation: whoever makes a Link guarantees that, by an incarnation that was
// made durable before the Link was made (cluster/members does). Within one life
// a counter never goes back, also when a peer goes and returns, or the ring is
// replaced.
//
// The cipher is good for far more than a life: a year of 10 000 full frames a
// second is 2^45 blocks under one key, which an observer tells from noise with a
// chance of 2^-39. A rotation of the cluster key begins anew.
//
// A frame therefore opens at the node it was made for, in this life of that
// node, and nowhere else: what is recorded opens neither at a third node, nor
// at its sender, nor at its receiver after a restart, whose window is empty.
//
// # What it does not do
//
// It does not know who owns what, and chooses no peer: Peers and their addresses
// come from outside (SetPeers), and so does the decision where to forward. It
// does not look into datagrams. It answers no frame.
//
// It makes one system call for each frame. Where calls count, frames are full: with
// 64 exchanges in flight 16 datagrams share one, and an exchange takes 1.9 to 2.4 µs
// of both nodes, a fifth of a bare UDP echo in the same run (BenchmarkAgainstEcho).
// Batches of frames could save a part of that fifth. One by one an exchange takes
// about twice the echo, which no batch would change.
package link
