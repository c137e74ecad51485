package device

import (
	"cmp"
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/content"
	"dormouse/codec/exchange"
	"dormouse/codec/link"
	"dormouse/codec/lwm2m"
	"dormouse/codec/query"
)

var seedFlag = flag.Uint64("seed", 0, "run the simulation with this seed alone")

// world is a device and a scripted server with a network between them that delays
// and loses datagrams as its seed says, in a time of its own.
type world struct {
	t      *testing.T
	random *rand.Rand
	now    time.Time
	loss   float64 // of each datagram, both ways
	device *Client
	wires  []wire

	asking  exchange.Client // the server's one request
	mids    exchange.MIDs
	result  *exchange.Result
	answers exchange.Answers
	upload  exchange.Upload
	tokens  byte

	deaf       bool                                   // the server neither hears nor answers
	decline    func(m *coap.Message) *exchange.Answer // instead of the usual answer, where not nil
	rejected   string                                 // token whose notifications are rejected
	seen       []seen
	registered []query.Registration // Registers, in order
	lists      []link.ObjectList    // their lists
	updates    []seen
	sends      []seen
	left       int // De-registers
	notified   []notified
}

// wire is a datagram under way.
type wire struct {
	at       time.Time
	toServer bool
	data     []byte
}

// seen is a request of the device, once each.
type seen struct {
	at      time.Time
	message *coap.Message
	body    []byte
}

// notified is a notification, repetitions excepted.
type notified struct {
	at      time.Time
	message *coap.Message
}

// epoch is when all worlds begin.
var epoch = time.Unix(1_800_000_000, 0)

func newWorld(t *testing.T, o Options, seed uint64) *world {
	t.Helper()
	product, err := NewProduct(o)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, random: rand.New(rand.NewPCG(seed, 1)), now: epoch}
	w.mids.Last = uint16(w.random.Uint32())
	w.device = product.Client("dev", seed, epoch)
	return w
}

// meet makes a world in which the device has registered.
func meet(t *testing.T, o Options) *world {
	t.Helper()
	w := newWorld(t, o, 1)
	w.run(time.Second)
	if len(w.registered) != 1 {
		t.Fatalf("%d registrations at the beginning", len(w.registered))
	}
	return w
}

// run lets time pass.
func (w *world) run(d time.Duration) {
	w.t.Helper()
	w.until(w.now.Add(d), func() bool { return false })
}

// until lets things happen until the condition holds or the time has come.
func (w *world) until(end time.Time, holds func() bool) bool {
	w.t.Helper()
	for steps := 0; !holds(); steps++ {
		if steps > 1_000_000 {
			w.t.Fatalf("a million steps until %v", w.now)
		}
		next := w.next()
		if next.IsZero() || next.After(end) {
			w.now = end
			return holds()
		}
		if next.After(w.now) {
			w.now = next
		}
		w.step()
	}
	return true
}

// next is when something happens.
func (w *world) next() time.Time {
	next := earlier(w.device.Deadline(), w.asking.Deadline())
	for _, x := range w.wires {
		next = earlier(next, x.at)
	}
	return next
}

func (w *world) step() {
	defer w.check()
	if i := slices.IndexFunc(w.wires, func(x wire) bool { return !x.at.After(w.now) }); i >= 0 {
		x := w.wires[i]
		w.wires = slices.Delete(w.wires, i, i+1)
		if x.toServer {
			w.serverHears(x.data)
		} else {
			w.put(true, w.device.Handle(w.now, x.data)...)
		}
		return
	}
	if d := w.asking.Deadline(); !d.IsZero() && !w.now.Before(d) {
		w.act(w.asking.Tick(w.now))
	}
	if d := w.device.Deadline(); !d.IsZero() && !w.now.Before(d) {
		w.put(true, w.device.Tick(w.now)...)
	}
}

// check is what holds whatever happens: what was due is done, and the device has
// one exchange of its own at a time (NSTART 1).
func (w *world) check() {
	w.t.Helper()
	if d := w.device.Deadline(); !d.IsZero() && d.Before(w.now) {
		w.t.Errorf("at %v the deadline is %v before", w.now.Sub(epoch), w.now.Sub(d))
	}
	if w.device.up.Busy() && w.device.notice != nil {
		w.t.Errorf("at %v a request and a Confirmable notification are under way", w.now.Sub(epoch))
	}
}

// put sends datagrams on their way.
func (w *world) put(toServer bool, datagrams ...[]byte) {
	for _, b := range datagrams {
		if w.random.Float64() < w.loss {
			continue
		}
		at := w.now.Add(10*time.Millisecond + time.Duration(w.random.Int64N(int64(20*time.Millisecond))))
		w.wires = append(w.wires, wire{at, toServer, slices.Clone(b)})
	}
	slices.SortStableFunc(w.wires, func(a, b wire) int { return a.at.Compare(b.at) })
}

