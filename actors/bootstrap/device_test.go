package bootstrap

import (
	"math/rand/v2"
	"slices"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/content"
	"dormouse/codec/exchange"
	"dormouse/codec/lwm2m"
)

// habits are what kinds of clients do differently.
type habits struct {
	account  uint16    // instance of /0 of its bootstrap account
	discover coap.Code // answer to a Discover, 2.05 for one that lists
	silent   bool      // acknowledges a Discover and never answers it
	listing  string    // the beginning of the list: `</>;lwm2m=1.1`
	pct      string    // "&pct=112", "" for 1.0
	knows    []lwm2m.Format
	strict   bool          // rejects requests before its own was answered
	separate bool          // answers separately, Confirmable
	delay    time.Duration // before a separate answer
	size     int           // of its blocks
	whole    bool          // refuses an instance of /0 without resources 3, 4, 5
	pack     bool          // asks for a pack first
	noEP     bool          // leaves its name to the DTLS session
	refuses  map[string]coap.Code
	attempts int // Bootstrap-Requests until it gives up
}

// device is a client of the bootstrap interface. What it does carelessly it does on
// purpose: it lets its own account be overwritten.
type device struct {
	habits
	net    *network
	name   string
	send   func(*coap.Message)
	random *rand.Rand

	stored  map[lwm2m.Path]lwm2m.Value // survives a restart
	working map[lwm2m.Path]lwm2m.Value // of the session
	state   deviceState
	began   time.Time
	epoch   int // restarts: what was planned before is void

	mid     uint16
	seen    map[uint16]*coap.Message // answered or at work (nil), by message ID
	upload  exchange.Upload
	request *coap.Message // its own, unanswered
	acks    map[uint16]bool
	packed  []byte
	asked   []string // what was asked of it, each once
	formats []lwm2m.Format
	inwork  int // requests that it has not answered
	overlap bool
	tries   int
}

type deviceState uint8

const (
	deviceIdle deviceState = iota
	deviceAsks
	deviceOpen // its request was answered
	deviceDone
	deviceGone // gave up
)

func newDevice(n *network, h habits) *device {
	d := &device{habits: h, net: n, name: testName, random: n.random, stored: map[lwm2m.Path]lwm2m.Value{}}
	at := lwm2m.NewPath(0, h.account)
	for _, node := range securityNodes(at, "coap://bs.example.com:5683", true, &Security{Mode: NoSec}, 0) {
		d.stored[node.Path] = node.Value
	}
	d.stored[lwm2m.NewPath(3, 0, 0)] = lwm2m.String("dormouse")
	d.boot()
	return d
}

// boot forgets all but what is stored.
func (d *device) boot() {
	d.epoch++
	d.mid = uint16(d.random.Uint32())
	d.seen, d.acks = map[uint16]*coap.Message{}, map[uint16]bool{}
	d.upload, d.request, d.working, d.packed, d.inwork = exchange.Upload{}, nil, nil, nil, 0
	if d.state != deviceDone {
		d.state = deviceIdle
	}
}

func (d *device) after(t time.Duration, f func()) {
	epoch := d.epoch
	d.net.after(t, func() {
		if d.epoch == epoch {
			f()
		}
	})
}

// begin sends a Bootstrap-Request, or gives up after some of them.
func (d *device) begin() {
	if d.state == deviceDone {
		return
	}
	if d.tries++; d.tries > max(d.attempts, 1) {
		d.state = deviceGone
		return
	}
	d.state, d.working = deviceAsks, clone(d.stored)
	if d.pack && d.packed == nil {
		d.askPack(0)
		return
	}
	m := d.own(coap.POST, "bs")
	if d.pct != "" {
		m.AddString(coap.OptUriQuery, d.pct)
	}
	d.transmit(m)
}

func (d *device) own(method coap.Code, path string) *coap.Message {
	d.mid++
	m := &coap.Message{Type: coap.Confirmable, Code: method, MessageID: d.mid, Token: []byte{byte(d.random.Uint32()), byte(d.random.Uint32()), byte(d.tries)}}
	m.AddPath(path)
	if !d.noEP {
		m.AddString(coap.OptUriQuery, "ep="+d.name)
	}
	return m
}

func (d *device) askPack(num uint32) {
	m := d.own(coap.GET, "bspack")
	m.AddUint(coap.OptAccept, uint32(lwm2m.FormatSenMLCBOR))
	if num > 0 {
		m.AddBlock(coap.OptBlock2, coap.Block{Num: num, SZX: coap.SZXFor(d.size)})
	}
	d.transmit(m)
}

// transmit repeats a request of its own until it is answered.
func (d *device) transmit(m *coap.Message) {
	d.request = m
	d.repeat(m, 2*time.Second, 4, func() bool { return d.request == m }, func() { d.request = nil; d.after(20*time.Second, d.begin) })
}

