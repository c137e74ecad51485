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

// An Update comes early enough for its repetitions, or after half of a short
// lifetime; a registration for ever needs none.
func TestUpdateInterval(t *testing.T) {
	for lifetime, want := range map[int64]time.Duration{20: 10 * time.Second, 186: 93 * time.Second, 240: 147 * time.Second, 86400: 86307 * time.Second} {
		w := meet(t, Options{Lifetime: lifetime})
		begin := w.seen[0].at
		w.until(w.now.Add(48*time.Hour), func() bool { return len(w.updates) > 0 })
		if len(w.updates) == 0 {
			t.Fatalf("lifetime %d: no update", lifetime)
		}
		if got := w.updates[0].at.Sub(begin).Round(time.Second); got != want {
			t.Errorf("lifetime %d: updates after %v, want %v", lifetime, got, want)
		}
	}
	w := meet(t, Options{Lifetime: -1})
	w.run(100 * 24 * time.Hour)
	if len(w.seen) != 1 || !w.device.Deadline().IsZero() {
		t.Errorf("%d requests in a registration for ever", len(w.seen))
	}
}

// Whatever an Update is answered but 2.04, the device registers anew.
func TestUpdateRefused(t *testing.T) {
	for _, code := range []coap.Code{coap.BadRequest, coap.Forbidden, coap.NotFound, coap.InternalServerError, coap.Created} {
		w := meet(t, Options{})
		_, token := w.observe(plain(coap.GET, "3/0/9"))
		w.decline = func(m *coap.Message) *exchange.Answer {
			if m.Path() == "rd/1" {
				return &exchange.Answer{Code: code}
			}
			return nil
		}
		w.expect(w.ask(plain(coap.POST, "1/0/8")), coap.Changed)
		w.run(time.Second)
		w.notified = nil
		w.run(time.Minute)
		if len(w.registered) != 2 || len(w.of(token)) != 0 {
			t.Errorf("after %s: %d registrations, %d notifications of before", code, len(w.registered), len(w.of(token)))
		}
	}
}

// A server that is gone for long finds its devices again.
func TestServerGone(t *testing.T) {
	for _, away := range []time.Duration{30 * time.Second, 3 * time.Minute, 30 * time.Minute, 48 * time.Hour} {
		w := meet(t, Options{Lifetime: 60})
		w.deaf = true
		w.run(away)
		w.deaf = false
		w.run(10 * time.Minute)
		if location, ok := w.device.Registered(); !ok || location != w.location() {
			t.Errorf("away for %v: registered at %q, %v", away, location, ok)
		}
	}
}

// The waits between attempts to register double, up to the end of a sequence.
func TestRetryDelay(t *testing.T) {
	w := newWorld(t, Options{}, 1)
	w.decline = func(*coap.Message) *exchange.Answer { return &exchange.Answer{Code: coap.Forbidden} }
	w.run(20 * time.Minute)
	for i, want := range []int{10, 20, 40, 80, 160, 160, 160} {
		got := w.seen[i+1].at.Sub(w.seen[i].at)
		if low, high := time.Duration(want)*time.Second, time.Duration(want+1)*time.Second+100*time.Millisecond; got < low || got > high {
			t.Errorf("wait %d is %v, want %d s", i, got, want)
		}
	}
	if c := w.device.Counters(); int(c.Refused) != len(w.seen) || c.Registrations != 0 {
		t.Errorf("counters %+v after %d attempts", c, len(w.seen))
	}
}

// A device that stops goes, whether the server hears it or not.
func TestStopUnheard(t *testing.T) {
	w := meet(t, Options{})
	w.deaf = true
	w.put(true, w.device.Stop(w.now)...)
	w.run(3 * time.Minute)
	if !w.device.Gone() || w.left != 0 {
		t.Errorf("gone %v, left %d times", w.device.Gone(), w.left)
	}
	if out := w.device.Handle(w.now, []byte{0x40, 0, 0, 1}); out != nil {
		t.Errorf("a device that is gone answers %x", out)
	}
	w = meet(t, Options{}) // while it is disabled
	w.expect(w.ask(plain(coap.POST, "1/0/4")), coap.Changed)
	w.run(time.Minute)
	w.device.Stop(w.now)
	w.run(48 * time.Hour)
	if !w.device.Gone() || len(w.registered) != 1 {
		t.Errorf("gone %v, %d registrations", w.device.Gone(), len(w.registered))
	}
	w = meet(t, Options{}) // during an Update
	w.put(true, w.device.Handle(w.now, encodePost(t, "1/0/8"))...)
	w.put(true, w.device.Stop(w.now)...)
	w.run(time.Second)
	if !w.device.Gone() || w.left != 1 || len(w.updates) != 1 {
		t.Errorf("gone %v, left %d times, %d updates", w.device.Gone(), w.left, len(w.updates))
	}
}

func encodePost(t *testing.T, path string) []byte {
	t.Helper()
	m := coap.Message{Code: coap.POST, MessageID: 0x4711, Token: []byte{3}}
	m.AddPath(path)
	return encode(t, m)
}