func (w *world) send(m *coap.Message) []byte {
	b, err := m.Append(nil)
	if err != nil {
		w.t.Fatalf("server message: %v", err)
	}
	w.put(false, b)
	return b
}

// serverHears does what a server does with a datagram.
func (w *world) serverHears(data []byte) {
	var m coap.Message
	if err := coap.Parse(data, &m); err != nil || m.BadOption != 0 {
		w.t.Fatalf("the device sent %x: %v, bad option %d", data, err, m.BadOption)
	}
	if w.deaf {
		return
	}
	if m.Code.IsRequest() {
		w.serve(&m)
		return
	}
	if out, mine := w.asking.Handle(w.now, &m, &w.mids); mine {
		w.act(out)
		return
	}
	switch _, observed := m.Observe(); {
	case m.Code == coap.Empty || m.Type == coap.Acknowledgement:
	case string(m.Token) == w.rejected && observed:
		w.send(exchange.Rst(&m))
	default:
		w.takeNotification(&m)
	}
}

func (w *world) takeNotification(m *coap.Message) {
	if m.Type == coap.Confirmable {
		w.send(exchange.Ack(m))
	}
	if slices.ContainsFunc(w.notified, func(n notified) bool { return n.message.MessageID == m.MessageID }) {
		return
	}
	w.notified = append(w.notified, notified{w.now, m.Clone()})
}

// serve answers the requests of the device, repeated ones as before.
func (w *world) serve(m *coap.Message) {
	if answer, again := w.answers.Lookup(w.now, 0, m.MessageID); again {
		w.put(false, answer)
		return
	}
	a := w.answerTo(m)
	w.answers.Remember(w.now, 0, m.MessageID, true, w.send(exchange.Reply(m, a, &w.mids)))
}

func (w *world) answerTo(m *coap.Message) exchange.Answer {
	body, done, early := w.upload.Handle(w.now, m, 1<<20)
	if !done {
		return *early
	}
	s := seen{w.now, m.Clone(), slices.Clone(body)}
	w.seen = append(w.seen, s)
	if w.decline != nil {
		if a := w.decline(m); a != nil {
			return *a
		}
	}
	switch {
	case m.Code == coap.POST && m.Path() == "rd":
		return w.takeRegister(s)
	case m.Code == coap.POST && m.Path() == "dp":
		w.sends = append(w.sends, s)
		return exchange.Answer{Code: coap.Changed}
	case m.Path() != w.location():
		return exchange.Answer{Code: coap.NotFound}
	case m.Code == coap.POST:
		w.updates = append(w.updates, s)
		return exchange.Answer{Code: coap.Changed}
	case m.Code == coap.DELETE:
		w.left++
		return exchange.Answer{Code: coap.Deleted}
	}
	return exchange.Answer{Code: coap.MethodNotAllowed}
}

func (w *world) location() string { return fmt.Sprintf("rd/%d", len(w.registered)) }

func (w *world) takeRegister(s seen) exchange.Answer {
	r, err := query.ParseRegistration(s.message.Queries())
	if err == nil {
		err = r.Validate(lwm2m.Version{})
	}
	list, listErr := link.ParseObjects(s.body)
	if err != nil || listErr != nil || list.Loose || s.message.ContentFormat() != lwm2m.FormatLink {
		w.t.Errorf("Register %v, %v, loose %v: %q", err, listErr, list.Loose, s.body)
	}
	w.registered = append(w.registered, r)
	w.lists = append(w.lists, list)
	var m coap.Message
	m.AddLocation(w.location())
	return exchange.Answer{Code: coap.Created, Options: m.Options}
}

func (w *world) act(out exchange.Out) {
	for _, m := range out.Send {
		w.send(m)
	}
	if out.Result != nil {
		w.result = out.Result
	}
}

// ask asks the device and returns its answer. Options of the request may be set
// by the caller; formats that are 0 and an Observe of 0 mean none.
func (w *world) ask(r exchange.Request) *coap.Message {
	w.t.Helper()
	result := w.try(r)
	if result == nil || result.Outcome != exchange.Answered {
		w.t.Fatalf("%s %s: %v", r.Method, r.Path, result)
	}
	return &result.Response
}

// try is ask where there may be no answer.
func (w *world) try(r exchange.Request) *exchange.Result {
	w.t.Helper()
	if r.Token == nil {
		w.tokens++
		r.Token = []byte{0xaa, w.tokens}
	}
	w.result = nil
	w.act(w.asking.Start(w.now, &r, &w.mids, w.random.Uint32()))
	w.until(w.now.Add(10*time.Minute), func() bool { return w.result != nil })
	return w.result
}

