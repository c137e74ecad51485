package command

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"dormouse/codec/lwm2m"
)

// describe prints what Parse understood, one word a field that says something.
func describe(l Line) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %v", l.Verb, l.Paths)
	for _, v := range l.Values {
		fmt.Fprintf(&b, " %s=%s:%q", v.Path, v.Kind, v.Text)
		if v.Empty {
			b.WriteString(":empty")
		}
	}
	if l.Verb == Create {
		fmt.Fprintf(&b, " makes %s", l.Instance)
	}
	for _, a := range l.Arguments {
		fmt.Fprintf(&b, " arg %d=%q:%t", a.Digit, a.Value, a.HasValue)
	}
	for _, a := range l.Attributes {
		fmt.Fprintf(&b, " attr %s=%q:%t", a.Name, a.Value, a.Remove)
	}
	for name, set := range map[string]bool{" replace": l.Replace, " passive": l.Passive, " cancel-after": l.CancelAfter} {
		if set {
			b.WriteString(name)
		}
	}
	if l.Depth >= 0 {
		fmt.Fprintf(&b, " depth %d", l.Depth)
	}
	if l.Payload != nil {
		fmt.Fprintf(&b, " payload %x", l.Payload)
	}
	if l.File != "" {
		fmt.Fprintf(&b, " file %s", l.File)
	}
	if l.Format != lwm2m.FormatNone {
		fmt.Fprintf(&b, " format %s", l.Format)
	}
	if l.Raw != nil {
		fmt.Fprintf(&b, " raw %s %q %q cf=%s accept=%s %x", l.Raw.Method, l.Raw.Path, l.Raw.Queries, l.Raw.Format, l.Raw.Accept, l.Raw.Payload)
	}
	return b.String()
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"read /3", "read [/3]"},
		{"read /3/0/0/1", "read [/3/0/0/1]"},
		{"read\t /3/0", "read [/3/0]"},
		{"cread /3/0/0 /1/0/1", "cread [/3/0/0 /1/0/1]"},
		{"cread /", "cread [/]"},
		{"observe /3303/0/5700", "observe [/3303/0/5700]"},
		{"observe /3/0/7 pmin=5&pmax=15", `observe [/3/0/7] attr pmin="5":false attr pmax="15":false`},
		{"cobserve /3/0/0  /1/0/1", "cobserve [/3/0/0 /1/0/1]"},
		{"cobserve /3/0/0 /1/0/1 con=1", `cobserve [/3/0/0 /1/0/1] attr con="1":false`},
		{"cancelobservation /3/0/7", "cancelobservation [/3/0/7]"},
		{"cancelobservation -p /3/0/7 /1", "cancelobservation [/3/0/7 /1] passive"},
		{"execute /3/0/4", "execute [/3/0/4]"},
		{"execute /3/0/4 5", `execute [/3/0/4] arg 5="":false`},
		{"execute /5/0/2 0='a',1", `execute [/5/0/2] arg 0="a":true arg 1="":false`},
		{"execute /5/0/2 7,0='https://www.omaspecworks.org'", `execute [/5/0/2] arg 7="":false arg 0="https://www.omaspecworks.org":true`},
		{"executelegacy /3/0/4", "executelegacy [/3/0/4]"},
		{"executelegacy /3/0/4 free text='x'", "executelegacy [/3/0/4] payload " + fmt.Sprintf("%x", "free text='x'")},
		{`write /3/0/14 "+01:00"`, `write [/3/0/14] /3/0/14=String:"+01:00"`},
		{`write /3/0/14 +01:00`, `write [/3/0/14] /3/0/14=None:"+01:00"`},
		{`write /3/0/15 Europe Berlin`, `write [/3/0/15] /3/0/15=None:"Europe Berlin"`},
		{`write -r /3/0/15 "a \"b\" \\ ü\u00fc \n	"`, `write [/3/0/15] /3/0/15=String:"a \"b\" \\ üü \n\t" replace`},
		{`write /5/0/1 ""`, `write [/5/0/1] /5/0/1=String:""`},
		{`write /16/0/0/3 x`, `write [/16/0/0/3] /16/0/0/3=None:"x"`},
		{`write /1/0 {"1":61,"6":true}`, `write [/1/0] /1/0/1=Integer:"61" /1/0/6=Boolean:"true"`},
		{`write -r /16/0 {"0":{"0":"a","7":"b"}}`, `write [/16/0] /16/0/0/0=String:"a" /16/0/0/7=String:"b" replace`},
		{`write /16/0 {"0/1":"a","2":{}}`, `write [/16/0] /16/0/0/1=String:"a" /16/0/2=None:"":empty`},
		{`write -r /1/0 {}`, `write [/1/0] replace`},
		{`write /6/0 {"0":1.5e-3,"1":18446744073709551615}`, `write [/6/0] /6/0/0=Float:"1.5e-3" /6/0/1=Integer:"18446744073709551615"`},
		{`cwrite /3311/0/5850 false /3311/1/5850 "a b"`, `cwrite [/3311/0/5850 /3311/1/5850] /3311/0/5850=None:"false" /3311/1/5850=String:"a b"`},
		{`writeb /3442/0/150 010A0B020F`, "writeb [/3442/0/150] payload 010a0b020f"},
		{`writeb /3442/0/150 binary:12345`, "writeb [/3442/0/150] file 12345"},
		{"delete /16/1", "delete [/16/1]"},
		{"delete /16/1/0", "delete [/16/1/0]"},
		{"delete /16/1/0/2", "delete [/16/1/0/2]"},
		{"discover /3", "discover [/3]"},
		{"discover /3 0", "discover [/3] depth 0"},
		{"create /16", "create [/16] makes /16/65535"},
		{`create /3311 {"id":1,"5850":true}`, `create [/3311] /3311/1/5850=Boolean:"true" makes /3311/1`},
		{`create /3311 {"5850":true,"id":7}`, `create [/3311] /3311/7/5850=Boolean:"true" makes /3311/7`},
		{`create /3311 {"5851":3}`, `create [/3311] /3311/65535/5851=Integer:"3" makes /3311/65535`},
		{"writeattr /3/0/9 pmin=1&pmax=5&gt&cancel", `writeattr [/3/0/9] attr pmin="1":false attr pmax="5":false attr gt="":true cancel-after`},
		{"writeattr /3 cancel&vendor=x", `writeattr [/3] attr vendor="x":false cancel-after`},
		{"serialization SENML_CBOR", "serialization [] format SENML_CBOR"},
		{"serialization DEFAULT", "serialization []"},
		{`coap {"method":"get"}`, `coap [] raw 0.01 "" [] cf=NONE accept=NONE `},
		{`coap {"method":"iPATCH","uri":"/a%20b/1?x=1&y","contentFormat":"application/senml+json","accept":110,"payloadHex":"5b5D"}`,
			`coap [] raw 0.07 "a b/1" ["x=1" "y"] cf=SENML_JSON accept=SENML_JSON 5b5d`},
		{`coap {"method":"put","uri":null,"contentFormat":null,"accept":"11543","payloadHex":null}`, `coap [] raw 0.03 "" [] cf=NONE accept=JSON `},
		{`coap {"method":"post","uri":"3/0","contentFormat":"text/plain;charset=utf-8"}`, `coap [] raw 0.02 "3/0" [] cf=TEXT accept=NONE `},
	} {
		lines, err := Parse(c.text)
		if err != nil || len(lines) != 1 {
			t.Errorf("%s: %d lines, %v", c.text, len(lines), err)
			continue
		}
		if got := describe(lines[0]); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.text, got, c.want)
		}
		if lines[0].Text != c.text || lines[0].Number != 1 {
			t.Errorf("%s: text %q, number %d", c.text, lines[0].Text, lines[0].Number)
		}
	}
}

