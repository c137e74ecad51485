package command

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
)

// answer is a response with a payload given in hex ("x" in front) or as text.
func answer(t *testing.T, code coap.Code, f lwm2m.Format, payload string) *coap.Message {
	t.Helper()
	m := &coap.Message{Type: coap.Acknowledgement, Code: code, Payload: []byte(payload)}
	if digits, ok := strings.CutPrefix(payload, "x"); ok {
		b, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatal(err)
		}
		m.Payload = b
	}
	if f != lwm2m.FormatNone {
		m.AddUint(coap.OptContentFormat, uint32(f))
	}
	return m
}

const (
	none       = lwm2m.FormatNone
	device3TLV = "xc800144f70656e204d6f62696c6520416c6c69616e6365c801164c69676874776569676874204d324d20436c69656e74c80209333435303030313233c303312e30860641000141010588070842000ed842011388870841007d42010384c10964c10a0f830b410000c40d5182428fc60e2b30323a3030c11055"
	device3    = `{"/3/0/0":"Open Mobile Alliance","/3/0/1":"Lightweight M2M Client","/3/0/2":"345000123","/3/0/3":"1.0","/3/0/6/0":1,"/3/0/6/1":5,"/3/0/7/0":3800,"/3/0/7/1":5000,"/3/0/8/0":125,"/3/0/8/1":900,"/3/0/9":100,"/3/0/10":15,"/3/0/11/0":0,"/3/0/13":"2013-05-02T10:40:15Z","/3/0/14":"+02:00","/3/0/16":"U"}`
)

