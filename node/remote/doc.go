// Package remote is the way from the HTTP API of any node to the node that leads a
// shard, and from there into it.
//
//	State      Get, Scan        own shard: barrier, then the local store; else a call to the owner, who does the same
//	           Select           own shard: node/fleet over the local store; else a call to the owner, who does the same
//	Backend    changes          own shard: node/fleet; else a call to the owner, whose fleet makes the change
//	Claims     of PSK identities, likewise, for node/credentials
//	Establish, RemoteSign       sessions and signposts of handshakes and endpoints here whose shard is elsewhere
//	Serve      what the others call
//
// It promises that a request is carried out where its shard is led or not at all,
// that a refusal of another node is answered as one of this node would be, and that
// what may have been done is repeated only where that does no harm; else the answer
// is admin.ErrUnknown. A read sees every change that was answered before it began,
// on whatever node.
//
// Who has no owner to go to, or meets one that leads no more, tries again for
// patience, and answers admin.ErrBusy then. A request that came from another node is
// never sent on: the answer is who is taken for the owner. While it carries one out
// a node may ask others in turn, but only for less: a change of credentials asks for
// a claim, a claim for a read, and a read for nothing.
//
// It does not know how nodes reach each other, nor who leads what: that is Cluster.
package remote
