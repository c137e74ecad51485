package device

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/exchange"
	"dormouse/codec/lwm2m"
)

// gaps are the times between the answer at begin and the notifications, rounded
// to the network's delay.
func gaps(begin time.Time, list []notified) (out []time.Duration) {
	for _, n := range list {
		out = append(out, n.at.Sub(begin).Round(100*time.Millisecond))
		begin = n.at
	}
	return out
}

// within checks that each gap lies between two bounds, and that there is one.
func within(t *testing.T, list []time.Duration, low, high time.Duration) {
	t.Helper()
	if len(list) == 0 {
		t.Error("no notification")
	}
	for _, gap := range list {
		if gap < low || gap > high {
			t.Errorf("notified after %v, want %v to %v: %v", gap, low, high, list)
			return
		}
	}
}

// fresh checks that the Observe numbers ascend.
func fresh(t *testing.T, first *coap.Message, list []notified) {
	t.Helper()
	last, _ := first.Observe()
	for _, n := range list {
		next, ok := n.message.Observe()
		if !ok || next <= last || n.message.Code != coap.Content {
			t.Errorf("notification %d (%v) %s after %d", next, ok, n.message.Code, last)
		}
		last = next
	}
}

func TestOMA301(t *testing.T) {
	for _, o := range []Options{old, {}, young} {
		o.Every = time.Second
		w := meet(t, o)
		w.attach("3/0/7?pmin=5&pmax=15")
		w.attach("3/0/8?pmin=10&pmax=20")
		begin := w.now
		first, a := w.observe(plain(coap.GET, "3/0/7"))
		_, b := w.observe(plain(coap.GET, "3/0/8"))
		w.run(2 * time.Minute)
		within(t, gaps(begin, w.of(a)), 5*time.Second, 15*time.Second)
		within(t, gaps(begin, w.of(b)), 10*time.Second, 20*time.Second)
		fresh(t, first, w.of(a))
		for _, n := range w.of(a) {
			if got := w.nodes("3/0/7", n.message); len(got) != 2 || n.message.Type != coap.NonConfirmable {
				t.Errorf("notified %v as %s", got, n.message.Type)
			}
		}
	}
}

func TestOMA302(t *testing.T) {
	for _, con := range []bool{false, true} {
		w := meet(t, Options{Confirmable: con})
		_, a := w.observe(plain(coap.GET, "3/0/7"))
		_, b := w.observe(plain(coap.GET, "3/0/8"))
		w.run(30 * time.Second)
		before := len(w.of(a))
		w.rejected = string(a)
		w.run(30 * time.Second)
		w.rejected = ""
		w.run(time.Minute)
		if before == 0 || len(w.of(a)) != before {
			t.Errorf("con %v: %d notifications before and %d after a Reset", con, before, len(w.of(a)))
		}
		if len(w.of(b)) < 10 {
			t.Errorf("con %v: %d notifications of the other resource", con, len(w.of(b)))
		}
	}
}

func TestOMA303(t *testing.T) {
	w := meet(t, Options{})
	_, a := w.observe(plain(coap.GET, "3/0/7"))
	_, b := w.observe(plain(coap.GET, "3/0/8"))
	w.run(30 * time.Second)
	r := plain(coap.GET, "3/0/8") // of another path than the token's: ends nothing
	w.cancel(r, a)
	w.cancel(plain(coap.GET, "3/0/7"), a)
	before, other := len(w.of(a)), len(w.of(b))
	w.run(time.Minute)
	if before == 0 || len(w.of(a)) != before || len(w.of(b)) < other+5 {
		t.Errorf("%d then %d, other %d then %d", before, len(w.of(a)), other, len(w.of(b)))
	}
}

