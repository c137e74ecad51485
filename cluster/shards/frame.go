package shards

import (
	"encoding/binary"
	"errors"
	"fmt"

	pb "go.etcd.io/raft/v3/raftpb"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// ErrFrame is in the chain of what is said of a frame that cannot be read.
var ErrFrame = errors.New("shards: malformed frame")

// A frame has messages of many groups for one node:
//
//	version(1), then each: kind(1) shard(2) length(varint) body
//	kind 1: a message of raft (raftpb.Message)   kinds 2 and 3: index(varint) term(varint)
//
// Kind 2 says that the receiver is no member of the group any more, as of that
// entry. Kind 3 says to the leader of a term that the sender does not have an
// entry that it is taken to have. Its page is docs/formats/raft.md.
const (
	frameVersion = 1
	kindMessage  = 1
	kindGone     = 2
	kindLost     = 3
)

func appendMessage(dst []byte, shard ids.Shard, m *pb.Message) ([]byte, error) {
	dst = frameHead(dst, kindMessage, shard, m.Size())
	at := len(dst)
	dst = append(dst, make([]byte, m.Size())...)
	if _, err := m.MarshalTo(dst[at:]); err != nil {
		return dst, fmt.Errorf("shards: write a message of shard %d: %w", shard, err)
	}
	return dst, nil
}

func appendGone(dst []byte, shard ids.Shard, as mark) []byte {
	return appendMark(dst, kindGone, shard, as)
}

func appendLost(dst []byte, shard ids.Shard, what mark) []byte {
	return appendMark(dst, kindLost, shard, what)
}

func appendMark(dst []byte, kind byte, shard ids.Shard, m mark) []byte {
	body := binary.AppendUvarint(binary.AppendUvarint(nil, m.index), m.term)
	return append(frameHead(dst, kind, shard, len(body)), body...)
}

func frameHead(dst []byte, kind byte, shard ids.Shard, length int) []byte {
	if len(dst) == 0 {
		dst = append(dst, frameVersion)
	}
	dst = binary.BigEndian.AppendUint16(append(dst, kind), uint16(shard))
	return binary.AppendUvarint(dst, uint64(length))
}

// parseFrame reads a frame of a node. Messages that claim another sender are not
// its own to say: the frame is malformed. Kinds that are not known are passed
// over: nodes of two releases run together.
func parseFrame(from ids.Node, frame []byte) (list []received, err error) {
	f := wire.NewFields(frame)
	if v := f.Byte(); v != frameVersion {
		return nil, fmt.Errorf("%w: version %d, this node knows %d", ErrFrame, v, frameVersion)
	}
	for f.Len() > 0 {
		kind, shard, body := f.Byte(), ids.Shard(f.Uint16()), f.Bytes()
		if f.CutOff() {
			return nil, fmt.Errorf("%w: cut", ErrFrame)
		}
		r := received{shard: shard, from: from}
		switch kind {
		case kindMessage:
			if err := r.msg.Unmarshal(body); err != nil {
				return nil, fmt.Errorf("%w: %w", ErrFrame, err)
			}
			if r.msg.From != uint64(from) {
				return nil, fmt.Errorf("%w: node %v speaks for %016x", ErrFrame, from, r.msg.From)
			}
		case kindGone, kindLost:
			b := wire.NewFields(body)
			m := mark{b.Uvarint(), b.Uvarint()}
			if b.Err() != nil || m.index == 0 {
				return nil, fmt.Errorf("%w: no entry in %x", ErrFrame, body)
			}
			if r.gone = m; kind == kindLost {
				r.gone, r.lost = mark{}, m
			}
		default:
			continue
		}
		list = append(list, r)
	}
	return list, nil
}
