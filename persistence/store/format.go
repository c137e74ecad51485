package store

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"dormouse/codec/ids"
)

// Errors of Open.
var (
	// ErrLocked: another process, or another Store of this one, has the directory open.
	ErrLocked = errors.New("store: the directory is in use")
	// ErrVersion: the data was written by a program of another layout.
	ErrVersion = errors.New("store: unknown layout of the data")
	// ErrShards: the number of shards is not the one that the data was created with.
	ErrShards = errors.New("store: the number of shards cannot be changed")
)

// layout is the version of what docs/formats/store.md describes.
const layout = 1

// recordKey is where the store's own record lies: before every class.
var recordKey = []byte("\x00store")

// record is what the store knows of itself: version(1) shards(2) cluster key(16).
type record struct {
	shards ids.Shards
	key    ids.Key
}

const recordLen = 19

func (r record) append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint16(append(dst, layout), uint16(r.shards))
	return append(dst, r.key[:]...)
}

func parseRecord(b []byte) (r record, err error) {
	switch {
	case len(b) > 0 && b[0] != layout:
		return r, fmt.Errorf("%w: version %d, this program knows %d", ErrVersion, b[0], layout)
	case len(b) != recordLen:
		return r, fmt.Errorf("%w: the record of the store has %d bytes instead of %d", ErrVersion, len(b), recordLen)
	}
	r.shards = ids.Shards(binary.BigEndian.Uint16(b[1:]))
	if r.shards == 0 || r.shards > ids.MaxShards {
		return r, fmt.Errorf("%w: %d shards", ErrVersion, r.shards)
	}
	copy(r.key[:], b[3:])
	return r, nil
}

// openRecord reads the record, or writes it where the data is new. The shards
// asked for may be zero: whatever is stored.
func openRecord(db *pebble.DB, asked ids.Shards, create func() (ids.Shards, ids.Key, error)) (record, error) {
	got, closer, err := db.Get(recordKey)
	if errors.Is(err, pebble.ErrNotFound) {
		return createRecord(db, asked, create)
	}
	if err != nil {
		return record{}, fmt.Errorf("reading the record of the store: %w", err)
	}
	defer closer.Close()
	r, err := parseRecord(got)
	if err != nil {
		return r, err
	}
	if asked != 0 && asked != r.shards {
		return r, fmt.Errorf("%w: the data was created with %d, %d are asked for", ErrShards, r.shards, asked)
	}
	return r, nil
}

func createRecord(db *pebble.DB, asked ids.Shards, create func() (ids.Shards, ids.Key, error)) (r record, err error) {
	if err := mustBeEmpty(db); err != nil {
		return record{}, err
	}
	if create == nil {
		r.shards = asked
		if r.shards == 0 {
			r.shards = defaultShards
		}
		// crypto/rand never fails since Go 1.24.
		_, _ = rand.Read(r.key[:])
	} else if r.shards, r.key, err = create(); err != nil {
		return r, err
	}
	if err := db.Set(recordKey, r.append(nil), pebble.Sync); err != nil {
		return r, fmt.Errorf("writing the record of the store: %w", err)
	}
	return r, nil
}

// mustBeEmpty guards against taking foreign data for new.
func mustBeEmpty(db *pebble.DB) error {
	it, err := db.NewIter(nil)
	if err != nil {
		return fmt.Errorf("looking into the data: %w", err)
	}
	some := it.First()
	if err := errors.Join(it.Error(), it.Close()); err != nil {
		return fmt.Errorf("looking into the data: %w", err)
	}
	if some {
		return fmt.Errorf("%w: there are records, but none of the store", ErrVersion)
	}
	return nil
}