func TestOMA304(t *testing.T) {
	w := meet(t, Options{})
	w.attach("1/0/1?pmin=30&pmax=45")
	begin := w.now
	first, token := w.observe(composite(senmlJSON, "/1/0/1", "/3/0/11/0", "/3/0/16"))
	const want = "/1/0/1 86400\n/3/0/11/0 0\n/3/0/16 U"
	if got := w.values("/", first); got != want {
		t.Errorf("answered %s", got)
	}
	w.run(200 * time.Second)
	within(t, gaps(begin, w.of(token)), 30*time.Second, 45*time.Second)
	for _, n := range w.of(token) {
		if got := w.values("/", n.message); got != want {
			t.Errorf("notified %s", got)
		}
	}
}

func TestOMA305(t *testing.T) {
	w := meet(t, Options{})
	r := composite(senmlCBOR, "/1/0/1", "/3/0/11/0", "/3/0/16")
	_, token := w.observe(r)
	w.run(30 * time.Second)
	before := len(w.of(token))
	w.cancel(composite(senmlCBOR, "/1/0/1", "/3/0/11/0"), token) // another list: ends nothing
	w.run(30 * time.Second)
	if before == 0 || len(w.of(token)) <= before {
		t.Fatalf("%d notifications before, %d after the cancellation of another list", before, len(w.of(token)))
	}
	w.cancel(r, token)
	before = len(w.of(token))
	w.run(time.Minute)
	if len(w.of(token)) != before {
		t.Errorf("%d notifications after the cancellation", len(w.of(token))-before)
	}
}

// report sends and returns what arrives.
func (w *world) report(r Report) seen {
	w.t.Helper()
	before := len(w.sends)
	out, err := w.device.Send(w.now, r)
	if err != nil {
		w.t.Fatal(err)
	}
	w.put(true, out...)
	w.run(2 * time.Second)
	if len(w.sends) != before+1 {
		w.t.Fatalf("%d sends, want one", len(w.sends)-before)
	}
	s := w.sends[before]
	s.message.Payload = s.body
	return s
}

func TestOMA306(t *testing.T) {
	for _, f := range []lwm2m.Format{senmlJSON, senmlCBOR} {
		w := meet(t, Options{})
		s := w.report(Report{Paths: list("/3/0/0", "/3303/0/5701"), Format: f})
		if got := w.values("/", s.message); s.message.ContentFormat() != f || got != "/3/0/0 Dormouse Works\n/3303/0/5701 Cel" {
			t.Errorf("sent %s as %s", got, s.message.ContentFormat())
		}
		if w.device.Counters().Sends != 1 {
			t.Errorf("%d sends were accepted", w.device.Counters().Sends)
		}
	}
}

func list(paths ...string) (out []lwm2m.Path) {
	for _, p := range paths {
		out = append(out, at(p))
	}
	return out
}

func TestOMA307(t *testing.T) {
	w := meet(t, Options{Send: Report{Paths: list("/3/0/9"), Every: 10 * time.Second}})
	w.run(35 * time.Second)
	if len(w.sends) != 3 {
		t.Errorf("%d sends in 35 s", len(w.sends))
	}
	w.write("1/0/23", "1")
	w.run(time.Minute)
	if len(w.sends) != 3 || w.device.Counters().Muted < 5 {
		t.Errorf("%d sends while muted, %d muted", len(w.sends)-3, w.device.Counters().Muted)
	}
	w.write("1/0/23", "0")
	w.run(30 * time.Second)
	if len(w.sends) < 5 {
		t.Errorf("%d sends when no longer muted", len(w.sends)-3)
	}
	w = meet(t, Options{}) // absent counts as muted
	w.expect(w.do(coap.PUT, "1/0", tlv, unhex("c40100015180c10600c10755")), coap.Changed)
	if out, err := w.device.Send(w.now, Report{Paths: list("/3/0/9")}); len(out) != 0 || err != nil || w.device.Counters().Muted != 1 {
		t.Errorf("%d datagrams, %v", len(out), err)
	}
}

