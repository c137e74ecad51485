package command

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"dormouse/codec/exchange"
	"dormouse/codec/lwm2m"
)

// parseOne reads one line.
func parseOne(t *testing.T, text string) *Line {
	t.Helper()
	lines, err := Parse(text)
	if err != nil || len(lines) != 1 {
		t.Fatalf("%s: %d lines, %v", text, len(lines), err)
	}
	return &lines[0]
}

var methods = [...]string{1: "GET", "POST", "PUT", "DELETE", "FETCH", "PATCH", "IPATCH"}

// show prints a request without its payload: "GET 3/0?depth=1 accept=LINK".
func show(r exchange.Request) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s /%s", methods[r.Method], r.Path)
	if len(r.Queries) > 0 {
		b.WriteString("?" + strings.Join(r.Queries, "&"))
	}
	if r.Format != lwm2m.FormatNone {
		fmt.Fprintf(&b, " cf=%s", r.Format)
	}
	if r.Accept != lwm2m.FormatNone {
		fmt.Fprintf(&b, " accept=%s", r.Accept)
	}
	if r.Observe != exchange.NoObserve {
		fmt.Fprintf(&b, " observe=%d", r.Observe)
	}
	return b.String()
}

// shownNodes prints values with their kinds.
func shownNodes(nodes []lwm2m.Node) string {
	var b strings.Builder
	for _, n := range nodes {
		fmt.Fprintf(&b, " %s=%s:%s", n.Path, n.Value.Kind(), n.Value)
	}
	return strings.TrimPrefix(b.String(), " ")
}

// TestRequest: method, path, queries and formats of each verb for a client of
// 1.0, 1.1 and 1.2 that lists no format.
func TestRequest(t *testing.T) {
	for _, c := range []struct {
		text string
		want [3]string
	}{
		{"read /3/0/0", [3]string{"GET /3/0/0 accept=TLV", "GET /3/0/0 accept=SENML_CBOR", "GET /3/0/0 accept=SENML_CBOR"}},
		{"read /3", [3]string{"GET /3 accept=TLV", "GET /3 accept=SENML_CBOR", "GET /3 accept=SENML_CBOR"}},
		{"read /3/0/11/0", [3]string{"GET /3/0/11/0 accept=TLV", "GET /3/0/11/0 accept=SENML_CBOR", "GET /3/0/11/0 accept=SENML_CBOR"}},
		{"observe /3303/0/5700", [3]string{"GET /3303/0/5700 accept=TLV observe=0", "GET /3303/0/5700 accept=SENML_CBOR observe=0", "GET /3303/0/5700 accept=SENML_CBOR observe=0"}},
		{"observe /3/0/7 pmin=5&pmax=15", [3]string{"GET /3/0/7?pmin=5&pmax=15 accept=TLV observe=0", "GET /3/0/7?pmin=5&pmax=15 accept=SENML_CBOR observe=0", "GET /3/0/7?pmin=5&pmax=15 accept=SENML_CBOR observe=0"}},
		{"cancelobservation /3/0/7", [3]string{"GET /3/0/7 accept=TLV observe=1", "GET /3/0/7 accept=SENML_CBOR observe=1", "GET /3/0/7 accept=SENML_CBOR observe=1"}},
		{"cread /3/0/16 /3/0/11/0 /1/0", same("FETCH / cf=SENML_CBOR accept=SENML_CBOR")},
		{"cread /", same("FETCH / cf=SENML_CBOR accept=SENML_CBOR")},
		{"cobserve /1/0/1 /3/0/16 con=1", same("FETCH /?con=1 cf=SENML_CBOR accept=SENML_CBOR observe=0")},
		{"cobserve /3/0/16", same("FETCH / cf=SENML_CBOR accept=SENML_CBOR observe=0")},
		{"cancelobservation /3/0/16 /1/0/1", same("FETCH / cf=SENML_CBOR accept=SENML_CBOR observe=1")},
		{"cwrite /1/0/1 61 /1/0/6 true", same("IPATCH / cf=SENML_CBOR accept=SENML_CBOR")},
		{"write /3/0/14 +01:00", [3]string{"PUT /3/0/14 cf=TLV", "PUT /3/0/14 cf=SENML_CBOR", "PUT /3/0/14 cf=SENML_CBOR"}},
		{"write -r /3/0/14 +01:00", [3]string{"PUT /3/0/14 cf=TLV", "PUT /3/0/14 cf=SENML_CBOR", "PUT /3/0/14 cf=SENML_CBOR"}},
		{`write /1/0 {"1":61}`, [3]string{"POST /1/0 cf=TLV", "POST /1/0 cf=SENML_CBOR", "POST /1/0 cf=SENML_CBOR"}},
		{`write -r /1/0 {"1":61}`, [3]string{"PUT /1/0 cf=TLV", "PUT /1/0 cf=SENML_CBOR", "PUT /1/0 cf=SENML_CBOR"}},
		{`write /16/0/0 {"1":"a"}`, [3]string{"PUT /16/0/0 cf=TLV", "POST /16/0/0 cf=SENML_CBOR", "POST /16/0/0 cf=SENML_CBOR"}},
		{`write -r /16/0/0 {"1":"a"}`, [3]string{"PUT /16/0/0 cf=TLV", "PUT /16/0/0 cf=SENML_CBOR", "PUT /16/0/0 cf=SENML_CBOR"}},
		{"write /16/0/0/1 a", [3]string{"PUT /16/0/0/1 cf=TLV", "PUT /16/0/0/1 cf=SENML_CBOR", "PUT /16/0/0/1 cf=SENML_CBOR"}},
		{"writeb /19/0/0/0 0102", same("PUT /19/0/0/0 cf=OPAQUE")},
		{"execute /3/0/4", same("POST /3/0/4")},
		{"execute /5/0/2 0='a',1", same("POST /5/0/2 cf=TEXT")},
		{"executelegacy /3/0/4", same("POST /3/0/4")},
		{"executelegacy /3/0/4 x y", same("POST /3/0/4 cf=TEXT")},
		{"delete /16/1", same("DELETE /16/1")},
		{"delete /16/1/0/2", same("DELETE /16/1/0/2")},
		{"discover /3", same("GET /3 accept=LINK")},
		{"discover /3 3", same("GET /3?depth=3 accept=LINK")},
		{"create /16", same("POST /16")},
		{`create /16 {"id":1,"0":{"0":"a"}}`, [3]string{"POST /16 cf=TLV", "POST /16 cf=SENML_CBOR", "POST /16 cf=SENML_CBOR"}},
		{`create /16 {"0":{"0":"a"}}`, same("POST /16 cf=TLV")},
		{`create /16 {"id":1}`, same("POST /16 cf=TLV")},
		{"writeattr /3/0/9 pmin=1&gt&cancel", same("PUT /3/0/9?pmin=1&gt")},
		{`coap {"method":"patch","uri":"/3/0?a=1","contentFormat":50,"accept":60,"payloadHex":"7b7d"}`, same("PATCH /3/0?a=1 cf=50 accept=CBOR")},
	} {
		for i, version := range []lwm2m.Version{lwm2m.V1_0, lwm2m.V1_1, lwm2m.V1_2} {
			r, err := parseOne(t, c.text).Request(device(version))
			if err != nil {
				t.Errorf("%s for %s: %v", c.text, version, err)
			} else if got := show(r); got != c.want[i] {
				t.Errorf("%s for %s:\n got %s\nwant %s", c.text, version, got, c.want[i])
			}
		}
	}
}

