package command

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"

	"dormouse/codec/coap"
	"dormouse/codec/content"
	"dormouse/codec/lwm2m"
	"dormouse/codec/model"
)

// samples are values of each type as a line writes them and as a result shows
// them, chosen at the edges of the types.
var samples = map[lwm2m.Kind][]struct{ written, shown string }{
	lwm2m.KindString:   {{`""`, `""`}, {`"a \"b\" \\ ü {1}"`, `"a \"b\" \\ ü {1}"`}, {"-5", `"-5"`}},
	lwm2m.KindCorelnk:  {{"</3/0>", `"</3/0>"`}},
	lwm2m.KindInteger:  {{"0", "0"}, {"-9223372036854775808", "-9223372036854775808"}, {"9007199254740993", "9007199254740993"}},
	lwm2m.KindUnsigned: {{"18446744073709551615", "18446744073709551615"}, {"255", "255"}},
	lwm2m.KindFloat:    {{"0.1", "0.1"}, {"-12", "-12"}, {"1e300", "1e+300"}},
	lwm2m.KindBoolean:  {{"true", "true"}, {"0", "false"}},
	lwm2m.KindOpaque:   {{"00FF10", `"00ff10"`}, {`""`, `""`}},
	lwm2m.KindTime:     {{"1367491215", `"2013-05-02T10:40:15Z"`}, {"1969-12-31T23:59:59Z", `"1969-12-31T23:59:59Z"`}},
	lwm2m.KindObjlnk:   {{"3:0", `"3:0"`}, {"65535:65535", `"65535:65535"`}},
}

// TestModel writes and reads every resource of every object that is known, in
// every format: what was written is what the answer to a Read shows.
func TestModel(t *testing.T) {
	tried := 0
	for _, o := range model.Core().Objects() {
		d := device(lwm2m.V1_1)
		d.Types = model.Core().Types(func(uint16) lwm2m.Version { return o.Version })
		for _, r := range o.Resources {
			p := lwm2m.NewPath(o.ID, 0, r.ID)
			if r.Multiple {
				p = p.Child(7)
			}
			for _, s := range samples[r.Type] {
				writeAndRead(t, d, p, s.written, s.shown)
				tried++
			}
		}
	}
	if tried < 1000 {
		t.Errorf("only %d values were tried", tried)
	}
}

func writeAndRead(t *testing.T, d *Device, p lwm2m.Path, written, shown string) {
	t.Helper()
	write, read := parseOne(t, fmt.Sprintf("write %s %s", p, written)), parseOne(t, "read "+p.String())
	for _, f := range []lwm2m.Format{
		lwm2m.FormatTLV, lwm2m.FormatJSON, lwm2m.FormatSenMLJSON, lwm2m.FormatSenMLCBOR, lwm2m.FormatLwM2MCBOR, lwm2m.FormatText, lwm2m.FormatCBOR,
	} {
		write.Format = f
		r, err := write.Request(d)
		if err != nil || r.Format != f {
			t.Errorf("%s as %s: sent as %s, %v", write.Text, f, r.Format, err)
			continue
		}
		result := read.Result(d, answer(t, coap.Content, f, fmt.Sprintf("x%x", r.Payload)))
		want := fmt.Sprintf(`{%q:%s}`, p.String(), shown)
		if !result.OK || string(result.Values) != want {
			t.Errorf("%s as %s: %x is read as %s, %q; want %s", write.Text, f, r.Payload, result.Values, result.Error, want)
		}
	}
}

// TestModelInstance writes a whole instance of every object by one JSON
// object, and creates one: the same values come out, whatever the format.
func TestModelInstance(t *testing.T) {
	for _, o := range model.Core().Objects() {
		d := device(lwm2m.V1_1)
		d.Types = model.Core().Types(func(uint16) lwm2m.Version { return o.Version })
		body, count := instanceOf(o)
		if count == 0 {
			continue
		}
		for _, text := range []string{fmt.Sprintf("write -r /%d/3 {%s}", o.ID, body), fmt.Sprintf(`create /%d {"id":3,%s}`, o.ID, body)} {
			l := parseOne(t, text)
			sent, err := l.nodes(d)
			if err != nil || len(sent) != count {
				t.Errorf("%s: %d of %d values, %v", text, len(sent), count, err)
				continue
			}
			for _, f := range []lwm2m.Format{lwm2m.FormatTLV, lwm2m.FormatSenMLJSON, lwm2m.FormatSenMLCBOR, lwm2m.FormatLwM2MCBOR} {
				l.Format = f
				r, err := l.Request(d)
				if err != nil || r.Format != f {
					t.Errorf("%s as %s: sent as %s, %v", text, f, r.Format, err)
					continue
				}
				got, err := content.Decode(f, l.Paths[0], r.Payload, d.options())
				lwm2m.SortNodes(got)
				lwm2m.SortNodes(sent)
				if err != nil || shownNodes(got) != shownNodes(sent) {
					t.Errorf("%s as %s: %v\n got %s\nwant %s", text, f, err, shownNodes(got), shownNodes(sent))
				}
			}
		}
	}
}

// instanceOf writes the members of an instance with the first sample of each
// resource's type, two instances of the multiple ones, and counts the values.
func instanceOf(o *model.Object) (body string, count int) {
	for _, r := range o.Resources {
		if len(samples[r.Type]) == 0 {
			continue
		}
		value := samples[r.Type][0].written
		if !json.Valid([]byte(value)) || r.Type == lwm2m.KindOpaque {
			value = strconv.Quote(value)
		}
		if body != "" {
			body += ","
		}
		if count++; r.Multiple {
			value = fmt.Sprintf(`{"0":%s,"65535":%s}`, value, value)
			count++
		}
		body += fmt.Sprintf("%q:%s", strconv.Itoa(int(r.ID)), value)
	}
	return body, count
}