func (d *device) repeat(m *coap.Message, wait time.Duration, left int, open func() bool, lost func()) {
	d.send(m)
	d.after(wait, func() {
		switch {
		case !open():
		case left == 0:
			lost()
		default:
			d.repeat(m, 2*wait, left-1, open, lost)
		}
	})
}

// receive takes a message of the server.
func (d *device) receive(m *coap.Message) {
	switch {
	case m.Type == coap.Acknowledgement || m.Type == coap.Reset:
		if q := d.request; q != nil && q.MessageID == m.MessageID && m.Code.IsResponse() && m.Is(q.Token) {
			d.request = nil
			d.answered(q, m)
		}
		d.acks[m.MessageID] = true
	case m.Code.IsRequest():
		d.served(m)
	}
}

// answered takes the answer to its own request.
func (d *device) answered(q, m *coap.Message) {
	switch {
	case q.Path() == "bspack" && m.Code == coap.Content:
		b, _, _ := m.Block(coap.OptBlock2)
		d.packed = append(d.packed, m.Payload...)
		if b.More {
			d.size = min(d.size, b.Size())
			d.askPack(uint32(len(d.packed) / d.size))
			return
		}
		d.tookPack()
	case q.Path() == "bspack":
		d.packed = []byte{}
		d.tries--
		d.begin()
	case m.Code == coap.Changed:
		d.state, d.began = deviceOpen, d.net.now
		mine := d.tries
		d.after(Lifetime, func() {
			if d.state == deviceOpen && d.tries == mine {
				d.begin()
			}
		})
	default:
		d.state = deviceGone
	}
}

func (d *device) tookPack() {
	nodes, err := content.Decode(lwm2m.FormatSenMLCBOR, lwm2m.Path{}, d.packed, options(true))
	if err != nil {
		d.net.t.Errorf("pack: %v", err)
	}
	// A pack is the whole: what was there before goes.
	for _, object := range []uint16{0, 1, 2} {
		d.remove(lwm2m.NewPath(object))
	}
	for _, n := range nodes {
		d.working[n.Path] = n.Value
	}
	if d.consistent() {
		d.stored, d.state = d.working, deviceDone
	}
}

// served does a request once and answers its repetitions alike.
func (d *device) served(m *coap.Message) {
	if before, seen := d.seen[m.MessageID]; seen {
		if before != nil {
			d.send(before)
		}
		return
	}
	// No client ends what it has not begun, or takes more behind the end.
	early := d.state == deviceAsks && (d.strict || m.Code == coap.POST)
	if early || d.state == deviceIdle || d.state == deviceGone || d.state == deviceDone {
		d.seen[m.MessageID] = exchange.Rst(m)
		d.send(d.seen[m.MessageID])
		return
	}
	if d.inwork > 0 {
		d.overlap = true
	}
	m = m.Clone()
	if m.Code == coap.GET && m.Path() == "" && d.silent {
		d.note(m)
		d.seen[m.MessageID] = exchange.Ack(m)
		d.send(d.seen[m.MessageID])
		return
	}
	if !d.separate {
		a := exchange.Reply(m, d.act(m), &exchange.MIDs{})
		d.seen[m.MessageID] = a
		d.send(a)
		return
	}
	d.seen[m.MessageID] = exchange.Ack(m)
	d.send(d.seen[m.MessageID])
	d.inwork++
	d.after(d.delay, func() {
		d.inwork--
		a := exchange.Reply(m, d.act(m), &exchange.MIDs{})
		d.mid++
		a.Type, a.MessageID = coap.Confirmable, d.mid
		delete(d.acks, a.MessageID)
		d.repeat(a, 2*time.Second, 4, func() bool { return !d.acks[a.MessageID] }, func() {})
	})
}

func (d *device) note(m *coap.Message) {
	d.asked = append(d.asked, methods[m.Code]+" /"+m.Path())
	d.formats = append(d.formats, m.ContentFormat())
}

var methods = map[coap.Code]string{coap.GET: "GET", coap.PUT: "PUT", coap.DELETE: "DELETE", coap.POST: "POST"}

// act does a request.
func (d *device) act(m *coap.Message) exchange.Answer {
	body, whole, a := d.upload.Handle(d.net.now, m, 1<<16)
	if !whole {
		return *a
	}
	if b, blocked, _ := m.Block(coap.OptBlock2); !blocked || b.Num == 0 {
		d.note(m)
	}
	if code, refused := d.refuses[methods[m.Code]+" /"+m.Path()]; refused {
		return exchange.Answer{Code: code}
	}
	path, err := lwm2m.ParsePath("/" + m.Path())
	switch {
	case m.Code == coap.POST && m.Path() == "bs":
		return d.finish()
	case err != nil:
		return exchange.Answer{Code: coap.BadRequest}
	case m.Code == coap.GET && path.IsRoot():
		return d.list(m)
	case m.Code == coap.GET:
		return d.get(m, path)
	case m.Code == coap.DELETE:
		return d.remove(path)
	case m.Code == coap.PUT:
		return d.put(m, path, body)
	}
	return exchange.Answer{Code: coap.MethodNotAllowed}
}

