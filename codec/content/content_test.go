package content

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"testing"

	"dormouse/codec/lwm2m"
	"dormouse/codec/nodes"
	"dormouse/codec/nodes/nodestest"
)

var model = Options{Types: nodestest.Core()}

// The same values in each format that can hold several of them.
const serverNodes = `/1/0/0 Integer 1
	/1/0/1 Integer 86400
	/1/0/6 Boolean true
	/1/0/7 String "U"`

var serverPayloads = map[lwm2m.Format]string{
	lwm2m.FormatTLV:           "\xc1\x00\x01\xc4\x01\x00\x01\x51\x80\xc1\x06\x01\xc1\x07U",
	lwm2m.FormatJSON:          `{"bn":"/1/0/","e":[{"n":"0","v":1},{"n":"1","v":86400},{"n":"6","bv":true},{"n":"7","sv":"U"}]}`,
	lwm2m.FormatSenMLJSON:     `[{"bn":"/1/0/","n":"0","v":1},{"n":"1","v":86400},{"n":"6","vb":true},{"n":"7","vs":"U"}]`,
	lwm2m.FormatSenMLEtchJSON: `[{"bn":"/1/0/","n":"0","v":1},{"n":"1","v":86400},{"n":"6","vb":true},{"n":"7","vs":"U"}]`,
	lwm2m.FormatSenMLCBOR:     "\x84\xa3!e/1/0/\x00a0\x02\x01\xa2\x00a1\x02\x1a\x00\x01\x51\x80\xa2\x00a6\x04\xf5\xa2\x00a7\x03aU",
	lwm2m.FormatSenMLEtchCBOR: "\x84\xa3!e/1/0/\x00a0\x02\x01\xa2\x00a1\x02\x1a\x00\x01\x51\x80\xa2\x00a6\x04\xf5\xa2\x00a7\x03aU",
	lwm2m.FormatLwM2MCBOR:     "\xa1\x82\x01\x00\xa4\x00\x01\x01\x1a\x00\x01\x51\x80\x06\xf5\x07aU",
}

func TestSeveralValues(t *testing.T) {
	base, want := nodestest.Path(t, "/1/0"), nodestest.Lines(serverNodes)
	for f, payload := range serverPayloads {
		list, err := Decode(f, base, []byte(payload), model)
		if err != nil || nodestest.Text(list) != want {
			t.Errorf("%s decodes to\n%s\n%v", f, nodestest.Text(list), err)
		}
		got, err := Append([]byte("x"), f, base, nodestest.Nodes(t, serverNodes), model)
		if err != nil || string(got) != "x"+payload {
			t.Errorf("%s is written as %q, %v", f, got, err)
		}
	}
}

func TestSingleValue(t *testing.T) {
	base := nodestest.Path(t, "/0/0/3")
	for _, c := range []struct {
		f       lwm2m.Format
		payload string
	}{
		{lwm2m.FormatText, "q83v"}, {lwm2m.FormatOpaque, "\xab\xcd\xef"}, {lwm2m.FormatCBOR, "\x43\xab\xcd\xef"},
		{lwm2m.FormatTLV, "\xc3\x03\xab\xcd\xef"}, {lwm2m.FormatSenMLJSON, `[{"bn":"/0/0/3","vd":"q83v"}]`},
		{lwm2m.FormatSenMLCBOR, "\x81\xa2!f/0/0/3\x08\x43\xab\xcd\xef"}, {lwm2m.FormatLwM2MCBOR, "\xa1\x83\x00\x00\x03\x43\xab\xcd\xef"},
		{lwm2m.FormatJSON, `{"bn":"/0/0/3","e":[{"sv":"q83v"}]}`},
	} {
		list, err := Decode(c.f, base, []byte(c.payload), model)
		if got := nodestest.Text(list); err != nil || got != "/0/0/3 Opaque abcdef" {
			t.Errorf("%s decodes to %s, %v", c.f, got, err)
		}
		if got, err := Append(nil, c.f, base, list, model); err != nil || string(got) != c.payload {
			t.Errorf("%s is written as %q, %v", c.f, got, err)
		}
	}
}

// The numbers of early drafts are read and written as their successors.
func TestProvisionalFormats(t *testing.T) {
	base := nodestest.Path(t, "/3/0/9")
	for f, payload := range map[lwm2m.Format]string{
		lwm2m.FormatOldText: "95", lwm2m.FormatOldTLV: "\xc1\x09\x5f", lwm2m.FormatOldJSON: `{"bn":"/3/0/9","e":[{"v":95}]}`,
	} {
		list, err := Decode(f, base, []byte(payload), model)
		if got := nodestest.Text(list); err != nil || got != "/3/0/9 Integer 95" {
			t.Errorf("%d decodes to %s, %v", uint16(f), got, err)
		}
		if got, err := Append(nil, f, base, list, model); err != nil || string(got) != payload {
			t.Errorf("%d is written as %q, %v", uint16(f), got, err)
		}
	}
}

