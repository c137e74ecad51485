package app

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// selfKey names the record of what the node is: version(1) ID(8) incarnation(8)
// founder(1).
var selfKey = []byte("self")

const selfVersion = 1

// openSelf reads who this node is, or makes it somebody. The incarnation is one
// higher with each start, and durable before anybody hears of it: keys between
// nodes are derived from it, and none may be made twice.
func (a *App) openSelf(Options) error {
	value, found, err := a.store.Get(ids.System, wire.ClassNode, selfKey, nil)
	if err != nil {
		return fmt.Errorf("app: read the node's identity: %w", err)
	}
	if found {
		f := wire.NewFields(value)
		version := f.Byte()
		a.self = wire.Node{ID: ids.Node(f.Uint64()), Incarnation: f.Uint64()}
		a.founder = f.Byte() == 1
		if f.Err() != nil || version != selfVersion || a.self.ID == 0 {
			return fmt.Errorf("app: the node's identity %x cannot be read", value)
		}
	} else if a.founder = a.welcome == nil; a.founder { // data from before nodes had names, too
		a.self.ID = newNodeID()
	}
	a.self.Incarnation++
	b := new(wire.Batch)
	b.Put(wire.ClassNode, selfKey, append(a.self.Append([]byte{selfVersion}), bit(a.founder)))
	return a.writeNode(b)
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// name is the node's, as configured or made of its ID.
func (a *App) name() string {
	if a.config.Node != "" {
		return a.config.Node
	}
	return "node-" + a.self.ID.String()
}

// newNodeID draws one that no other node has.
func newNodeID() (n ids.Node) {
	for n == 0 {
		var raw [8]byte
		rand.Read(raw[:]) // never fails (crypto/rand)
		n = ids.Node(binary.BigEndian.Uint64(raw[:]))
	}
	return n
}

// writeNode stores what the node knows of itself.
func (a *App) writeNode(b *wire.Batch) error {
	if err := a.store.Commit([]wire.ShardBatch{{Shard: ids.System, Batch: b}}, true); err != nil {
		return fmt.Errorf("app: store what the node knows of itself: %w", err)
	}
	return nil
}
