package provision

import (
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// readCells reads one line, with its cells copied.
func readCells(b string, delimiter byte) (list []string, n int, reason string) {
	var c cells
	n, reason, _ = c.read([]byte(b), delimiter)
	for i := range c.len() {
		list = append(list, c.of(string(c.text), i))
	}
	return list, n, reason
}

func TestCells(t *testing.T) {
	for _, tc := range []struct {
		line string
		want []string
		rest string
	}{
		{"a;b;c", []string{"a", "b", "c"}, ""},
		{"a;b\n;c", []string{"a", "b"}, ";c"},
		{"a;b\r\nc", []string{"a", "b"}, "c"},
		{"a;\r", []string{"a", ""}, ""},
		{";;", []string{"", "", ""}, ""},
		{"\nx", []string{""}, "x"},
		{" a b ;\tc\t; ", []string{"a b", "c", ""}, ""},
		{`"a;b";"c""d";""`, []string{"a;b", `c"d`, ""}, ""},
		{"\"a\r\nb\" ; \" c \"\r\nd", []string{"a\r\nb", " c "}, "d"},
		{`""""`, []string{`"`}, ""},
		{"a\rb;c", []string{"a\rb", "c"}, ""},
		{"a,b\tc;d", []string{"a,b\tc", "d"}, ""},
	} {
		got, n, reason := readCells(tc.line, ';')
		if !slices.Equal(got, tc.want) || tc.line[n:] != tc.rest || reason != "" {
			t.Errorf("%q is %q, %q, %s", tc.line, got, tc.line[n:], reason)
		}
	}
	for line, want := range map[string]string{`a"b`: bareQuote, `"a"b`: afterQuote, `"a" "`: afterQuote, `"a`: openQuote, "\"a\nb\n": openQuote, `"a""`: openQuote, `a;"`: openQuote} {
		if _, _, reason := readCells(line, ';'); reason != want {
			t.Errorf("%q: %q, want %s", line, reason, want)
		}
	}
	if got, _, _ := readCells("a\t b\t\"\tc\"", '\t'); !slices.Equal(got, []string{"a", "b", "\tc"}) {
		t.Errorf("%q", got)
	}
}

// FuzzCells: what encoding/csv reads is what we read, but for blanks around
// cells, and CRLF in quotes.
func FuzzCells(f *testing.F) {
	for _, s := range []string{"a;b\nc;d", "\"a\n;b\";c\r\n;", `a"b`, `"a"b`, "\"a\"\"b\"\n\n", " \"a\"", "\xff;\"\xff\""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := csv.NewReader(strings.NewReader(text))
		r.Comma, r.FieldsPerRecord = ';', -1
		for rest := text; ; {
			want, err := r.Read()
			if err == io.EOF {
				return
			}
			for rest != "" && (rest[0] == '\n' || strings.HasPrefix(rest, "\r\n") || rest == "\r") { // which csv passes over
				_, n, _ := readCells(rest, ';')
				rest = rest[n:]
			}
			got, n, reason := readCells(rest, ';')
			if n > len(rest) || reason == "" && n == 0 {
				t.Fatalf("%q: %d", rest, n)
			}
			rest = rest[n:]
			var fault *csv.ParseError
			if errors.As(err, &fault) {
				return // blanks around quotes are allowed here alone
			}
			if reason != "" {
				t.Fatalf("%q: %s, and csv reads %q", text, reason, want)
			}
			for i := range want {
				if i >= len(got) || strings.Trim(strings.ReplaceAll(got[i], "\r\n", "\n"), " \t\r") != strings.Trim(want[i], " \t\r") {
					t.Fatalf("%q: %q, and csv reads %q", text, got, want)
				}
			}
		}
	})
}
