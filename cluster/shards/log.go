package shards

import (
	"fmt"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// entryLog is what raft reads of a replica (raft.Storage): all of it is in memory
// and in the storage alike. What is in the storage is written by the engine, in
// the batch of its turn, and taken over here when that is on the disk.
type entryLog struct {
	hard    pb.HardState
	conf    pb.ConfState // of the applied entry
	confs   int          // how often that was replaced
	cut     mark         // of the entry before the first; {0, 0} in a replica that has nothing yet
	entries []pb.Entry
	bytes   int  // of the entries' data
	applied mark // what a snapshot would have
}

// size is what an entry counts for in bytes.
func size(e *pb.Entry) int { return len(e.Data) + 64 }

func (l *entryLog) last() uint64 { return l.cut.index + uint64(len(l.entries)) }

// InitialState implements raft.Storage.
func (l *entryLog) InitialState() (pb.HardState, pb.ConfState, error) { return l.hard, l.conf, nil }

// FirstIndex implements raft.Storage.
func (l *entryLog) FirstIndex() (uint64, error) { return l.cut.index + 1, nil }

// LastIndex implements raft.Storage.
func (l *entryLog) LastIndex() (uint64, error) { return l.last(), nil }

// Term implements raft.Storage.
func (l *entryLog) Term(index uint64) (uint64, error) {
	switch {
	case index < l.cut.index:
		return 0, raft.ErrCompacted
	case index == l.cut.index:
		return l.cut.term, nil
	case index > l.last():
		return 0, raft.ErrUnavailable
	}
	return l.entries[index-l.cut.index-1].Term, nil
}

// Entries implements raft.Storage.
func (l *entryLog) Entries(from, to, maxSize uint64) ([]pb.Entry, error) {
	if from <= l.cut.index {
		return nil, raft.ErrCompacted
	}
	if to > l.last()+1 {
		return nil, raft.ErrUnavailable
	}
	list := l.entries[from-l.cut.index-1 : to-l.cut.index-1]
	var total uint64
	for i := range list {
		total += uint64(list[i].Size())
		if i > 0 && total > maxSize {
			return list[:i:i], nil
		}
	}
	return list[:len(list):len(list)], nil
}

// Snapshot implements raft.Storage: it names the state, and carries none of it.
// Who is sent it comes for the state itself (see fetch.go).
func (l *entryLog) Snapshot() (pb.Snapshot, error) {
	if l.applied.index == 0 {
		return pb.Snapshot{}, raft.ErrSnapshotTemporarilyUnavailable
	}
	return pb.Snapshot{Metadata: pb.SnapshotMetadata{ConfState: l.conf, Index: l.applied.index, Term: l.applied.term}}, nil
}

// write adds to b what appending these entries is in the storage.
func (l *entryLog) write(b *wire.Batch, entries []pb.Entry, scratch []byte) []byte {
	for i := range entries {
		scratch = appendEntry(scratch[:0], &entries[i])
		b.Put(wire.ClassLog, logKey(entries[i].Index), scratch)
	}
	if n := len(entries); n > 0 && entries[n-1].Index < l.last() {
		b.DeleteRange(wire.ClassLog, logKey(entries[n-1].Index+1), logKey(l.last()+1))
	}
	return scratch
}

// append takes over entries that are in the storage; those that they replace go.
func (l *entryLog) append(entries []pb.Entry) {
	if len(entries) == 0 {
		return
	}
	keep := int(entries[0].Index - l.cut.index - 1)
	for i := keep; i < len(l.entries); i++ {
		l.bytes -= size(&l.entries[i])
	}
	if keep < len(l.entries) { // raft may hold what is replaced
		l.entries = l.entries[:keep:keep]
	}
	l.entries = append(l.entries, entries...)
	for i := range entries {
		l.bytes += size(&entries[i])
	}
}

// cutTo forgets the entries up to one that was applied.
func (l *entryLog) cutTo(m mark) {
	n := int(m.index - l.cut.index)
	for i := range n {
		l.bytes -= size(&l.entries[i])
	}
	l.entries = append([]pb.Entry(nil), l.entries[n:]...) // to free the others
	l.cut = m
}

// setConf takes over who is in the group.
func (l *entryLog) setConf(c pb.ConfState) {
	l.conf = c
	l.confs++
}

// restore begins anew behind a snapshot.
func (l *entryLog) restore(m mark, c pb.ConfState) {
	l.cut, l.applied, l.entries, l.bytes = m, m, nil, 0
	l.setConf(c)
}

// readLog reads a replica. found is false where the storage has none.
func readLog(s Storage, shard ids.Shard) (l *entryLog, found bool, err error) {
	l = &entryLog{}
	read := func(key []byte, take func([]byte) error) {
		var value []byte
		var some bool
		if err == nil {
			value, some, err = s.Get(shard, wire.ClassRaft, key, nil)
		}
		if err == nil && some {
			found = true
			err = take(value)
		}
	}
	read(keyHard, func(b []byte) (err error) { l.hard, err = parseHard(b); return err })
	read(keyConf, func(b []byte) (err error) { l.conf, err = parseConf(b); return err })
	read(keyCut, func(b []byte) (err error) { l.cut, err = parseMark(b); return err })
	read(keyApplied, func(b []byte) (err error) { l.applied, err = parseMark(b); return err })
	if err != nil || !found {
		return nil, false, wrapShard(shard, err)
	}
	var bad error
	err = s.Scan(shard, wire.ClassLog, logKey(l.cut.index+1), nil, false, func(key, value []byte) bool {
		var e pb.Entry
		if len(key) != 8 {
			bad = errRecord
			return false
		}
		if e, bad = parseEntry(l.last()+1, value); bad != nil || string(key) != string(logKey(e.Index)) {
			bad = fmt.Errorf("%w: entry %x follows entry %d", errRecord, key, l.last())
			return false
		}
		l.append([]pb.Entry{e})
		return true
	})
	if err == nil {
		err = bad
	}
	if l.applied.index < l.cut.index {
		l.applied = l.cut
	}
	// Only term and vote are promises; how far the group had got is known anew soon.
	l.hard.Commit = max(l.hard.Commit, l.applied.index)
	return l, true, wrapShard(shard, err)
}

func wrapShard(shard ids.Shard, err error) error {
	if err != nil {
		return fmt.Errorf("shards: read the replica of shard %d: %w", shard, err)
	}
	return nil
}