func TestAbsentFormat(t *testing.T) {
	list, err := Decode(lwm2m.FormatNone, nodestest.Path(t, "/3/0/9"), []byte("95"), model)
	if got := nodestest.Text(list); err != nil || got != "/3/0/9 Integer 95" {
		t.Errorf("a resource: %s, %v", got, err)
	}
	if _, err := Decode(lwm2m.FormatNone, nodestest.Path(t, "/3/0"), []byte("95"), model); !errors.Is(err, ErrFormat) {
		t.Errorf("an instance: %v", err)
	}
}

func TestErrors(t *testing.T) {
	base, list := nodestest.Path(t, "/3/0"), nodestest.Nodes(t, `/3/0/9 Integer 1`)
	for _, f := range []lwm2m.Format{lwm2m.FormatLink, 50, 65000} {
		if _, err := Decode(f, base, nil, model); !errors.Is(err, ErrFormat) || errors.Is(err, ErrPayload) {
			t.Errorf("reading %s: %v", f, err)
		}
		if got, err := Append([]byte("x"), f, base, list, model); !errors.Is(err, ErrFormat) || string(got) != "x" {
			t.Errorf("writing %s: %q, %v", f, got, err)
		}
		if _, err := DecodePaths(f, nil, model); !errors.Is(err, ErrFormat) {
			t.Errorf("paths in %s: %v", f, err)
		}
		if _, err := AppendPaths(nil, f, []lwm2m.Path{base}, model); !errors.Is(err, ErrFormat) {
			t.Errorf("writing paths in %s: %v", f, err)
		}
	}
	for f := range serverPayloads {
		if _, err := Decode(f, base, []byte("\xc1\x09"), model); !errors.Is(err, ErrPayload) || errors.Is(err, ErrFormat) {
			t.Errorf("a bad payload of %s: %v", f, err)
		}
		outside := nodestest.Nodes(t, `/3/1/9 Integer 1`)
		if got, err := Append([]byte("x"), f, base, outside, model); !errors.Is(err, ErrValue) || !errors.Is(err, nodes.ErrOutside) || string(got) != "x" {
			t.Errorf("a node outside in %s: %q, %v", f, got, err)
		}
		wrong := nodestest.Nodes(t, `/3/0/9 String "x"`)
		if _, err := Append(nil, f, base, wrong, model); !errors.Is(err, ErrValue) {
			t.Errorf("a String for an Integer in %s: %v", f, err)
		}
	}
	for _, f := range []lwm2m.Format{lwm2m.FormatText, lwm2m.FormatOpaque, lwm2m.FormatCBOR} {
		for name, nodes := range map[string]string{"an instance": `/3/0/9 Integer 1`, "two values": "/3/0/9 Integer 1\n/3/0/10 Integer 2"} {
			if _, err := Append(nil, f, base, nodestest.Nodes(t, nodes), model); !errors.Is(err, ErrFormat) {
				t.Errorf("%s in %s: %v", name, f, err)
			}
		}
		if _, err := Decode(f, base, []byte("1"), model); !errors.Is(err, ErrPayload) {
			t.Errorf("an instance from %s: %v", f, err)
		}
	}
	if _, err := DecodePaths(lwm2m.FormatSenMLJSON, []byte("[]"), model); !errors.Is(err, ErrPayload) {
		t.Errorf("no paths: %v", err)
	}
	if _, err := AppendPaths(nil, lwm2m.FormatSenMLCBOR, nil, model); !errors.Is(err, ErrValue) {
		t.Errorf("writing no paths: %v", err)
	}
}

// What is written has the type that the model gives.
func TestAppendConverts(t *testing.T) {
	base, list := nodestest.Path(t, "/6/0/0"), nodestest.Nodes(t, `/6/0/0 Integer 18`)
	for f, want := range map[lwm2m.Format]string{
		lwm2m.FormatText: "18.0", lwm2m.FormatCBOR: "\xfa\x41\x90\x00\x00", lwm2m.FormatTLV: "\xc4\x00\x41\x90\x00\x00",
		lwm2m.FormatSenMLJSON: `[{"bn":"/6/0/0","v":18.0}]`,
	} {
		if got, err := Append(nil, f, base, list, model); err != nil || string(got) != want {
			t.Errorf("%s is written as %q, %v", f, got, err)
		}
	}
}

// An object instance that the payload leaves out: 0 in an answer, open in a
// Create.
func TestAnswerNamesTheInstance(t *testing.T) {
	payload := []byte("\x83\x06\x41\x00\x07\xc1\x09\x5f")
	answer := model
	answer.Answer = true
	for _, c := range []struct {
		o    Options
		want string
	}{
		{model, "/3/65535/6/0 Integer 7\n/3/65535/9 Integer 95"},
		{answer, "/3/0/6/0 Integer 7\n/3/0/9 Integer 95"},
	} {
		list, err := Decode(lwm2m.FormatTLV, nodestest.Path(t, "/3"), payload, c.o)
		if got := nodestest.Text(list); err != nil || got != c.want {
			t.Errorf("answer %t: %s, %v", c.o.Answer, got, err)
		}
	}
}

