package store

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// BenchmarkApply is a group commit on the real disk: records of 80 B rewritten
// among 100 000, with as many batches in one sync as the name says. Per batch.
func BenchmarkApply(b *testing.B) {
	for _, group := range []int{1, 16, 256} {
		b.Run(fmt.Sprint(group), func(b *testing.B) {
			s := opened(b, Options{Dir: b.TempDir(), Shards: 32, BallastBytes: -1})
			r := rand.New(rand.NewPCG(1, 1))
			batches := make([]wire.ShardBatch, group)
			key, value := make([]byte, 8), make([]byte, 80)
			b.ReportAllocs()
			for n := 0; n < b.N; n += group {
				for i := range batches {
					e := ids.Endpoint(r.Uint64N(100_000) * 0x9e3779b97f4a7c15)
					binary.BigEndian.PutUint64(key, uint64(e))
					binary.BigEndian.PutUint64(value, r.Uint64())
					if batches[i].Batch == nil {
						batches[i].Batch = new(wire.Batch)
					}
					batches[i].Batch.Reset()
					batches[i].Shard = s.Shards().Of(e)
					batches[i].Batch.Put(wire.ClassContact, key, value)
				}
				apply(b, s, batches...)
			}
		})
	}
}

// BenchmarkGet reads one of 100 000 records, and one that is not there.
func BenchmarkGet(b *testing.B) {
	s := opened(b, Options{Dir: b.TempDir(), Shards: 32, BallastBytes: -1})
	const records = 100_000
	key := func(i uint64) []byte { return binary.BigEndian.AppendUint64(nil, i*0x9e3779b97f4a7c15) }
	batch := new(wire.Batch)
	for i := range uint64(records) {
		batch.Put(wire.ClassRegistration, key(i), make([]byte, 280))
	}
	apply(b, s, wire.ShardBatch{Batch: batch})
	if err := s.db.Flush(); err != nil {
		b.Fatal(err)
	}
	for name, from := range map[string]uint64{"found": 0, "missing": records} {
		b.Run(name, func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 1))
			dst := make([]byte, 0, 512)
			b.ReportAllocs()
			for b.Loop() {
				_, found, err := s.Get(0, wire.ClassRegistration, key(from+r.Uint64N(records)), dst)
				if err != nil || found != (from == 0) {
					b.Fatal(found, err)
				}
			}
		})
	}
}
