package remote

import (
	"encoding/binary"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// getRequest asks for a record: shard(2) class flags key.
type getRequest struct {
	shard  ids.Shard
	class  wire.Class
	behind bool // a barrier was passed there for this request already
	key    []byte
}

const getBehind byte = 1 << 0

func (q *getRequest) append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint16(append(dst, version), uint16(q.shard))
	var flags byte
	if q.behind {
		flags |= getBehind
	}
	return append(append(dst, byte(q.class), flags), q.key...)
}

func parseGet(b []byte) (q getRequest, err error) {
	f := wire.NewFields(b)
	q.shard, q.class = ids.Shard(f.Uint16()), wire.Class(f.Byte())
	flags := f.Byte()
	q.behind, q.key = flags&getBehind != 0, f.Rest()
	if f.Err() != nil || flags&^getBehind != 0 {
		return getRequest{}, requestError("a malformed get")
	}
	return q, nil
}

// findRequest asks for a key in several shards: class count shard(2)... key.
type findRequest struct {
	class wire.Class
	in    []ids.Shard
	key   []byte
}

func (q *findRequest) append(dst []byte) []byte {
	dst = binary.AppendUvarint(append(dst, version, byte(q.class)), uint64(len(q.in)))
	for _, shard := range q.in {
		dst = binary.BigEndian.AppendUint16(dst, uint16(shard))
	}
	return append(dst, q.key...)
}

func parseFind(b []byte) (q findRequest, err error) {
	f := wire.NewFields(b)
	q.class = wire.Class(f.Byte())
	n := f.Uvarint()
	if n > ids.MaxShards || n > uint64(f.Len()/2) {
		return findRequest{}, requestError("a find in too many shards")
	}
	for range n {
		q.in = append(q.in, ids.Shard(f.Uint16()))
	}
	if q.key = f.Rest(); f.Err() != nil {
		return findRequest{}, requestError("a malformed find")
	}
	return q, nil
}

// scanRequest asks for the beginning of a range: shard(2) class flags limit from
// [to]. At most limit records are wanted.
type scanRequest struct {
	shard    ids.Shard
	class    wire.Class
	reverse  bool
	behind   bool // as of a get
	limit    int
	from, to []byte // to: nil for the end of the class
}

const (
	scanReverse byte = 1 << 0
	scanTo      byte = 1 << 1 // there is a to
	scanBehind  byte = 1 << 2
)

func (q *scanRequest) append(dst []byte) []byte {
	var flags byte
	if q.reverse {
		flags |= scanReverse
	}
	if q.to != nil {
		flags |= scanTo
	}
	if q.behind {
		flags |= scanBehind
	}
	dst = binary.BigEndian.AppendUint16(append(dst, version), uint16(q.shard))
	dst = binary.AppendUvarint(append(dst, byte(q.class), flags), uint64(q.limit))
	return append(appendBytes(dst, q.from), q.to...)
}

func appendBytes(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

func parseScan(b []byte) (q scanRequest, err error) {
	f := wire.NewFields(b)
	q.shard, q.class = ids.Shard(f.Uint16()), wire.Class(f.Byte())
	flags, limit := f.Byte(), f.Uvarint()
	q.from, q.to = f.Bytes(), f.Rest()
	q.reverse, q.behind, q.limit = flags&scanReverse != 0, flags&scanBehind != 0, int(min(limit, maxRecords))
	switch {
	case f.Err() != nil, flags&^(scanReverse|scanTo|scanBehind) != 0, limit == 0, flags&scanTo == 0 && len(q.to) > 0:
		return scanRequest{}, requestError("a malformed scan")
	case flags&scanTo == 0:
		q.to = nil
	}
	return q, nil
}

// record is one of a scan's answer: length key length value. The answer begins
// with a byte that is 1 where more may follow.
type record struct{ key, value []byte }

func parseRecords(b []byte) (records []record, more bool, err error) {
	f := wire.NewFields(b)
	head := f.Byte()
	for f.Len() > 0 {
		records = append(records, record{f.Bytes(), f.Bytes()})
	}
	if f.Err() != nil || head > 1 || head == 1 && len(records) == 0 {
		return nil, false, errAnswer
	}
	return records, head == 1, nil
}