// TestResult: the vectors of the specification as answers to the lines that
// ask for them.
func TestResult(t *testing.T) {
	for _, c := range []struct {
		text    string
		code    coap.Code
		f       lwm2m.Format
		payload string
		want    string // Result.AppendJSON without "line"
	}{
		{"read /3/0", coap.Content, lwm2m.FormatTLV, device3TLV, `"code":"2.05","format":"TLV","values":` + device3},
		{"read /3", coap.Content, lwm2m.FormatOldTLV, "x080079" + device3TLV[1:], `"code":"2.05","format":"TLV","values":` + device3},
		{"read /3/0", coap.Content, none, device3TLV, `"code":"2.05","values":` + device3},
		{"read /3/0/0", coap.Content, lwm2m.FormatText, "Open Mobile Alliance", `"code":"2.05","format":"TEXT","values":{"/3/0/0":"Open Mobile Alliance"}`},
		{"read /3/0/0", coap.Content, none, "Open Mobile Alliance", `"code":"2.05","values":{"/3/0/0":"Open Mobile Alliance"}`},
		{"read /3/0/13", coap.Content, lwm2m.FormatCBOR, "x1a5182428f", `"code":"2.05","format":"CBOR","values":{"/3/0/13":"2013-05-02T10:40:15Z"}`},
		{"read /6/0/4", coap.Content, lwm2m.FormatOpaque, "x0102030405", `"code":"2.05","format":"OPAQUE","values":{"/6/0/4":"0102030405"}`},
		{"read /1/0/6", coap.Content, lwm2m.FormatText, "1", `"code":"2.05","format":"TEXT","values":{"/1/0/6":true}`},
		{"read /1/0/10", coap.Content, lwm2m.FormatText, "66:0", `"code":"2.05","format":"TEXT","values":{"/1/0/10":"66:0"}`},
		{"read /1/0", coap.Content, lwm2m.FormatTLV, "x", `"code":"2.05","format":"TLV","values":{"/1/0":{}}`},
		{"read /1/0/1", coap.Content, lwm2m.FormatSenMLJSON, `[{"n":"/1/0/1","v":9007199254740993}]`, `"code":"2.05","format":"SENML_JSON","values":{"/1/0/1":9007199254740993}`},
		{"observe /3/0/9", coap.Content, lwm2m.FormatText, "95", `"code":"2.05","format":"TEXT","values":{"/3/0/9":95}`},
		{"cancelobservation /3/0/9", coap.Content, lwm2m.FormatText, "95", `"code":"2.05","format":"TEXT","values":{"/3/0/9":95}`},
		{"cread /3/0/0 /3/0/9 /1/0/1", coap.Content, lwm2m.FormatSenMLJSON,
			`[{"n":"/3/0/0","vs":"Open Mobile Alliance"},{"n":"/3/0/9","v":95},{"n":"/1/0/1","v":86400}]`,
			`"code":"2.05","format":"SENML_JSON","values":{"/1/0/1":86400,"/3/0/0":"Open Mobile Alliance","/3/0/9":95}`},
		{"cread /1/0/1 /1/0/7 /1/0/8", coap.Content, lwm2m.FormatSenMLJSON, `[{"n":"/1/0/1","v":86400},{"n":"/1/0/7","vs":"U"}]`,
			`"code":"2.05","format":"SENML_JSON","values":{"/1/0/1":86400,"/1/0/7":"U","/1/0/8":null}`},
		{"read /3/0/0", coap.Content, lwm2m.FormatLwM2MCBOR, "xa183030000744f70656e204d6f62696c6520416c6c69616e6365",
			`"code":"2.05","format":"LWM2M_CBOR","values":{"/3/0/0":"Open Mobile Alliance"}`},
		{"discover /3/0/7", coap.Content, lwm2m.FormatLink, `</3/0/7>;dim=2;pmin=10;pmax=60;gt=50;lt=42.2, </3/0/7/0>, </3/0/7/1>;lt=45`,
			`"code":"2.05","format":"LINK","values":{"/3/0/7":{"dim":2,"pmin":10,"pmax":60,"gt":50,"lt":42.2},"/3/0/7/0":{},"/3/0/7/1":{"lt":45}}`},
		{"discover /10", coap.Content, lwm2m.FormatLink, `</10>;ver=1.1;x;y="a <b>"`, `"code":"2.05","format":"LINK","values":{"/10":{"ver":"1.1","x":true,"y":"a <b>"}}`},
		{"write /3/0/14 x", coap.Changed, none, "", `"code":"2.04"`},
		{"execute /3/0/4", coap.Changed, none, "", `"code":"2.04"`},
		{"delete /16/1", coap.Deleted, none, "", `"code":"2.02"`},
		{"create /16", coap.Created, none, "", `"code":"2.01"`},
		{"read /9/0", coap.NotFound, none, "", `"code":"4.04","error":"4.04 Not Found"`},
		{"write /1/0/0 5", coap.MethodNotAllowed, none, "read only", `"code":"4.05","error":"4.05 Method Not Allowed: read only"`},
		{"execute /3/0/4", coap.Code(5<<5 | 7), lwm2m.FormatText, "später", `"code":"5.07","format":"TEXT","error":"5.07: später"`},
		{"read /3", coap.BadRequest, lwm2m.FormatCBOR, "x6161", `"code":"4.00","format":"CBOR","error":"4.00 Bad Request"`},
		{`coap {"method":"get","uri":"/3/0"}`, coap.Content, lwm2m.FormatJSON, `{"e":[]}`,
			`"code":"2.05","format":"JSON","values":{"code":"2.05","contentFormat":11543,"options":[{"number":12,"valueHex":"2d17"}],"payloadHex":"7b2265223a5b5d7d","payload":"{\"e\":[]}"}`},
		{`coap {"method":"get"}`, coap.NotFound, none, "", `"code":"4.04","error":"4.04 Not Found","values":{"code":"4.04","options":[]}`},
		{`coap {"method":"get"}`, coap.Content, lwm2m.FormatOpaque, "xff00",
			`"code":"2.05","format":"OPAQUE","values":{"code":"2.05","contentFormat":42,"options":[{"number":12,"valueHex":"2a"}],"payloadHex":"ff00"}`},
	} {
		l := parseOne(t, c.text)
		r := l.Result(device(lwm2m.V1_1), answer(t, c.code, c.f, c.payload))
		line, _ := json.Marshal(c.text)
		want := `{"line":` + string(line) + "," + c.want + "}"
		got := r.AppendJSON(nil)
		if string(got) != want || !json.Valid(got) {
			t.Errorf("%s:\n got %s\nwant %s", c.text, got, want)
		}
		if r.OK != c.code.IsSuccess() || r.OK != (r.Error == "") || r.Text == "" && len(r.Nodes) > 0 {
			t.Errorf("%s: OK %t, error %q, text %q", c.text, r.OK, r.Error, r.Text)
		}
	}
}

