package load

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"dormouse/bench/wheel"
	"dormouse/codec/coap"
)

// rig is exchanges without a network: what they send is looked at, what they
// hear is written here, and time passes as told.
type rig struct {
	*exchanges
	t      *testing.T
	now    time.Time
	failed []coap.Code
}

func newRig(t *testing.T, kind Kind, devices, slots int) *rig {
	t.Helper()
	o, err := Options{Target: netip.MustParseAddrPort("127.0.0.1:5683"), Devices: devices}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	f := newFleet(o)
	r := &rig{t: t, now: zero, exchanges: newExchanges(zero, kind, slots, f, newWriter(f, o), newTally())}
	r.exchanges.failed = func(_ uint32, code coap.Code) { r.failed = append(r.failed, code) }
	return r
}

// sent takes what is to be sent, parsed.
func (r *rig) sent() (list []coap.Message) {
	r.t.Helper()
	for _, d := range r.out {
		var m coap.Message
		if err := coap.Parse(d.Payload, &m); err != nil {
			r.t.Fatalf("sent %x: %v", d.Payload, err)
		}
		list = append(list, *m.Clone())
	}
	r.out = r.out[:0]
	return list
}

// start begins the exchange of a device and returns its message.
func (r *rig) start(device uint32) coap.Message {
	r.t.Helper()
	r.begin(r.now, r.now, device)
	list := r.sent()
	if len(list) != 1 {
		r.t.Fatalf("%d messages for one exchange", len(list))
	}
	return list[0]
}