// What is to be sent waits for the registration, and only so much of it.
func TestSendWaits(t *testing.T) {
	w := newWorld(t, Options{}, 1)
	for i := range maxSends + 4 {
		if out, err := w.device.Send(w.now.Add(-time.Second), Report{Paths: list(fmt.Sprintf("/3/0/%d", 13+i%4))}); err != nil || len(out) > 0 {
			t.Fatalf("%d datagrams before the registration, %v", len(out), err)
		}
	}
	w.run(10 * time.Second)
	if len(w.registered) != 1 || len(w.sends) != maxSends {
		t.Errorf("%d registrations, %d sends, want %d", len(w.registered), len(w.sends), maxSends)
	}
	for i := 1; i < len(w.seen); i++ {
		if w.seen[i].at.Before(w.seen[i-1].at) || w.seen[i].message.Code != coap.POST {
			t.Errorf("request %d out of order", i)
		}
	}
	out, err := w.device.Send(w.now, Report{Paths: list("/99/0")}) // nothing there: nothing sent
	if err != nil || len(out) != 0 {
		t.Errorf("%d datagrams, %v", len(out), err)
	}
}

// A device that sleeps wakes for what is due, and hears for a while then.
func TestSleep(t *testing.T) {
	w := meet(t, Options{Queue: true, Awake: 10 * time.Second, Lifetime: 300, Send: Report{Paths: list("/3/0/9"), Every: time.Minute}})
	awake, asleep := 0, 0
	for range 300 {
		w.run(time.Second)
		if w.device.Asleep(w.now) {
			asleep++
		} else {
			awake++
		}
	}
	if len(w.sends) != 5 || awake < 50 || awake > 90 || asleep < 200 {
		t.Errorf("%d sends, %d s awake, %d s asleep", len(w.sends), awake, asleep)
	}
	w = meet(t, Options{Queue: true, Awake: 10 * time.Second})
	for range 5 { // each message begins the time anew
		w.run(8 * time.Second)
		w.get("3/0/0", text)
	}
	w.run(11 * time.Second)
	if !w.device.Asleep(w.now) {
		t.Error("awake long after the last message")
	}
}

// Events tell what the counters count.
func TestEvents(t *testing.T) {
	var events []string
	w := meet(t, Options{Listen: func(e Event) { events = append(events, e.String()) }})
	w.get("3/0/0", text)
	w.get("99", text)
	w.observe(plain(coap.GET, "3/0/9"))
	w.until(w.now.Add(time.Minute), func() bool { return len(w.notified) > 0 })
	w.expect(w.ask(plain(coap.POST, "1/0/8")), coap.Changed)
	w.run(time.Second)
	w.report(Report{Paths: list("/3/0/9")})
	w.expect(w.ask(plain(coap.POST, "3/0/4")), coap.Changed)
	w.run(5 * time.Second)
	w.put(true, w.device.Stop(w.now)...)
	w.run(time.Second)
	want := []string{
		"dev: registered at /rd/1",
		"dev: served GET /3/0/0 answered 2.05",
		"dev: served GET /99 answered 4.04",
		"dev: served GET /3/0/9 answered 2.05",
		"dev: notified of /3/0/9",
		"dev: served POST /1/0/8 answered 2.04",
		"dev: updated at /rd/1",
		"dev: sent",
		"dev: served POST /3/0/4 answered 2.04",
		"dev: rebooted",
		"dev: registered at /rd/2",
		"dev: de-registered",
	}
	if got := strings.Join(events, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("told\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	if c := w.device.Counters(); c != (Counters{Registrations: 2, Updates: 1, Requests: 5, Notifications: 1, Sends: 1, Reboots: 1}) {
		t.Errorf("counters %+v", c)
	}
	for e, want := range map[Event]string{
		{Kind: Refused, Endpoint: "x"}:                                           "x: no answer",
		{Kind: Refused, Endpoint: "x", Code: coap.Forbidden}:                     "x: refused with 4.03",
		{Kind: Served, Endpoint: "x", Method: 31, Path: "/", Code: coap.Deleted}: "x: served 0.31 / answered 2.02",
	} {
		if got := e.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Devices with the same seed do the same, others do not.
func TestSeed(t *testing.T) {
	history := func(seed uint64) string {
		w := newWorld(t, Options{}, seed)
		w.run(time.Second)
		w.run(time.Minute)
		return fmt.Sprintf("%x %s", w.seen[0].message.Token, w.device.Tree().Value(at("/3303/0/5700"), w.now))
	}
	a, again, b := history(1), history(1), history(2)
	if a != again || a == b {
		t.Errorf("%s, %s, %s", a, again, b)
	}
}

// The server object steers the device: periods and the mode of notifications.
func TestServerObject(t *testing.T) {
	w := meet(t, Options{Version: lwm2m.V1_2, Every: time.Second})
	w.write("1/0/2", "7")
	w.write("1/0/3", "0")
	w.write("1/0/26", "1")
	begin := w.now
	_, token := w.observe(plain(coap.GET, "3/0/7"))
	w.run(time.Minute)
	within(t, gaps(begin, w.of(token)), 7*time.Second, 10*time.Second)
	for _, n := range w.of(token) {
		if n.message.Type != coap.Confirmable {
			t.Errorf("mode 1 notifies as %s", n.message.Type)
		}
	}
}

// Once a day a notification is Confirmable, so that the device learns that its
// server is there.
func TestConfirmDaily(t *testing.T) {
	w := meet(t, Options{Every: time.Hour})
	w.attach("3/0/0?pmax=3600")
	_, token := w.observe(plain(coap.GET, "3/0/0"))
	w.run(73 * time.Hour)
	confirmed := 0
	for _, n := range w.of(token) {
		if n.message.Type == coap.Confirmable {
			confirmed++
		}
	}
	if len(w.of(token)) < 70 || confirmed != 3 {
		t.Errorf("%d of %d notifications in three days are Confirmable", confirmed, len(w.of(token)))
	}
}
