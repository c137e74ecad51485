package query

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
)

var arguments = []struct {
	text string
	want []Argument
}{
	{"", nil},
	{"5", []Argument{{Digit: 5}}},
	{"2='10.3'", []Argument{{Digit: 2, Value: "10.3", HasValue: true}}},
	{"7,0='https://www.omaspecworks.org'", []Argument{{Digit: 7}, {Digit: 0, Value: "https://www.omaspecworks.org", HasValue: true}}},
	{"0,1,2,3,4", []Argument{{Digit: 0}, {Digit: 1}, {Digit: 2}, {Digit: 3}, {Digit: 4}}},
	{"9='',8='a,b=c'", []Argument{{Digit: 9, HasValue: true}, {Digit: 8, Value: "a,b=c", HasValue: true}}},
	{"0='</33629/1>,</33629/2>'", []Argument{{Digit: 0, Value: "</33629/1>,</33629/2>", HasValue: true}}},
	{"1='!#&([]~'", []Argument{{Digit: 1, Value: "!#&([]~", HasValue: true}}},
}

func TestArgumentsBothWays(t *testing.T) {
	for _, c := range arguments {
		got, err := ParseArguments(c.text)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("ParseArguments(%q) = %v, %v; want %v", c.text, got, err, c.want)
		}
		if b, err := AppendArguments([]byte("x"), c.want); err != nil || string(b) != "x"+c.text {
			t.Errorf("AppendArguments(%v) = %q, %v; want %q behind x", c.want, b, err, c.text)
		}
	}
}

// TestBlankInArgument is the specification's own example, which its grammar
// forbids: read, and not sent.
func TestBlankInArgument(t *testing.T) {
	got, err := ParseArguments("7,0=' <https://www.omaspecworks.org>'")
	want := []Argument{{Digit: 7}, {Digit: 0, Value: " <https://www.omaspecworks.org>", HasValue: true}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%v, %v; want %v", got, err, want)
	}
	if b, err := AppendArguments([]byte("x"), got); !errors.Is(err, ErrMalformed) || string(b) != "x" {
		t.Errorf("AppendArguments = %q, %v; want x and ErrMalformed", b, err)
	}
}

func TestArgumentsRefused(t *testing.T) {
	for _, text := range []string{
		"a", "10", ",", "1,", ",1", "1,,2", "1 ,2", "1, 2", " 1", "1,1", "0='a',0", "1=", "1=a", "1='", "1='a", "1='a'b", "1='a'2",
		`1="a"`, `1='a\'`, `1='a"b'`, "1='\t'", "1='\x7f'", "1='ä'", "1='a''", "=", "'a'", "-1", "1=''2=''",
	} {
		if got, err := ParseArguments(text); !errors.Is(err, ErrMalformed) || got != nil {
			t.Errorf("ParseArguments(%q) = %v, %v; want ErrMalformed", text, got, err)
		}
	}
}

func TestAppendArgumentsRefuses(t *testing.T) {
	for _, a := range [][]Argument{
		{{Digit: 10}},
		{{Digit: 1}, {Digit: 1}},
		{{Digit: 1, Value: "x"}},
		{{Digit: 0}, {Digit: 1, Value: "it's", HasValue: true}},
		{{Digit: 1, Value: "\\", HasValue: true}},
		{{Digit: 1, Value: "ä", HasValue: true}},
	} {
		if b, err := AppendArguments([]byte("x"), a); !errors.Is(err, ErrMalformed) || string(b) != "x" {
			t.Errorf("AppendArguments(%v) = %q, %v; want x and ErrMalformed", a, b, err)
		}
	}
}

func TestArgumentsCut(t *testing.T) {
	const text = "7,0='a',3=''"
	whole := map[int]bool{0: true, 1: true, 3: true, 7: true, 9: true}
	for n := range len(text) {
		if _, err := ParseArguments(text[:n]); (err == nil) != whole[n] {
			t.Errorf("cut to %q: %v", text[:n], err)
		}
	}
}

func FuzzParseArguments(f *testing.F) {
	for _, c := range arguments {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseArguments(s)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		b, err := AppendArguments(nil, a)
		if blank := bytes.ContainsRune([]byte(s), ' '); (err != nil) != blank {
			t.Fatalf("%q: %v, appended %v", s, a, err)
		}
		if err == nil && string(b) != s {
			t.Fatalf("%q is written as %q", s, b)
		}
	})
}