// TestResultUnreadable: a success that cannot be read is a failure, as a whole.
func TestResultUnreadable(t *testing.T) {
	for _, c := range []struct {
		text    string
		f       lwm2m.Format
		payload string
		want    string
	}{
		{"read /3/0", lwm2m.FormatTLV, "xc80014", "2.05 Content that cannot be read"},
		{"read /3/0", lwm2m.FormatTLV, device3TLV[:len(device3TLV)-2], "2.05 Content that cannot be read"},
		{"read /3/0", lwm2m.Format(50), "{}", "2.05 Content that cannot be read"},
		{"read /3/0/9", lwm2m.FormatText, "full", "2.05 Content that cannot be read"},
		{"cread /3/0/9 /3/0/0", lwm2m.FormatSenMLJSON, `[{"n":"/3/0/9","v":9},{"n":"/3/0/1","vs":"x"}]`, "it holds /3/0/1, which was not asked for"},
		{"discover /3", lwm2m.FormatLink, "</3/0></3/1>", "2.05 Content that cannot be read"},
	} {
		r := parseOne(t, c.text).Result(device(lwm2m.V1_1), answer(t, coap.Content, c.f, c.payload))
		if r.OK || r.Nodes != nil || r.Values != nil || !strings.Contains(r.Error, c.want) {
			t.Errorf("%s: OK %t, %d nodes, values %s, error %q", c.text, r.OK, len(r.Nodes), r.Values, r.Error)
		}
	}
}

// TestResultCut cuts an answer at every byte: it is read or refused.
func TestResultCut(t *testing.T) {
	l := parseOne(t, "read /3/0")
	whole := answer(t, coap.Content, lwm2m.FormatTLV, device3TLV).Payload
	for n := range whole {
		m := answer(t, coap.Content, lwm2m.FormatTLV, string(whole[:n]))
		r := l.Result(device(lwm2m.V1_1), m)
		if r.OK != (r.Error == "") || !json.Valid(r.AppendJSON(nil)) {
			t.Errorf("%d bytes: OK %t, error %q, %s", n, r.OK, r.Error, r.AppendJSON(nil))
		}
	}
}

// TestResultTimes: values with the time that the device gave them.
func TestResultTimes(t *testing.T) {
	l := parseOne(t, "read /3303/0/5700")
	d := device(lwm2m.V1_1)
	history := `[{"bn":"/3303/0/5700","bt":1700000000,"v":22.4,"t":-5},{"v":22.9,"t":-30.5},{"v":24.1}]`
	r := l.Result(d, answer(t, coap.Content, lwm2m.FormatSenMLJSON, history))
	want := `{"/3303/0/5700":[{"value":22.9,"time":"2023-11-14T22:12:49.5Z"},{"value":22.4,"time":"2023-11-14T22:13:15Z"},{"value":24.1,"time":"2023-11-14T22:13:20Z"}]}`
	if string(r.Values) != want {
		t.Errorf("history:\n got %s\nwant %s", r.Values, want)
	}
	if !strings.Contains(r.Text, "/3303/0/5700 Sensor Value: 22.4 at 2023-11-14T22:13:15Z\n") {
		t.Errorf("text: %s", r.Text)
	}
	relative := answer(t, coap.Content, lwm2m.FormatSenMLJSON, `[{"n":"/3303/0/5700","v":1,"t":-60}]`)
	if r = l.Result(d, relative); string(r.Values) != `{"/3303/0/5700":1}` {
		t.Errorf("relative, time of reception unknown: %s", r.Values)
	}
	d.Received = time.Date(2026, 1, 1, 0, 1, 0, 0, time.UTC)
	if r = l.Result(d, relative); string(r.Values) != `{"/3303/0/5700":{"value":1,"time":"2026-01-01T00:00:00Z"}}` {
		t.Errorf("relative: %s", r.Values)
	}
}

