package endpoint

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"dormouse/actors/observe"
	"dormouse/actors/operations"
	"dormouse/codec/coap"
	"dormouse/codec/exchange"
	"dormouse/codec/ids"
	"dormouse/codec/platform"
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

func (m *trial) request(code coap.Code, path string, queries ...string) *coap.Message {
	msg := &coap.Message{Type: coap.Confirmable, Code: code, MessageID: m.device.nextMID(), Token: []byte{byte(m.device.mid)}}
	if m.device.chance(10) && !m.device.kind {
		msg.Type = coap.NonConfirmable
	}
	msg.AddPath(path)
	for _, q := range queries {
		msg.AddString(coap.OptUriQuery, q)
	}
	return msg
}

// register makes the device register, in one message or in blocks.
func (m *trial) register() {
	q := []string{"ep=" + testName, fmt.Sprintf("lt=%d", []int{0, 20, 300, 86400}[m.random.IntN(4)]), "lwm2m=1.1"}
	if m.random.IntN(2) == 0 {
		q = append(q, "Q")
	}
	if m.random.IntN(4) == 0 {
		q = append(q, "at=20000")
	}
	body := `</>;rt="oma.lwm2m";ct="110",</1/0>,</3/0>,</16/0>,</3303/0>`
	if m.device.kind || m.random.IntN(3) > 0 {
		msg := m.request(coap.POST, "rd", q...)
		msg.AddUint(coap.OptContentFormat, 40)
		msg.Payload = []byte(body)
		m.say(msg)
		if m.random.IntN(5) == 0 {
			m.say(msg)
		}
		return
	}
	for i := 0; i*32 < len(body); i++ {
		msg := m.request(coap.POST, "rd", q...)
		msg.AddUint(coap.OptContentFormat, 40)
		msg.AddBlock(coap.OptBlock1, coap.Block{Num: uint32(i), More: (i+1)*32 < len(body), SZX: 1})
		msg.Payload = []byte(body[i*32 : min(len(body), (i+1)*32)])
		m.say(msg)
	}
}

// uplink is a request of a device that thinks it is registered.
func (m *trial) uplink() {
	if !m.device.hears {
		m.register()
		return
	}
	location := "rd/" + ids.Location{Endpoint: m.e.id, Count: uint8(m.e.at.Count)}.String()
	switch m.random.IntN(8) {
	case 0:
		m.say(m.request(coap.POST, location, "lt=60"))
	case 1:
		m.say(m.request(coap.POST, location, "b=UX"))
	case 2:
		m.say(m.request(coap.DELETE, location))
	case 3, 4:
		msg := m.request(coap.POST, "dp")
		msg.AddUint(coap.OptContentFormat, 110)
		msg.Payload = m.device.value("3303/0/5700")
		m.say(msg)
	default:
		m.say(m.request(coap.POST, location))
	}
}

// garbage is what no device should say.
func (m *trial) garbage() {
	msg := &coap.Message{Type: coap.Type(m.random.IntN(4)), Code: coap.Code(m.random.IntN(256)), MessageID: uint16(m.random.Uint32())}
	if msg.Code != coap.Empty {
		msg.Token = make([]byte, m.random.IntN(9))
		msg.AddUint(coap.OptObserve, m.random.Uint32()&0xffffff)
		if m.random.IntN(2) == 0 {
			msg.Add(coap.OptBlock2, []byte{byte(m.random.Uint32())})
		}
		msg.Payload = []byte("x")
	}
	m.say(msg)
}

