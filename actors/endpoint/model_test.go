package endpoint

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"dormouse/actors/operations"
	"dormouse/codec/coap"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// TestModel lets a device, platform clients, the clock and the node itself do
// whatever they like, in an order that a seed gives, over a network that loses
// and repeats. After every event it looks at what must hold always; at the end
// all become well-behaved, and everything must come to its end.
func TestModel(t *testing.T) {
	runs, steps := 120, 400
	if testing.Short() {
		runs = 20
	}
	for seed := range uint64(runs) {
		first := runModel(t, seed, steps)
		if again := runModel(t, seed, steps); first != again {
			t.Fatalf("seed %d: two runs differ: %x, %x", seed, first, again)
		}
	}
}

// FuzzModel looks for other seeds.
func FuzzModel(f *testing.F) {
	f.Add(uint64(1), uint16(400))
	f.Fuzz(func(t *testing.T, seed uint64, steps uint16) { runModel(t, seed, int(steps%2000)) })
}

// trial is one endpoint with all that it deals with.
type trial struct {
	*world
	seed   uint64
	random *rand.Rand
	device *simulated
	loss   int            // percent of datagrams, each way
	air    []coap.Message // what left and has not arrived
	trace  []string       // the newest events
	sum    uint64         // of all effects
	number int            // of the newest deed
	twice  map[string]bool

	waiting int // replies that were not called
	before  map[ids.Operation]operations.Operation
}

// runModel returns a hash of all that the endpoint wanted.
func runModel(t *testing.T, seed uint64, steps int) uint64 {
	random := rand.New(rand.NewPCG(seed, 1))
	m := &trial{world: newWorld(t), seed: seed, random: random, device: newSimulated(random),
		twice: map[string]bool{}, before: map[ids.Operation]operations.Operation{}}
	m.env.Random = random.Uint32
	m.loss = random.IntN(40)
	defer func() {
		if r := recover(); r != nil {
			m.fail("panic: %v", r)
		}
	}()
	m.register()
	for range steps {
		m.step()
	}
	m.heal()
	return m.sum
}

func (m *trial) fail(format string, args ...any) {
	m.t.Helper()
	m.t.Fatalf("seed %d: %s\nafter\n%s", m.seed, fmt.Sprintf(format, args...), strings.Join(m.trace, "\n"))
}

func (m *trial) note(format string, args ...any) {
	m.trace = append(m.trace, fmt.Sprintf("%s ", m.now.Format("15:04:05.000"))+fmt.Sprintf(format, args...))
	if len(m.trace) > 60 {
		m.trace = m.trace[1:]
	}
}

// step is one thing that happens.
func (m *trial) step() {
	m.start()
	switch n := m.random.IntN(100); {
	case n < 30:
		for range m.random.IntN(8) {
			m.fly()
		}
	case n < 40:
		m.submit()
	case n < 50:
		m.fly()
		m.pass(time.Duration(m.random.IntN(3000)) * time.Millisecond)
	case n < 60:
		m.pass(time.Duration(m.random.IntN(250)) * time.Second)
	case n < 68:
		m.uplink()
	case n < 76:
		m.say(m.device.notify())
	case n < 80:
		m.speakAgain()
	case n < 84:
		m.client()
	case n < 86:
		m.note("device restarts")
		m.air = nil
		m.device.restart()
		m.register()
	case n < 88:
		m.note("node restarts")
		m.e = nil
	case n < 92:
		m.lose = []crash{beforeCommit, afterCommit}[m.random.IntN(2)]
	case n < 94:
		m.full = !m.full
	case n < 97:
		m.garbage()
	default:
		m.deed(Sweep{})
	}
}

// fly brings one datagram to the device, loses it, or brings it twice.
func (m *trial) fly() {
	m.start()
	if len(m.air) == 0 {
		return
	}
	i := 0
	if !m.device.kind {
		i = m.random.IntN(len(m.air))
	}
	d := m.air[i]
	if !m.device.kind && m.device.chance(15) {
		m.note("repeated on the way: %s", m.message(&d))
	} else {
		m.air = append(m.air[:i], m.air[i+1:]...)
	}
	if !m.device.kind && m.device.chance(m.loss) {
		m.note("lost: %s", m.message(&d))
		return
	}
	m.say(m.device.take(m.now, &d))
}

// say sends a message of the device, nil for none, if it is not lost.
func (m *trial) say(msg *coap.Message) {
	if msg == nil || !m.device.kind && m.device.chance(m.loss) {
		return
	}
	peer := "[2001:db8::1]:40000"
	if !m.device.kind && m.device.chance(3) {
		peer = "[2001:db8::2]:40001"
	}
	raw, err := msg.Append(nil)
	if err != nil {
		m.fail("device: %v", err)
	}
	d := &Datagram{}
	if err := d.Parse(wire.ReturnPath{Peer: netip.MustParseAddrPort(peer), Local: netip.MustParseAddr("::1")}, raw); err != nil {
		m.fail("device: %v", err)
	}
	m.deed(d)
}

