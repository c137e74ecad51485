package exchange

import (
	"errors"
	"math"
	"testing"
	"time"
	"unsafe"

	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
)

func get(token string) *Request {
	return &Request{Method: coap.GET, Path: "3", Token: []byte(token), Observe: NoObserve, Format: lwm2m.FormatNone, Accept: lwm2m.FormatNone}
}

func TestZeroClient(t *testing.T) {
	var c Client
	var mids MIDs
	if size := unsafe.Sizeof(c); size > 24 {
		t.Errorf("an idle client holds %d bytes", size)
	}
	if out := c.Tick(t0); out.Send != nil || out.Result != nil || c.Busy() {
		t.Errorf("an idle client does %+v", out)
	}
	out := c.Start(t0, get("a"), &mids, 0)
	if len(out.Send) != 1 || out.Result != nil || !c.Deadline().Equal(t0.Add(DefaultAckTimeout)) {
		t.Errorf("started: %+v until %v", out, c.Deadline())
	}
}

// TestFirstTimeout reads the spread of RFC 7252 section 4.2 at its ends.
func TestFirstTimeout(t *testing.T) {
	for _, c := range []struct {
		p        Params
		random   uint32
		min, max time.Duration
	}{
		{Params{}, 0, 2 * time.Second, 2 * time.Second},
		{Params{}, 1 << 31, 2500 * time.Millisecond, 2500 * time.Millisecond},
		{Params{}, math.MaxUint32, 2999 * time.Millisecond, 3 * time.Second},
		{Params{AckTimeout: 10 * time.Second, AckRandomFactor: 1}, math.MaxUint32, 10 * time.Second, 10 * time.Second},
		{Params{AckRandomFactor: 0.5}, 1 << 31, 2500 * time.Millisecond, 2500 * time.Millisecond},
		{Params{AckRandomFactor: math.NaN()}, 0, 2 * time.Second, 2 * time.Second},
	} {
		if got := firstTimeout(c.p.withDefaults(), c.random); got < c.min || got > c.max {
			t.Errorf("%+v, %d: %v", c.p, c.random, got)
		}
	}
}

// TestMaxTransmitWait has the longest silence end after 93 s, the shortest
// after 62 s.
func TestMaxTransmitWait(t *testing.T) {
	for random, want := range map[uint32]time.Duration{0: 62 * time.Second, math.MaxUint32: MaxTransmitWait} {
		var c Client
		var mids MIDs
		sent := len(c.Start(t0, get("a"), &mids, random).Send)
		var now time.Time
		for c.Busy() {
			now = c.Deadline()
			sent += len(c.Tick(now).Send)
		}
		if d := want - now.Sub(t0); d < 0 || d > time.Second || sent != 1+DefaultMaxRetransmit {
			t.Errorf("silence ended after %v and %d transmissions", now.Sub(t0), sent)
		}
	}
}

func TestStartWhileBusy(t *testing.T) {
	var c Client
	var mids MIDs
	c.Start(t0, get("a"), &mids, 0)
	defer func() {
		if recover() == nil {
			t.Error("a second request was started")
		}
	}()
	c.Start(t0, get("b"), &mids, 0)
}

func TestPayloadBeyondBlockNumbers(t *testing.T) {
	c := NewClient(Params{BlockSize: 16})
	var mids MIDs
	req := get("a")
	req.Payload = make([]byte, 16<<20+1)
	out := c.Start(t0, req, &mids, 0)
	if out.Result == nil || !errors.Is(out.Result.Err, ErrTooLarge) || out.Send != nil || c.Busy() {
		t.Errorf("%+v", out)
	}
	req.Payload = req.Payload[:16<<20]
	if out := c.Start(t0, req, &mids, 0); out.Result != nil || len(out.Send) != 1 {
		t.Errorf("the largest body: %+v", out)
	}
}

// TestAnswerBeyondBlockNumbers has no room for block 2^20.
func TestAnswerBeyondBlockNumbers(t *testing.T) {
	r := receiver{limit: 1 << 30, szx: 0, head: &coap.Message{Code: coap.Content}, body: make([]byte, 16*(maxBlocks-1))}
	m := &coap.Message{Code: coap.Content, Payload: make([]byte, 16)}
	m.AddBlock(coap.OptBlock2, coap.Block{Num: maxBlocks - 1, More: true})
	if _, err := r.take(t0, m, true); !errors.Is(err, ErrTooLarge) {
		t.Errorf("%v", err)
	}
}

// TestHeardIsBounded repeats more responses than are remembered.
func TestHeardIsBounded(t *testing.T) {
	var h heard
	for mid := range uint16(20) {
		h.add(t0, &coap.Message{Token: []byte("token"), MessageID: mid})
	}
	for mid := range uint16(20) {
		if h.has(t0, &coap.Message{Token: []byte("token"), MessageID: mid}) != (mid >= 20-heardSize) {
			t.Errorf("message %d", mid)
		}
	}
	if h.has(t0, &coap.Message{Token: []byte("toke"), MessageID: 19}) || h.has(t0, &coap.Message{Type: coap.Acknowledgement, Token: []byte("token"), MessageID: 19}) {
		t.Error("another token or type is taken for a repetition")
	}
}

func TestOutcomeNames(t *testing.T) {
	seen := map[string]bool{}
	for o := Answered; o <= Broken; o++ {
		if s := o.String(); s == "" || seen[s] {
			t.Errorf("outcome %d is %q", o, s)
		} else {
			seen[s] = true
		}
	}
	if (Broken + 1).String() != "" {
		t.Error("an unknown outcome has a name")
	}
}

// TestOwnsFollowsTheTokenUnderWay: whoever brings messages to their owner by
// token must find it while the blocks behind an observed one are fetched.
func TestOwnsFollowsTheTokenUnderWay(t *testing.T) {
	var c Client
	var mids MIDs
	now := time.Unix(1000, 0)
	if c.Owns(nil) || c.Owns([]byte{1}) {
		t.Error("an idle client owns a token")
	}
	req := &Request{Method: coap.GET, Path: "19/0/0", Format: lwm2m.FormatNone, Accept: lwm2m.FormatNone,
		Observe: RegisterObserve, Token: []byte{1}, RestToken: []byte{2}}
	out := c.Start(now, req, &mids, 0)
	if !c.Owns([]byte{1}) || c.Owns([]byte{2}) {
		t.Error("the first request has the token of the observation")
	}
	first := &coap.Message{Type: coap.Acknowledgement, Code: coap.Content, MessageID: out.Send[0].MessageID, Token: []byte{1}, Payload: make([]byte, 16)}
	first.AddUint(coap.OptObserve, 1)
	first.AddBlock(coap.OptBlock2, coap.Block{More: true})
	out, _ = c.Handle(now, first, &mids)
	if len(out.Send) != 1 || !out.Send[0].Is([]byte{2}) || !c.Owns([]byte{2}) || !c.Owns([]byte{1}) {
		t.Errorf("sent %v; owns 1 %v, 2 %v", out.Send, c.Owns([]byte{1}), c.Owns([]byte{2}))
	}
}

func TestAcknowledgedFollowsTheMessageUnderWay(t *testing.T) {
	var c Client
	var mids MIDs
	now := time.Unix(1000, 0)
	out := c.Start(now, get("a"), &mids, 0)
	if c.Acknowledged() {
		t.Error("acknowledged before anything came")
	}
	c.Handle(now, Ack(out.Send[0]), &mids)
	if !c.Acknowledged() {
		t.Error("not acknowledged by its ACK")
	}
	c.Abort()
	if c.Acknowledged() {
		t.Error("an idle client was acknowledged")
	}
}
