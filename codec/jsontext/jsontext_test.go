package jsontext

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"dormouse/codec/lwm2m"
)

// list reads an array of scalars.
func list(text string) (out []Scalar, err error) {
	r := NewReader([]byte(text))
	err = r.Array(func() error {
		s, err := r.Scalar()
		out = append(out, s)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, r.End()
}

func TestScalars(t *testing.T) {
	const text = `["a\u00e9\"",9223372036854775807,18446744073709551615,-1,1.50,1e3,true,false,null]`
	want := []Scalar{
		{lwm2m.String("aé\""), ""}, {lwm2m.Integer(math.MaxInt64), "9223372036854775807"},
		{lwm2m.Unsigned(math.MaxUint64), "18446744073709551615"}, {lwm2m.Integer(-1), "-1"}, {lwm2m.Float(1.5), "1.50"},
		{lwm2m.Float(1000), "1e3"}, {lwm2m.Boolean(true), ""}, {lwm2m.Boolean(false), ""}, {},
	}
	got, err := list(text)
	if err != nil || len(got) != len(want) {
		t.Fatalf("%d scalars, %v", len(got), err)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("scalar %d is %s %v %q, want %s %v %q", i, got[i].Value.Kind(), got[i].Value, got[i].Number,
				want[i].Value.Kind(), want[i].Value, want[i].Number)
		}
	}
	for cut := range text {
		if got, err := list(text[:cut]); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, %v", text[:cut], got, err)
		}
	}
}

func TestArrayRefuses(t *testing.T) {
	for _, text := range []string{"", "{}", "1", "[1", "[1,]", "[1 2]", "[1]]", "[1]x", "[01]", "[+1]", "['a']", "[[1]]", "[{}]", "[NaN]", "[1e999]", "[tru]", "[\"a]"} {
		if got, err := list(text); err == nil {
			t.Errorf("%s is %v", text, got)
		}
	}
	if _, err := list(" [ 1 , 2 ] \n"); err != nil {
		t.Errorf("blanks: %v", err)
	}
}

func TestObject(t *testing.T) {
	read := func(text string) (out string, err error) {
		r := NewReader([]byte(text))
		err = r.Object(func(label string) error {
			if label == "skip" {
				return r.Skip()
			}
			s, err := r.Scalar()
			out += fmt.Sprintf("%s=%s;", label, s.Value)
			return err
		})
		if err == nil {
			err = r.End()
		}
		return out, err
	}
	for text, want := range map[string]string{
		`{}`:                                     "",
		`{"n":"a","N":1}`:                        "n=a;N=1;",
		`{"skip":[{"x":[1,"]"]},null],"v":true}`: "v=true;",
		`{"v":1,"skip":18446744073709551616}`:    "v=1;",
	} {
		if got, err := read(text); err != nil || got != want {
			t.Errorf("%s is %s, %v", text, got, err)
		}
		for cut := range text {
			if got, err := read(text[:cut]); !errors.Is(err, ErrMalformed) {
				t.Errorf("%s is %s, %v", text[:cut], got, err)
			}
		}
	}
	var many strings.Builder
	for i := range maxLabels + 1 {
		fmt.Fprintf(&many, `,"%d":0`, i)
	}
	for name, text := range map[string]string{
		"a label twice": `{"n":1,"n":2}`, "too many labels": "{" + many.String()[1:] + "}", "a label that is a number": `{1:2}`,
		"no colon": `{"n" 1}`, "a bad value to skip": `{"skip":[}`, "deep nesting": `{"skip":` + strings.Repeat("[", 1<<17),
	} {
		if got, err := read(text); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
}

func TestAppendString(t *testing.T) {
	for s, want := range map[string]string{
		"":                   `""`,
		`a"b\c`:              `"a\"b\\c"`,
		"\n\r\t\x00\x1f\x7f": "\"\\n\\r\\t\\u0000\\u001f\x7f\"",
		"</3>;ü\u2028":       "\"</3>;ü\u2028\"",
		"a\xffb":             "\"a\uFFFDb\"",
	} {
		if got := string(AppendString([]byte("x"), s)); got != "x"+want {
			t.Errorf("%q is written as %s, want %s", s, got[1:], want)
		}
	}
}

func TestAppendMember(t *testing.T) {
	dst := AppendMember([]byte("{"), "n")
	dst = AppendMember(append(dst, '1'), "v")
	if got := string(dst); got != `{"n":1,"v":` {
		t.Errorf("written as %s", got)
	}
}

// FuzzString: what is written is what encoding/json reads, and what a Reader
// reads can be written again.
func FuzzString(f *testing.F) {
	for _, s := range []string{"", "a\"\\b", "\x00\n", "ü\u2028", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		written := AppendString(nil, s)
		var back string
		if err := json.Unmarshal(written, &back); err != nil || back != strings.ToValidUTF8(s, "\uFFFD") {
			t.Errorf("%q is written as %q, which reads as %q, %v", s, written, back, err)
		}
		got, err := list("[" + string(written) + "]")
		if err != nil || got[0].Value.Text() != back || !utf8.ValidString(back) {
			t.Errorf("%q reads as %v, %v", written, got, err)
		}
	})
}

func FuzzReader(f *testing.F) {
	for _, s := range []string{`["a",1,true,null]`, `[1.5e3]`, `[18446744073709551615]`, `[[]]`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := list(text)
		if err != nil {
			return
		}
		if !json.Valid([]byte(text)) {
			t.Errorf("%q is no JSON and reads as %v", text, got)
		}
	})
}
