package exchange

import (
	"bytes"
	"strings"
	"testing"

	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
)

func message(t testing.TB, text string) *coap.Message {
	t.Helper()
	return received(t, parseMessage(t, strings.Fields(text)))
}

func TestReply(t *testing.T) {
	location := []coap.Option{{ID: coap.OptLocationPath, Value: []byte("rd")}}
	for _, c := range []struct {
		name, request string
		answer        Answer
		want          string
	}{
		{"confirmable", "CON POST 7 aabb path=rd", Answer{Code: coap.Created, Options: location}, "ACK 2.01 7 aabb"},
		{"non-confirmable", "NON POST 7 aabb path=dp", Answer{Code: coap.Changed}, "NON 2.04 101 aabb"},
		{"no token", "CON GET 7 -", Answer{Code: coap.NotFound}, "ACK 4.04 7 -"},
		{"text", "CON GET 7 01", Answer{Code: coap.Content, Payload: []byte("x")}, "ACK 2.05 7 01 cf=0 payload=x"},
		{"no format", "CON GET 7 01", Answer{Code: coap.Content, Format: lwm2m.FormatNone, Payload: []byte("x")}, "ACK 2.05 7 01 payload=x"},
		{"a diagnostic has no format", "CON GET 7 01", Answer{Code: coap.BadRequest, Payload: []byte("why")}, "ACK 4.00 7 01 payload=why"},
		{"continue", "CON POST 7 01 block1=3/1/64", Answer{Code: coap.Continue}, "ACK 2.31 7 01 block1=3/1/64"},
		{"last block", "CON POST 7 01 block1=3/0/64", Answer{Code: coap.Changed}, "ACK 2.04 7 01 block1=3/0/64"},
		{"no more after an error", "CON POST 7 01 block1=3/1/64", Answer{Code: coap.RequestEntityIncomplete}, "ACK 4.08 7 01 block1=3/0/64"},
		{"block of a reserved size", "CON POST 7 01 block1=3/1/2048", Answer{Code: coap.BadRequest}, "ACK 4.00 7 01"},
	} {
		t.Run(c.name, func(t *testing.T) {
			mids := MIDs{Last: 100}
			req := message(t, c.request)
			m := Reply(req, c.answer, &mids)
			scribble(req)
			m.Remove(coap.OptLocationPath)
			if got := describe(m); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			wire(t, m)
		})
	}
}

func TestReplySortsOptions(t *testing.T) {
	a := Answer{Code: coap.Content, Format: lwm2m.FormatTLV, Payload: []byte("x"), Options: []coap.Option{
		{ID: coap.OptSize2, Value: []byte{1}}, {ID: coap.OptETag, Value: []byte{7}}}}
	m := Reply(message(t, "CON GET 7 01"), a, &MIDs{})
	if got := describe(m); got != "ACK 2.05 7 01 etag=07 cf=11542 size2=1 payload=x" {
		t.Error(got)
	}
	if a.Options[0].ID != coap.OptSize2 {
		t.Error("the answer's options were moved")
	}
}

func TestNoResponse(t *testing.T) {
	for _, c := range []struct {
		typ   coap.Type
		bits  uint32
		code  coap.Code
		reply bool
	}{
		{coap.NonConfirmable, 0, coap.Changed, true}, {coap.NonConfirmable, 2, coap.Changed, false},
		{coap.NonConfirmable, 2, coap.NotFound, true}, {coap.NonConfirmable, 8, coap.NotFound, false},
		{coap.NonConfirmable, 16, coap.ServiceUnavailable, false}, {coap.NonConfirmable, 26, coap.Changed, false},
		{coap.NonConfirmable, 24, coap.Changed, true}, {coap.Confirmable, 26, coap.Changed, true},
	} {
		req := &coap.Message{Type: c.typ, Code: coap.POST}
		req.AddUint(coap.OptNoResponse, c.bits)
		mids := MIDs{Last: 100}
		if m := Reply(req, Answer{Code: c.code}, &mids); (m != nil) != c.reply {
			t.Errorf("%s with No-Response %d answered %s: %v", c.typ, c.bits, c.code, m)
		} else if m == nil && mids.Last != 100 {
			t.Error("a message ID was used for no message")
		}
	}
}

func TestEmptyMessages(t *testing.T) {
	m := message(t, "CON 2.05 513 aabb payload=x")
	if ack := wire(t, Ack(m)); !bytes.Equal(ack, []byte{0x60, 0, 2, 1}) {
		t.Errorf("ACK %x", ack)
	}
	if rst := wire(t, Rst(m)); !bytes.Equal(rst, []byte{0x70, 0, 2, 1}) {
		t.Errorf("RST %x", rst)
	}
}