// A line break ends a line, but not inside a JSON object; empty lines do not
// count as commands and do count for positions.
func TestParseLines(t *testing.T) {
	text := "\nread /3/0\r\n\ncoap { \n\t\"method\" : \"get\",\n\t\"uri\" : \"/3/0\",\n\t\"accept\" : \"application/vnd.oma.lwm2m+json\"}\nwrite /1/0 {\n\"1\":60}\ndelete /16/0\n\n"
	lines, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		number int
		text   string
	}{
		{2, "read [/3/0]"},
		{4, `coap [] raw 0.01 "3/0" [] cf=NONE accept=JSON `},
		{8, `write [/1/0] /1/0/1=Integer:"60"`},
		{10, "delete [/16/0]"},
	}
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want %d", len(lines), len(want))
	}
	for i, w := range want {
		if got := describe(lines[i]); got != w.text || lines[i].Number != w.number {
			t.Errorf("line %d: %s, want %d: %s", lines[i].Number, got, w.number, w.text)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct {
		text         string
		line, column int
		reason       string // contained
	}{
		{"", 1, 1, "expected a command: read, cread"},
		{"\n\n", 3, 1, "expected a command"},
		{" read /3", 1, 1, "without blanks before it"},
		{"read /3 ", 1, 8, "expected the end of the line, found blanks"},
		{"read /3\n  \nread /3", 2, 1, "without blanks before it"},
		{"read", 1, 5, "expected read /object[/instance"},
		{"read ", 1, 5, "found blanks"},
		{"READ /3", 1, 1, `found "READ"`},
		{"fwupdate a;1;coap://x", 1, 1, `found "fwupdate"`},
		{"# comment", 1, 1, `found "#"`},
		{"read 3/0/0", 1, 6, "expected a path such as /3/0/0/0"},
		{"read /3/0/0/0/0", 1, 6, "expected a path of IDs"},
		{"read /3//0", 1, 6, "expected a path of IDs"},
		{"read /65536", 1, 6, "expected a path of IDs"},
		{"read /", 1, 6, "expected a path of 1 to 4 IDs, found / with 0"},
		{"read /3/0 /3/1", 1, 11, "expected the end of the line"},
		{"read /3\nread /x", 2, 6, "expected a path of IDs"},
		{"cread /3 x", 1, 10, "expected the end of the line"},
		{"observe /3 pmin=x", 1, 12, "pmin"},
		{"execute /3/0", 1, 9, "expected a path of 3 IDs, found /3/0 with 2"},
		{"execute /3/0/4 a", 1, 16, "expected arguments such as"},
		{"execute /3/0/4 0,0", 1, 16, "each digit once"},
		{"write /3/0/14", 1, 14, "expected a value for /3/0/14"},
		{"write /3/0/14 x ", 1, 16, "quote a value"},
		{`write /3/0/14 "x`, 1, 17, "expected a closing quote"},
		{`write /3/0/14 "x\`, 1, 18, "expected a closing quote"},
		{`write /3/0/14 "x" y`, 1, 19, "expected the end of the line"},
		{`write /3/0/14 "x"y`, 1, 18, "behind the closing quote"},
		{`write /3/0/14 "ü\x"`, 1, 15, "expected the escapes"},
		{"write /3 5", 1, 7, "expected a path of 2 to 4 IDs"},
		{"write /3/0 5", 1, 12, "expected a JSON object"},
		{"write /3/0 {}", 1, 12, "at least one resource"},
		{`write /3/0 {"14":null}`, 1, 18, "expected a string, a number, true or false for /3/0/14"},
		{`write /3/0 {"14":["a"]}`, 1, 18, "expected a string, a number"},
		{`write /3/0 {"x":1}`, 1, 13, `expected a resource ID such as "5700", found "x"`},
		{`write /3/0 {"1":1,"1":2}`, 1, 19, "each name once"},
		{`write /3/0 {"0":{"1":"a"},"0/1":"b"}`, 1, 33, "expected one value for /3/0/0/1"},
		{`write /3/0 {"0":{"x":"a"}}`, 1, 18, "resource instance ID"},
		{`write /3/0 {"0":{"1":{"2":1}}}`, 1, 22, "expected a string, a number"},
		{`write /3/0 {"0":1`, 1, 18, "well-formed JSON"},
		{`write /3/0 {"0" 1}`, 1, 17, "well-formed JSON"},
		{"write /3/0 {\n\"üü\" : 01}", 2, 9, "well-formed JSON"},
		{`write /3/0 {"14":"x"} y`, 1, 23, "expected the end of the line"},
		{"cwrite /3/0/14", 1, 15, "expected a value"},
		{"cwrite /3/0/14 x /3/0/14 y", 1, 26, "expected one value for /3/0/14"},
		{"cwrite /3/0 x", 1, 8, "expected a path of 3 to 4 IDs"},
		{"writeb /5/0/0 012", 1, 15, "even count"},
		{"writeb /5/0/0 0x", 1, 15, "hex"},
		{"writeb /5/0/0 binary:", 1, 22, "expected a file ID"},
		{"writeb /5/0/0", 1, 14, "expected hex digits"},
		{"delete /16", 1, 8, "expected a path of 2 to 4 IDs"},
		{"discover /3 4", 1, 13, "expected a depth of 0 to 3"},
		{"discover /3 +1", 1, 13, "expected a depth of 0 to 3"},
		{"create /16/0", 1, 8, "expected a path of 1 IDs"},
		{`create /16 {"id":65535}`, 1, 18, "instance ID of 0 to 65534"},
		{`create /16 {"id":"1"}`, 1, 18, "instance ID of 0 to 65534"},
		{"writeattr /3/0/9", 1, 17, "expected attributes"},
		{"writeattr /3/0/9 cancel", 1, 18, "expected an attribute to write"},
		{"writeattr /3/0/9 pmin=1&pmin=2", 1, 25, "twice"},
		{"writeattr /3/0/9 pmin=1&&pmax=2", 1, 25, "expected attributes"},
		{"writeattr /3/0/9 pmin=1&st=" + strings.Repeat("x", 300), 1, 25, "expected attributes"},
		{"writeattr /3/0/9 pmin=1&vendor=" + strings.Repeat("x", 300), 1, 25, "at most 255 bytes"},
		{"serialization XML", 1, 15, `found "XML"`},
		{"serialization LWM2M_CBOR", 1, 15, "expected TLV"},
		{"coap get", 1, 6, "expected a JSON object"},
		{"coap {}", 1, 6, `expected a "method"`},
		{`coap {"method":"head"}`, 1, 16, "expected get"},
		{`coap {"method":7}`, 1, 16, "expected get"},
		{`coap {"method":"get","uri":"coap://h/3"}`, 1, 28, "expected a path with queries"},
		{`coap {"method":"get","uri":"/3%2F0"}`, 1, 28, "expected a path with queries"},
		{`coap {"method":"get","uri":"/` + strings.Repeat("x", 256) + `"}`, 1, 28, "expected a path with queries"},
		{`coap {"method":"get","accept":65535}`, 1, 31, "content format of 0 to 65534"},
		{`coap {"method":"get","accept":1.0}`, 1, 31, "content format of 0 to 65534"},
		{`coap {"method":"get","accept":"image/png"}`, 1, 31, "content format of 0 to 65534"},
		{`coap {"method":"put","payloadHex":"0"}`, 1, 35, "even count"},
		{`coap {"method":"put","payloadHex":""}`, 1, 35, "even count"},
		{`coap {"method":"put","payload":"00"}`, 1, 22, `found "payload"`},
		{"read /3\nread /3\xff", 2, 8, "expected UTF-8"},
	} {
		lines, err := Parse(c.text)
		var at *SyntaxError
		if !errors.As(err, &at) {
			t.Errorf("%q: %d lines, error %v", c.text, len(lines), err)
			continue
		}
		if at.Line != c.line || at.Column != c.column || !strings.Contains(at.Reason, c.reason) {
			t.Errorf("%q:\n got %v\nwant line %d, column %d: …%s…", c.text, at, c.line, c.column, c.reason)
		}
	}
}

func TestParseBounds(t *testing.T) {
	line := "read /3/0/0\n"
	if lines, err := Parse(strings.Repeat(line, MaxLines) + "\n\n"); err != nil || len(lines) != MaxLines {
		t.Errorf("%d lines: %d, %v", MaxLines, len(lines), err)
	}
	if _, err := Parse(strings.Repeat(line, MaxLines+1)); err == nil || !strings.Contains(err.Error(), "line 1001, column 1") {
		t.Errorf("too many lines: %v", err)
	}
	head := `write /3/0/14 `
	if _, err := Parse(head + strings.Repeat("x", MaxText-len(head))); err != nil {
		t.Errorf("longest text: %v", err)
	}
	if _, err := Parse(head + strings.Repeat("x", MaxText-len(head)+1)); err == nil {
		t.Error("a text that is too long was accepted")
	}
	if _, err := Parse("cread" + strings.Repeat(" /3", maxPaths+1)); err == nil {
		t.Error("too many paths were accepted")
	}
	if _, err := Parse("write /3/0 " + strings.Repeat(`{"1":`, 100000)); err == nil {
		t.Error("a deep object was accepted")
	}
}

func TestVerbs(t *testing.T) {
	again := map[Verb]bool{Execute: false, ExecuteLegacy: false, Create: false, Delete: false, Coap: false}
	for v := Read; v < verbCount; v++ {
		if found, ok := verbOf(v.String()); !ok || found != v {
			t.Errorf("%s is read as %d", v, found)
		}
		want, listed := again[v]
		if v.Idempotent() != (want || !listed) {
			t.Errorf("%s: idempotent %t", v, v.Idempotent())
		}
	}
	if Verb(0).String() != "" || verbCount.String() != "" {
		t.Error("a verb that is none has a name")
	}
}

// FuzzParse: a text is refused at a place inside it, or each line's own text
// reads as the same line again.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"read /3/0/0\ncread /3 /1", `write /3/0/14 "a\u00e9"`, `create /3311 {"id":1,"5850":{"0":1.5}}`,
		"writeattr /3 pmin=1&cancel", "coap {\n\"method\":\"get\",\"uri\":\"/a?b=%20\"}\nread /3", "execute /3/0/4 0='a',1",
		"cwrite /3/0/14 \"x y\" /3/0/15 z", "cancelobservation -p /1/0", "serialization TLV\r\n\r\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		lines, err := Parse(text)
		var at *SyntaxError
		if err != nil {
			if !errors.As(err, &at) || at.Line < 1 || at.Column < 1 || at.Line > strings.Count(text, "\n")+1 || at.Column > len(text)+1 {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		for _, l := range lines {
			again, err := Parse(l.Text)
			if err != nil || len(again) != 1 {
				t.Fatalf("%q: line %q: %d lines, %v", text, l.Text, len(again), err)
			}
			if again[0].Number = l.Number; !reflect.DeepEqual(again[0], l) {
				t.Fatalf("line %q reads as %s, alone as %s", l.Text, describe(l), describe(again[0]))
			}
			for _, d := range devices() {
				if _, err := l.Request(d); err != nil && errors.As(err, &at) && at.Line < l.Number {
					t.Fatalf("line %q at %d: %v", l.Text, l.Number, err)
				}
			}
		}
	})
}

// TestParseCut cuts a text at every byte: each piece is read or refused with a
// place inside it.
func TestParseCut(t *testing.T) {
	text := "read /3/0\nwrite /3/0/14 \"a\\u00fcü\"\ncreate /16 {\"id\":1,\n \"0\":{\"0\":\"a\"}}\nwriteattr /3/0/9 pmin=1&gt\ncoap {\"method\":\"get\",\"accept\":110}"
	for n := range len(text) {
		_, err := Parse(text[:n])
		var at *SyntaxError
		if err != nil && (!errors.As(err, &at) || at.Line > strings.Count(text[:n], "\n")+1) {
			t.Errorf("%q: %v", text[:n], err)
		}
	}
}