func TestOMA308(t *testing.T) {
	w := meet(t, Options{})
	w.attach("16/0?pmin=30&pmax=45")
	begin := w.now
	first, token := w.observe(composite(senmlJSON, "/16/0", "/16/1"))
	hasNot(t, w.values("/", first), "/16/1")
	w.expect(w.do(coap.POST, "16", senmlJSON, `[{"n":"/16/1/0/0","vs":"new"}]`), coap.Created)
	w.run(50 * time.Second)
	within(t, gaps(begin, w.of(token)), 30*time.Second, 45*time.Second)
	has(t, w.values("/", w.of(token)[0].message), "/16/1/0/0 new", "/16/0/0/0 Host Device ID #1")
}

func TestOMA309(t *testing.T) {
	w := meet(t, Options{})
	w.expect(w.do(coap.POST, "16", senmlJSON, `[{"n":"/16/1/0/0","vs":"new"}]`), coap.Created)
	w.attach("16/0?pmin=30&pmax=45")
	begin := w.now
	first, token := w.observe(composite(senmlJSON, "/16/0", "/16/1"))
	has(t, w.values("/", first), "/16/1/0/0 new")
	w.expect(w.ask(plain(coap.DELETE, "16/1")), coap.Deleted)
	w.run(50 * time.Second)
	within(t, gaps(begin, w.of(token)), 30*time.Second, 45*time.Second)
	got := w.values("/", w.of(token)[0].message)
	has(t, got, "/16/0/0/0 Host Device ID #1")
	hasNot(t, got, "/16/1")
}

func TestOMA310(t *testing.T) {
	w := meet(t, Options{Every: time.Hour})
	_, token := w.observe(composite(senmlCBOR, "/1/0/3", "/3/0"))
	w.run(time.Minute)
	if n := len(w.of(token)); n != 0 {
		t.Errorf("%d notifications before the attribute", n)
	}
	w.attach("3?pmax=5")
	w.notified = nil
	w.run(time.Minute)
	if n := len(w.notified); n < 11 || n > 13 {
		t.Fatalf("%d notifications in a minute, want one every 5 s", n)
	}
	within(t, gaps(w.notified[0].at, w.notified[1:]), 4900*time.Millisecond, 5100*time.Millisecond)
}

func TestOMA311(t *testing.T) {
	w := meet(t, Options{})
	s := w.report(Report{Paths: list("/1/0/1", "/3/0/11/0")})
	if got := w.values("/", s.message); got != "/1/0/1 86400\n/3/0/11/0 0" {
		t.Errorf("sent %s", got)
	}
}

func TestOMA312(t *testing.T) {
	w := meet(t, Options{Version: lwm2m.V1_2, Every: time.Second})
	begin := w.now
	first, token := w.observe(plain(coap.GET, "3/0/7?pmin=5&pmax=15"))
	w.run(time.Minute)
	within(t, gaps(begin, w.of(token)), 5*time.Second, 15*time.Second)
	fresh(t, first, w.of(token))
	if got := w.discover("3/0/7"); strings.Contains(got, "pmin") {
		t.Errorf("attributes of an observation are attached: %s", got)
	}
	r := plain(coap.GET, "3/0/7?pmin=x")
	r.Observe = exchange.RegisterObserve
	w.expect(w.ask(r), coap.BadRequest)
}

func TestOMA313(t *testing.T) {
	w := meet(t, Options{Version: lwm2m.V1_2, Every: time.Hour})
	w.attach("3/0/7?pmin=5&pmax=60")
	begin := w.now
	_, token := w.observe(plain(coap.GET, "3/0/7?pmin=5&pmax=10"))
	w.run(time.Minute)
	within(t, gaps(begin, w.of(token)), 9900*time.Millisecond, 10100*time.Millisecond)
}