// hear is a message to a device's address after a while.
func (r *rig) hear(after time.Duration, device uint32, m coap.Message) {
	r.t.Helper()
	r.now = r.now.Add(after)
	b, err := m.Append(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	r.receive(r.now, r.fleet.source(device), b)
}

// answer is the piggybacked response to m.
func answer(m coap.Message, code coap.Code) coap.Message {
	return coap.Message{Type: coap.Acknowledgement, Code: code, MessageID: m.MessageID, Token: m.Token}
}

// counts are compared as text in one line.
func (r *rig) expect(begun, ended, repeated, unanswered, strays uint64) {
	r.t.Helper()
	got := [5]uint64{r.tally.begun, r.tally.ended, r.tally.repeated, r.tally.unanswered, r.tally.strays}
	if want := [5]uint64{begun, ended, repeated, unanswered, strays}; got != want {
		r.t.Errorf("begun, ended, repeated, unanswered, strays %v, want %v", got, want)
	}
	if r.fault != nil {
		r.t.Error(r.fault)
	}
}

func TestAnswerEndsTheExchange(t *testing.T) {
	r := newRig(t, Update, 2, 2)
	m := r.start(1)
	if !r.busy(1) || r.busy(0) || r.inFlight() != 1 {
		t.Error("it is not under way")
	}
	r.hear(3*time.Millisecond, 1, answer(m, coap.Changed))
	r.expect(1, 1, 0, 0, 0)
	if r.busy(1) || r.inFlight() != 0 || r.tally.codes[coap.Changed] != 1 || r.failed != nil {
		t.Error("it is not over")
	}
	if l := latencyOf(r.tally.latency); l.Max < 3*time.Millisecond || l.Max > 3010*time.Microsecond {
		t.Errorf("it took %v", l.Max)
	}
	r.hear(time.Millisecond, 1, answer(m, coap.Changed)) // the network doubled it
	r.expect(1, 1, 0, 0, 1)
}

func TestFailedAnswersAreToldAndCounted(t *testing.T) {
	r := newRig(t, Update, 1, 1)
	r.hear(0, 0, answer(r.start(0), coap.NotFound))
	r.hear(0, 0, coap.Message{Type: coap.Reset, MessageID: r.start(0).MessageID})
	r.expect(2, 2, 0, 0, 0)
	if len(r.failed) != 2 || r.failed[0] != coap.NotFound || r.failed[1] != coap.Empty {
		t.Errorf("told %v", r.failed)
	}
}

// What is not acknowledged is repeated after 2 to 3 s, 4 to 6, 8 to 12 and 16
// to 24, the same bytes, and given up 32 to 48 s later.
func TestRepetition(t *testing.T) {
	for seed := range uint64(50) {
		r := newRig(t, Update, 1, 1)
		r.random = rand.New(rand.NewPCG(seed, 0))
		first := r.start(0)
		var at []time.Duration
		for r.inFlight() > 0 && r.now.Before(zero.Add(2*time.Minute)) {
			r.now = r.now.Add(10 * time.Millisecond)
			r.tick(r.now)
			for _, m := range r.sent() {
				if m.MessageID != first.MessageID || !m.Is(first.Token) || m.Path() != first.Path() {
					t.Fatalf("repeated as %+v, first %+v", m, first)
				}
				at = append(at, r.now.Sub(zero))
			}
		}
		at = append(at, r.now.Sub(zero)) // given up
		if len(at) != maxRetransmit+1 {
			t.Fatalf("seed %d: repeated at %v", seed, at)
		}
		wait, last := time.Duration(0), time.Duration(0)
		for i, when := range at {
			gap := when - last
			low, high := ackTimeout<<i, time.Duration(float64(ackTimeout)*ackRandomFactor)<<i
			if gap < low || gap > high+2*wheel.Step || i > 0 && (gap < 2*wait-4*wheel.Step || gap > 2*wait+4*wheel.Step) {
				t.Errorf("seed %d: gap %d is %v, want %v to %v and twice %v", seed, i, gap, low, high, wait)
			}
			wait, last = gap, when
		}
		r.expect(1, 0, maxRetransmit, 1, 0)
		if len(r.failed) != 1 || r.failed[0] != coap.Empty {
			t.Errorf("told %v", r.failed)
		}
	}
}

func TestALateAnswerCountsFromTheFirstSending(t *testing.T) {
	r := newRig(t, Update, 1, 1)
	m := r.start(0)
	r.now = r.now.Add(4 * time.Second)
	r.tick(r.now)
	if n := len(r.sent()); n != 1 {
		t.Fatalf("%d repetitions", n)
	}
	r.hear(time.Second, 0, answer(m, coap.Changed))
	r.expect(1, 1, 1, 0, 0)
	if l := latencyOf(r.tally.latency).Median; l < 4990*time.Millisecond || l > 5010*time.Millisecond {
		t.Errorf("it took %v", l)
	}
	r.now = r.now.Add(time.Minute)
	r.tick(r.now)
	if n := len(r.sent()); n != 0 {
		t.Errorf("%d repetitions of what was answered", n)
	}
}

// After an empty ACK nothing is repeated, and the response is acknowledged.
func TestSeparateResponse(t *testing.T) {
	r := newRig(t, Update, 1, 1)
	m := r.start(0)
	ack := coap.Message{Type: coap.Acknowledgement, MessageID: m.MessageID}
	r.hear(0, 0, ack)
	r.hear(0, 0, ack) // doubled
	r.now = r.now.Add(20 * time.Second)
	r.tick(r.now)
	if n := len(r.sent()); n != 0 {
		t.Fatalf("%d repetitions of what is acknowledged", n)
	}
	r.hear(0, 0, coap.Message{Type: coap.Confirmable, Code: coap.Changed, MessageID: 777, Token: m.Token})
	r.expect(1, 1, 0, 0, 1)
	if list := r.sent(); len(list) != 1 || list[0].Type != coap.Acknowledgement || list[0].Code != coap.Empty || list[0].MessageID != 777 {
		t.Errorf("acknowledged with %+v", list)
	}
	// One that never comes is given up, once.
	m = r.start(0)
	r.hear(0, 0, coap.Message{Type: coap.Acknowledgement, MessageID: m.MessageID})
	r.now = r.now.Add(responseTimeout)
	r.tick(r.now)
	r.expect(2, 1, 0, 1, 1)
}

// Answers of an exchange whose slot has another one now, and all kinds of
// nonsense, change nothing.
func TestStrays(t *testing.T) {
	r := newRig(t, Update, 2, 1)
	old := r.start(0)
	r.hear(0, 0, answer(old, coap.Changed))
	m := r.start(1)
	for _, stray := range []coap.Message{
		answer(old, coap.Changed),
		{Type: coap.Acknowledgement, Code: coap.Changed, MessageID: m.MessageID, Token: m.Token[:7]},
		{Type: coap.NonConfirmable, Code: coap.Changed, Token: []byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1}},
		{Type: coap.NonConfirmable, Code: coap.Changed, Token: []byte{0, 0, 0, 1, 0, 0, 0, 0}},
		{Type: coap.NonConfirmable, Code: coap.Changed, Token: append([]byte{0, 1}, m.Token[2:]...)}, // of another run
		{Type: coap.Reset, MessageID: m.MessageID + 1},
		{Type: coap.NonConfirmable, Code: 7 << 5, Token: m.Token},
	} {
		before := r.tally.strays
		r.hear(0, 1, stray)
		if r.tally.strays != before+1 || r.inFlight() != 1 {
			t.Errorf("%+v was taken", stray)
		}
	}
	r.hear(0, 0, coap.Message{Type: coap.Reset, MessageID: m.MessageID}) // the other device's
	r.receive(r.now, 0, []byte{0x40, 0x44, 0, 1})                        // to no device
	r.receive(r.now, 0, nil)
	r.expect(2, 1, 0, 0, 10)
}

func TestSlotsRunOut(t *testing.T) {
	r := newRig(t, Update, 3, 2)
	first := r.start(0)
	r.start(1)
	if r.room() {
		t.Error("there is room for a third")
	}
	r.hear(0, 0, answer(first, coap.Changed))
	if !r.room() || r.inFlight() != 1 {
		t.Error("the first left no room")
	}
}

func TestRegistrationKeepsItsLocation(t *testing.T) {
	r := newRig(t, Register, 3, 1)
	for device, location := range []string{"rd/abcdefgh", "rd/5/6", ""} {
		m := answer(r.start(uint32(device)), coap.Created)
		m.AddLocation(location)
		r.hear(0, uint32(device), m)
		if got := string(r.fleet.devices[device].path()); got != location {
			t.Errorf("kept %q of %q", got, location)
		}
	}
	if !errors.Is(r.fault, errLocation) {
		t.Errorf("without a location: %v", r.fault)
	}
	long := newRig(t, Register, 1, 1)
	m := answer(long.start(0), coap.Created)
	m.AddLocation("rd/0123456789012345678901234567890123456789")
	long.hear(0, 0, m)
	if !errors.Is(long.fault, errLocation) {
		t.Errorf("with one too long: %v", long.fault)
	}
}