func TestAlternateRoot(t *testing.T) {
	base, list := nodestest.Path(t, "/3/0"), nodestest.Nodes(t, `/3/0/9 Integer 95`)
	o := Options{Types: nodestest.Core(), Root: "/lwm2m"}
	for f, want := range map[lwm2m.Format]string{
		lwm2m.FormatSenMLJSON: `[{"bn":"/lwm2m/3/0/","n":"9","v":95}]`,
		lwm2m.FormatJSON:      `{"bn":"/lwm2m/3/0/","e":[{"n":"9","v":95}]}`,
		lwm2m.FormatTLV:       "\xc1\x09\x5f",
	} {
		got, err := Append(nil, f, base, list, o)
		if err != nil || string(got) != want {
			t.Errorf("%s is written as %q, %v", f, got, err)
		}
		back, err := Decode(f, base, got, o)
		if err != nil || nodestest.Text(back) != nodestest.Text(list) {
			t.Errorf("%s decodes to %s, %v", f, nodestest.Text(back), err)
		}
	}
}

func TestPaths(t *testing.T) {
	paths := []lwm2m.Path{nodestest.Path(t, "/3/0/9"), nodestest.Path(t, "/1")}
	o := Options{Root: "r"}
	for f, want := range map[lwm2m.Format]string{
		lwm2m.FormatSenMLJSON: `[{"n":"/r/3/0/9"},{"n":"/r/1"}]`, lwm2m.FormatSenMLEtchJSON: `[{"n":"/r/3/0/9"},{"n":"/r/1"}]`,
		lwm2m.FormatSenMLCBOR: "\x82\xa1\x00h/r/3/0/9\xa1\x00d/r/1", lwm2m.FormatSenMLEtchCBOR: "\x82\xa1\x00h/r/3/0/9\xa1\x00d/r/1",
	} {
		got, err := AppendPaths(nil, f, paths, o)
		if err != nil || string(got) != want {
			t.Errorf("%s is written as %q, %v", f, got, err)
		}
		if back, err := DecodePaths(f, got, o); err != nil || len(back) != 2 || back[0] != paths[0] || back[1] != paths[1] {
			t.Errorf("%s decodes to %v, %v", f, back, err)
		}
	}
}

// Empty containers are neither errors nor absent.
func TestEmptyContainers(t *testing.T) {
	for f, payload := range map[lwm2m.Format]string{
		lwm2m.FormatTLV: "", lwm2m.FormatSenMLJSON: "[]", lwm2m.FormatSenMLCBOR: "\x80", lwm2m.FormatLwM2MCBOR: "\xa0",
		lwm2m.FormatJSON: `{"e":[]}`,
	} {
		for _, base := range []string{"/16", "/16/0", "/16/0/0"} {
			list, err := Decode(f, nodestest.Path(t, base), []byte(payload), model)
			if got := nodestest.Text(list); err != nil || got != base+" None" {
				t.Errorf("an empty %s in %s: %s, %v", base, f, got, err)
			}
			again, err := Append(nil, f, nodestest.Path(t, base), list, model)
			if err != nil {
				t.Errorf("an empty %s in %s: %v", base, f, err)
			}
			if list, err := Decode(f, nodestest.Path(t, base), again, model); err != nil || nodestest.Text(list) != base+" None" {
				t.Errorf("%s in %s is written as %q, %v", base, f, again, err)
			}
		}
	}
}

// FuzzFormats reads a payload as every format and writes what came out in all
// the others, where they can hold it.
func FuzzFormats(f *testing.F) {
	several := slices.Sorted(maps.Keys(serverPayloads))
	for _, format := range several {
		f.Add([]byte(serverPayloads[format]))
	}
	all := append(several, lwm2m.FormatText, lwm2m.FormatOpaque, lwm2m.FormatCBOR)
	f.Fuzz(func(t *testing.T, payload []byte) {
		for _, text := range []string{"/", "/1", "/1/0", "/1/0/7"} {
			base := nodestest.Path(t, text)
			for _, from := range all {
				list, err := Decode(from, base, bytes.Clone(payload), model)
				if err != nil {
					continue
				}
				for _, to := range all {
					rewrite(t, base, list, to)
				}
			}
		}
	})
}

// rewrite wants that whatever a format agrees to write, it reads.
func rewrite(t *testing.T, base lwm2m.Path, list []lwm2m.Node, to lwm2m.Format) {
	t.Helper()
	b, err := Append(nil, to, base, list, model)
	if err != nil {
		return
	}
	if _, err := Decode(to, base, b, model); err != nil {
		t.Errorf("%s\nis written in %s as %q, which does not decode: %v", nodestest.Text(list), to, b, err)
	}
}