// A Send in LwM2M CBOR, one with its history, and one that takes blocks.
func TestSend(t *testing.T) {
	w := meet(t, Options{Version: lwm2m.V1_2, Every: time.Second})
	s := w.report(Report{Paths: list("/3/0/0")})
	if s.message.ContentFormat() != lwm2mCBOR || w.values("/", s.message) != "/3/0/0 Dormouse Works" {
		t.Errorf("sent %x", s.body)
	}
	w.run(time.Minute)
	nodes := w.nodes("/", w.report(Report{Paths: list("/3303/0/5700"), History: 5}).message)
	if len(nodes) != 5 {
		t.Fatalf("%d samples", len(nodes))
	}
	for i, n := range nodes {
		taken := time.Unix(0, int64(n.At))
		if want := w.device.Tree().Value(n.Path, taken); n.Value != want || w.now.Sub(taken) > 10*time.Second {
			t.Errorf("sample %d is %s of %v, want %s", i, n.Value, taken, want)
		}
		if i > 0 && n.At-nodes[i-1].At != lwm2m.Stamp(time.Second) {
			t.Errorf("samples %v apart", time.Duration(n.At-nodes[i-1].At))
		}
	}
	long := w.report(Report{Paths: list("/19/0/0"), Format: senmlCBOR})
	if got := w.nodes("/", long.message); len(got) != 1 || len(got[0].Value.Text()) != 3000 {
		t.Errorf("a long Send arrived as %d bytes", len(long.body))
	}
	if _, err := meet(t, old).device.Send(epoch, Report{Paths: list("/3")}); err == nil {
		t.Error("1.0 sends")
	}
}

// 4.04 to a Send means that the registration is lost.
func TestSendUnregistered(t *testing.T) {
	w := meet(t, Options{})
	w.decline = func(m *coap.Message) *exchange.Answer {
		if m.Path() == "dp" {
			return &exchange.Answer{Code: coap.NotFound}
		}
		return nil
	}
	out, _ := w.device.Send(w.now, Report{Paths: list("/3/0/9")})
	w.put(true, out...)
	w.run(time.Second)
	if len(w.registered) != 2 {
		t.Errorf("%d registrations", len(w.registered))
	}
}

// The delete of what is observed ends the observation by an error.
func TestObserveDeleted(t *testing.T) {
	w := meet(t, Options{})
	_, token := w.observe(plain(coap.GET, "16/0/0"))
	w.expect(w.ask(plain(coap.DELETE, "16/0")), coap.Deleted)
	w.run(time.Minute)
	list := w.of(token)
	if len(list) != 1 || list[0].message.Code != coap.NotFound {
		t.Fatalf("notified %v", list)
	}
	if _, ok := list[0].message.Observe(); ok {
		t.Error("the last notification has the Observe option")
	}
}

// A second Observe of a path takes the place of the first.
func TestObserveAgain(t *testing.T) {
	w := meet(t, Options{})
	_, a := w.observe(plain(coap.GET, "3/0/9"))
	w.run(30 * time.Second)
	first, b := w.observe(plain(coap.GET, "3/0/9"))
	before := len(w.of(a))
	w.run(time.Minute)
	if len(w.of(a)) != before || len(w.of(b)) < 5 {
		t.Errorf("%d of the first token, %d of the second", len(w.of(a))-before, len(w.of(b)))
	}
	fresh(t, first, w.of(b))
}

// More observations than a device holds are answered like reads.
func TestObserveBound(t *testing.T) {
	w := meet(t, young)
	observed := 0
	for i := range maxWatches + 3 {
		r := composite(senmlJSON, "/3/0/16", fmt.Sprintf("/3303/0/%d", i))
		r.Token, r.Observe = []byte{1, byte(i)}, exchange.RegisterObserve
		m := w.ask(r)
		w.expect(m, coap.Content)
		if _, ok := m.Observe(); ok {
			observed++
		}
	}
	if observed != maxWatches {
		t.Errorf("%d observations, want %d", observed, maxWatches)
	}
}

