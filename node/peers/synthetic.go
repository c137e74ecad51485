package peers

import (
	"encoding/binary"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// The frame of what a node leads at format.Synthetic: version(1), then for each
// shard shard(varint) term(varint). No release writes it, or reads it.
const syntheticLeads = 2

func appendSyntheticLeads(dst []byte, list []claimed) []byte {
	dst = append(dst, syntheticLeads)
	for _, c := range list {
		dst = binary.AppendUvarint(dst, uint64(c.shard))
		dst = binary.AppendUvarint(dst, c.term)
	}
	return dst
}

func parseSyntheticLeads(f *wire.Fields) (list []claimed) {
	for f.Len() > 0 && !f.CutOff() {
		list = append(list, claimed{ids.Shard(f.Uvarint()), f.Uvarint()})
	}
	return list
}