// submit creates an operation. Each deed has a number of its own.
func (m *trial) submit() {
	m.number++
	n, retry := m.number, m.random.IntN(6) == 0
	long := strings.Repeat("x", 1500)
	commands := []string{
		fmt.Sprintf("execute /3/0/4 0='%d'", n), fmt.Sprintf(`create /16 {"id":%d,"0/0":"%s"}`, n, long),
		"read /3/0/9", "read /3/0", "read /3/0/7", "observe /3/0/7", "discover /3", "write /1/0/1 60", "write /16/0/0/0 " + long,
		"observe /3303/0/5700", "observe /3/0/9", "cobserve /3/0/9 /3303/0/5700", "cread /1/0 /3/0",
		"cancelobservation /3/0/9", "cancelobservation /3303/0/5700 /3/0/9", "cancelobservation -p /3303/0/5700",
		"writeattr /3/0/9 pmin=5&pmax=10", "writeattr /3/0/9 pmin&pmax&cancel", "serialization SENML_JSON",
		fmt.Sprintf("execute /3/0/4 0='%d'", n), fmt.Sprintf(`create /16 {"id":%d,"0/0":"a"}`, n), fmt.Sprintf("delete /16/%d", n),
		fmt.Sprintf(`create /16 {"id":%d,"0/0":"%s"}`, n, long),
		fmt.Sprintf("read /3/0/9\nexecute /3/0/5 0='%d'\ndelete /16/%d\nread /1/0/1", n, n),
	}
	text := commands[m.random.IntN(len(commands))]
	if retry {
		for _, deed := range []string{"execute %d", "create %d", "delete 16/%d"} {
			m.twice[fmt.Sprintf(deed, n)] = true
		}
	}
	m.deed(&Submit{Text: text, Retry: retry, Reply: m.replied()})
}

func (m *trial) replied() func(OperationView, error) {
	m.waiting++
	return func(OperationView, error) { m.waiting-- }
}

func (m *trial) done() func(error) {
	m.waiting++
	return func(error) { m.waiting-- }
}

