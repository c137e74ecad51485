package fleet

import (
	"encoding/binary"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
	"dormouse/node/admin"
)

// keepKeys is how long an Idempotency-Key is remembered.
const keepKeys = 24 * time.Hour

// onceRecord is the value of wire.ClassOnce: time(8, ms) body(16) id(8).
const onceRecord = 32

// used looks for a key that was used before, in every shard: the record lies
// with its effect, which the key does not name.
func (f *Fleet) used(key admin.IdempotencyKey) (id uint64, found bool, err error) {
	for shard := range ids.Shard(f.env.Shards) {
		value, ok, err := f.get(shard, wire.ClassOnce, key.Name[:])
		if err != nil {
			return 0, false, err
		}
		if !ok || len(value) != onceRecord {
			continue
		}
		if [16]byte(value[8:24]) != key.Body {
			return 0, false, admin.Refuse(admin.ErrKeyReused, "This Idempotency-Key was used with another body.")
		}
		return binary.BigEndian.Uint64(value[24:]), true, nil
	}
	return 0, false, nil
}

// once makes the record of a key; nil where there is none.
func once(key admin.IdempotencyKey, now time.Time) *endpoint.Once {
	if key.IsZero() {
		return nil
	}
	return &endpoint.Once{Key: key.Name[:], Value: func(id uint64) []byte {
		v := binary.BigEndian.AppendUint64(make([]byte, 0, onceRecord), uint64(now.UnixMilli()))
		return binary.BigEndian.AppendUint64(append(v, key.Body[:]...), id)
	}}
}

// expireKeys forgets the keys of a shard that are older than keepKeys.
func (f *Fleet) expireKeys(shard ids.Shard, now time.Time) error {
	limit := now.Add(-keepKeys).UnixMilli()
	var old [][]byte
	err := f.env.State.Scan(shard, wire.ClassOnce, nil, nil, false, func(key, value []byte) bool {
		if len(value) != onceRecord || int64(binary.BigEndian.Uint64(value)) < limit {
			old = append(old, append([]byte(nil), key...))
		}
		return len(old) < 10_000
	})
	if err != nil || len(old) == 0 {
		return err
	}
	return f.gate.Do(shard, func(_ time.Time, _ *endpoint.Shard, fx *endpoint.Effects) {
		for _, key := range old {
			fx.Batch.Delete(wire.ClassOnce, key)
		}
	}, nil)
}
