package endpoint

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"dormouse/actors/operations"
	"dormouse/codec/coap"
	"dormouse/codec/ids"
	"dormouse/codec/link"
	"dormouse/codec/lwm2m"
	"dormouse/codec/model"
	"dormouse/codec/platform"
	"dormouse/codec/wire"
)

// TestScenarios plays testdata/*.txt: what a device and platform clients do,
// and all that the endpoint wants done about it. Commands:
//
//	config name=value          before the first message
//	device [from=addr]         one CoAP message a line, see parseMessage
//	submit [retry]             one command, of all lines
//	set id=n status=S          change an operation (n: 1 for the first made)
//	drop id=n                  delete an operation
//	fragments                  JSON of the managed object
//	remove | sweep
//	advance 5s                 the clock; ticks and durable timers fire in order
//	restart                    the memory is lost, the store is not
//	crash                      the next event's commit is lost, and the memory
//	crash after                the next event is committed; nothing leaves, and the memory is lost
//	full | space               the disk
//	show [device] [operations] [values] [id=n]
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		w := newWorld(t)
		datadriven.RunTest(t, path, w.run)
	})
}

// world is one endpoint with its store, clock and counterparts.
type world struct {
	t      *testing.T
	env    *Env
	store  memory
	now    time.Time
	shard  *Shard
	e      *Endpoint
	wake   time.Time
	random uint32
	full   bool
	lose   crash
	peer   string
	ops    []ids.Operation
	asked  []asked // requests that were sent, each once
	out    strings.Builder
}

// asked is a request of the endpoint.
type asked struct {
	mid   uint16
	token string
	text  string
}

// crash is what happens to the next event that writes.
type crash uint8

const (
	noCrash      crash = iota
	beforeCommit       // it never was
	afterCommit        // it is stored, and that is all
)

const testName = "urn:dev:1"

func newWorld(t *testing.T) *world {
	w := &world{t: t, store: memory{}, now: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC), peer: "[2001:db8::1]:40000"}
	w.env = &Env{
		Config: Config{AcceptUnknown: true, AwakeTime: -1, RequestTimeout: 180 * time.Second, MaxRequestTimeout: 600 * time.Second,
			LifetimeGrace: time.Minute, MaxPending: 2, MaxQueued: 5, StarvedAfter: 48 * time.Hour},
		State: w.store, Shards: 4, Model: model.Core(),
		Random: func() uint32 { w.random++; return w.random },
		Full:   func() bool { return w.full },
	}
	return w
}

// start loads the endpoint at the first event, or after a restart.
func (w *world) start() {
	if w.e != nil {
		return
	}
	id := w.env.Key.Endpoint(testName)
	var err error
	if w.shard, err = NewShard(w.env, w.env.Shards.Of(id)); err != nil {
		w.t.Fatal(err)
	}
	if w.e, err = LoadFrom(w.shard, id); err != nil {
		w.t.Fatal(err)
	}
	w.wake = w.e.wake()
}

func (w *world) run(t *testing.T, d *datadriven.TestData) string {
	w.t = t
	w.out.Reset()
	switch d.Cmd {
	case "config":
		w.config(d)
	case "device":
		peer := w.peer
		if d.HasArg("from") {
			d.ScanArgs(t, "from", &peer)
		}
		for _, line := range strings.Split(strings.TrimSpace(d.Input), "\n") {
			w.receive(peer, line)
		}
	case "advance":
		dur, err := time.ParseDuration(d.CmdArgs[0].Key)
		if err != nil {
			t.Fatal(err)
		}
		w.advance(dur)
	case "restart":
		w.e = nil
		w.start()
		w.printf("%s", "loaded")
	case "crash":
		w.lose = beforeCommit
		if d.HasArg("after") {
			w.lose = afterCommit
		}
	case "full":
		w.full = true
	case "space":
		w.full = false
	case "show":
		w.show(d)
	default:
		w.client(d)
	}
	return w.out.String()
}

