package shards

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	pb "go.etcd.io/raft/v3/raftpb"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// A member that lags too far behind, or is new, is sent the name of a state by
// raft (MsgSnap), and comes for the state itself:
//
//	leader ── MsgSnap ──▶ member ── fetch, part after part ──▶ leader's Serve: one moment of its storage
//	                        │ staged, in the storage
//	                        ▼ all is here
//	                      raft takes the snapshot ── synced: what is to be installed ──▶ old state goes, new comes
//
// A crash before raft took it leaves parts that are removed; one after it, and the
// next start installs them again from the beginning.
//
//	request = version(1) shard(2) session(8)
//	answer  = version(1) session(8) more(1) index(varint) term(varint) members(text) writes

const fetchVersion = 1

// fetches are the states that are being read by others.
type fetches struct {
	mu   sync.Mutex // guards the map; a session's own lock what it has
	open map[uint64]*session
	last uint64
}

// maxFetches bounds the moments that are held; more wait.
const maxFetches = 8

// session is one state on its way to a member.
type session struct {
	mu     sync.Mutex
	shard  ids.Shard
	from   ids.Node
	moment Moment
	as     mark
	conf   pb.ConfState
	class  int    // of wire.StateClasses
	key    []byte // where to go on
	used   int64  // ticks of the engine
}

// fetchIdle is how many ticks a session waits for its reader.
const fetchIdle = 300

var errSession = errors.New("shards: no such transfer of a state, or it waited too long")

// Serve answers another node's Options.Fetch. It waits for nothing but the
// storage, and the engine's goroutine.
func (e *Engine) Serve(ctx context.Context, from ids.Node, request []byte) ([]byte, error) {
	type answer struct {
		read func() ([]byte, error)
		err  error
	}
	ready := make(chan answer, 1)
	e.ServeLater(from, request, func(read func() ([]byte, error), err error) { ready <- answer{read, err} })
	select {
	case a := <-ready:
		if a.err != nil {
			return nil, a.err
		}
		return a.read()
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-e.ended:
		return nil, ErrClosed
	case <-e.fatal:
		return nil, ErrClosed
	}
}

// ServeLater is Serve for who has time in his own hands (see Turn): it waits for
// nothing. ready is called with what reads the answer: by the engine's goroutine
// for the first part of a state, else at once, and not at all when the engine
// ends before. read is called once, beside the engine, for it takes its time.
func (e *Engine) ServeLater(from ids.Node, request []byte, ready func(read func() ([]byte, error), err error)) {
	f := wire.NewFields(request)
	version, shard, id := f.Byte(), ids.Shard(f.Uint16()), f.Uint64()
	if f.Err() != nil || version != fetchVersion {
		ready(nil, fmt.Errorf("%w: a request for a state", ErrFrame))
		return
	}
	if id != 0 {
		s, err := e.fetches.find(id, shard, from, e.ticks.Load())
		ready(func() ([]byte, error) { return e.readPart(id, s) }, err)
		return
	}
	if !e.inbox.call(func() {
		id, s, err := e.openSession(shard, from)
		ready(func() ([]byte, error) { return e.readPart(id, s) }, err)
	}) {
		ready(nil, ErrClosed)
	}
}

// readPart is the next part of a session as an answer.
func (e *Engine) readPart(id uint64, s *session) ([]byte, error) {
	shard, from := s.shard, s.from
	s.mu.Lock()
	defer s.mu.Unlock()
	writes, more, err := s.next(e.o.PartBytes)
	if err != nil || !more {
		e.fetches.close(id)
	}
	if err != nil {
		return nil, fmt.Errorf("shards: read the state of shard %d for node %v: %w", shard, from, err)
	}
	e.inbox.call(func() { // its leader waits as long as it comes
		if g := e.groups[shard]; g != nil {
			if _, asked := g.asked[from]; asked {
				g.asked[from] = 0
			}
		}
	})
	answer := binary.BigEndian.AppendUint64([]byte{fetchVersion}, id)
	answer = append(answer, flag(more))
	answer = binary.AppendUvarint(binary.AppendUvarint(answer, s.as.index), s.as.term)
	answer = wire.AppendText(answer, string(appendConf(nil, s.conf)))
	return append(answer, writes.Bytes()...), nil
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// openSession takes a moment of the storage between two turns, so that it is
// known which entry it has. The engine's goroutine calls it.
func (e *Engine) openSession(shard ids.Shard, from ids.Node) (id uint64, s *session, err error) {
	g := e.groups[shard]
	if g == nil || g.away || g.log.applied.index == 0 {
		return 0, nil, ErrNoReplica
	}
	m, err := e.o.Storage.Moment()
	if err != nil {
		return 0, nil, err
	}
	s = &session{shard: shard, from: from, moment: m, as: g.log.applied, conf: g.log.conf, used: e.ticks.Load()}
	id, err = e.fetches.add(s)
	return id, s, err
}

func (f *fetches) add(s *session) (uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open == nil {
		f.open = map[uint64]*session{}
	}
	for id, old := range f.open {
		if s.used-old.used > fetchIdle && old.mu.TryLock() {
			_ = old.moment.Close() // only read
			old.mu.Unlock()
			delete(f.open, id)
		}
	}
	if len(f.open) >= maxFetches {
		_ = s.moment.Close()
		return 0, ErrBusy
	}
	f.last++
	f.open[f.last] = s
	return f.last, nil
}

func (f *fetches) find(id uint64, shard ids.Shard, from ids.Node, now int64) (*session, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.open[id]
	if s == nil || s.shard != shard || s.from != from {
		return nil, errSession
	}
	s.used = now
	return s, nil
}

func (f *fetches) close(id uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s := f.open[id]; s != nil { // its caller has the session's lock
		_ = s.moment.Close() // only read
		delete(f.open, id)
	}
}

func (f *fetches) closeAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, s := range f.open {
		s.mu.Lock()
		_ = s.moment.Close() // only read
		s.mu.Unlock()
		delete(f.open, id)
	}
}

