package shards

import (
	"encoding/binary"
	"errors"
	"fmt"

	pb "go.etcd.io/raft/v3/raftpb"

	"dormouse/codec/wire"
)

// Records of a replica (wire.ClassRaft), beside its log (wire.ClassLog). Their
// bytes are those of docs/formats/raft.md.
var (
	keyHard    = []byte("h") // term, vote and commit, which are promises to the group
	keyConf    = []byte("c") // who is in the group, as of the applied entry
	keyApplied = []byte("a") // an entry up to which the state has all
	keyCut     = []byte("t") // the last entry that is not in the log any more
	keyInstall = []byte("i") // a snapshot that lies staged and is being installed
)

// recordVersion begins each of the records and entries.
const recordVersion = 1

// errRecord is in the chain where a record of a replica cannot be read.
var errRecord = errors.New("shards: malformed record")

// mark names an entry of a log.
type mark struct{ index, term uint64 }

func (m mark) append(dst []byte) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(append(dst, recordVersion), m.index), m.term)
}

func parseMark(b []byte) (m mark, err error) {
	f := wire.NewFields(b)
	version := f.Byte()
	m = mark{f.Uvarint(), f.Uvarint()}
	if f.Err() != nil || version != recordVersion {
		return mark{}, fmt.Errorf("%w: the mark %x", errRecord, b)
	}
	return m, nil
}

func appendHard(dst []byte, h pb.HardState) []byte {
	dst = binary.AppendUvarint(append(dst, recordVersion), h.Term)
	return binary.AppendUvarint(binary.AppendUvarint(dst, h.Vote), h.Commit)
}

func parseHard(b []byte) (h pb.HardState, err error) {
	f := wire.NewFields(b)
	version := f.Byte()
	h = pb.HardState{Term: f.Uvarint(), Vote: f.Uvarint(), Commit: f.Uvarint()}
	if f.Err() != nil || version != recordVersion {
		return pb.HardState{}, fmt.Errorf("%w: the hard state %x", errRecord, b)
	}
	return h, nil
}

// appendConf appends the voters and the learners. Groups change by one member at
// a time, so there never is a joint configuration.
func appendConf(dst []byte, c pb.ConfState) []byte {
	dst = append(dst, recordVersion)
	for _, list := range [][]uint64{c.Voters, c.Learners} {
		dst = binary.AppendUvarint(dst, uint64(len(list)))
		for _, id := range list {
			dst = binary.BigEndian.AppendUint64(dst, id)
		}
	}
	return dst
}

func parseConf(b []byte) (c pb.ConfState, err error) {
	f := wire.NewFields(b)
	version := f.Byte()
	for _, list := range []*[]uint64{&c.Voters, &c.Learners} {
		n := f.Uvarint()
		if n > uint64(f.Len())/8 {
			return pb.ConfState{}, fmt.Errorf("%w: the members %x", errRecord, b)
		}
		for range n {
			*list = append(*list, f.Uint64())
		}
	}
	if f.Err() != nil || version != recordVersion {
		return pb.ConfState{}, fmt.Errorf("%w: the members %x", errRecord, b)
	}
	return c, nil
}

func logKey(index uint64) []byte { return binary.BigEndian.AppendUint64(make([]byte, 0, 8), index) }

// appendEntry appends an entry without its index, which is its key: version(1)
// type(1) term(varint) data.
func appendEntry(dst []byte, e *pb.Entry) []byte {
	dst = binary.AppendUvarint(append(dst, recordVersion, byte(e.Type)), e.Term)
	return append(dst, e.Data...)
}

func parseEntry(index uint64, b []byte) (e pb.Entry, err error) {
	f := wire.NewFields(b)
	version := f.Byte()
	e = pb.Entry{Index: index, Type: pb.EntryType(f.Byte()), Term: f.Uvarint()}
	if data := f.Rest(); len(data) > 0 {
		e.Data = append([]byte(nil), data...)
	}
	if f.Err() != nil || version != recordVersion || e.Type > pb.EntryConfChange {
		return pb.Entry{}, fmt.Errorf("%w: entry %d", errRecord, index)
	}
	return e, nil
}
