package members

import (
	"net/netip"

	"dormouse/codec/format"
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
	Full        bool   // its disk has no room for anything new

	// Reads are the format levels of its program, and Writes the one at which it
	// writes; both zero: it does not say.
	Reads  format.Range
	Writes format.Level
}

// Formats are Reads and Writes; a node that does not say knows the first level alone.
func (m Meta) Formats() (reads format.Range, writes format.Level) {
	if m.Writes == 0 {
		return format.Range{Oldest: format.First, Newest: format.First}, format.First
	}
	return m.Reads, m.Writes
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
