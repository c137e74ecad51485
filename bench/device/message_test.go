package device

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/exchange"
	"dormouse/codec/lwm2m"
)

// deliver gives the device a datagram and returns its answers, parsed.
func (w *world) deliver(data []byte) (answers []coap.Message) {
	w.t.Helper()
	for _, b := range w.device.Handle(w.now, data) {
		var m coap.Message
		if err := coap.Parse(b, &m); err != nil {
			w.t.Fatalf("answered %x: %v", b, err)
		}
		answers = append(answers, m)
	}
	return answers
}

func encode(t *testing.T, m coap.Message) []byte {
	t.Helper()
	b, err := m.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What is not a request is answered as RFC 7252 section 4.2 and 4.3 say.
func TestMessages(t *testing.T) {
	get := coap.Message{Code: coap.GET, MessageID: 9, Token: []byte{1}}
	get.AddPath("3/0/0")
	bad := coap.Message{Code: coap.GET, MessageID: 9}
	bad.Add(9, []byte{1}) // OSCORE: critical, not known
	proxy := coap.Message{Code: coap.GET, MessageID: 9}
	proxy.AddString(coap.OptProxyUri, "coap://example.org/")
	non := func(m coap.Message) coap.Message { m.Type = coap.NonConfirmable; return m }
	tests := []struct {
		name string
		data []byte
		kind coap.Type
		code coap.Code
		none bool
	}{
		{name: "ping", data: []byte{0x40, 0, 0, 9}, kind: coap.Reset},
		{name: "empty NON", data: []byte{0x50, 0, 0, 9}, none: true},
		{name: "stray ACK", data: []byte{0x60, 0, 0, 9}, none: true},
		{name: "stray RST", data: []byte{0x70, 0, 0, 9}, none: true},
		{name: "another version", data: []byte{0x80, 1, 0, 9}, none: true},
		{name: "cut header", data: []byte{0x40, 1, 0}, none: true},
		{name: "format error", data: []byte{0x4f, 1, 0, 9}, kind: coap.Reset},
		{name: "format error NON", data: []byte{0x5f, 1, 0, 9}, none: true},
		{name: "answer to nothing", data: []byte{0x41, 0x45, 0, 9, 5}, kind: coap.Reset},
		{name: "answer to nothing NON", data: []byte{0x51, 0x45, 0, 9, 5}, none: true},
		{name: "request", data: encode(t, get), kind: coap.Acknowledgement, code: coap.Content},
		{name: "request NON", data: encode(t, non(get)), kind: coap.NonConfirmable, code: coap.Content},
		{name: "unknown critical option", data: encode(t, bad), kind: coap.Acknowledgement, code: coap.BadOption},
		{name: "unknown critical option NON", data: encode(t, non(bad)), none: true},
		{name: "proxy", data: encode(t, proxy), kind: coap.Acknowledgement, code: coap.ProxyingNotSupported},
		{name: "unknown method", data: []byte{0x40, 0x1f, 0, 9, 0xb1, '3'}, kind: coap.Acknowledgement, code: coap.MethodNotAllowed},
	}
	for _, test := range tests {
		got := meet(t, Options{}).deliver(test.data)
		if test.none != (len(got) == 0) || len(got) > 1 {
			t.Errorf("%s: %d answers", test.name, len(got))
			continue
		}
		if !test.none && (got[0].Type != test.kind || got[0].Code != test.code) {
			t.Errorf("%s: answered %s %s, want %s %s", test.name, got[0].Type, got[0].Code, test.kind, test.code)
		}
	}
}

// A repeated request has the answer it had, and one effect.
func TestDuplicates(t *testing.T) {
	w := meet(t, Options{})
	m := coap.Message{Code: coap.POST, MessageID: 77, Token: []byte{1}}
	m.AddPath("3/0/12")
	data := encode(t, m)
	first := w.device.Handle(w.now, data)
	for range 3 {
		if again := w.device.Handle(w.now, data); len(again) != 1 || !bytes.Equal(again[0], first[0]) {
			t.Fatalf("repeated: %x, first %x", again, first)
		}
	}
	if n, c := w.device.Executions(at("3/0/12")), w.device.Counters(); n != 1 || c.Duplicates != 3 || c.Requests != 1 {
		t.Errorf("executed %d times, counters %+v", n, c)
	}
	w.run(exchange.ExchangeLifetime)
	w.device.Handle(w.now, data) // a new exchange by now
	if n := w.device.Executions(at("3/0/12")); n != 2 {
		t.Errorf("executed %d times after the exchange's lifetime", n)
	}
}

// A server that did not hear the answer to the reboot repeats its Execute while
// the device is away and when it is back: it reboots once.
func TestRebootOnce(t *testing.T) {
	w := meet(t, Options{})
	m := coap.Message{Code: coap.POST, MessageID: 77, Token: []byte{1}}
	m.AddPath("3/0/4")
	data := encode(t, m)
	for range 20 {
		w.put(false, data)
		w.run(500 * time.Millisecond)
	}
	if c := w.device.Counters(); c.Reboots != 1 || c.Duplicates == 0 || c.Dropped == 0 || len(w.registered) != 2 {
		t.Errorf("counters %+v, %d registrations", c, len(w.registered))
	}
}

// Whatever the network loses, each operation has one effect, the device stays
// registered, and observations go on.
func TestLossyNetwork(t *testing.T) {
	answered := 0
	eachSeed(t, 60, func(t *testing.T, seed uint64) {
		w := newWorld(t, Options{Version: lwm2m.V1_2, Lifetime: 300, Every: 5 * time.Second, Confirmable: seed%2 == 0}, seed)
		w.loss = w.random.Float64() * 0.35
		w.until(w.now.Add(10*time.Minute), func() bool { return len(w.registered) > 0 })
		for i := range 20 {
			answered += w.randomOperation(i)
		}
		w.loss = 0
		w.run(10 * time.Minute)
		location, ok := w.device.Registered()
		if !ok || location != w.location() {
			t.Errorf("registered at %q (%v), the server says %q", location, ok, w.location())
		}
		if got := w.get("3/0/0", text); got.Code != coap.Content {
			t.Errorf("read %s at the end", got.Code)
		}
	})
	if *seedFlag == 0 && answered < 800 {
		t.Errorf("only %d operations were answered: the network does not let the test try what it should", answered)
	}
}

// randomOperation tries an operation and checks its effect; 1: it was answered.
func (w *world) randomOperation(i int) int {
	t := w.t
	before := w.device.Executions(at("3/0/12"))
	switch w.random.IntN(4) {
	case 0:
		r := w.try(plain(coap.POST, "3/0/12"))
		if n := w.device.Executions(at("3/0/12")) - before; n > 1 || r.Outcome == exchange.Answered && n != 1 {
			t.Errorf("operation %d: executed %d times, %v", i, n, r.Outcome)
		}
		return btoi(r.Outcome == exchange.Answered)
	case 1:
		value := strings.Repeat("v", 1+w.random.IntN(3000))
		r := plain(coap.PUT, "16/0/0/0")
		r.Format, r.Payload = text, []byte(value)
		if w.try(r).Outcome != exchange.Answered || w.result.Response.Code != coap.Changed {
			return 0
		}
		got, _ := w.device.Tree().Instance(at("16/0")).Resource(0)
		if got.Items[0].Value.Text() != value {
			t.Errorf("operation %d: %d bytes were written as %d", i, len(value), len(got.Items[0].Value.Text()))
		}
	case 2:
		r := plain(coap.GET, "19/0/0/0")
		r.Accept = lwm2m.FormatOpaque
		if w.try(r).Outcome != exchange.Answered {
			return 0
		}
		if n := len(w.result.Response.Payload); w.result.Response.Code == coap.Content && n != 3000 {
			t.Errorf("operation %d: read %d bytes", i, n)
		}
	case 3:
		r := plain(coap.GET, "3303/0/5700")
		r.Observe, r.Token = exchange.RegisterObserve, []byte{9, byte(i)}
		if w.try(r).Outcome != exchange.Answered {
			return 0
		}
		w.run(30 * time.Second)
	}
	return 1
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Long values go both ways in blocks of any size, and have a bound.
func TestBlocks(t *testing.T) {
	for _, size := range []int{16, 64, 1024} {
		w := meet(t, Options{})
		w.asking = *exchange.NewClient(exchange.Params{BlockSize: size})
		value := strings.Repeat("0123456789abcdef", 150)
		w.expect(w.do(coap.PUT, "16/0/0/0", text, value), coap.Changed)
		if got := w.value("16/0/0/0"); got != value {
			t.Errorf("blocks of %d: %d bytes of %d", size, len(got), len(value))
		}
		r := composite(senmlJSON, "/16/0/0/0", "/3/0")
		if got := w.values("/", w.ask(r)); !strings.Contains(got, value) {
			t.Errorf("blocks of %d: composite of %d bytes", size, len(got))
		}
	}
	w := meet(t, Options{MaxBody: 2000})
	m := w.do(coap.PUT, "16/0/0/0", text, strings.Repeat("v", 2001))
	if limit, _ := m.Uint(coap.OptSize1); m.Code != coap.RequestEntityTooLarge || limit != 2000 {
		t.Errorf("a body of 2001 bytes is answered %s, Size1 %d", m.Code, limit)
	}
}

// Blocks come from one representation although values change between them.
func TestBlocksFit(t *testing.T) {
	w := meet(t, Options{Every: time.Second, BlockSize: 64})
	block := func(num uint32) *coap.Message {
		m := coap.Message{Code: coap.GET, MessageID: uint16(1000 + num), Token: []byte{byte(num)}}
		m.AddPath("3303")
		m.AddUint(coap.OptAccept, uint32(senmlJSON))
		m.AddBlock(coap.OptBlock2, coap.Block{Num: num, SZX: 2})
		out := w.deliver(encode(t, m))
		if len(out) != 1 {
			t.Fatalf("%d answers", len(out))
		}
		return &out[0]
	}
	first := block(0)
	tag, _ := first.Option(coap.OptETag)
	body := bytes.Clone(first.Payload)
	for num := uint32(1); ; num++ {
		w.run(2 * time.Second)
		m := block(num)
		if got, _ := m.Option(coap.OptETag); !bytes.Equal(got, tag) {
			t.Fatalf("block %d has ETag %x, the first %x", num, got, tag)
		}
		body = append(body, m.Payload...)
		if b, _, _ := m.Block(coap.OptBlock2); !b.More {
			break
		}
	}
	first.Payload = body
	if got := w.nodes("3303", first); len(got) < 14 {
		t.Errorf("read %v", got)
	}
	w.run(keepLong)
	if w.device.long != nil {
		t.Error("the representation is kept for ever")
	}
	if m := block(99); m.Code != coap.BadRequest {
		t.Errorf("a block behind the end is answered %s", m.Code)
	}
}

// Whatever comes, the device answers at most with well-formed messages, and lives.
func FuzzHandle(f *testing.F) {
	get := coap.Message{Code: coap.GET, MessageID: 9, Token: []byte{1}}
	get.AddPath("3/0")
	get.AddUint(coap.OptObserve, 0)
	b, err := get.Append(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b, byte(0))
	fetch := coap.Message{Code: coap.FETCH, MessageID: 9, Payload: []byte(`[{"n":"/3/0"}]`)}
	fetch.AddUint(coap.OptContentFormat, uint32(senmlJSON))
	if b, err = fetch.Append(nil); err != nil {
		f.Fatal(err)
	}
	f.Add(b, byte(2))
	put := coap.Message{Code: coap.PUT, MessageID: 9, Payload: []byte(unhex("c10265c20303f2"))}
	put.AddPath("1/0")
	put.AddUint(coap.OptContentFormat, uint32(tlv))
	if b, err = put.Append(nil); err != nil {
		f.Fatal(err)
	}
	f.Add(b, byte(1))
	f.Fuzz(func(t *testing.T, data []byte, minor byte) {
		w := meet(t, Options{Version: lwm2m.Version{Major: 1, Minor: minor % 3}})
		w.put(true, w.device.Handle(w.now, data)...)
		w.run(time.Minute)
		if m := w.get("3/0/1", text); w.device.Counters().Reboots == 0 && string(m.Payload) != "Simulated Sensor" {
			t.Errorf("read %s %q", m.Code, m.Payload)
		}
	})
}
