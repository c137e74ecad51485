package ring

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// ErrTopology is in the chain of what is returned for bytes that are no
// topology, or none of this version of the format.
var ErrTopology = errors.New("ring: malformed topology")

// formatVersion is the first byte. docs/formats/topology.md has the layout.
const formatVersion = 1

// Flags of a node.
const (
	flagDraining = 1 << iota
	flagStandby
	flagsKnown = flagDraining | flagStandby
)

// Append appends the binary form of a topology that Place or Replan made.
func (t *Topology) Append(dst []byte) []byte {
	dst = append(dst, formatVersion)
	dst = binary.AppendUvarint(dst, t.Version)
	dst = append(dst, byte(t.Replicas))
	dst = binary.AppendUvarint(dst, uint64(len(t.Nodes)))
	at := make(map[ids.Node]uint64, len(t.Nodes))
	for i, n := range t.Nodes {
		at[n.ID] = uint64(i)
		dst = n.append(dst)
	}
	dst = binary.AppendUvarint(dst, uint64(len(t.Shards)))
	for _, h := range t.Shards {
		dst = append(dst, byte(len(h)))
		for _, id := range h {
			dst = binary.AppendUvarint(dst, at[id])
		}
	}
	return dst
}

func (n Node) append(dst []byte) []byte {
	flags := byte(0)
	if n.Draining {
		flags |= flagDraining
	}
	if n.Standby {
		flags |= flagStandby
	}
	dst = binary.BigEndian.AppendUint64(dst, uint64(n.ID))
	dst = append(dst, flags)
	dst = binary.AppendUvarint(dst, uint64(n.Weight))
	return wire.AppendText(dst, n.Zone)
}

// ParseTopology reads what Append writes, to the last byte, and checks that it
// can be planned on: numbers within their bounds, nodes in order, holders of a
// shard that are nodes and differ. It copies what it keeps.
func ParseTopology(b []byte) (t Topology, err error) {
	f := wire.NewFields(b)
	if v := f.Byte(); v != formatVersion {
		return Topology{}, fmt.Errorf("%w: version %d of the format", ErrTopology, v)
	}
	t.Version = f.Uvarint()
	t.Replicas = int(f.Byte())
	if t.Version == 0 || t.Replicas < 1 || t.Replicas > MaxReplicas {
		return Topology{}, fmt.Errorf("%w: version %d with %d replicas", ErrTopology, t.Version, t.Replicas)
	}
	if t.Nodes, err = parseNodes(&f); err == nil {
		t.Shards, err = parseShards(&f, &t)
	}
	if err == nil && f.Err() != nil {
		err = fmt.Errorf("%w: %w", ErrTopology, f.Err())
	}
	if err != nil {
		return Topology{}, err
	}
	return t, nil
}

func parseNodes(f *wire.Fields) (nodes []Node, err error) {
	count := f.Uvarint()
	if count < 1 || count > MaxNodes {
		return nil, fmt.Errorf("%w: %d nodes", ErrTopology, count)
	}
	for range count {
		n := Node{ID: ids.Node(f.Uint64())}
		flags, weight := f.Byte(), f.Uvarint()
		n.Draining, n.Standby = flags&flagDraining != 0, flags&flagStandby != 0
		n.Weight = int(min(weight, MaxWeight+1))
		n.Zone = f.Text()
		if flags&^flagsKnown != 0 {
			return nil, fmt.Errorf("%w: flags %#x of node %v", ErrTopology, flags, n.ID)
		}
		if err := n.check(); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrTopology, err)
		}
		if len(nodes) > 0 && nodes[len(nodes)-1].ID >= n.ID {
			return nil, fmt.Errorf("%w: node %v is out of order", ErrTopology, n.ID)
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

func parseShards(f *wire.Fields, t *Topology) (shards []Holders, err error) {
	count := f.Uvarint()
	if count < 1 || count > ids.MaxShards {
		return nil, fmt.Errorf("%w: %d shards", ErrTopology, count)
	}
	for s := range count {
		n := f.Byte()
		if n < 1 || int(n) > t.Replicas {
			return nil, fmt.Errorf("%w: %d holders of shard %d", ErrTopology, n, s)
		}
		var h Holders
		for range n {
			i := f.Uvarint()
			if i >= uint64(len(t.Nodes)) || slices.Contains(h, t.Nodes[i].ID) {
				return nil, fmt.Errorf("%w: shard %d is held by node number %d of %d", ErrTopology, s, i, len(t.Nodes))
			}
			h = append(h, t.Nodes[i].ID)
		}
		shards = append(shards, h)
	}
	return shards, nil
}
