package members

import (
	"net/netip"

	"dormouse/codec/ids"
)

// Member is a node as the others see it. Members can be compared with ==.
type Member struct {
	Name string
	Addr netip.AddrPort // where it gossips, UDP and TCP
	Meta
}

// Meta is what a node tells of itself, gossiped with every change.
type Meta struct {
	ID          ids.Node
	Incarnation uint64 // of the process: higher with every start
	Zone        string // placement spreads over zones; "" is a zone, too
	Ports       Ports  // on the address at which the node gossips
	Topology    uint64 // version of the topology that the node follows; 0: none yet
	Leaving     bool   // it is about to leave, on its own will
}

// Ports are where a node serves its peers; 0: not at all.
type Ports struct {
	Cluster uint16 // TCP, streams between nodes
	Link    uint16 // UDP, datagrams of devices
	HTTP    uint16 // TCP, the API
	Actors  uint16 // TCP, calls by protoactor; 0 of a node that does not know them, too
}

// sameLife reports that both are the same process of the same node.
func (m Member) sameLife(other Member) bool {
	return m.Name == other.Name && m.ID == other.ID && m.Incarnation == other.Incarnation
}
