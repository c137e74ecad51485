package bootstrap

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
)

// hand is one session, answered request by request.
type hand struct {
	t    *testing.T
	nd   *node
	s    *Session
	d    Datagram      // what all datagrams of the device have in common
	last *coap.Message // the newest request
	all  []Notice
	fx   Effects
}

func newHand(t *testing.T, c *Config) *hand {
	nd := newNode(newNetwork(t, 1), c)
	return &hand{t: t, nd: nd, s: New(nd.env, testID, testName), d: Datagram{Path: testPath}}
}

// begin sends a Bootstrap-Request.
func (h *hand) begin(mid uint16, queries ...string) {
	h.hear(request(coap.POST, "bs", mid, append(queries, "ep="+testName)...))
}

func (h *hand) hear(m coap.Message) {
	d := h.d
	d.Message = m
	h.handle(&d)
}

func (h *hand) handle(ev Event) {
	h.t.Helper()
	h.fx = Effects{}
	h.s.Handle(h.nd.net.now, ev, &h.fx)
	h.all = append(h.all, h.fx.Notices...)
	if h.fx.Record != nil {
		h.nd.record = h.fx.Record
	}
	h.last = nil
	for _, send := range h.fx.Sends {
		var m coap.Message
		if err := coap.Parse(send.Payload, &m); err != nil {
			h.t.Fatal(err)
		}
		if m.Code.IsRequest() {
			h.last = &m
		}
	}
}

// answer answers the newest request and says what came after it.
func (h *hand) answer(code coap.Code, payload string) string {
	h.t.Helper()
	h.hear(coap.Message{Type: coap.Acknowledgement, Code: code, MessageID: h.last.MessageID, Token: h.last.Token, Payload: []byte(payload)})
	return h.asks()
}

func (h *hand) asks() string {
	if h.last == nil {
		return ""
	}
	return methods[h.last.Code] + " /" + h.last.Path()
}

func (h *hand) restart() {
	h.t.Helper()
	s, err := Load(h.nd.env, testID, h.nd.record)
	if err != nil {
		h.t.Fatal(err)
	}
	h.s = s
	h.handle(Tick{})
}

func (h *hand) want(what, got, want string) {
	h.t.Helper()
	if got != want {
		h.t.Errorf("%s: asks %q, want %q", what, got, want)
	}
}

// A session that is taken up goes on with the step that was under way, as a new message.
func TestRestartAtEveryStep(t *testing.T) {
	h := newHand(t, basic())
	h.begin(1, "pct=112")
	for _, step := range []struct {
		asks    string
		code    coap.Code
		payload string
	}{
		{"GET /", coap.Content, `</>;lwm2m=1.1,</0/0>;ssid=3,</0/1>,</1/0>;ssid=3,</3/0>`},
		{"DELETE /0/0", coap.Deleted, ""}, {"DELETE /1", coap.Deleted, ""},
		{"PUT /0/0", coap.Changed, ""}, {"PUT /1/0", coap.Changed, ""}, {"POST /bs", coap.Changed, ""},
	} {
		h.want("before", h.asks(), step.asks)
		before := *h.last
		h.restart()
		h.want("after", h.asks(), step.asks)
		same := h.last.MessageID == before.MessageID && string(h.last.Token) == string(before.Token)
		if finish := step.asks == "POST /bs"; same != finish {
			t.Errorf("%s: the same message: %v", step.asks, same)
		}
		if step.asks == "PUT /0/0" && h.last.ContentFormat() != lwm2m.FormatSenMLCBOR {
			t.Errorf("as %s", h.last.ContentFormat())
		}
		h.answer(step.code, step.payload)
	}
	if h.s.Phase() != Done || lifecycle(h.all) != "Start End" || h.fx.Result == nil || h.fx.Result.Security[0] != 0 || !h.fx.Alarm.IsZero() {
		t.Errorf("%d, %v, %+v", h.s.Phase(), h.all, h.fx.Result)
	}
}

// Another configuration, or another plan for it, begins again from the first step.
func TestRestartWithAnotherPlan(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"serial": func(c *Config) { c.Serial++ },
		"plan":   func(c *Config) { c.ReadBack = true },
	} {
		h := newHand(t, basic())
		h.begin(1)
		h.answer(coap.Content, "</0/1>")
		h.want(name, h.answer(coap.BadRequest, ""), "PUT /1/0")
		c := basic()
		change(c)
		h.nd.config = c
		h.restart()
		h.want(name, h.asks(), "GET /")
		h.want(name, h.answer(coap.Content, "</0/0>"), "PUT /0/1")
		h.want(name, h.answer(coap.Changed, ""), "PUT /1/0")
		if len(h.s.r.Refused) != 0 || len(h.s.r.Taken) != 1 {
			t.Errorf("%s: what was before is kept: %+v", name, h.s.r)
		}
	}
	h := newHand(t, basic())
	h.begin(1)
	h.nd.err = ErrUnknown
	h.restart()
	if h.s.Phase() != Failed || lifecycle(h.all) != "Start Failure" || h.asks() != "" {
		t.Errorf("without a configuration: %v", h.all)
	}
}

