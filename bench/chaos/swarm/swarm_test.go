package swarm

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"dormouse/bench/chaos/history"
	"dormouse/bench/crowd"
	"dormouse/bench/device/secure"
	"dormouse/bench/provision"
	"dormouse/bench/server/servertest"
	"dormouse/codec/coap"
)

// living are nodes that live, or not, since the beginning.
type living bool

func (l living) Alive(int) (time.Time, bool) { return time.Time{}, bool(l) }

// nobody are addresses of nodes that a test answers for.
func nobody(n int) (list []netip.AddrPort) {
	for i := range n {
		list = append(list, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(9+i)))
	}
	return list
}

func open(t *testing.T, o Options) (*Swarm, *history.Log) {
	t.Helper()
	log := history.NewLog(time.Now(), 100_000, nil)
	if o.Nodes == nil {
		o.Nodes = living(true)
	}
	o.Log = log
	o.Seed = 1
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, log
}

// lonely is a swarm without a network: the test is its nodes, and its clock.
func lonely(t *testing.T, o Options) (*Swarm, *history.Log) {
	t.Helper()
	o.CoAP, o.CoAPS = nobody(3), nobody(3)
	if o.Devices == 0 {
		o.Devices = 1
	}
	o.Rate = 1
	return open(t, o)
}

// sent takes what the swarm wants to send.
func (s *Swarm) sent(t *testing.T) (list []crowd.Datagram, messages []coap.Message) {
	t.Helper()
	list = s.out
	s.out = nil
	for _, d := range list {
		var m coap.Message
		if err := coap.Parse(d.Payload, &m); err != nil {
			t.Fatal(err)
		}
		messages = append(messages, m)
	}
	return list, messages
}

func encoded(t *testing.T, m *coap.Message) []byte {
	t.Helper()
	b, err := m.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// location is what a 2.01 says.
func location() []coap.Option {
	m := &coap.Message{}
	m.AddString(coap.OptLocationPath, "rd")
	m.AddString(coap.OptLocationPath, "x")
	return m.Options
}

func reply(code coap.Code) func(*coap.Message) *coap.Message {
	return func(m *coap.Message) *coap.Message {
		return &coap.Message{Type: coap.Acknowledgement, Code: code, MessageID: m.MessageID, Token: m.Token}
	}
}

func kinds(t *testing.T, log *history.Log) (list []history.Kind) {
	t.Helper()
	events, err := log.Events()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		list = append(list, e.Kind)
	}
	return list
}

