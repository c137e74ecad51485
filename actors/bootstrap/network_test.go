package bootstrap

import (
	"container/heap"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

const testName = "urn:dev:1"

const testID = ids.Endpoint(0x0102030405060708)

var testPath = wire.ReturnPath{Peer: netip.MustParseAddrPort("192.0.2.1:40000"), Listener: 1}

// network is simulated: it loses, doubles and reorders datagrams as its seed says, in a
// time of its own.
type network struct {
	t       testing.TB
	random  *rand.Rand
	now     time.Time
	queue   moments
	loss    float64
	double  float64
	slowest time.Duration
}

type moment struct {
	at    time.Time
	order int
	f     func()
}

type moments []moment

func (m moments) Len() int { return len(m) }
func (m moments) Less(i, j int) bool {
	return m[i].at.Before(m[j].at) || m[i].at.Equal(m[j].at) && m[i].order < m[j].order
}
func (m moments) Swap(i, j int) { m[i], m[j] = m[j], m[i] }
func (m *moments) Push(x any)   { *m = append(*m, x.(moment)) }
func (m *moments) Pop() (last any) {
	last, *m = (*m)[len(*m)-1], (*m)[:len(*m)-1]
	return last
}

func newNetwork(t testing.TB, seed uint64) *network {
	return &network{t: t, random: rand.New(rand.NewPCG(seed, 1)), now: time.UnixMilli(1_793_534_400_000), slowest: 20 * time.Millisecond}
}

var orders int

func (n *network) after(d time.Duration, f func()) {
	orders++
	heap.Push(&n.queue, moment{n.now.Add(d), orders, f})
}

// send puts a datagram on its way.
func (n *network) send(data []byte, to func([]byte)) {
	copies := 1
	if n.random.Float64() < n.double {
		copies = 2
	}
	for range copies {
		if n.random.Float64() < n.loss {
			continue
		}
		c := append([]byte(nil), data...)
		n.after(time.Millisecond+time.Duration(n.random.Int64N(int64(n.slowest))), func() { to(c) })
	}
}

// run goes on until nothing is on its way and nothing is due.
func (n *network) run() {
	for steps := 0; len(n.queue) > 0; steps++ {
		if steps > 200_000 {
			n.t.Fatal("no end after 200000 steps")
		}
		m := heap.Pop(&n.queue).(moment)
		n.now = m.at
		m.f()
	}
}

// crash is what happens to an event that writes.
type crash uint8

const (
	noCrash      crash = iota
	beforeCommit       // it never was
	afterCommit        // it is stored, and that is all
)

// node runs one session: its memory, and what outlives it.
type node struct {
	net      *network
	env      *Env
	config   *Config
	err      error
	s        *Session // nil: not in memory
	record   []byte
	alarm    time.Time
	sealed   bool
	identity string
	device   func([]byte)

	fails    func() crash // asked at each event
	events   int
	notices  []Notice
	results  []*Result
	restarts int
	random   uint32
}

func (nd *node) Config(string) (*Config, error) {
	if nd.err != nil {
		return nil, nd.err
	}
	return nd.config, nil
}

func newNode(n *network, c *Config) *node {
	nd := &node{net: n, config: c}
	nd.env = &Env{Configs: nd, Random: func() uint32 { nd.random = nd.random*1664525 + 1013904223 + n.random.Uint32(); return nd.random }}
	return nd
}

func (nd *node) session() *Session {
	if nd.s != nil {
		return nd.s
	}
	if nd.record == nil {
		nd.s = New(nd.env, testID, testName)
		return nd.s
	}
	s, err := Load(nd.env, testID, nd.record)
	if err != nil {
		nd.net.t.Fatal(err)
	}
	nd.s = s
	return s
}

// handle does as the effect rule says, unless it dies in between.
func (nd *node) handle(ev Event) {
	var fx Effects
	s := nd.session()
	before := s.Phase()
	s.Handle(nd.net.now, ev, &fx)
	nd.events++
	died := noCrash
	if nd.fails != nil {
		died = nd.fails()
	}
	if died == beforeCommit {
		nd.die()
		return
	}
	nd.judge(before, &fx)
	if fx.Record != nil {
		nd.record = fx.Record
	}
	nd.alarm = fx.Alarm
	if died == afterCommit {
		nd.die()
		return
	}
	for _, send := range fx.Sends {
		if send.Sealed != nd.sealed {
			nd.net.t.Errorf("a datagram is sealed: %v", send.Sealed)
		}
		nd.net.send(send.Payload, nd.device)
	}
	nd.notices = append(nd.notices, fx.Notices...)
	if fx.Result != nil {
		nd.results = append(nd.results, fx.Result)
	}
	nd.schedule(fx.Wake)
}

// judge holds an event against the effect rule: a request that is new to the device
// leaves with a record that names it.
func (nd *node) judge(before Phase, fx *Effects) {
	for _, send := range fx.Sends {
		var m coap.Message
		if err := coap.Parse(send.Payload, &m); err != nil {
			nd.net.t.Errorf("%x: %v", send.Payload, err)
		}
		stored := fx.Record
		if stored == nil {
			stored = nd.record
		}
		if !m.Code.IsRequest() {
			continue
		}
		r, _, err := parseRecord(stored)
		if err != nil || r.Token != string(m.Token) || int16(r.Message-m.MessageID) < 0 {
			nd.net.t.Errorf("%s %s leaves without a record of it: %+v, %v", m.Code, m.Path(), r, err)
		}
	}
	if before == Running && nd.s.Phase() != Running && fx.Record == nil {
		nd.net.t.Error("a session ends without a record of it")
	}
}

func (nd *node) schedule(at time.Time) {
	if at.IsZero() {
		return
	}
	s := nd.s
	nd.net.after(at.Sub(nd.net.now), func() {
		if nd.s == s && s != nil && !s.wake().After(nd.net.now) && !s.wake().IsZero() {
			nd.handle(Tick{})
		}
	})
}

// die loses the memory. The node comes back after a while, and takes up what is stored.
func (nd *node) die() {
	nd.s = nil
	nd.restarts++
	nd.net.after(time.Duration(nd.net.random.Int64N(int64(5*time.Second))), nd.restart)
}

func (nd *node) restart() {
	if nd.s == nil && nd.record != nil {
		nd.handle(Tick{})
	}
}

func (nd *node) receive(data []byte) {
	d := &Datagram{Path: testPath, Sealed: nd.sealed, Identity: nd.identity}
	if err := coap.Parse(data, &d.Message); err != nil {
		nd.net.t.Fatalf("%x: %v", data, err)
	}
	nd.handle(d)
	clear(data) // nobody may keep it
}

// connect joins a node with a device.
func connect(nd *node, d *device) {
	nd.device = func(data []byte) {
		var m coap.Message
		if err := coap.Parse(data, &m); err != nil {
			nd.net.t.Fatalf("%x: %v", data, err)
		}
		d.receive(m.Clone())
	}
	d.send = func(m *coap.Message) {
		data, err := m.Append(nil)
		if err != nil {
			nd.net.t.Fatal(err)
		}
		nd.net.send(data, nd.receive)
	}
}