// client is a platform client that interferes.
func (m *trial) client() {
	id := ids.Operation(m.random.Uint64())
	if len(m.ops) > 0 {
		id = m.ops[max(0, len(m.ops)-1-m.random.IntN(5))]
	}
	switch m.random.IntN(12) {
	case 0, 1, 2:
		m.deed(&SetOperation{ID: id, Status: []string{"FAILED", "PENDING", "nonsense"}[m.random.IntN(3)], Reply: m.replied()})
	case 3, 4:
		m.deed(&DropOperation{ID: id, Reply: m.done()})
	case 5:
		m.deed(&Remove{Reply: m.done()})
		m.device.restart()
	default:
		list, err := platform.ParseFragments([]byte([]string{`{"awakeTimeRegistrationParameter":0}`, `{"awakeTimeRegistrationParameter":null}`,
			`{"lwm2mRequestTimeout":10000}`, `{"lwm2mRequestTimeout":300000,"note":"x"}`, `{"serializationFormat":"TLV"}`}[m.random.IntN(5)]))
		if err != nil {
			m.fail("%v", err)
		}
		m.deed(&SetFragments{Fragments: list, Reply: m.done()})
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

// checkEffects looks at one Handle: at most one request leaves, a Confirmable
// request of the device has one answer, and the sum is the same in every run.
func (m *trial) checkEffects(ev Event, fx *Effects) {
	h := fnv.New64a()
	h.Write(binary.BigEndian.AppendUint64(nil, m.sum))
	h.Write(fx.Batch.Bytes())
	requests, answers := 0, 0
	d, _ := ev.(*Datagram)
	for _, s := range fx.Sends {
		h.Write(s.Payload)
		var sent coap.Message
		if err := coap.Parse(s.Payload, &sent); err != nil {
			m.fail("sent % x: %v", s.Payload, err)
		}
		if sent.Code.IsRequest() {
			requests++
		}
		if d != nil && sent.Type == coap.Acknowledgement && sent.MessageID == d.Message.MessageID {
			answers++
		}
	}
	m.sum = h.Sum64()
	if requests > 1 {
		m.fail("%d requests at once", requests)
	}
	if d != nil && d.Message.Type == coap.Confirmable && d.Message.Code.IsRequest() && answers != 1 {
		m.fail("%d answers", answers)
	}
}

// checkMemory looks at what the endpoint holds, and at what it would be if it
// were loaded now.
func (m *trial) checkMemory() {
	e := m.e
	busy := e.client != nil && e.client.Busy()
	if (e.task != nil) != busy || busy && m.wake.IsZero() {
		m.fail("task %v, client busy %v, wake %v", e.task != nil, busy, m.wake)
	}
	if !e.known {
		return
	}
	r := e.reg()
	if len(e.queue) > m.env.Config.MaxQueued || len(r.Observations) > observe.MaxObservations ||
		len(e.fetches) > len(r.Observations) || e.answers.Len() > exchange.MaxAnswers || len(e.at.Marks) > len(r.Observations) {
		m.fail("%d operations, %d observations, %d fetches, %d answers, %d marks", len(e.queue), len(r.Observations), len(e.fetches), e.answers.Len(), len(e.at.Marks))
	}
	loaded, err := LoadFrom(m.shard, e.id)
	if err != nil {
		m.fail("load: %v", err)
	}
	if a, b := loaded.reg().Append(nil), r.Append(nil); !bytes.Equal(a, b) {
		m.fail("the registration that is stored differs:\n%x\n%x", a, b)
	}
	kept, stored := e.at, loaded.at
	kept.MessageID, stored.MessageID = 0, 0 // ahead by refusals that are not stored
	if a, b := stored.Append(nil), kept.Append(nil); !bytes.Equal(a, b) {
		m.fail("the contact that is stored differs:\n%x\n%x", a, b)
	}
}

// checkStore looks at what is committed: counts and indexes agree, operations
// move along their statuses, and nothing was done twice.
func (m *trial) checkStore() {
	count := map[wire.Class]int{}
	for k := range m.store {
		count[wire.Class(k[0])]++
	}
	now, active := map[ids.Operation]operations.Operation{}, 0
	m.eachStored(func(op *operations.Operation) {
		now[op.ID] = *op
		if !op.Status.Ended() {
			active++
		}
		if was, ok := m.before[op.ID]; ok {
			m.checkMove(&was, op)
		}
	})
	m.before = now
	if active != count[wire.ClassActive] || len(now) != count[wire.ClassByDevice] {
		m.fail("%d active of %d operations, %d and %d in the indexes", active, len(now), count[wire.ClassActive], count[wire.ClassByDevice])
	}
	if raw, found, _ := m.store.Get(m.shard.ID, wire.ClassContact, wire.EndpointKey(m.shardEndpoint()), nil); found {
		var c Contact
		if err := c.Parse(raw); err != nil || int(c.Active) != active || int(c.Values) != count[wire.ClassValue] {
			m.fail("contact says %d active, %d values; there are %d, %d (%v)", c.Active, c.Values, active, count[wire.ClassValue], err)
		}
	}
	for deed, times := range m.device.did {
		if times > 1 && !m.twice[deed] && !strings.HasPrefix(deed, "update") {
			m.fail("%q was done %d times", deed, times)
		}
	}
}

func (m *trial) eachStored(f func(*operations.Operation)) {
	_ = m.store.Scan(m.shard.ID, wire.ClassOperation, nil, nil, false, func(_, value []byte) bool {
		op, err := operations.Parse(value)
		if err != nil {
			m.fail("%x: %v", value, err)
		}
		f(op)
		return true
	})
}

func (m *trial) checkMove(was, is *operations.Operation) {
	switch {
	case was.Status.Ended() && was.Status != is.Status:
		m.fail("operation moved from %s to %s", was.Status, is.Status)
	case is.Line < was.Line || was.Status.Ended() && is.Line != was.Line:
		m.fail("operation moved from line %d to %d", was.Line, is.Line)
	case was.Results != "" && !strings.HasPrefix(is.Results, was.Results[:len(was.Results)-1]):
		m.fail("results were %s and are %s", was.Results, is.Results)
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
	m.register()
	for i := 0; len(m.air) > 0 || m.e.task != nil; i++ {
		if i > 2000 {
			m.fail("it does not come to an end")
		}
		if len(m.air) == 0 {
			m.pass(time.Second)
		}
		m.fly()
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