func same(s string) [3]string { return [3]string{s, s, s} }

// TestRequestFormats: what the client lists, what is preferred, what is asked
// for, and what a payload can carry.
func TestRequestFormats(t *testing.T) {
	const none = lwm2m.FormatNone
	for _, c := range []struct {
		text      string
		version   lwm2m.Version
		listed    []lwm2m.Format
		preferred lwm2m.Format
		explicit  lwm2m.Format
		want      string
	}{
		{"read /3/0/0", lwm2m.V1_1, []lwm2m.Format{110}, none, none, "GET /3/0/0 accept=SENML_JSON"},
		{"read /3/0", lwm2m.V1_1, []lwm2m.Format{110, 112}, none, none, "GET /3/0 accept=SENML_CBOR"},
		{"read /3/0", lwm2m.V1_2, []lwm2m.Format{112, 11544}, none, none, "GET /3/0 accept=LWM2M_CBOR"},
		{"read /3/0", lwm2m.V1_0, []lwm2m.Format{11543}, none, none, "GET /3/0 accept=JSON"},
		{"read /3/0", lwm2m.V1_0, []lwm2m.Format{11542, 11543}, none, none, "GET /3/0 accept=TLV"},
		{"read /3/0/0", lwm2m.V1_1, []lwm2m.Format{0}, none, none, "GET /3/0/0 accept=TEXT"},
		{"read /3/0", lwm2m.V1_1, []lwm2m.Format{0}, none, none, "GET /3/0 accept=SENML_CBOR"},
		{"read /3/0/0", lwm2m.V1_1, nil, lwm2m.FormatText, none, "GET /3/0/0 accept=TEXT"},
		{"read /3/0", lwm2m.V1_1, nil, lwm2m.FormatText, none, "GET /3/0 accept=SENML_CBOR"},
		{"read /3/0/7", lwm2m.V1_0, nil, lwm2m.FormatText, none, "GET /3/0/7 accept=TLV"},
		{"read /3/0/0", lwm2m.V1_1, nil, lwm2m.FormatOpaque, none, "GET /3/0/0 accept=SENML_CBOR"},
		{"read /6/0/4", lwm2m.V1_1, nil, lwm2m.FormatOpaque, none, "GET /6/0/4 accept=OPAQUE"},
		{"read /64000/0/4", lwm2m.V1_0, nil, lwm2m.FormatOpaque, none, "GET /64000/0/4 accept=OPAQUE"},
		{"read /3/0", lwm2m.V1_1, []lwm2m.Format{110}, lwm2m.FormatTLV, none, "GET /3/0 accept=TLV"},
		{"read /3/0", lwm2m.V1_1, []lwm2m.Format{110}, lwm2m.FormatTLV, 112, "GET /3/0 accept=SENML_CBOR"},
		{"cread /3/0/0", lwm2m.V1_1, []lwm2m.Format{110, 11542}, none, none, "FETCH / cf=SENML_JSON accept=SENML_JSON"},
		{"cread /3/0/0", lwm2m.V1_1, []lwm2m.Format{11542}, lwm2m.FormatTLV, none, "FETCH / cf=SENML_CBOR accept=SENML_CBOR"},
		{"cread /3/0/0", lwm2m.V1_1, nil, lwm2m.FormatSenMLJSON, none, "FETCH / cf=SENML_JSON accept=SENML_JSON"},
		{"write /3/0/14 x", lwm2m.V1_1, nil, lwm2m.FormatText, none, "PUT /3/0/14 cf=TEXT"},
		{"write /3/0/14 x", lwm2m.V1_1, nil, lwm2m.FormatCBOR, none, "PUT /3/0/14 cf=CBOR"},
		{"write /3/0/14 x", lwm2m.V1_1, nil, lwm2m.FormatOpaque, none, "PUT /3/0/14 cf=SENML_CBOR"},
		{`write /1/0 {"1":1}`, lwm2m.V1_1, nil, lwm2m.FormatText, none, "POST /1/0 cf=SENML_CBOR"},
		{"writeb /5/0/0 00", lwm2m.V1_1, nil, lwm2m.FormatTLV, none, "PUT /5/0/0 cf=OPAQUE"},
		{"writeb /5/0/0 00", lwm2m.V1_1, nil, none, lwm2m.FormatTLV, "PUT /5/0/0 cf=TLV"},
		{`create /16 {"0":{"0":"a"}}`, lwm2m.V1_1, []lwm2m.Format{110, 11542}, none, none, "POST /16 cf=TLV"},
		{`create /16 {"0":{"0":"a"}}`, lwm2m.V1_2, []lwm2m.Format{112, 11544}, none, none, "POST /16 cf=LWM2M_CBOR"},
	} {
		l := parseOne(t, c.text)
		l.Format = c.explicit
		d := device(c.version, c.listed...)
		d.Preferred = c.preferred
		r, err := l.Request(d)
		if got := show(r); err != nil || got != c.want {
			t.Errorf("%s to %s %v, preferred %s: %v\n got %s\nwant %s", c.text, c.version, c.listed, c.preferred, err, got, c.want)
		}
	}
}