func TestResultText(t *testing.T) {
	d := device(lwm2m.V1_1)
	observed := answer(t, coap.Content, lwm2m.FormatText, "95")
	observed.AddUint(coap.OptObserve, 7)
	created := answer(t, coap.Created, none, "")
	created.AddLocation("16/2")
	root := device(lwm2m.V1_1)
	root.Root = "/lwm2m"
	rooted := answer(t, coap.Created, none, "")
	rooted.AddLocation("lwm2m/16/3")
	for _, c := range []struct {
		text   string
		d      *Device
		m      *coap.Message
		want   string
		values string
	}{
		{"read /3/0/9", d, answer(t, coap.Content, lwm2m.FormatText, "95"), "/3/0/9 Battery Level: 95", `{"/3/0/9":95}`},
		{"observe /3/0/9", d, observed, "/3/0/9 Battery Level: 95", `{"/3/0/9":95}`},
		{"observe /3/0/9", d, answer(t, coap.Content, lwm2m.FormatText, "95"),
			"/3/0/9 Battery Level: 95\nnot observed: the answer has no Observe option", `{"/3/0/9":95}`},
		{"read /64000/0/1", d, answer(t, coap.Content, lwm2m.FormatText, "abc"), "/64000/0/1: abc", `{"/64000/0/1":"abc"}`},
		{"cread /3/0/9 /3/0/0", d, answer(t, coap.Content, lwm2m.FormatSenMLJSON, `[{"n":"/3/0/9","v":95}]`),
			"/3/0/9 Battery Level: 95\n/3/0/0 Manufacturer: not returned", `{"/3/0/9":95,"/3/0/0":null}`},
		{"create /16", d, created, "2.01 Created /16/2", `{"location":"/16/2"}`},
		{"create /16", root, rooted, "2.01 Created /16/3", `{"location":"/16/3"}`},
		{"write /3/0/14 x", d, answer(t, coap.Changed, none, ""), "2.04 Changed", ""},
		{"discover /3", d, answer(t, coap.Content, lwm2m.FormatLink, "</3/0>"), "</3/0>", `{"/3/0":{}}`},
		{`coap {"method":"get"}`, d, answer(t, coap.Content, lwm2m.FormatText, "hello"), "2.05 Content: hello", ""},
		{"read /3", d, answer(t, coap.NotFound, none, "no"), "4.04 Not Found: no", ""},
	} {
		r := parseOne(t, c.text).Result(c.d, c.m)
		if r.Text != c.want || c.values != "" && string(r.Values) != c.values {
			t.Errorf("%s:\n got %q %s\nwant %q %s", c.text, r.Text, r.Values, c.want, c.values)
		}
	}
}

func TestResultWithoutAnswer(t *testing.T) {
	for text, want := range map[string]string{
		"serialization TLV":           `{"line":"serialization TLV","values":{"serialization":"TLV"}}`,
		"serialization DEFAULT":       `{"line":"serialization DEFAULT","values":{"serialization":"DEFAULT"}}`,
		"cancelobservation -p /3/0/7": `{"line":"cancelobservation -p /3/0/7"}`,
	} {
		r := parseOne(t, text).LocalResult()
		if got := string(r.AppendJSON(nil)); got != want || !r.OK || r.Text == "" {
			t.Errorf("%s: %s, OK %t, %q", text, got, r.OK, r.Text)
		}
	}
	r := parseOne(t, "execute /3/0/4").Failed("sent, answer unknown")
	if got := string(r.AppendJSON(nil)); got != `{"line":"execute /3/0/4","error":"sent, answer unknown"}` || r.OK {
		t.Errorf("failed: %s", got)
	}
}