// Real messages with a server: half of the devices with DTLS, some of them late.
func TestAgainstAServer(t *testing.T) {
	server, err := servertest.Listen("127.0.0.1:0", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := server.Secure("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	const n = 40
	s, log := open(t, Options{
		CoAP: []netip.AddrPort{server.CoAP()}, CoAPS: []netip.AddrPort{server.CoAPS()},
		Devices: n, Secure: 0.5, Late: 0.25, Rate: 2000, MoveEvery: 5,
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	list := s.Credentials()
	if err := provision.Post(ctx, server.API(), len(list), func(i int) secure.Credential { return list[i] }); err != nil {
		t.Fatal(err)
	}
	if err := s.Setup(ctx); err != nil {
		t.Fatal(err)
	}
	if len(list) != n/2 || len(s.Early()) != n-n/4 || s.Counts().Exchanges != n-n/4 {
		t.Errorf("%d with DTLS, %d early, %d exchanges", len(list), len(s.Early()), s.Counts().Exchanges)
	}
	stop := make(chan struct{})
	go func() {
		defer close(stop)
		for len(kinds(t, log)) < n+n/2 && ctx.Err() == nil { // all registered, half of them shaken
			<-time.After(10 * time.Millisecond)
		}
	}()
	if err := s.Run(ctx, stop); err != nil {
		t.Fatal(err)
	}
	if err := s.RollCall(ctx); err != nil {
		t.Fatal(err)
	}
	events, err := log.Events()
	if err != nil {
		t.Fatal(err)
	}
	v := history.Check(events, history.Rules{})
	if f := v.Figures; !v.OK() || f.Registered != n || f.Handshakes != n/2 || f.Known != n {
		t.Errorf("%+v\n%v", f, v.Examples)
	}
	if c := s.Counts(); c.Moves == 0 || c.Astray > 0 {
		t.Errorf("%+v", c)
	}
}

// A request is executed once, whichever node repeats it; another message ID, or
// the same one with another token or payload, is another request.
func TestRequestsAreExecutedOnce(t *testing.T) {
	s, log := lonely(t, Options{})
	now := time.Now()
	request := func(mid uint16, token, payload string) []byte {
		m := &coap.Message{Code: coap.POST, MessageID: mid, Token: []byte(token), Payload: []byte(payload)}
		m.AddPath("3/0/4")
		return encoded(t, m)
	}
	first := request(7, "a", "0='"+Mark(12)+"'")
	s.received(now, 0, 0, first)
	s.received(now, 2, 0, first)
	s.received(now.Add(246*time.Second), 1, 0, first)
	list, messages := s.sent(t)
	for i, m := range messages {
		if m.Type != coap.Acknowledgement || m.Code != coap.Changed || m.MessageID != 7 || list[i].To != crowd.Server([]int{0, 2, 1}[i]) {
			t.Errorf("answer %d: %+v to %d", i, m, list[i].To)
		}
	}
	again := []history.Kind{history.Executed, history.Recognised, history.Recognised}
	if got := kinds(t, log); len(messages) != 3 || !slices.Equal(got, again) {
		t.Fatalf("%d answers, %v", len(messages), got)
	}
	for _, other := range [][]byte{request(8, "a", "0='"+Mark(12)+"'"), request(7, "b", "0='"+Mark(12)+"'"), request(7, "a", "0='"+Mark(13)+"'")} {
		s.received(now, 0, 0, other)
	}
	s.received(now.Add(248*time.Second), 0, 0, first) // the device has forgotten it
	if got := kinds(t, log)[3:]; !slices.Equal(got, []history.Kind{history.Executed, history.Executed, history.Executed, history.Executed}) {
		t.Errorf("then %v", got)
	}
	events, _ := log.Events()
	if events[0].Op != 12 || events[5].Op != 13 || events[1].Node != 2 {
		t.Errorf("%+v", events)
	}
}

// A try is in vain, its repetition goes to the same node, later ones anywhere,
// and an answer counts only from a node that was asked.
func TestRepetitions(t *testing.T) {
	s, log := lonely(t, Options{})
	now := time.Now()
	s.wheel.Advance(now, nil)
	s.act(now, 0)
	list, messages := s.sent(t)
	first := list[0].To
	for i := range 2 {
		now = now.Add(time.Duration(4<<i) * time.Second)
		s.tick(now)
		more, _ := s.sent(t)
		if len(more) != 1 || i == 0 && more[0].To != first {
			t.Fatalf("repetition %d: %+v", i+1, more)
		}
		list = append(list, more...)
	}
	answer := encoded(t, &coap.Message{
		Type: coap.Acknowledgement, Code: coap.Created, MessageID: messages[0].MessageID, Token: messages[0].Token,
		Options: location(),
	})
	for node := range crowd.Server(3) {
		if node != list[0].To && node != list[2].To {
			s.received(now, node, 0, answer)
		}
	}
	if s.devices[0].location != nil || s.counts.Astray == 0 {
		t.Errorf("an answer of a node that was not asked counts: %+v", s.counts)
	}
	s.received(now, first, 0, answer)
	s.received(now, first, 0, answer)
	if got := kinds(t, log); !slices.Equal(got, []history.Kind{history.Silent, history.Silent, history.Registered, history.Recovered}) {
		t.Errorf("%v", got)
	}
	if c := s.counts; c.Tries != 3 || c.Repeated != 2 || c.Exchanges != 1 || c.Strays != 1 {
		t.Errorf("%+v", c)
	}
}

// What no node that lives was asked is nobody's fault.
func TestSilenceOfTheDead(t *testing.T) {
	for _, tt := range []struct {
		nodes Nodes
		want  []history.Kind
	}{
		{living(false), nil},
		{living(true), []history.Kind{history.Silent, history.Silent, history.Silent, history.Silent, history.Silent, history.Unanswered}},
	} {
		s, log := lonely(t, Options{Nodes: tt.nodes})
		now := time.Now()
		s.act(now, 0)
		for range 5 {
			now = now.Add(time.Minute)
			s.tick(now)
		}
		if got := kinds(t, log); !slices.Equal(got, tt.want) || s.busy() != 0 || (s.counts.Hopeless == 0) != (tt.want != nil) {
			t.Errorf("%v: %v, %+v", tt.nodes, got, s.counts)
		}
	}
}

// What the server answers to a registered device.
func TestAnswers(t *testing.T) {
	for name, tt := range map[string]struct {
		answer func(asked *coap.Message) *coap.Message
		want   []history.Kind
		keeps  bool // the registration
	}{
		"changed":   {reply(coap.Changed), nil, true},
		"not found": {reply(coap.NotFound), []history.Kind{history.Forgotten}, false},
		"bad":       {reply(coap.BadRequest), []history.Kind{history.Refused}, true},
		"busy":      {reply(coap.ServiceUnavailable), []history.Kind{history.Silent}, true},
		"reset":     {func(m *coap.Message) *coap.Message { return &coap.Message{Type: coap.Reset, MessageID: m.MessageID} }, []history.Kind{history.Refused}, true},
		"a token that is foreign": {func(m *coap.Message) *coap.Message {
			return &coap.Message{Type: coap.NonConfirmable, Code: coap.Changed, Token: []byte("whatever")}
		}, nil, true},
	} {
		s, log := lonely(t, Options{})
		s.devices[0].location = []string{"rd", "x"}
		now := time.Now()
		s.ask(now, 0, update)
		list, messages := s.sent(t)
		s.received(now, list[0].To, 0, encoded(t, tt.answer(&messages[0])))
		if got := kinds(t, log); !slices.Equal(got, tt.want) || (s.devices[0].location != nil) != tt.keeps {
			t.Errorf("%s: %v, %v", name, got, s.devices[0].location)
		}
	}
}

// A response that comes separately ends the exchange, however late it is.
func TestSeparateResponse(t *testing.T) {
	s, _ := lonely(t, Options{})
	now := time.Now()
	s.act(now, 0)
	list, messages := s.sent(t)
	s.received(now, list[0].To, 0, encoded(t, &coap.Message{Type: coap.Acknowledgement, MessageID: messages[0].MessageID}))
	s.tick(now.Add(30 * time.Second))
	if out, _ := s.sent(t); len(out) > 0 {
		t.Errorf("repeated after an acknowledgement: %v", out)
	}
	s.received(now, list[0].To, 0, encoded(t, &coap.Message{Type: coap.Confirmable, Code: coap.Created, MessageID: 5, Token: messages[0].Token, Options: location()}))
	if _, out := s.sent(t); len(out) != 1 || out[0].Type != coap.Acknowledgement || out[0].MessageID != 5 || s.devices[0].location == nil {
		t.Errorf("answered %+v", out)
	}
}

// A device that has moved hears nothing at its old address, and says first who
// it is.
func TestMoving(t *testing.T) {
	s, _ := lonely(t, Options{Devices: 3})
	s.devices[1].location, s.devices[1].token = []string{"rd", "x"}, "t"
	before := s.source(1)
	s.move(1)
	if i, here := s.at(before); i != 1 || here {
		t.Errorf("%d, still there: %t", i, here)
	}
	if i, here := s.at(s.source(1)); i != 1 || !here || s.source(1) != before+3 {
		t.Errorf("%d, there: %t", i, here)
	}
	for range 50 {
		if k := s.choose(&s.devices[1]); k != update {
			t.Fatalf("it says %v first", k)
		}
	}
	s.take(0, before, []byte{0x40, 0, 0, 1})
	if s.counts.Elsewhere != 1 || len(s.out) != 0 {
		t.Errorf("it answered at its old address: %+v", s.counts)
	}
	s.take(0, s.source(1), []byte{0x40, 0, 0, 1})
	if _, out := s.sent(t); len(out) != 1 || out[0].Type != coap.Reset {
		t.Errorf("a ping is answered %+v", out)
	}
}

func TestOptions(t *testing.T) {
	good := Options{CoAP: nobody(1), CoAPS: nobody(1), Devices: 1, Rate: 1}
	for name, change := range map[string]func(*Options){
		"nodes":    func(o *Options) { o.CoAPS = nil },
		"devices":  func(o *Options) { o.Devices = 0 },
		"secure":   func(o *Options) { o.Secure = 1.5 },
		"late":     func(o *Options) { o.Late = 1 },
		"rate":     func(o *Options) { o.Rate = 0 },
		"loss":     func(o *Options) { o.Loss = 1 },
		"patience": func(o *Options) { o.AckTimeout = -1 },
	} {
		o := good
		change(&o)
		if s, err := Open(o); err == nil {
			s.Close()
			t.Errorf("%s: taken", name)
		}
	}
}

func TestMark(t *testing.T) {
	for payload, want := range map[string]uint32{
		Mark(0): 0, Mark(1): 1, "0='" + Mark(4_000_000_000) + "'": 4_000_000_000, "op:12": 0, "op:;": 0, "op:x;": 0, "": 0, "op:5000000000;": 0,
	} {
		if got := marked([]byte(payload)); got != want {
			t.Errorf("%q is %d", payload, got)
		}
	}
}