// A client that lists only the provisional numbers is sent these.
func TestRequestOldNumbers(t *testing.T) {
	d := device(lwm2m.V1_0, lwm2m.FormatOldTLV, lwm2m.FormatOldText)
	r, err := parseOne(t, "read /3/0").Request(d)
	if err != nil || r.Accept != lwm2m.FormatOldTLV {
		t.Errorf("read: accept %d, %v", r.Accept, err)
	}
	r, err = parseOne(t, "write /1/0/1 61").Request(d)
	if err != nil || r.Format != lwm2m.FormatOldTLV || hex.EncodeToString(r.Payload) != "c1013d" {
		t.Errorf("write: format %d, payload %x, %v", r.Format, r.Payload, err)
	}
}

func TestRequestOfNothing(t *testing.T) {
	for _, text := range []string{"serialization TLV", "cancelobservation -p /3/0/7"} {
		l := parseOne(t, text)
		if _, err := l.Request(device(lwm2m.V1_1)); !errors.Is(err, ErrLocal) || !l.Local() {
			t.Errorf("%s: %v, local %t", text, err, l.Local())
		}
	}
	l := parseOne(t, "writeb /5/0/0 binary:77")
	if _, err := l.Request(device(lwm2m.V1_1)); !errors.Is(err, ErrFile) {
		t.Errorf("without the file's bytes: %v", err)
	}
	l.Payload = []byte{1, 2}
	if r, err := l.Request(device(lwm2m.V1_1)); err != nil || hex.EncodeToString(r.Payload) != "0102" || l.Local() {
		t.Errorf("with the file's bytes: %x, %v", r.Payload, err)
	}
}