// speakAgain repeats a separate response, as a device does until it is heard.
func (m *trial) speakAgain() {
	if s := m.device.separate; len(s) > 0 {
		m.say(s[m.random.IntN(len(s))])
	}
}

// pass lets time go by; what is due fires in order.
func (m *trial) pass(d time.Duration) {
	end := m.now.Add(d)
	for range 1000 {
		m.start()
		at, timer := m.wake, m.timer()
		if at.IsZero() || !timer.IsZero() && timer.Before(at) {
			at = timer
		}
		if at.IsZero() || at.After(end) {
			m.to(end)
			return
		}
		m.to(at)
		if !at.Equal(timer) {
			m.deed(Tick{})
			for range m.random.IntN(4) {
				m.fly()
			}
			continue
		}
		if m.deed(Deadline{At: timer.UnixMilli()}) {
			m.store.apply(m.shard.ID, wire.Write{Kind: wire.Delete, Class: wire.ClassTimer, Key: wire.TimerKey(timer, m.shardEndpoint())})
		}
	}
	m.fail("the endpoint wants 1000 ticks within %s", d)
}

// to moves the clock. What is in the air then is lost: a network that delays
// datagrams beyond the memory of the device may do things twice.
func (m *trial) to(at time.Time) {
	if at.After(m.now) {
		m.now, m.air = at, nil
	}
}

func (m *trial) shardEndpoint() ids.Endpoint { return m.env.Key.Endpoint(testName) }

// deed is one event with all that follows, and all that must hold after it.
func (m *trial) deed(ev Event) (committed bool) {
	m.start()
	m.note("%s", describe(m, ev))
	var fx Effects
	m.e.Handle(m.now, ev, &fx)
	m.checkEffects(ev, &fx)
	if lose := m.lose; lose != noCrash && fx.Batch.Len() > 0 {
		m.lose, m.e = noCrash, nil
		m.note("crash %d", lose)
		if lose == beforeCommit {
			for _, r := range fx.Replies {
				r(ErrClosed)
			}
			return false
		}
		m.waiting -= len(fx.Replies) // nobody is left to be told
		m.commitModel(&fx)
		return true
	}
	m.commitModel(&fx)
	for _, s := range fx.Sends {
		var sent coap.Message
		if err := coap.Parse(s.Payload, &sent); err != nil {
			m.fail("sent % x: %v", s.Payload, err)
		}
		m.note("  send %s mid=%d", m.message(&sent), sent.MessageID)
		m.air = append(m.air, *sent.Clone())
	}
	for _, r := range fx.Replies {
		r(nil)
	}
	if m.waiting != 0 {
		m.fail("%d replies too few", m.waiting)
	}
	m.wake = fx.Wake
	m.checkMemory()
	return true
}

func describe(m *trial, ev Event) string {
	switch ev := ev.(type) {
	case *Datagram:
		return fmt.Sprintf("%s %s", ev.Path.Peer, m.message(&ev.Message))
	case *Submit:
		return fmt.Sprintf("submit %.60q retry=%v", ev.Text, ev.Retry)
	}
	return fmt.Sprintf("%T", ev)
}

func (m *trial) commitModel(fx *Effects) {
	m.commit(fx)
	m.out.Reset()
	m.checkStore()
}

// comeToRest lets messages fly until nothing is under way.
func (m *trial) comeToRest() {
	for i := 0; len(m.air) > 0 || m.e.task != nil; i++ {
		if i > 2000 {
			m.fail("it does not come to an end")
		}
		if len(m.air) == 0 {
			m.pass(time.Second)
		}
		m.fly()
	}
}

// heal ends the trouble: the device registers, hears and answers everything.
// Then every operation ends, and every observation is made again.
func (m *trial) heal() {
	m.note("all is well")
	m.lose, m.full, m.device.kind = noCrash, false, true
	m.air = nil
	m.device.restart()
	m.pass(time.Second)
	for wakeUps := 0; wakeUps == 0 || len(m.e.queue) > 0 && wakeUps < 20; wakeUps++ {
		m.register() // again, where the cap of redeliveries was reached
		m.comeToRest()
	}
	m.eachStored(func(op *operations.Operation) {
		if !op.Status.Ended() {
			m.fail("operation %q is %s for ever", op.Text, op.Status)
		}
	})
	if w := m.e.reg().Observations.Waiting(); w >= 0 || m.e.at.Active != 0 || len(m.e.queue) != 0 {
		m.fail("observation %d waits, %d operations are active, %d in the queue", w, m.e.at.Active, len(m.e.queue))
	}
}
