package load

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/content"
	"dormouse/codec/link"
	"dormouse/codec/lwm2m"
	"dormouse/codec/query"
)

func TestRegister(t *testing.T) {
	r := newRig(t, Register, 20, 1)
	m := r.start(17)
	if m.Type != coap.Confirmable || m.Code != coap.POST || m.Path() != "rd" || m.ContentFormat() != lwm2m.FormatLink {
		t.Errorf("%+v", m)
	}
	q, err := query.ParseRegistration(m.Queries())
	if err != nil || q.Validate(q.Version) != nil {
		t.Fatalf("%v: %v", m.Queries(), err)
	}
	if q.Endpoint != "urn:dev:load-17" || q.Lifetime != 86400 || q.Version.String() != "1.1" || !q.Queue || len(q.Extra) > 0 {
		t.Errorf("%+v", q)
	}
	list, err := link.ParseObjects(m.Payload)
	if err != nil || len(list.Objects) != 5 || list.Root != "" || len(list.Formats) != 4 {
		t.Errorf("%+v, %v", list, err)
	}
	r.writer.options.Awake = true
	r.hear(0, 17, answer(m, coap.ServiceUnavailable))
	if m = r.start(17); slices.Contains(m.Queries(), "Q") {
		t.Error("a device that is always awake has a queue")
	}
}

func TestUpdateAndSend(t *testing.T) {
	r := newRig(t, Update, 1, 1)
	d := &r.fleet.devices[0]
	d.locationSize = uint8(copy(d.location[:], "rd/a/b"))
	m := r.start(0)
	if m.Type != coap.Confirmable || m.Code != coap.POST || m.Path() != "rd/a/b" || len(m.Options) != 3 || m.Payload != nil {
		t.Errorf("%+v", m)
	}
	r.hear(0, 0, answer(m, coap.Changed))
	r.kind = Send
	next := r.start(0)
	if next.MessageID != m.MessageID+1 || next.Is(m.Token) {
		t.Error("message ID or token of another exchange")
	}
	if next.Path() != "dp" || next.Code != coap.POST {
		t.Errorf("%+v", next)
	}
	decodesAsSensor(t, &next)
}

func decodesAsSensor(t *testing.T, m *coap.Message) {
	t.Helper()
	list, err := content.Decode(m.ContentFormat(), sensor, m.Payload, content.Options{Answer: true})
	if err != nil || len(list) != 1 || list[0].Path != sensor {
		t.Fatalf("%x as %s: %+v, %v", m.Payload, m.ContentFormat(), list, err)
	}
}

// From Observe to notifications, whatever format is wanted.
func TestObservation(t *testing.T) {
	for _, format := range []lwm2m.Format{
		lwm2m.FormatNone, lwm2m.FormatText, lwm2m.FormatCBOR, lwm2m.FormatSenMLJSON, lwm2m.FormatSenMLCBOR, lwm2m.FormatTLV, lwm2m.FormatLwM2MCBOR,
	} {
		r := newRig(t, Notify, 2, 1)
		get := coap.Message{Code: coap.GET, MessageID: 5, Token: []byte("observe!")}
		get.AddPath("3303/0/5700")
		get.AddUint(coap.OptObserve, 0)
		if format != lwm2m.FormatNone {
			get.AddUint(coap.OptAccept, uint32(format))
		}
		r.hear(0, 1, get)
		list := r.sent()
		if len(list) != 1 || list[0].Type != coap.Acknowledgement || list[0].Code != coap.Content || list[0].MessageID != 5 || !list[0].Is(get.Token) {
			t.Fatalf("%s: answered %+v", format, list)
		}
		if _, ok := list[0].Observe(); !ok || !r.fleet.devices[1].observed || r.fleet.devices[0].observed {
			t.Errorf("%s: not observed", format)
		}
		first := r.start(1)
		if first.Type != coap.Confirmable || first.Code != coap.Content || !first.Is(get.Token) {
			t.Errorf("%s: notified %+v", format, first)
		}
		r.hear(time.Millisecond, 1, coap.Message{Type: coap.Acknowledgement, MessageID: first.MessageID})
		second := r.start(1)
		was, _ := first.Observe()
		is, _ := second.Observe()
		if is != was+1 || format != lwm2m.FormatNone && second.ContentFormat() != format {
			t.Errorf("%s: notification %d after %d, as %s", format, is, was, second.ContentFormat())
		}
		decodesAsSensor(t, &first)
		if bytes.Equal(first.Payload, second.Payload) {
			t.Errorf("%s: the value did not change", format)
		}
		r.hear(0, 1, coap.Message{Type: coap.Reset, MessageID: second.MessageID})
		r.expect(2, 2, 0, 0, 0)
		if len(r.failed) != 1 {
			t.Errorf("%s: a Reset is no failure", format)
		}
	}
}

// A device that understands nothing else says so.
func TestOtherRequestsAreReset(t *testing.T) {
	r := newRig(t, Notify, 2, 1)
	for _, fill := range []func(m *coap.Message){
		func(m *coap.Message) { m.AddPath("3303/0/5700") },
		func(m *coap.Message) { m.AddPath("3/0/0"); m.AddUint(coap.OptObserve, 0) },
		func(m *coap.Message) { m.AddPath("3303/0/5700"); m.AddUint(coap.OptObserve, 1) },
		func(m *coap.Message) { m.Code = coap.PUT; m.AddPath("3303/0/5700"); m.AddUint(coap.OptObserve, 0) },
	} {
		for _, confirmable := range []bool{true, false} {
			m := coap.Message{Code: coap.GET, MessageID: 9, Token: []byte{1}}
			if fill(&m); !confirmable {
				m.Type = coap.NonConfirmable
			}
			r.hear(0, 0, m)
			list := r.sent()
			if confirmable != (len(list) == 1) || confirmable && (list[0].Type != coap.Reset || list[0].MessageID != 9) {
				t.Errorf("%+v: answered %+v", m, list)
			}
		}
	}
	r.expect(0, 0, 0, 0, 8)
}

