package shards

import (
	"errors"
	"fmt"

	"go.etcd.io/raft/v3"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// install replaces the state of a group by what is staged. It takes its time, so
// it is done beside the engine; meanwhile the group hears nothing.
func (e *Engine) install(w *ready) {
	g := w.group
	g.away = true
	rd, shard := w.Ready, g.shard
	e.o.Go(func() {
		err := beginInstall(e.o.Storage, shard, rd)
		if err == nil {
			err = finishInstall(e.o.Storage, shard)
		}
		e.inbox.call(func() { e.installedState(g, rd, err) })
	})
}

// installedState lets the group go on with its new state.
func (e *Engine) installedState(g *group, rd raft.Ready, err error) {
	if err != nil {
		panic(err) // run ends the engine by it: the state is neither the old nor the new
	}
	meta := rd.Snapshot.Metadata
	as := mark{meta.Index, meta.Term}
	g.away = false
	g.log.restore(as, meta.ConfState)
	g.kept = as.index
	g.log.append(rd.Entries)
	if !raft.IsEmptyHardState(rd.HardState) {
		g.log.hard = rd.HardState
	}
	e.installed.Add(1)
	if err := e.sendAll(&ready{group: g, Ready: rd}); err != nil {
		panic(err)
	}
	g.node.Advance(rd)
	g.touch()
}

// beginInstall makes durable that the state is to be replaced, and the replica's
// log behind it empty.
func beginInstall(s Storage, shard ids.Shard, rd raft.Ready) error {
	h, meta := rd.HardState, rd.Snapshot.Metadata
	as := mark{meta.Index, meta.Term}
	b := new(wire.Batch)
	if !raft.IsEmptyHardState(h) {
		b.Put(wire.ClassRaft, keyHard, appendHard(nil, h))
	}
	b.DeleteRange(wire.ClassLog, nil, nil)
	b.Put(wire.ClassRaft, keyCut, as.append(nil))
	b.Put(wire.ClassRaft, keyApplied, as.append(nil))
	b.Put(wire.ClassRaft, keyConf, appendConf(nil, meta.ConfState))
	b.Put(wire.ClassRaft, keyInstall, as.append(nil))
	for i := range rd.Entries {
		b.Put(wire.ClassLog, logKey(rd.Entries[i].Index), appendEntry(nil, &rd.Entries[i]))
	}
	if err := s.Commit([]wire.ShardBatch{{Shard: shard, Batch: b}}, true); err != nil {
		return fmt.Errorf("shards: begin to install the state of shard %d: %w", shard, err)
	}
	return nil
}

// finishInstall puts what is staged in the place of the state. It may be done
// again from the beginning.
func finishInstall(s Storage, shard ids.Shard) error {
	commit := func(b *wire.Batch, sync bool) error {
		return s.Commit([]wire.ShardBatch{{Shard: shard, Batch: b}}, sync)
	}
	err := commit(wipe(new(wire.Batch)), false)
	if err == nil {
		var bad error
		err = s.Scan(shard, wire.ClassStaged, nil, nil, false, func(_, part []byte) bool {
			var b *wire.Batch
			if b, bad = wire.ParseBatch(part); bad == nil {
				bad = commit(b, false)
			}
			return bad == nil
		})
		err = errors.Join(err, bad)
	}
	if err == nil {
		b := new(wire.Batch)
		b.DeleteRange(wire.ClassStaged, nil, nil)
		b.Delete(wire.ClassRaft, keyInstall)
		err = commit(b, true)
	}
	if err != nil {
		return fmt.Errorf("shards: install the state of shard %d: %w", shard, err)
	}
	return nil
}

// resumeInstalls finishes what a crash interrupted, and removes parts of states
// that did not come whole.
func (e *Engine) resumeInstalls() error {
	for _, shard := range e.o.Shards.All() {
		_, found, err := e.o.Storage.Get(shard, wire.ClassRaft, keyInstall, nil)
		if err != nil {
			return wrapShard(shard, err)
		}
		if found {
			if err := finishInstall(e.o.Storage, shard); err != nil {
				return err
			}
			continue
		}
		staged := false
		if err := e.o.Storage.Scan(shard, wire.ClassStaged, nil, nil, false, func(_, _ []byte) bool { staged = true; return false }); err != nil {
			return wrapShard(shard, err)
		}
		if staged {
			b := new(wire.Batch)
			b.DeleteRange(wire.ClassStaged, nil, nil)
			if err := e.o.Storage.Commit([]wire.ShardBatch{{Shard: shard, Batch: b}}, false); err != nil {
				return wrapShard(shard, err)
			}
		}
	}
	return nil
}
