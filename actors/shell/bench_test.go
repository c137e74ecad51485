package shell

import (
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// weight is a Cell that costs what its effects cost: one record written and
// one datagram sent, without an allocation of its own.
type weight struct {
	key, value []byte
	answer     []byte
}

func (w *weight) Handle(now time.Time, ev endpoint.Event, fx *endpoint.Effects) {
	fx.Batch.Put(wire.ClassContact, w.key, w.value)
	fx.Sends = append(fx.Sends, endpoint.Send{Path: ev.(*endpoint.Datagram).Path, Payload: w.answer})
	fx.Wake = now.Add(93 * time.Second)
}

func (w *weight) Owns([]byte) bool { return false }
func (w *weight) Busy() bool       { return false }

// benchRig is a shell whose committer takes everything at once.
func benchRig(b *testing.B, maxAwake int) (s *Shell, flying chan struct{}) {
	flying = make(chan struct{}, 256)
	commits := make(chan pending, 1024)
	value, answer := make([]byte, 120), make([]byte, 12)
	s, err := New(Options{
		Env: &endpoint.Env{State: newDesk(), Shards: 32}, MaxAwake: maxAwake, Idle: time.Hour,
		Load: func(_ *endpoint.Shard, id ids.Endpoint) (Cell, error) {
			return &weight{wire.EndpointKey(id), value, answer}, nil
		},
		Propose: func(_ ids.Shard, batch *wire.Batch, done func(error)) { commits <- pending{batch, done} },
		Send: func(outs []Out) {
			for range outs {
				<-flying
			}
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	go func() {
		for p := range commits {
			p.done(nil)
		}
	}()
	s.Start()
	b.Cleanup(func() { s.Stop(); close(commits) })
	return s, flying
}

// exchanges keeps 256 datagrams of so many devices in flight.
func exchanges(b *testing.B, devices, maxAwake int) {
	s, flying := benchRig(b, maxAwake)
	payload := []byte{0x48, 2, 1, 2, 1, 2, 3, 4, 5, 6, 7, 8, 0xb2, 'r', 'd', 0x10, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'}
	deliver := func(n int) {
		flying <- struct{}{}
		d := s.Take()
		d.Buffer = append(d.Buffer[:0], payload...)
		s.Deliver(ToEndpoint(device(n)), d)
	}
	for i := range devices {
		deliver(i)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		deliver(i * 7919 % devices)
	}
	for range cap(flying) {
		flying <- struct{}{}
	}
}

// BenchmarkAwake is an update of a device in memory, 20 000 in all.
func BenchmarkAwake(b *testing.B) { exchanges(b, 20_000, 50_000) }

// BenchmarkFromSleep is an update that loads a cell and passivates another.
func BenchmarkFromSleep(b *testing.B) { exchanges(b, 20_000, 2_000) }

// BenchmarkActor is a cell's share of protoactor alone, so that the price of
// having actors is known.
func BenchmarkActor(b *testing.B) {
	s, _ := benchRig(b, 0)
	l := s.loops[0]
	cells := make([]*cell, 20_000)
	birth := func(id int) *cell {
		c := &cell{mailbox: mailbox{loop: l}, id: device(id), state: idleCell{}, index: -1, shard: l.shards[0]}
		if err := l.spawn(c); err != nil {
			b.Fatal(err)
		}
		return c
	}
	b.Run("life", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			at := i % len(cells)
			if cells[at] != nil {
				cells[at].state = nil
				cells[at].stopActor()
			}
			cells[at] = birth(i)
		}
	})
	for i, c := range cells {
		if c == nil {
			cells[i] = birth(-i - 1)
		}
	}
	var fx endpoint.Effects
	message := &call{fx: &fx}
	b.Run("call", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			cells[i*7919%len(cells)].run(message)
		}
	})
	b.Run("send", func(b *testing.B) {
		b.ReportAllocs()
		pid, done := s.system.Root.Spawn(actor.PropsFromFunc(func(actor.Context) {})), 0
		for range b.N {
			s.system.Root.Send(pid, message)
			done++
		}
	})
}

type idleCell struct{}

func (idleCell) Handle(time.Time, endpoint.Event, *endpoint.Effects) {}
func (idleCell) Owns([]byte) bool                                    { return false }
func (idleCell) Busy() bool                                          { return false }
