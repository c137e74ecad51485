package peers

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"dormouse/cluster/ring"
	"dormouse/codec/format"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// Record is what the cluster knows of a node (wire.ClassMeta of ids.System, key
// "n" and the ID): version(1) flags(1) weight(1) name zone address(text), and behind
// that in version 2 oldest(1) newest(1).
type Record struct {
	ID       ids.Node
	Name     string
	Zone     string
	Addr     netip.AddrPort // where it gossips
	Weight   int
	Draining bool         // it shall hold nothing, and then go
	Removed  bool         // it is lost, or has gone: its ID never comes back
	Reads    format.Range // of its program
}

const (
	recordVersion1 = 1 // of a program that reads the first format level alone
	recordVersion2 = 2

	flagDraining = 1 << 0
	flagRemoved  = 1 << 1
)

var (
	nodePrefix  = []byte("n")
	topologyKey = []byte("topology")
)

func nodeKey(n ids.Node) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

func (r *Record) key() []byte { return append(append([]byte(nil), nodePrefix...), nodeKey(r.ID)...) }

func (r *Record) append(dst []byte) []byte {
	var flags byte
	if r.Draining {
		flags |= flagDraining
	}
	if r.Removed {
		flags |= flagRemoved
	}
	version := byte(recordVersion1)
	if r.Reads != firstLevel {
		version = recordVersion2
	}
	dst = append(dst, version, flags, byte(r.Weight))
	for _, s := range []string{r.Name, r.Zone, r.Addr.String()} {
		dst = wire.AppendText(dst, s)
	}
	if version == recordVersion2 {
		dst = append(dst, byte(r.Reads.Oldest), byte(r.Reads.Newest))
	}
	return dst
}

// firstLevel is what a program reads that does not say.
var firstLevel = format.Range{Oldest: format.First, Newest: format.First}

func parseRecord(id ids.Node, b []byte) (r Record, err error) {
	f := wire.NewFields(b)
	version, flags := f.Byte(), f.Byte()
	r = Record{ID: id, Weight: int(f.Byte()), Name: f.Text(), Zone: f.Text(), Draining: flags&flagDraining != 0, Removed: flags&flagRemoved != 0, Reads: firstLevel}
	addr := f.Text()
	if version == recordVersion2 {
		r.Reads = format.Range{Oldest: format.Level(f.Byte()), Newest: format.Level(f.Byte())}
	}
	if f.Err() != nil || version != recordVersion1 && version != recordVersion2 || !r.Reads.Valid() {
		return Record{}, fmt.Errorf("peers: the record of node %v: %w", id, wire.ErrFields)
	}
	if r.Addr, err = netip.ParseAddrPort(addr); err != nil {
		return Record{}, fmt.Errorf("peers: the record of node %v: %w", id, err)
	}
	return r, nil
}

// records are those of all nodes, in the order of their IDs.
func (p *Peers) records() (list []Record, err error) {
	var bad error
	err = p.o.State.Scan(ids.System, wire.ClassMeta, nodePrefix, wire.PrefixEnd(nodePrefix), false, func(key, value []byte) bool {
		if len(key) != len(nodePrefix)+8 {
			return true
		}
		var r Record
		if r, bad = parseRecord(ids.Node(binary.BigEndian.Uint64(key[len(nodePrefix):])), value); bad == nil {
			list = append(list, r)
		}
		return bad == nil
	})
	if err == nil {
		err = bad
	}
	return list, err
}

func (p *Peers) record(n ids.Node) (r Record, found bool, err error) {
	value, found, err := p.o.State.Get(ids.System, wire.ClassMeta, (&Record{ID: n}).key(), nil)
	if err != nil || !found {
		return Record{ID: n}, false, err
	}
	r, err = parseRecord(n, value)
	return r, err == nil, err
}

// topology is the one in force as far as this node knows; version 0: none.
func (p *Peers) topology() (t ring.Topology, err error) {
	value, found, err := p.o.State.Get(ids.System, wire.ClassMeta, topologyKey, nil)
	if err != nil || !found {
		return ring.Topology{}, err
	}
	return ring.ParseTopology(value)
}