func TestMIDsWrap(t *testing.T) {
	m := MIDs{Last: 65534}
	if a, b, c := m.Next(), m.Next(), m.Next(); a != 65535 || b != 0 || c != 1 {
		t.Errorf("%d %d %d", a, b, c)
	}
}

func TestSlice(t *testing.T) {
	long := Answer{Code: coap.Content, Format: lwm2m.FormatLink, Payload: pattern(150)}
	tagged := long
	tagged.Options = []coap.Option{{ID: coap.OptETag, Value: []byte{7}}}
	for _, c := range []struct {
		name, request string
		answer        Answer
		want          string
	}{
		{"fits", "CON GET 7 -", Answer{Code: coap.Content, Payload: pattern(64)}, "2.05 body=0+64"},
		{"first", "CON GET 7 -", tagged, "2.05 etag=07 block2=0/1/64 size2=150 body=0+64"},
		{"next", "CON GET 7 - block2=1/0/64", tagged, "2.05 etag=07 block2=1/1/64 body=64+64"},
		{"last", "CON GET 7 - block2=2/0/64", tagged, "2.05 etag=07 block2=2/0/64 body=128+22"},
		{"beyond the end", "CON GET 7 - block2=3/0/64", long, "4.00"},
		{"smaller blocks", "CON GET 7 - block2=2/0/16", tagged, "2.05 etag=07 block2=2/1/16 body=32+16"},
		{"larger blocks", "CON GET 7 - block2=1/0/128", tagged, "2.05 etag=07 block2=2/0/64 body=128+22"},
		{"asked although it fits", "CON GET 7 - block2=0/0/1024", Answer{Code: coap.Content, Options: tagged.Options, Payload: pattern(4)},
			"2.05 etag=07 block2=0/0/64 size2=4 body=0+4"},
		{"empty", "CON GET 7 - block2=0/0/64", Answer{Code: coap.Content, Options: tagged.Options}, "2.05 etag=07 block2=0/0/64 size2=0"},
		{"error", "CON GET 7 - block2=1/0/64", Answer{Code: coap.NotFound, Payload: pattern(100)}, "4.04 body=0+100"},
		{"reserved size", "CON GET 7 - block2=0/0/2048", long, "4.00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := append([]coap.Option(nil), c.answer.Options...)
			a := Slice(message(t, c.request), c.answer, 64)
			m := &coap.Message{Code: a.Code, Options: a.Options, Payload: a.Payload}
			if got := a.Code.String() + describeContent(m); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			if len(before) != len(c.answer.Options) {
				t.Error("the answer's options were changed")
			}
		})
	}
}

// TestSliceTags has one ETag for all blocks of an answer, and another for another
// payload or format.
func TestSliceTags(t *testing.T) {
	tag := func(req string, format lwm2m.Format, payload []byte) string {
		a := Slice(message(t, req), Answer{Code: coap.Content, Format: format, Payload: payload}, 64)
		v, _ := (&coap.Message{Options: a.Options}).Option(coap.OptETag)
		return string(v)
	}
	first := tag("CON GET 7 -", lwm2m.FormatLink, pattern(150))
	if last := tag("CON GET 8 - block2=2/0/64", lwm2m.FormatLink, pattern(150)); first == "" || first != last {
		t.Errorf("blocks of one answer: %x, %x", first, last)
	}
	if first == tag("CON GET 7 -", lwm2m.FormatLink, pattern(151)) || first == tag("CON GET 7 -", lwm2m.FormatText, pattern(150)) {
		t.Error("another answer has the same ETag")
	}
}

// TestSliceIsReadByClient fetches every length of answer in every size of block.
func TestSliceIsReadByClient(t *testing.T) {
	for size := 16; size <= 64; size *= 2 {
		for n := range 200 {
			a := Answer{Code: coap.Content, Payload: pattern(n)}
			var mids, theirs MIDs
			c := NewClient(Params{BlockSize: 32})
			out := c.Start(t0, &Request{Method: coap.GET, Format: lwm2m.FormatNone, Accept: lwm2m.FormatNone, Observe: NoObserve}, &mids, 0)
			for rounds := 0; out.Result == nil && rounds < 20; rounds++ {
				req := received(t, out.Send[0])
				out, _ = c.Handle(t0, received(t, Reply(req, Slice(req, a, size), &theirs)), &mids)
			}
			if out.Result == nil || !bytes.Equal(out.Result.Response.Payload, a.Payload) {
				t.Fatalf("%d bytes in blocks of %d: %+v", n, size, out.Result)
			}
		}
	}
}