// plain is a request without payload, formats and Observe.
func plain(method coap.Code, path string) exchange.Request {
	path, queries, _ := strings.Cut(path, "?")
	r := exchange.Request{Method: method, Path: path, Format: lwm2m.FormatNone, Accept: lwm2m.FormatNone, Observe: exchange.NoObserve}
	if queries != "" {
		r.Queries = strings.Split(queries, "&")
	}
	return r
}

func (w *world) get(path string, accept lwm2m.Format) *coap.Message {
	w.t.Helper()
	r := plain(coap.GET, path)
	r.Accept = accept
	return w.ask(r)
}

// do sends a payload.
func (w *world) do(method coap.Code, path string, f lwm2m.Format, payload string) *coap.Message {
	w.t.Helper()
	r := plain(method, path)
	r.Format, r.Payload = f, []byte(payload)
	return w.ask(r)
}

// expect compares the code of an answer.
func (w *world) expect(m *coap.Message, code coap.Code) {
	w.t.Helper()
	if m.Code != code {
		w.t.Fatalf("answered %s, want %s", m.Code, code)
	}
}

// write writes text and expects 2.04.
func (w *world) write(path, value string) {
	w.t.Helper()
	w.expect(w.do(coap.PUT, path, lwm2m.FormatText, value), coap.Changed)
}

// attach sends a Write-Attributes and expects 2.04.
func (w *world) attach(path string) {
	w.t.Helper()
	w.expect(w.ask(plain(coap.PUT, path)), coap.Changed)
}

// discover returns the text of a Discover, 2.05.
func (w *world) discover(path string) string {
	w.t.Helper()
	m := w.get(path, lwm2m.FormatLink)
	w.expect(m, coap.Content)
	if _, err := link.ParseDiscover(m.Payload, ""); err != nil {
		w.t.Errorf("discover %s: %v", path, err)
	}
	return string(m.Payload)
}

// values reads an answer or notification as lines "path value", in the order of
// the paths.
func (w *world) values(base string, m *coap.Message) string {
	w.t.Helper()
	var lines []string
	for _, n := range w.nodes(base, m) {
		lines = append(lines, n.Path.String()+" "+n.Value.String())
	}
	return strings.Join(lines, "\n")
}

func (w *world) nodes(base string, m *coap.Message) []lwm2m.Node {
	w.t.Helper()
	nodes, err := w.parse(base, m)
	if err != nil {
		w.t.Fatalf("%s %s: %x: %v", m.Code, base, m.Payload, err)
	}
	slices.SortStableFunc(nodes, func(a, b lwm2m.Node) int { return cmp.Or(a.Path.Compare(b.Path), cmp.Compare(a.At, b.At)) })
	return nodes
}

func (w *world) parse(base string, m *coap.Message) ([]lwm2m.Node, error) {
	options := w.device.content()
	options.Answer = true
	return content.Decode(m.ContentFormat(), at(base), m.Payload, options)
}

// value is the one value at a resource, as text.
func (w *world) value(path string) string {
	w.t.Helper()
	m := w.get(path, lwm2m.FormatText)
	w.expect(m, coap.Content)
	return string(m.Payload)
}

// at is a path that the test wrote itself.
func at(s string) lwm2m.Path {
	p, err := lwm2m.ParsePath(s)
	if err != nil {
		panic(err)
	}
	return p
}

// observe begins an observation and returns its first answer and its token.
func (w *world) observe(r exchange.Request) (*coap.Message, []byte) {
	w.t.Helper()
	h := fnv.New32a()
	fmt.Fprint(h, r.Path, string(r.Payload), r.Queries, len(w.seen), w.now)
	r.Observe, r.Token = exchange.RegisterObserve, h.Sum(nil)
	m := w.ask(r)
	w.expect(m, coap.Content)
	if _, ok := m.Observe(); !ok {
		w.t.Fatalf("%s is not observed", r.Path)
	}
	return m, r.Token
}

// cancel ends an observation.
func (w *world) cancel(r exchange.Request, token []byte) {
	w.t.Helper()
	r.Observe, r.Token = exchange.CancelObserve, token
	m := w.ask(r)
	w.expect(m, coap.Content)
	if _, ok := m.Observe(); ok {
		w.t.Errorf("%s is observed after its cancellation", r.Path)
	}
}

// of are the notifications with a token.
func (w *world) of(token []byte) (out []notified) {
	for _, n := range w.notified {
		if n.message.Is(token) {
			out = append(out, n)
		}
	}
	return out
}

// eachSeed runs a scenario over lossy networks and names the seed that fails.
func eachSeed(t *testing.T, last uint64, scenario func(t *testing.T, seed uint64)) {
	first := uint64(1)
	if *seedFlag != 0 {
		first, last = *seedFlag, *seedFlag
	}
	for seed := first; seed <= last; seed++ {
		scenario(t, seed)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