func TestAppendValue(t *testing.T) {
	for _, c := range []struct {
		v    lwm2m.Value
		want string
	}{
		{lwm2m.String("a\"<b>\n\xff"), `"a\"<b>\n\ufffd"`},
		{lwm2m.Integer(math.MinInt64), "-9223372036854775808"},
		{lwm2m.Unsigned(math.MaxUint64), "18446744073709551615"},
		{lwm2m.Float(0.1), "0.1"},
		{lwm2m.Float(-1e300), "-1e+300"},
		{lwm2m.Float(math.NaN()), `"NaN"`},
		{lwm2m.Float(math.Inf(-1)), `"-Inf"`},
		{lwm2m.Boolean(false), "false"},
		{lwm2m.Opaque([]byte{0, 0xff}), `"00ff"`},
		{lwm2m.Opaque(nil), `""`},
		{lwm2m.Time(0), `"1970-01-01T00:00:00Z"`},
		{lwm2m.Time(math.MaxInt64), `"9223372036854775807"`},
		{lwm2m.Link(lwm2m.Objlnk{Object: 3, Instance: 65535}), `"3:65535"`},
		{lwm2m.Corelnk("</3/0>"), `"</3/0>"`},
		{lwm2m.Value{}, "{}"},
	} {
		if got := string(AppendValue(nil, c.v)); got != c.want {
			t.Errorf("%s %s: %s, want %s", c.v.Kind(), c.v, got, c.want)
		}
	}
}

// FuzzResult: any answer to any line gives a result that is JSON, and says
// either success or why not.
func FuzzResult(f *testing.F) {
	texts := []string{"read /3/0", "read /3/0/9", "cread /3 /1/0/1", "observe /6/0/0", "discover /3", "create /16", "write /3/0/14 x", `coap {"method":"get"}`}
	vector, err := hex.DecodeString(device3TLV[1:])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint8(0), uint8(coap.Content), uint16(lwm2m.FormatTLV), vector)
	f.Add(uint8(1), uint8(coap.Content), uint16(lwm2m.FormatText), []byte("95"))
	f.Add(uint8(2), uint8(coap.Content), uint16(lwm2m.FormatSenMLJSON), []byte(`[{"bn":"/3/0/","n":"0","vs":"x"},{"n":"9","v":1,"t":-1}]`))
	f.Add(uint8(3), uint8(coap.Content), uint16(lwm2m.FormatSenMLCBOR), []byte("\x81\xa2\x00\x66/6/0/0\x02\xf9\x3c\x00"))
	f.Add(uint8(4), uint8(coap.Content), uint16(lwm2m.FormatLink), []byte(`</3>;pmin=10;x="-";y=00,</3/0>`))
	f.Add(uint8(5), uint8(coap.NotFound), uint16(none), []byte("\xff"))
	f.Fuzz(func(t *testing.T, line, code uint8, format uint16, payload []byte) {
		l := parseOne(t, texts[int(line)%len(texts)])
		m := &coap.Message{Code: coap.Code(code), Payload: payload}
		m.AddUint(coap.OptContentFormat, uint32(format))
		for _, d := range devices() {
			r := l.Result(d, m)
			if out := r.AppendJSON(nil); !json.Valid(out) {
				t.Fatalf("%s: %s", l.Text, out)
			}
			if r.OK != (r.Error == "") || r.OK && !m.Code.IsSuccess() {
				t.Fatalf("%s: %s: OK %t, error %q", l.Text, r.Code, r.OK, r.Error)
			}
		}
	})
}