func (w *world) config(d *datadriven.TestData) {
	c := &w.env.Config
	for _, a := range d.CmdArgs {
		var err error
		switch v := a.Vals[0]; a.Key {
		case "accept":
			c.AcceptUnknown, err = strconv.ParseBool(v)
		case "awake":
			c.AwakeTime, err = time.ParseDuration(v)
		case "pending":
			c.MaxPending, err = strconv.Atoi(v)
		case "profile":
			c.Profiles = map[string]link.ObjectList{}
			c.Profiles["1:aa"], err = link.ParseObjects([]byte(strings.Join(a.Vals, ",")))
		default:
			err = errors.New("unknown setting")
		}
		if err != nil {
			w.t.Fatalf("%s: %v", a.Key, err)
		}
	}
}

// client plays the platform's side.
func (w *world) client(d *datadriven.TestData) {
	reply := func(op OperationView, err error) {
		if err != nil {
			w.printf("reply: %v", err)
			return
		}
		w.printf("reply: operation %d %s", w.number(op.ID), op.Status)
	}
	done := func(err error) { w.printf("reply: %v", err) }
	switch d.Cmd {
	case "submit":
		w.handle(&Submit{Text: d.Input, Retry: d.HasArg("retry"), Reply: reply})
	case "set":
		var n int
		var status string
		d.ScanArgs(w.t, "id", &n)
		d.ScanArgs(w.t, "status", &status)
		w.handle(&SetOperation{ID: w.ops[n-1], Status: status, Reply: reply})
	case "drop":
		var n int
		d.ScanArgs(w.t, "id", &n)
		w.handle(&DropOperation{ID: w.ops[n-1], Reply: done})
	case "fragments":
		list, err := platform.ParseFragments([]byte(d.Input))
		if err != nil {
			w.t.Fatal(err)
		}
		w.handle(&SetFragments{Fragments: list, Reply: done})
	case "remove":
		w.handle(&Remove{Reply: done})
	case "sweep":
		w.handle(Sweep{})
	default:
		w.t.Fatalf("%s: unknown command %s", d.Pos, d.Cmd)
	}
}

// number is 1 for the first operation that was stored.
func (w *world) number(id ids.Operation) int { return slices.Index(w.ops, id) + 1 }

func (w *world) printf(format string, args ...any) { fmt.Fprintf(&w.out, format+"\n", args...) }

// handle gives one event to the endpoint and does what it wants, in the order
// of the effect rule.
func (w *world) handle(ev Event) (committed bool) {
	w.start()
	var fx Effects
	w.e.Handle(w.now, ev, &fx)
	if lose := w.lose; lose != noCrash && (fx.Batch.Len() > 0 || len(fx.Signposts) > 0) {
		w.lose, w.e = noCrash, nil
		if lose == afterCommit {
			w.commit(&fx)
			w.printf("nothing leaves")
			return true
		}
		for _, r := range fx.Replies {
			r(ErrClosed)
		}
		w.printf("commit lost")
		return false
	}
	w.commit(&fx)
	for _, s := range fx.Sends {
		var m coap.Message
		if err := coap.Parse(s.Payload, &m); err != nil {
			w.t.Fatalf("sent % x: %v", s.Payload, err)
		}
		w.printf("send %s", w.message(&m)+w.again(&m))
	}
	for _, r := range fx.Replies {
		r(nil)
	}
	for _, n := range fx.Notices {
		if n.Kind != RequestSent {
			w.printf("notice %s", strings.TrimSpace(n.Kind.String()+" "+w.mask(n.Detail)))
		}
	}
	w.wake = fx.Wake
	return true
}