// next is the next part of the state.
func (s *session) next(most int) (*wire.Batch, bool, error) {
	b := new(wire.Batch)
	for ; s.class < len(wire.StateClasses); s.class++ {
		class := wire.StateClasses[s.class]
		full := false
		err := s.moment.Scan(s.shard, class, s.key, nil, false, func(key, value []byte) bool {
			if len(b.Bytes()) >= most {
				s.key, full = append(s.key[:0], key...), true
				return false
			}
			b.Put(class, key, value)
			return true
		})
		if err != nil || full {
			return b, true, err
		}
		s.key = s.key[:0]
	}
	return b, false, nil
}

// takeState begins to fetch what a leader named.
func (e *Engine) takeState(g *group, r *received) {
	if g.fetching || e.o.Fetch == nil {
		return
	}
	if r.msg.Snapshot == nil || r.msg.Snapshot.Metadata.Index <= g.log.applied.index {
		g.touch()
		_ = g.node.Step(r.msg) // raft tells the leader how far it is
		return
	}
	g.fetching = true
	msg, from := r.msg, r.from
	e.o.Go(func() {
		as, conf, err := e.fetch(g.shard, from)
		e.inbox.call(func() { e.fetched(g, msg, as, conf, err) })
	})
}

// fetch stages the state of a shard.
func (e *Engine) fetch(shard ids.Shard, from ids.Node) (as mark, conf pb.ConfState, err error) {
	stage := func(number uint64, part []byte) error {
		b := new(wire.Batch)
		if number == 0 {
			b.DeleteRange(wire.ClassStaged, nil, nil)
		}
		b.Put(wire.ClassStaged, logKey(number), part)
		return e.o.Storage.Commit([]wire.ShardBatch{{Shard: shard, Batch: b}}, false)
	}
	id := uint64(0)
	for number := uint64(0); ; number++ {
		request := binary.BigEndian.AppendUint16([]byte{fetchVersion}, uint16(shard))
		answer, err := e.o.Fetch(e.ctx, from, binary.BigEndian.AppendUint64(request, id))
		if err != nil {
			return as, conf, fmt.Errorf("shards: fetch the state of shard %d from node %v: %w", shard, from, err)
		}
		f := wire.NewFields(answer)
		version := f.Byte()
		id = f.Uint64()
		more := f.Byte() == 1
		as = mark{f.Uvarint(), f.Uvarint()}
		members := f.Bytes()
		part := f.Rest()
		if f.Err() != nil || version != fetchVersion {
			return as, conf, fmt.Errorf("%w: a part of the state of shard %d", ErrFrame, shard)
		}
		if conf, err = parseConf(members); err != nil {
			return as, conf, err
		}
		if _, err := wire.ParseBatch(part); err != nil {
			return as, conf, fmt.Errorf("shards: a part of the state of shard %d: %w", shard, err)
		}
		if err := stage(number, part); err != nil {
			return as, conf, err
		}
		if !more {
			return as, conf, nil
		}
		e.pace(len(part))
	}
}

// pace keeps to FetchBytes a second.
func (e *Engine) pace(n int) {
	if e.o.FetchBytes < 0 {
		return
	}
	t := time.NewTimer(time.Duration(n) * time.Second / time.Duration(e.o.FetchBytes))
	defer t.Stop()
	select {
	case <-t.C:
	case <-e.ctx.Done():
	}
}

// fetched gives raft the snapshot that now lies here.
func (e *Engine) fetched(g *group, msg pb.Message, as mark, conf pb.ConfState, err error) {
	g.fetching = false
	if e.groups[g.shard] != g || g.away {
		return
	}
	if err != nil {
		e.o.Log.Warn("a state was not fetched: its leader offers it again", "shard", int(g.shard), "error", err)
		return
	}
	msg.Snapshot = &pb.Snapshot{Metadata: pb.SnapshotMetadata{ConfState: conf, Index: as.index, Term: as.term}}
	_ = g.node.Step(msg) // raft says no where it has gone on meanwhile
	g.touch()
}
