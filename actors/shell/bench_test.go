//go:build unix

package shell

import (
	"fmt"
	"runtime"
	"syscall"
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

func (w *weight) Knows(wire.Sign) bool { return true }
func (w *weight) Busy() bool           { return false }
func (w *weight) Waiting() bool        { return false }
func (w *weight) Left()                {}

// cpu is the CPU time of the process so far, user and system.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// benchRig is a shell whose committer takes everything at once.
func benchRig(b *testing.B, maxAwake, loops int) (s *Shell, flying chan struct{}) {
	flying = make(chan struct{}, 256)
	commits := make(chan pending, 1024)
	value, answer := make([]byte, 120), make([]byte, 12)
	s, err := New(Options{
		Env: &endpoint.Env{State: newDesk(), Shards: 32}, MaxAwake: maxAwake, Loops: loops, Idle: time.Hour,
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
	leadAll(b, s)
	b.Cleanup(func() { s.Stop(); close(commits) })
	return s, flying
}

// exchanges keeps 256 datagrams of so many devices in flight. What it costs
// to make and to count them is in the figures.
func exchanges(b *testing.B, devices, maxAwake, loops int) {
	s, flying := benchRig(b, maxAwake, loops)
	payload := make([]byte, 48)
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
	before := cpu()
	for i := range b.N {
		deliver(i * 7919 % devices)
	}
	for range cap(flying) {
		flying <- struct{}{}
	}
	b.ReportMetric(float64(cpu()-before)/float64(b.N), "cpu-ns/op")
}

// BenchmarkAwake is an update of a device in memory, 20 000 in all.
func BenchmarkAwake(b *testing.B) {
	for _, loops := range []int{1, 2} {
		b.Run(fmt.Sprint(loops, " loops"), func(b *testing.B) { exchanges(b, 20_000, 50_000, loops) })
	}
}

// BenchmarkFromSleep is an update that loads a cell and passivates another.
func BenchmarkFromSleep(b *testing.B) {
	for _, loops := range []int{1, 2} {
		b.Run(fmt.Sprint(loops, " loops"), func(b *testing.B) { exchanges(b, 20_000, 2_000, loops) })
	}
}

// BenchmarkActor is the share of protoactor alone: what a cell costs as an
// actor, and what it would cost with the mailbox and dispatcher of the library.
func BenchmarkActor(b *testing.B) {
	s, _ := benchRig(b, 0, 1)
	b.Run("life of a cell", func(b *testing.B) {
		b.ReportAllocs()
		cells := make([]*cell, population)
		before := cpu()
		for i := range b.N {
			if c := cells[i%population]; c != nil {
				c.state = nil
				c.stopActor()
			}
			cells[i%population] = spawnCell(b, s, i)
		}
		b.ReportMetric(float64(cpu()-before)/float64(b.N), "cpu-ns/op")
		stopCells(cells)
	})
	b.Run("call of a cell", func(b *testing.B) {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		cells := make([]*cell, population)
		for i := range cells {
			cells[i] = spawnCell(b, s, i)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		message := &call{fx: new(endpoint.Effects)}
		b.ReportAllocs()
		b.ResetTimer()
		start := cpu()
		for i := range b.N {
			cells[i*7919%population].run(message)
		}
		b.ReportMetric(float64(cpu()-start)/float64(b.N), "cpu-ns/op")
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/population, "B/cell")
		stopCells(cells)
	})
	b.Run("life of a plain actor", func(b *testing.B) { plainActors(b, s.system) })
	b.Run("message to a plain actor", func(b *testing.B) { plainMessages(b, s.system) })
}

const population = 20_000

func spawnCell(b *testing.B, s *Shell, n int) *cell {
	l := s.loops[0]
	c := &cell{mailbox: mailbox{loop: l}, id: device(n), state: idleCell{}, index: -1, shard: l.shards[0]}
	if err := l.spawn(c); err != nil {
		b.Fatal(err)
	}
	return c
}

func stopCells(cells []*cell) {
	for _, c := range cells {
		if c != nil {
			c.state = nil
			c.stopActor()
		}
	}
}

type idleCell struct{}

func (idleCell) Handle(time.Time, endpoint.Event, *endpoint.Effects) {}
func (idleCell) Owns([]byte) bool                                    { return false }
func (idleCell) Knows(wire.Sign) bool                                { return true }
func (idleCell) Busy() bool                                          { return false }
func (idleCell) Waiting() bool                                       { return false }
func (idleCell) Left()                                               {}

func plainActors(b *testing.B, system *actor.ActorSystem) {
	b.ReportAllocs()
	stopped := make(chan struct{}, population)
	props := actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(*actor.Stopped); ok {
			stopped <- struct{}{}
		}
	})
	before := cpu()
	for i := range b.N {
		pid, err := system.Root.SpawnNamed(props, CellName(device(i)))
		if err != nil {
			b.Fatal(err)
		}
		system.Root.Stop(pid)
		<-stopped
	}
	b.ReportMetric(float64(cpu()-before)/float64(b.N), "cpu-ns/op")
}

func plainMessages(b *testing.B, system *actor.ActorSystem) {
	b.ReportAllocs()
	seen := make(chan struct{}, 256)
	pids := make([]*actor.PID, population)
	props := actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(*call); ok {
			<-seen
		}
	})
	for i := range pids {
		pids[i] = system.Root.Spawn(props)
	}
	message := &call{}
	b.ResetTimer()
	before := cpu()
	for i := range b.N {
		seen <- struct{}{}
		system.Root.Send(pids[i*7919%population], message)
	}
	b.ReportMetric(float64(cpu()-before)/float64(b.N), "cpu-ns/op")
	for _, pid := range pids {
		system.Root.Stop(pid)
	}
}
