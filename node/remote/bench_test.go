package remote

import (
	"context"
	"log/slog"
	"testing"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// alone is a cluster of one node, whose barrier is a hop through a goroutine.
type alone chan func(error)

func (alone) Owner(ids.Shard) (ids.Node, bool, bool)                       { return 1, true, true }
func (a alone) Read(_ ids.Shard, done func(error))                         { a <- done }
func (alone) Call(context.Context, ids.Node, byte, []byte) ([]byte, error) { panic("a call") }

// empty is a store.
type empty struct{ endpoint.State }

func (empty) Get(_ ids.Shard, _ wire.Class, _, dst []byte) ([]byte, bool, error) {
	return dst, false, nil
}

// BenchmarkGet is what a read costs more where all is led here.
func BenchmarkGet(b *testing.B) {
	a := make(alone)
	defer close(a)
	go func() {
		for done := range a {
			done(nil)
		}
	}()
	state := New(Options{Cluster: a, Env: &endpoint.Env{State: empty{}, Shards: 1}, Logger: slog.New(slog.DiscardHandler)}).State()
	for name, s := range map[string]endpoint.State{"alone": state, "of a request": state.Request()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := s.Get(0, wire.ClassContact, nil, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