func TestUnknownFormatIsAFault(t *testing.T) {
	r := newRig(t, Notify, 1, 1)
	d := &r.fleet.devices[0]
	d.format, d.tokenSize = 50_000, 4
	r.begin(r.now, r.now, 0)
	if r.fault == nil {
		t.Error("a value was written in an unknown format")
	}
}

func TestTokens(t *testing.T) {
	var token [tokenSize]byte
	for _, want := range []struct {
		run    uint16
		slot   int32
		number uint32
	}{{0, 0, 0}, {1, 2, 3}, {1<<16 - 1, MaxInFlight - 1, 1<<32 - 1}} {
		putToken(&token, want.run, want.slot, want.number)
		if run, slot, number, ok := parseToken(token[:]); !ok || run != want.run || slot != want.slot || number != want.number {
			t.Errorf("%+v is %d, %d, %d, %t", want, run, slot, number, ok)
		}
	}
	for cut := range tokenSize {
		if _, _, _, ok := parseToken(token[:cut]); ok {
			t.Errorf("a token of %d bytes", cut)
		}
	}
}

func TestAddresses(t *testing.T) {
	o := Options{Target: netip.MustParseAddrPort("127.0.0.1:1"), Devices: 300, DevicesPerAddress: 1}
	f := newFleet(o)
	seen := map[source]bool{}
	for i := range uint32(300) {
		s := f.source(i)
		got, ok := f.alone(s)
		if !ok || got != i || seen[s] {
			t.Fatalf("device %d has %s, which is that of %d, %t", i, dotted(s), got, ok)
		}
		seen[s] = true
	}
	for _, strange := range []source{0, firstSource - 1, firstSource + 300} {
		if i, ok := f.alone(strange); ok {
			t.Errorf("%s is that of device %d", dotted(strange), i)
		}
	}
	if first, last := dotted(f.source(0)), dotted(firstSource+MaxDevices-1); first != "127.1.0.1" || last != "127.255.255.254" {
		t.Errorf("addresses from %s to %s", first, last)
	}
	o.DevicesPerAddress = 100
	if f = newFleet(o); f.source(99) != f.source(0) || f.source(100) == f.source(99) || dotted(f.source(299)) != "127.1.0.3" {
		t.Error("devices do not share addresses as told")
	}
	if _, ok := f.alone(f.source(0)); ok {
		t.Error("an address of many is one's")
	}
	o.Target = netip.MustParseAddrPort("192.0.2.1:1")
	if f = newFleet(o); f.source(250) != 0 {
		t.Error("an address of another network is chosen")
	}
}

func dotted(s source) string {
	return fmt.Sprintf("%d.%d.%d.%d", s>>24, s>>16&255, s>>8&255, s&255)
}

func TestOptions(t *testing.T) {
	good := Options{Target: netip.MustParseAddrPort("127.0.0.1:5683"), Devices: 10}
	for name, change := range map[string]func(*Options){
		"target":    func(o *Options) { o.Target = netip.AddrPort{} },
		"IPv6":      func(o *Options) { o.Target = netip.MustParseAddrPort("[::1]:5683") },
		"devices":   func(o *Options) { o.Devices = MaxDevices + 1 },
		"negative":  func(o *Options) { o.Devices = -1 },
		"addresses": func(o *Options) { o.DevicesPerAddress = -1 },
		"lifetime":  func(o *Options) { o.Lifetime = time.Millisecond },
		"prefix":    func(o *Options) { o.Prefix = strings.Repeat("x", 201) },
	} {
		o := good
		change(&o)
		if _, err := o.withDefaults(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	good.Target = netip.MustParseAddrPort("[::ffff:192.0.2.1]:5683")
	if o, err := good.withDefaults(); err != nil || o.DevicesPerAddress != 10 || !o.Target.Addr().Is4() {
		t.Errorf("elsewhere: %+v, %v", o, err)
	}
	for _, bad := range []Traffic{
		{}, {Kind: kinds}, {Kind: Update, Hot: 11}, {Kind: Update, Hot: -1}, {Kind: Update, InFlight: MaxInFlight + 1},
		{Kind: Update, Rate: -1}, {Kind: Update, Rate: maxRate + 1}, {Kind: Update, Duration: -1},
	} {
		if got, err := bad.withDefaults(10); err == nil {
			t.Errorf("%+v became %+v", bad, got)
		}
	}
	if got, err := (Traffic{Kind: Send, Rate: 5}).withDefaults(10); err != nil || got.Hot != 10 || got.InFlight != MaxInFlight {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestKinds(t *testing.T) {
	for k := range kinds {
		if got, err := ParseKind(k.String()); err != nil || got != k {
			t.Errorf("%s is %v, %v", k, got, err)
		}
	}
	if k, err := ParseKind("sing"); err == nil {
		t.Errorf("sing is %v", k)
	}
}