// again marks a request whose message ID was sent before.
func (w *world) again(m *coap.Message) string {
	if !m.Code.IsRequest() {
		return ""
	}
	now := asked{m.MessageID, string(m.Token), w.message(m)}
	for _, before := range w.asked {
		if before == now {
			return " (again)"
		}
		if before.mid == now.mid {
			return " (again, differs)"
		}
	}
	w.asked = append(w.asked, now)
	return ""
}

// request is the one that $ means, the last; $-1 is that before it.
func (w *world) request(value string) asked {
	back, _ := strconv.Atoi(value[1:])
	i := len(w.asked) - 1 + back
	if i < 0 || i >= len(w.asked) {
		w.t.Fatalf("%s: %d requests were sent", value, len(w.asked))
	}
	return w.asked[i]
}

// mask replaces operation IDs by their number.
func (w *world) mask(s string) string {
	for i, id := range w.ops {
		s = strings.ReplaceAll(s, id.String(), "#"+strconv.Itoa(i+1))
	}
	return s
}

func (w *world) commit(fx *Effects) {
	var written []string
	_ = fx.Batch.Each(func(wr wire.Write) error {
		w.store.apply(w.shard.ID, wr)
		if wr.Class == wire.ClassOperation && wr.Kind == wire.Put {
			if id := ids.Operation(binary.BigEndian.Uint64(wr.Key)); w.number(id) == 0 {
				w.ops = append(w.ops, id)
			}
		}
		sign := map[wire.WriteKind]string{wire.Put: "+", wire.Delete: "-", wire.DeleteRange: "--"}[wr.Kind]
		written = append(written, sign+string(rune(wr.Class)))
		return nil
	})
	for _, s := range fx.Signposts {
		written = append(written, map[bool]string{false: "+a", true: "-a"}[s.Clear])
	}
	if len(written) > 0 {
		w.printf("commit %s", strings.Join(written, " "))
	}
}

// advance fires what is due up to the new time, earliest first.
func (w *world) advance(d time.Duration) {
	end := w.now.Add(d)
	for {
		w.start()
		at, timer := w.wake, w.timer()
		if at.IsZero() || !timer.IsZero() && timer.Before(at) {
			at = timer
		}
		if at.IsZero() || at.After(end) {
			break
		}
		if at.After(w.now) {
			w.now = at
		}
		w.printf("at +%s", w.now.Sub(end.Add(-d)))
		if at.Equal(timer) {
			key := wire.TimerKey(timer, w.e.id)
			if w.handle(Deadline{At: timer.UnixMilli()}) {
				w.store.apply(w.shard.ID, wire.Write{Kind: wire.Delete, Class: wire.ClassTimer, Key: key})
			}
		} else {
			w.handle(Tick{})
		}
	}
	w.now = end
}

// timer is the earliest durable one.
func (w *world) timer() (at time.Time) {
	_ = w.store.Scan(w.shard.ID, wire.ClassTimer, nil, nil, false, func(key, _ []byte) bool {
		at, _, _ = wire.ParseTimerKey(key)
		return false
	})
	return at
}

