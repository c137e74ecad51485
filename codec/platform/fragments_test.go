package platform

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func fragments(t testing.TB, text string) Fragments {
	t.Helper()
	f, err := ParseFragments([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return f
}

// Both directions: text is parsed, and what is appended equals form.
var fragmentForms = []struct{ text, form string }{
	{`{}`, `{}`},
	{" {\n} ", `{}`},
	{`{"b":1,"a":2}`, `{"b":1,"a":2}`}, // order of arrival
	{`{"n": 9223372036854775807 , "x":1.10e+1}`, `{"n":9223372036854775807,"x":1.10e+1}`}, // numbers to the letter
	{`{"big":123456789012345678901234567890.000000000000000000001}`, `{"big":123456789012345678901234567890.000000000000000000001}`},
	{`{"c8y_X":{ "deep" : [ 1, {"y": null} ] }, "z":null}`, `{"c8y_X":{"deep":[1,{"y":null}]},"z":null}`},
	{`{"\u0061":"\u00e9\n","ü":"<&>"}`, `{"a":"\u00e9\n","ü":"<&>"}`},
	{`{"q":"a\\\"}]{["}`, `{"q":"a\\\"}]{["}`}, // brackets and quotes within a string
}

func TestFragmentsBothDirections(t *testing.T) {
	for _, c := range fragmentForms {
		if got := string(fragments(t, c.text).Append(nil)); got != c.form {
			t.Errorf("%s\n got %s\nwant %s", c.text, got, c.form)
		}
		if got := string(fragments(t, c.form).Append([]byte("x"))); got != "x"+c.form {
			t.Errorf("%s came back as %s", c.form, got)
		}
	}
}

func TestFragmentsRefused(t *testing.T) {
	nested := func(n int) string {
		return `{"a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}`
	}
	var many strings.Builder
	for i := range MaxMembers + 1 {
		fmt.Fprintf(&many, `,"m%d":0`, i)
	}
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"empty":            {"", ErrSyntax},
		"blank":            {"  ", ErrSyntax},
		"cut":              {`{"a":1`, ErrSyntax},
		"two values":       {`{} {}`, ErrSyntax},
		"trailing comma":   {`{"a":1,}`, ErrSyntax},
		"bare name":        {`{a:1}`, ErrSyntax},
		"NaN":              {`{"a":NaN}`, ErrSyntax},
		"leading zero":     {`{"a":01}`, ErrSyntax},
		"control byte":     {"{\"a\":\"\x01\"}", ErrSyntax},
		"not UTF-8":        {"{\"a\":\"\xff\"}", ErrSyntax},
		"array":            {`[1]`, ErrShape},
		"null":             {`null`, ErrShape},
		"number":           {`12`, ErrShape},
		"twice":            {`{"a":1,"\u0061":2}`, ErrShape},
		"deep":             {nested(MaxDepth), ErrBounds},
		"very deep":        {strings.Repeat(`{"a":`, 100000), ErrBounds},
		"many members":     {"{" + many.String()[1:] + "}", ErrBounds},
		"long name":        {`{"` + strings.Repeat("n", MaxName+1) + `":1}`, ErrBounds},
		"one byte too big": {`{"a":"` + strings.Repeat("x", MaxBody-8+1) + `"}`, ErrBounds},
	} {
		if _, err := ParseFragments([]byte(c.text)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	fragments(t, nested(MaxDepth-1))
	fragments(t, `{"a":"`+strings.Repeat("x", MaxBody-8)+`"}`)
}

func TestFragmentsCutAtEveryByte(t *testing.T) {
	whole := `{"a":{"b":[1,2.5e3,"x\u00e9"]},"c":true,"ü":null}`
	for i := range len(whole) {
		if f, err := ParseFragments([]byte(whole[:i])); !errors.Is(err, ErrSyntax) {
			t.Errorf("%q: %v, %v", whole[:i], f, err)
		}
	}
}

func TestSyntaxFaultNamesItsPlace(t *testing.T) {
	_, err := ParseFragments([]byte(`{"a":1,}`))
	if err == nil || !strings.Contains(err.Error(), "at byte 8") {
		t.Errorf("%v does not name byte 8", err)
	}
}

func TestFragmentsCopyTheBody(t *testing.T) {
	body := []byte(`{"a":"x"}`)
	f, err := ParseFragments(body)
	if err != nil {
		t.Fatal(err)
	}
	clear(body)
	if got := string(f.Append(nil)); got != `{"a":"x"}` {
		t.Errorf("after the body changed: %s", got)
	}
}

func TestFragmentsTyped(t *testing.T) {
	f := fragments(t, `{"s":"é","n":-42,"big":9223372036854775807,"text":"180000","over":9223372036854775808,"f":1.0,"yes":true,"no":false,"null":null,"o":{}}`)
	for name, want := range map[string]string{"s": "é", "text": "180000", "null": "", "absent": ""} {
		if got, err := f.Text(name); err != nil || got != want {
			t.Errorf("Text(%s) = %q, %v", name, got, err)
		}
	}
	for name, want := range map[string]int64{"n": -42, "big": 9223372036854775807, "text": 180000} {
		if got, ok, err := f.Int(name); err != nil || !ok || got != want {
			t.Errorf("Int(%s) = %d, %v, %v", name, got, ok, err)
		}
	}
	for _, name := range []string{"null", "absent"} {
		if got, ok, err := f.Int(name); err != nil || ok || got != 0 {
			t.Errorf("Int(%s) = %d, %v, %v", name, got, ok, err)
		}
	}
	for name, want := range map[string]bool{"yes": true, "no": false, "null": false, "absent": false} {
		if got, err := f.Bool(name); err != nil || got != want {
			t.Errorf("Bool(%s) = %v, %v", name, got, err)
		}
	}
	for _, name := range []string{"n", "o", "yes"} {
		if _, err := f.Text(name); !errors.Is(err, ErrShape) {
			t.Errorf("Text(%s): %v", name, err)
		}
	}
	for _, name := range []string{"over", "f", "s", "o"} {
		if _, _, err := f.Int(name); !errors.Is(err, ErrShape) {
			t.Errorf("Int(%s): %v", name, err)
		}
	}
	if _, err := f.Bool("n"); !errors.Is(err, ErrShape) {
		t.Errorf("Bool(n): %v", err)
	}
}

func TestMerge(t *testing.T) {
	for _, c := range []struct{ old, change, want string }{
		{`{"a":1,"b":2}`, `{"b":3,"c":4}`, `{"a":1,"b":3,"c":4}`},
		{`{"a":1,"b":2}`, `{"a":null}`, `{"b":2}`},
		{`{"a":1}`, `{"x":null}`, `{"a":1}`},
		{`{"a":{"x":1}}`, `{"a":{"y":2}}`, `{"a":{"y":2}}`}, // fragments are replaced whole
		{`{}`, `{}`, `{}`},
	} {
		old := fragments(t, c.old)
		if got := string(old.Merge(fragments(t, c.change)).Append(nil)); got != c.want {
			t.Errorf("%s with %s = %s, want %s", c.old, c.change, got, c.want)
		}
		if got := string(old.Append(nil)); got != c.old {
			t.Errorf("Merge changed its receiver to %s", got)
		}
	}
	if got := string(fragments(t, `{"a":1,"b":2,"c":3}`).Without("a", "c", "x").Append(nil)); got != `{"b":2}` {
		t.Errorf("Without left %s", got)
	}
}

func FuzzFragments(f *testing.F) {
	for _, c := range fragmentForms {
		f.Add([]byte(c.text))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		first, err := ParseFragments(body)
		if err != nil {
			return
		}
		form := first.Append(nil)
		if !json.Valid(form) {
			t.Fatalf("%q appended as invalid %q", body, form)
		}
		if len(form) > MaxBody {
			return // escaping may lengthen names
		}
		second, err := ParseFragments(form)
		if err != nil || !reflect.DeepEqual(first, second) {
			t.Fatalf("%q: %v, then %v, %v", body, first, second, err)
		}
		if again := second.Append(nil); !bytes.Equal(form, again) {
			t.Fatalf("%q appended as %q, then %q", body, form, again)
		}
	})
}
