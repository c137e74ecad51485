package wire

import (
	"encoding/binary"
	"errors"

	"dormouse/codec/ids"
)

// Class is the first byte of a stored key and says what the record is. Within
// a class the shard comes next, so that hand-off, drop and digest of a shard
// are range operations.
type Class byte

const (
	ClassRegistration Class = 'c' // endpoint(8) -> what changes with a registration
	ClassContact      Class = 'h' // endpoint(8) -> what changes with every message
	ClassValue        Class = 'v' // endpoint(8) path -> last value
	ClassOperation    Class = 'o' // operation(8) -> operation
	ClassActive       Class = 'q' // endpoint(8) operation(8) -> empty: neither SUCCESSFUL nor FAILED
	ClassByDevice     Class = 'd' // endpoint(8) operation(8) -> empty: all operations of a device
	ClassObject       Class = 'm' // object(8) -> managed object that is no device
	ClassAddress      Class = 'a' // address(18) -> endpoint(8): signpost of a peer address
	ClassCID          Class = 'C' // cid(8) -> endpoint(8): signpost of a DTLS Connection ID
	ClassSecure       Class = 'A' // address(18) -> endpoint(8): signpost of a DTLS peer without a Connection ID
	ClassCredentials  Class = 'k' // endpoint(8) -> identity and sealed pre-shared key
	ClassClaim        Class = 'i' // identity(8) -> which endpoint a PSK identity belongs to
	ClassTimer        Class = 't' // milliseconds(8) endpoint(8) -> empty: one lazy deadline per endpoint
	ClassOnce         Class = 'x' // hash(16) -> answer kept for an Idempotency-Key
	ClassMeta         Class = 's' // name -> what the shard knows of itself

	// In ids.System alone: who may do what (actors/access).
	ClassTenant Class = 'T' // tenant -> tenant
	ClassUser   Class = 'U' // tenant 0 name -> user
	ClassToken  Class = 'K' // i token(8) -> token; u tenant 0 name 0 token(8) -> empty
	ClassLock   Class = 'L' // subject(17) -> failures to log in, as all nodes know them
	ClassAudit  Class = 'J' // tenant 0 entry(8) -> what was changed, and by whom

	// What a replica of a shard keeps for itself: it is neither in the state of
	// the shard nor in a snapshot of it.
	ClassLog    Class = 'l' // index(8) -> entry of the shard's log
	ClassRaft   Class = 'r' // name -> what the replica knows of its group
	ClassStaged Class = 'g' // number(8) -> part of a snapshot that is on its way here
	ClassNode   Class = 'n' // name -> what the node knows of itself; in ids.System
)

// StateClasses are the classes of a shard's state, in their order: what its log
// changes, and a snapshot carries.
var StateClasses = []Class{
	ClassSecure, ClassCID, ClassAudit, ClassToken, ClassLock, ClassTenant, ClassUser, ClassAddress, ClassRegistration, ClassByDevice, ClassContact, ClassClaim, ClassCredentials,
	ClassObject, ClassOperation, ClassActive, ClassMeta, ClassTimer, ClassValue, ClassOnce,
}

// Kind of one write.
type WriteKind byte

const (
	Put         WriteKind = 1
	Delete      WriteKind = 2
	DeleteRange WriteKind = 3 // from Key to Value, the latter not included
)

// Write is one write of a batch. Its slices alias the batch.
type Write struct {
	Kind  WriteKind
	Class Class
	Key   []byte // without class and shard
	Value []byte
}

// Batch is a list of writes to the records of one shard, applied all or none,
// in order. Its bytes are what a shard's log holds:
//
//	write = kind(1) class(1) uvarint length, key [uvarint length, value]   (value absent for Delete)
//
// The zero Batch is empty and ready. A Batch is owned by one goroutine until
// it is proposed, and not changed after that.
type Batch struct {
	buf   []byte
	count int
}

// ErrBatch is returned for bytes that are no batch.
var ErrBatch = errors.New("wire: malformed batch")

// Put sets a record. Key and value are copied.
func (b *Batch) Put(c Class, key, value []byte) {
	b.head(Put, c, key)
	b.bytes(value)
}

// Delete removes a record.
func (b *Batch) Delete(c Class, key []byte) { b.head(Delete, c, key) }

// DeleteRange removes the records of a class from key from up to, not
// including, key to.
func (b *Batch) DeleteRange(c Class, from, to []byte) {
	b.head(DeleteRange, c, from)
	b.bytes(to)
}

func (b *Batch) head(k WriteKind, c Class, key []byte) {
	b.buf = append(b.buf, byte(k), byte(c))
	b.bytes(key)
	b.count++
}

func (b *Batch) bytes(p []byte) {
	b.buf = binary.AppendUvarint(b.buf, uint64(len(p)))
	b.buf = append(b.buf, p...)
}

// Append adds all writes of other behind those of b.
func (b *Batch) Append(other *Batch) {
	b.buf = append(b.buf, other.buf...)
	b.count += other.count
}

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() { b.buf, b.count = b.buf[:0], 0 }

// Len is the number of writes.
func (b *Batch) Len() int { return b.count }

// Bytes is the encoded batch; it aliases b.
func (b *Batch) Bytes() []byte { return b.buf }

// ParseBatch checks data and makes it a batch that aliases it.
func ParseBatch(data []byte) (*Batch, error) {
	b := &Batch{buf: data}
	err := b.each(func(Write) error { b.count++; return nil })
	if err != nil {
		return nil, err
	}
	return b, nil
}

// Each calls f for every write in order and stops at the first error.
func (b *Batch) Each(f func(Write) error) error { return b.each(f) }

func (b *Batch) each(f func(Write) error) error {
	rest := b.buf
	for len(rest) > 0 {
		if len(rest) < 2 || WriteKind(rest[0]) < Put || WriteKind(rest[0]) > DeleteRange {
			return ErrBatch
		}
		w := Write{Kind: WriteKind(rest[0]), Class: Class(rest[1])}
		var ok bool
		if w.Key, rest, ok = cutBytes(rest[2:]); !ok {
			return ErrBatch
		}
		if w.Kind != Delete {
			if w.Value, rest, ok = cutBytes(rest); !ok {
				return ErrBatch
			}
		}
		if err := f(w); err != nil {
			return err
		}
	}
	return nil
}

func cutBytes(b []byte) (field, rest []byte, ok bool) {
	n, k := binary.Uvarint(b)
	if k <= 0 || uint64(len(b)-k) < n {
		return nil, nil, false
	}
	return b[k : k+int(n) : k+int(n)], b[k+int(n):], true
}

// ShardBatch is a batch with the shard that it goes to.
type ShardBatch struct {
	Shard ids.Shard
	Batch *Batch
}
