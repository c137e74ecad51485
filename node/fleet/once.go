package fleet

import (
	"cmp"
	"context"
	"encoding/binary"
	"sync"
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

// used looks for a key that was used before, in the shard where the same request
// would have left it: the record lies with its effect.
func (f *Fleet) used(shard ids.Shard, key admin.IdempotencyKey) (id uint64, found bool, err error) {
	value, found, err := f.get(shard, wire.ClassOnce, key.Name[:])
	if err != nil || !found || len(value) != onceRecord {
		return 0, false, err
	}
	if err := sameBody(value, key); err != nil {
		return 0, false, err
	}
	return binary.BigEndian.Uint64(value[24:]), true, nil
}

func sameBody(value []byte, key admin.IdempotencyKey) error {
	if len(value) == onceRecord && [16]byte(value[8:24]) != key.Body {
		return admin.Refuse(admin.ErrKeyReused, "This Idempotency-Key was used with another body.")
	}
	return nil
}

// usedElsewhere looks for the key with another body, whose effect may lie in any
// other shard. Those on nodes that do not answer are passed over: that a client
// uses a key twice is its mistake, and no reason to refuse everybody while one
// shard has no leader. So is the moment in which two nodes take one key at once.
func (f *Fleet) usedElsewhere(ctx context.Context, but ids.Shard, key admin.IdempotencyKey) (reused error) {
	var in []ids.Shard
	for shard := range ids.Shard(f.env.Shards) {
		if shard != but {
			in = append(in, shard)
		}
	}
	if all, ok := f.state.(Finder); ok {
		all.Find(ctx, wire.ClassOnce, key.Name[:], in, func(value []byte) { reused = cmp.Or(reused, sameBody(value, key)) })
		return reused
	}
	for _, shard := range in {
		value, found, err := f.get(shard, wire.ClassOnce, key.Name[:])
		if err == nil && found {
			err = sameBody(value, key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// keyHold keeps others with the same key waiting until the fate of what is made
// under it is known, also if its client does not wait any more: one that repeats
// must find the key used.
type keyHold struct {
	release func() // may be called again
	passed  bool   // whoever carries it out will call release
}

func (f *Fleet) hold(key admin.IdempotencyKey) *keyHold {
	if key.IsZero() {
		return &keyHold{release: func() {}}
	}
	return &keyHold{release: sync.OnceFunc(f.keys.lock(key.Name))}
}

// leave is the end of the call.
func (h *keyHold) leave() {
	if !h.passed {
		h.release()
	}
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
	err := f.state.Scan(shard, wire.ClassOnce, nil, nil, false, func(key, value []byte) bool {
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