// Where an account was seen once it is kept clear of when the device does not tell again,
// also by a node that was restarted.
func TestAccountIsRemembered(t *testing.T) {
	h := newHand(t, basic())
	h.begin(1)
	h.answer(coap.Content, "</0/1>")
	h.begin(2)
	for _, want := range []string{"DELETE /0", "DELETE /1", "DELETE /2", "PUT /0/2"} {
		h.want("without Discover", h.answer(coap.NotFound, ""), want)
	}
	h.restart()
	h.want("after a restart", h.asks(), "PUT /0/2")
}

// A Reset is no refusal: the request goes out again after a pause, and three times at each step.
func TestResets(t *testing.T) {
	h := newHand(t, basic())
	h.begin(1)
	reject := func() {
		h.hear(coap.Message{Type: coap.Reset, MessageID: h.last.MessageID})
		h.want("at once", h.asks(), "")
		if h.fx.Wake != h.nd.net.now.Add(resetPause) {
			t.Fatalf("wakes at %s", h.fx.Wake)
		}
		h.nd.net.now = h.fx.Wake
		h.handle(Tick{})
	}
	for range maxResets {
		reject()
		h.want("after a pause", h.asks(), "GET /")
	}
	h.want("then", h.answer(coap.NotFound, ""), "DELETE /0")
	for range maxResets {
		reject()
		h.want("the next step", h.asks(), "DELETE /0")
	}
	h.hear(coap.Message{Type: coap.Reset, MessageID: h.last.MessageID})
	if r := h.fx.Result; h.s.Phase() != Failed || r.Reason != "Delete /0: reset by peer" {
		t.Errorf("%+v", r)
	}
}

// A Discover that is lost, rejected or cannot be read tells nothing of the account, and
// is not taken for that of a device that knows none: nothing is written by guess. An
// offset, or what is known from before, lets the session go on.
func TestDiscoverThatTellsNothing(t *testing.T) {
	for name, lose := range map[string]func(*hand){
		"nonsense": func(h *hand) { h.answer(coap.Content, "</0/0></0/1>") },
		"rejected": func(h *hand) {
			for range maxResets + 1 {
				h.hear(coap.Message{Type: coap.Reset, MessageID: h.last.MessageID})
				if h.s.Phase() == Running && h.last == nil {
					h.nd.net.now = h.fx.Wake
					h.handle(Tick{})
				}
			}
		},
		"lost": func(h *hand) {
			h.hear(coap.Message{Type: coap.Acknowledgement, MessageID: h.last.MessageID})
			h.nd.net.now = h.fx.Wake
			h.handle(Tick{})
		},
	} {
		for _, known := range []string{"", "offset", "seen"} {
			c := basic()
			h := newHand(t, c)
			if known == "offset" {
				c.Offset = ptr[uint16](4)
			}
			h.begin(1)
			if known == "seen" {
				h.answer(coap.Content, "</0/1>")
				h.begin(2)
			}
			lose(h)
			if known != "" {
				h.want(name+" "+known, h.asks(), "DELETE /0")
			} else if h.s.Phase() != Failed || !strings.Contains(h.fx.Result.Reason, "overwritten") {
				t.Errorf("%s: %d, %+v", name, h.s.Phase(), h.fx.Result)
			}
		}
	}
}

// One format that worked is not given up for the sake of one instance.
func TestFormatStays(t *testing.T) {
	h := newHand(t, basic())
	h.begin(1)
	h.answer(coap.Content, "</0/1>")
	h.want("first", h.answer(coap.Changed, ""), "PUT /1/0")
	h.want("refused", h.answer(coap.UnsupportedContentFormat, ""), "POST /bs")
	if r := h.s.r.Refused; len(r) != 1 || r[0].Code != coap.UnsupportedContentFormat {
		t.Errorf("refused %v", r)
	}
}

// Over DTLS tokens are short, blocks smaller, and what follows goes to the newest address.
func TestSealedWays(t *testing.T) {
	c := basic()
	c.Servers[0].ServerKey = make([]byte, 900)
	h := newHand(t, c)
	h.begin(1)
	if len(h.last.Token) != 8 {
		t.Errorf("token of %d bytes", len(h.last.Token))
	}
	h.answer(coap.Content, "</0/1>")
	if _, blocked := h.last.Option(coap.OptBlock1); blocked {
		t.Error("plain: in blocks")
	}
	c.Account.Security = Security{Mode: PSK, Identity: "bs-id", Key: NewSecret([]byte("k"))}
	h.d.Sealed, h.d.Identity = true, "bs-id"
	h.begin(2)
	if len(h.last.Token) != 4 {
		t.Errorf("token of %d bytes", len(h.last.Token))
	}
	h.d.Path.Peer = netip.MustParseAddrPort("198.51.100.1:7")
	h.want("moved", h.answer(coap.Content, "</0/1>"), "PUT /0/0")
	if len(h.last.Payload) != sealedBlock || h.fx.Sends[0].Path.Peer != h.d.Path.Peer || !h.fx.Sends[0].Sealed {
		t.Errorf("%d bytes to %+v", len(h.last.Payload), h.fx.Sends[0].Path)
	}
}