func (w *world) receive(peer, line string) {
	m := w.parseMessage(line)
	raw, err := m.Append(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	d := &Datagram{}
	if err := d.Parse(wire.ReturnPath{Peer: netip.MustParseAddrPort(peer), Local: netip.MustParseAddr("::1")}, raw); err != nil {
		w.t.Fatal(err)
	}
	w.handle(d)
}

// parseMessage reads "CON POST mid=1 token=01 path=rd query=ep=a&b=U ct=40
// observe=3 block1=0/1/64 payload=text|hex:00ff". The path $loc is the current
// location, mid=$ and token=$ are those of the last request, $-1 those of the one
// before it; $obs is the token of the first observation, $obs1 that of the
// second; "_" in a payload is a blank.
func (w *world) parseMessage(line string) *coap.Message {
	w.start()
	words := strings.Fields(line)
	m := &coap.Message{}
	for t := coap.Confirmable; t <= coap.Reset; t++ {
		if t.String() == words[0] {
			m.Type = t
		}
	}
	m.Code = parseCode(words[1])
	for _, word := range words[2:] {
		name, value, _ := strings.Cut(word, "=")
		w.setField(m, name, value)
	}
	return m
}

var methods = []string{"EMPTY", "GET", "POST", "PUT", "DELETE", "FETCH", "PATCH", "IPATCH"}

func parseCode(s string) coap.Code {
	for i, name := range methods {
		if name == s {
			return coap.Code(i)
		}
	}
	class, detail, _ := strings.Cut(s, ".")
	c, _ := strconv.Atoi(class)
	d, _ := strconv.Atoi(detail)
	return coap.Code(c<<5 | d)
}

func (w *world) setField(m *coap.Message, name, value string) {
	switch name {
	case "mid":
		if value[0] == '$' {
			m.MessageID = w.request(value).mid
			return
		}
		n, _ := strconv.Atoi(value)
		m.MessageID = uint16(n)
	case "token":
		if n, ok := strings.CutPrefix(value, "$obs"); ok {
			i, _ := strconv.Atoi(n)
			m.Token = w.e.reg().Observations[i].Token[:]
			return
		}
		if value[0] == '$' {
			m.Token = []byte(w.request(value).token)
			return
		}
		m.Token, _ = hex.DecodeString(value)
	case "path":
		m.AddPath(strings.ReplaceAll(value, "$loc", w.e.reg().Location(w.e.id).String()))
	case "query":
		for _, q := range strings.Split(value, "&") {
			m.AddString(coap.OptUriQuery, q)
		}
	case "ct":
		n, _ := strconv.Atoi(value)
		m.AddUint(coap.OptContentFormat, uint32(n))
	case "observe":
		n, _ := strconv.Atoi(value)
		m.AddUint(coap.OptObserve, uint32(n))
	case "size1":
		n, _ := strconv.Atoi(value)
		m.AddUint(coap.OptSize1, uint32(n))
	case "noresponse":
		n, _ := strconv.Atoi(value)
		m.AddUint(coap.OptNoResponse, uint32(n))
	case "etag":
		raw, _ := hex.DecodeString(value)
		m.Add(coap.OptETag, raw)
	case "echo":
		raw, _ := hex.DecodeString(value)
		m.Add(coap.OptEcho, raw)
	case "option":
		n, _ := strconv.Atoi(value)
		m.Add(coap.OptionID(n), nil)
	case "block1", "block2":
		var num, more, size int
		fmt.Sscanf(value, "%d/%d/%d", &num, &more, &size)
		m.AddBlock(map[string]coap.OptionID{"block1": coap.OptBlock1, "block2": coap.OptBlock2}[name],
			coap.Block{Num: uint32(num), More: more == 1, SZX: coap.SZXFor(size)})
	case "payload":
		if raw, ok := strings.CutPrefix(value, "hex:"); ok {
			m.Payload, _ = hex.DecodeString(raw)
			return
		}
		m.Payload = []byte(strings.ReplaceAll(value, "_", " "))
	default:
		w.t.Fatalf("unknown field %s", name)
	}
}

// message prints what the endpoint sends, in the notation of parseMessage.
func (w *world) message(m *coap.Message) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", m.Type, printCode(m.Code))
	if m.Type == coap.Acknowledgement || m.Type == coap.Reset {
		fmt.Fprintf(&b, " mid=%d", m.MessageID)
	}
	if m.Code.IsRequest() {
		fmt.Fprintf(&b, " path=%s", m.Path())
	}
	if q := m.Queries(); len(q) > 0 {
		fmt.Fprintf(&b, " query=%s", strings.Join(q, "&"))
	}
	if l := m.LocationPath(); l != "" {
		fmt.Fprintf(&b, " location=%s", strings.ReplaceAll(l, w.e.reg().Location(w.e.id).String(), "$loc"))
	}
	for _, o := range []struct {
		name string
		id   coap.OptionID
	}{{"ct", coap.OptContentFormat}, {"accept", coap.OptAccept}, {"observe", coap.OptObserve}, {"size1", coap.OptSize1}} {
		if v, ok := m.Uint(o.id); ok {
			fmt.Fprintf(&b, " %s=%d", o.name, v)
		}
	}
	for i, id := range []coap.OptionID{coap.OptBlock1, coap.OptBlock2} {
		if bl, ok, _ := m.Block(id); ok {
			more := 0
			if bl.More {
				more = 1
			}
			fmt.Fprintf(&b, " block%d=%d/%d/%d", i+1, bl.Num, more, bl.Size())
		}
	}
	if len(m.Payload) > 0 {
		fmt.Fprintf(&b, " payload=%s", printable(m.Payload))
	}
	return b.String()
}