func (d *device) list(m *coap.Message) exchange.Answer {
	if d.discover != coap.Content {
		return exchange.Answer{Code: d.discover}
	}
	text := d.listing
	for _, p := range d.instances() {
		text += ",<" + p.String() + ">"
		if ssid, ok := d.working[p.Child(10)]; ok && p.Object() == 0 {
			text += ";ssid=" + ssid.String()
		}
	}
	return exchange.Slice(m, exchange.Answer{Code: coap.Content, Format: lwm2m.FormatLink, Payload: []byte(text)}, d.size)
}

func (d *device) instances() (list []lwm2m.Path) {
	for p := range d.working {
		if at := p.Prefix(2); !slices.Contains(list, at) {
			list = append(list, at)
		}
	}
	slices.SortFunc(list, lwm2m.Path.Compare)
	return list
}

func (d *device) get(m *coap.Message, path lwm2m.Path) exchange.Answer {
	if path.Object() != 1 && path.Object() != 2 {
		return exchange.Answer{Code: coap.MethodNotAllowed}
	}
	var nodes []lwm2m.Node
	for p, v := range d.working {
		if path.Contains(p) {
			nodes = append(nodes, lwm2m.Node{Path: p, Value: v})
		}
	}
	payload, err := content.Append(nil, m.Accept(), path, nodes, options(false))
	if err != nil {
		return exchange.Answer{Code: coap.NotAcceptable}
	}
	return exchange.Slice(m, exchange.Answer{Code: coap.Content, Format: m.Accept(), Payload: payload}, d.size)
}

// remove keeps the account when its object goes, and not when it is named.
func (d *device) remove(path lwm2m.Path) exchange.Answer {
	found := false
	for p := range d.working {
		if !path.Contains(p) || path.Len() < 2 && (p.Object() == 3 || p.Prefix(2) == lwm2m.NewPath(0, d.account)) {
			continue
		}
		found = true
		delete(d.working, p)
	}
	if !found && path.Object() != 0 {
		return exchange.Answer{Code: coap.NotFound}
	}
	return exchange.Answer{Code: coap.Deleted}
}

func (d *device) put(m *coap.Message, path lwm2m.Path, body []byte) exchange.Answer {
	f := m.ContentFormat()
	if !slices.Contains(d.knows, f) {
		return exchange.Answer{Code: coap.UnsupportedContentFormat}
	}
	nodes, err := content.Decode(f, path, body, options(false))
	if err != nil || path.Len() != 2 {
		return exchange.Answer{Code: coap.BadRequest}
	}
	values := map[uint16]bool{}
	for _, n := range nodes {
		values[n.Path.Resource()] = true
	}
	if d.whole && path.Object() == 0 && !(values[3] && values[4] && values[5]) {
		return exchange.Answer{Code: coap.BadRequest}
	}
	for p := range d.working {
		if path.Contains(p) {
			delete(d.working, p)
		}
	}
	for _, n := range nodes {
		d.working[n.Path] = n.Value
	}
	return exchange.Answer{Code: coap.Changed}
}

// finish checks what the specification asks of a configuration (OMA Core 6.1.7.6).
func (d *device) finish() exchange.Answer {
	if !d.consistent() {
		return exchange.Answer{Code: coap.NotAcceptable}
	}
	d.stored, d.state = clone(d.working), deviceDone
	return exchange.Answer{Code: coap.Changed}
}

// consistent: each server has an account and the other way round, no two the same, and
// what is mandatory is there.
func (d *device) consistent() bool {
	ids := map[string]int{}
	servers := 0
	for _, at := range d.instances() {
		has := func(resources ...uint16) bool {
			return !slices.ContainsFunc(resources, func(r uint16) bool { _, ok := d.working[at.Child(r)]; return !ok })
		}
		switch at.Object() {
		case 0:
			if !has(0, 1, 2, 3, 4, 5) {
				return false
			}
			if !d.working[at.Child(1)].Bool() {
				ids[d.working[at.Child(10)].String()]++
			}
		case 1:
			servers++
			if !has(0, 1, 6, 7) || ids[d.working[at.Child(0)].String()] != 1 {
				return false
			}
		}
	}
	return servers > 0 && servers == len(ids)
}

func clone(m map[lwm2m.Path]lwm2m.Value) map[lwm2m.Path]lwm2m.Value {
	c := make(map[lwm2m.Path]lwm2m.Value, len(m))
	for p, v := range m {
		c[p] = v
	}
	return c
}
