package command

import (
	"fmt"
	"testing"

	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
)

// TestFallback walks through all formats that a client refuses.
func TestFallback(t *testing.T) {
	for _, c := range []struct {
		text    string
		version lwm2m.Version
		listed  []lwm2m.Format
		want    []string
	}{
		{"read /3/0", lwm2m.V1_0, nil, []string{"TLV", "JSON", "SENML_CBOR", "SENML_JSON"}},
		{"read /3/0/0", lwm2m.V1_1, nil, []string{"SENML_CBOR", "SENML_JSON", "TLV", "CBOR", "TEXT"}},
		{"read /3/0", lwm2m.V1_1, []lwm2m.Format{lwm2m.FormatOldTLV}, []string{"TLV", "SENML_CBOR", "SENML_JSON", "TLV"}},
		{"cread /3 /1", lwm2m.V1_1, nil, []string{"SENML_CBOR", "SENML_JSON"}},
		{"cwrite /1/0/1 5", lwm2m.V1_1, []lwm2m.Format{110}, []string{"SENML_JSON", "SENML_CBOR"}},
		{"write /6/0/4 00", lwm2m.V1_1, nil, []string{"SENML_CBOR", "SENML_JSON", "TLV", "CBOR", "TEXT", "OPAQUE"}},
		{"writeb /5/0/0 00", lwm2m.V1_0, nil, []string{"OPAQUE", "TLV", "JSON", "SENML_CBOR", "SENML_JSON", "TEXT"}},
		{"execute /3/0/4 1", lwm2m.V1_1, nil, []string{"NONE"}},
		{"discover /3", lwm2m.V1_1, nil, []string{"NONE"}},
		{`coap {"method":"get","accept":110}`, lwm2m.V1_1, nil, []string{"NONE"}},
	} {
		d := device(c.version, c.listed...)
		refusals := map[lwm2m.Format]bool{}
		d.Refused = func(f lwm2m.Format) bool { return refusals[f] }
		l := parseOne(t, c.text)
		r, err := l.Request(d)
		if err != nil {
			t.Fatal(err)
		}
		got := []string{l.negotiated(r).String()}
		for {
			next, refused, ok := l.Fallback(d, r, coap.NotAcceptable)
			if refused != l.negotiated(r) {
				t.Errorf("%s: %s was sent, %s remembered", c.text, l.negotiated(r), refused)
			}
			if !ok {
				break
			}
			refusals[refused] = true
			if again, err := l.Request(d); err != nil || show(again) != show(next) {
				t.Errorf("%s: the fall-back is %s, the next request %s, %v", c.text, show(next), show(again), err)
			}
			r = next
			got = append(got, l.negotiated(r).String())
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s to %s %v: tried %v, want %v", c.text, c.version, c.listed, got, c.want)
		}
	}
	l := parseOne(t, "read /3/0")
	r, _ := l.Request(device(lwm2m.V1_1))
	for _, code := range []coap.Code{coap.NotFound, coap.Content, coap.BadRequest, coap.InternalServerError} {
		if _, refused, ok := l.Fallback(device(lwm2m.V1_1), r, code); ok || refused != lwm2m.FormatNone {
			t.Errorf("%s led to a fall-back from %s", code, refused)
		}
	}
}