func printCode(c coap.Code) string {
	if c != coap.Empty && int(c) < len(methods) {
		return methods[c]
	}
	return c.String()
}

func printable(b []byte) string {
	text := string(b)
	for _, c := range b {
		if c < 32 || c > 126 {
			text = "hex:" + hex.EncodeToString(b)
			break
		}
	}
	if len(text) > 400 {
		return fmt.Sprintf("%s… (%d bytes)", text[:60], len(b))
	}
	return text
}

// show prints what is stored and what is awake: all of it, or the parts named.
func (w *world) show(d *datadriven.TestData) {
	w.start()
	all := len(d.CmdArgs) == 0
	if all || d.HasArg("device") {
		w.showDevice()
	}
	if all || d.HasArg("operations") || d.HasArg("id") {
		id := 0
		d.MaybeScanArgs(w.t, "id", &id)
		w.showOperations(id)
	}
	if all || d.HasArg("values") {
		w.showValues()
	}
}

func (w *world) showDevice() {
	r := w.e.reg()
	w.printf("known=%v registered=%v count=%d version=%s lifetime=%d binding=%s queue=%v awake=%v peer=%s",
		w.e.known, r.Registered, r.Count, r.Version, r.Lifetime, r.Binding, r.Queue, w.e.awake(w.now), w.e.at.Path.Peer)
	if len(r.Objects.Objects) > 0 {
		w.printf("objects %s", r.Objects.Append(nil))
	}
	for _, o := range r.Observations {
		w.printf("observation %v composite=%v pending=%v format=%s", o.Paths, o.Composite, o.Pending, o.Format)
	}
	for _, a := range r.Attributes {
		w.printf("attributes %s %s pending=%v", a.Path, a.Text, a.Pending)
	}
	if len(r.Refused) > 0 {
		w.printf("refused %v", r.Refused)
	}
	if r.Settings.Fragments != "" {
		w.printf("fragments %s", r.Settings.Fragments)
	}
}

func (w *world) showValues() {
	_ = w.store.Scan(w.shard.ID, wire.ClassValue, nil, nil, false, func(key, value []byte) bool {
		p, _, _ := lwm2m.ParseStoredPath(key[8:])
		v, err := ParseLastValue(value)
		if err != nil {
			w.t.Fatal(err)
		}
		w.printf("value %s %s %q", p, v.Value.Kind(), v.Value)
		return true
	})
}

// showOperations prints one operation, or all for id 0.
func (w *world) showOperations(id int) {
	_ = w.store.Scan(w.shard.ID, wire.ClassOperation, nil, nil, false, func(key, value []byte) bool {
		op, err := operations.Parse(value)
		if err != nil {
			w.t.Fatal(err)
		}
		if id != 0 && w.number(op.ID) != id {
			return true
		}
		w.printf("operation %d %s line=%d %s", w.number(op.ID), op.Status, op.Line, strings.TrimSpace(op.Failure))
		if op.Results != "" {
			w.printf("  results %s", op.Results)
		}
		return true
	})
}