// A long notification is its first block; the rest is fetched and fits, although
// values change meanwhile (RFC 7959 section 2.6).
func TestObserveInBlocks(t *testing.T) {
	w := meet(t, Options{Every: time.Second, BlockSize: 128})
	r := plain(coap.GET, "3/0")
	r.Accept = senmlJSON
	first, token := w.observe(r)
	if got := w.nodes("3/0", first); len(got) < 20 {
		t.Fatalf("observed %v", got)
	}
	w.notified = nil
	w.until(w.now.Add(time.Minute), func() bool { return len(w.of(token)) > 0 })
	n := w.of(token)[0].message
	w.result = nil
	r.Token, r.Observe = []byte{0x77}, exchange.NoObserve
	w.act(w.asking.FetchRest(w.now, &r, n, &w.mids, 0))
	w.until(w.now.Add(time.Minute), func() bool { return w.result != nil })
	if w.result.Outcome != exchange.Answered {
		t.Fatalf("the rest: %v, %v", w.result.Outcome, w.result.Err)
	}
	if got := w.nodes("3/0", &w.result.Response); len(got) < 20 {
		t.Errorf("notified %v", got)
	}
	if len(w.device.watches) != 1 {
		t.Errorf("%d observations after the fetch", len(w.device.watches))
	}
}

// A Confirmable notification that nobody acknowledges makes the device ask by an
// Update, and what it has to tell meanwhile is told later with its times.
func TestNotificationStoring(t *testing.T) {
	for _, storing := range []bool{true, false} {
		w := meet(t, Options{Confirmable: true, Every: 10 * time.Second})
		if storing {
			w.write("1/0/6", "1")
		}
		r := plain(coap.GET, "3303/0/5700")
		r.Accept = senmlCBOR
		_, token := w.observe(r)
		w.run(25 * time.Second)
		w.deaf, w.notified = true, nil
		w.run(100 * time.Second)
		w.deaf = false
		w.run(40 * time.Second)
		if len(w.updates) != 1 || len(w.registered) != 1 {
			t.Fatalf("%d updates, %d registrations", len(w.updates), len(w.registered))
		}
		stamped := 0
		for _, n := range w.of(token) {
			nodes := w.nodes("3303/0/5700", n.message)
			for _, node := range nodes {
				if node.At == 0 {
					continue
				}
				stamped++
				if want := w.device.Tree().Value(node.Path, time.Unix(0, int64(node.At))); want != node.Value {
					t.Errorf("stored %s, was %s", node.Value, want)
				}
			}
		}
		if storing != (stamped > 1) {
			t.Errorf("storing %v: %d values with a time", storing, stamped)
		}
	}
}

// hqmax bounds what is stored; a format without times tells it one by one.
func TestNotificationHistory(t *testing.T) {
	for _, f := range []lwm2m.Format{senmlCBOR, tlv} {
		w := meet(t, Options{Version: lwm2m.V1_2, Every: 5 * time.Second})
		w.write("1/0/6", "1")
		w.attach("3303/0/5700?con=1&hqmax=3")
		r := plain(coap.GET, "3303/0/5700")
		r.Accept = f
		_, token := w.observe(r)
		w.run(12 * time.Second)
		w.deaf, w.notified = true, nil
		w.run(80 * time.Second)
		w.deaf = false
		if !w.until(w.now.Add(time.Minute), func() bool { return len(w.updates) > 0 }) {
			t.Fatal("no update")
		}
		w.run(time.Second)
		stored := 0
		for _, n := range w.of(token) {
			if n.message.Type != coap.Confirmable {
				t.Errorf("con=1 notified as %s", n.message.Type)
			}
			for _, node := range w.nodes("3303/0/5700", n.message) {
				if f == tlv || node.At != 0 {
					stored++
				}
			}
		}
		if stored < 3 || stored > 4 || f != tlv && stored != 3 { // in TLV a new value looks the same
			t.Errorf("%s: %d stored values, want 3", f, stored)
		}
	}
}

// A device in queue mode wakes to notify, and hears its server then.
func TestNotifyWakes(t *testing.T) {
	w := meet(t, Options{Queue: true, Awake: 5 * time.Second, Every: time.Minute})
	_, token := w.observe(plain(coap.GET, "3/0/9"))
	w.run(20 * time.Second)
	if !w.device.Asleep(w.now) {
		t.Fatal("awake")
	}
	w.until(w.now.Add(2*time.Minute), func() bool { return len(w.of(token)) == 1 })
	if w.value("3/0/0") != "Dormouse Works" {
		t.Error("deaf behind its notification")
	}
}