// The session ends at 247 s whoever loads it, and nothing is asked behind that.
func TestEndOfTime(t *testing.T) {
	h := newHand(t, basic())
	h.begin(1)
	alarm := h.fx.Alarm
	if alarm != h.nd.net.now.Add(247*time.Second) {
		t.Fatalf("alarm %s", alarm)
	}
	h.nd.net.now = alarm
	h.restart()
	if h.s.Phase() != Failed || len(h.fx.Sends) > 0 || !strings.Contains(h.fx.Result.Reason, "247") || h.s.Busy() {
		t.Errorf("%+v", h.fx)
	}
	if s, err := Load(h.nd.env, testID, h.nd.record); err != nil || s.Last() == nil || s.Last().Reason != h.fx.Result.Reason {
		t.Error("the end is not stored")
	}
}

// A pack that is asked for while a session goes on leaves it alone.
func TestPackBesideASession(t *testing.T) {
	h := newHand(t, basic())
	h.begin(1)
	m := request(coap.GET, "bspack", 2, "ep="+testName)
	h.hear(m)
	if h.s.Phase() != Running || h.fx.Result != nil || h.fx.Sends[0].Path != testPath {
		t.Errorf("%+v", h.fx)
	}
}

// An answer to a Read that makes no sense is a refusal.
func TestAnswersOfNoSense(t *testing.T) {
	c := basic()
	c.ReadBack = true
	h := newHand(t, c)
	h.begin(1)
	h.want("Discover", h.answer(coap.NotImplemented, ""), "DELETE /0")
	h.answer(coap.Deleted, "")
	h.answer(coap.Deleted, "")
	h.answer(coap.Deleted, "")
	h.answer(coap.Changed, "")
	h.want("writes", h.answer(coap.Changed, ""), "GET /1")
	h.want("Read", h.answer(coap.Content, "\xff"), "POST /bs")
	h.answer(coap.Changed, "")
	if r := h.fx.Result; h.s.Phase() != Done || len(r.Refused) != 1 || r.Refused[0].Code != 0 || len(r.Read) != 0 {
		t.Errorf("%+v", r)
	}
	h.fx.Reset()
	if h.fx.Record != nil || len(h.fx.Sends)+len(h.fx.Notices) > 0 || h.fx.Result != nil {
		t.Errorf("%+v", h.fx)
	}
}

func TestClip(t *testing.T) {
	if got := clip(strings.Repeat("ä", 150)); len(got) != maxDiagnostic {
		t.Errorf("%d bytes", len(got))
	}
	if got := clip("x" + strings.Repeat("ä", 150)); len(got) != maxDiagnostic-1 {
		t.Errorf("%d bytes", len(got))
	}
}

func TestNoticeNames(t *testing.T) {
	seen := map[string]bool{}
	for k := Start; k < noticeKinds; k++ {
		if name := k.String(); name == "unknown" || seen[name] {
			t.Errorf("notice %d is %q", k, name)
		} else {
			seen[name] = true
		}
	}
}

// The accounts that a Pack-Request names are kept clear of in what follows.
func TestPackTellsOfTheAccount(t *testing.T) {
	h := newHand(t, basic())
	m := request(coap.GET, "bspack", 1, "ep="+testName, "acc=</0/1>")
	h.hear(m)
	h.restart()
	h.begin(2)
	for _, want := range []string{"DELETE /0", "DELETE /1", "DELETE /2", "PUT /0/2"} {
		h.want("without Discover", h.answer(coap.NotFound, ""), want)
	}
}

func TestNonConfirmableRequest(t *testing.T) {
	h := newHand(t, basic())
	m := request(coap.POST, "bs", 1, "ep="+testName)
	m.Type = coap.NonConfirmable
	h.hear(m)
	var reply coap.Message
	if err := coap.Parse(h.fx.Sends[0].Payload, &reply); err != nil || reply.Type != coap.NonConfirmable || reply.Code != coap.Changed || !reply.Is(m.Token) {
		t.Errorf("%+v, %v", reply, err)
	}
	h.want("then", h.asks(), "GET /")
	if h.last.MessageID == reply.MessageID {
		t.Error("two messages of one ID")
	}
}
