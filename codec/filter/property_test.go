package filter

import (
	"encoding/json"
	"errors"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"dormouse/codec/platform"
)

// seeded runs a property with other numbers each time, and names the seed of a
// failure.
func seeded(t *testing.T, times int, property func(t *testing.T, random *rand.Rand)) {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range times {
		if property(t, random); t.Failed() {
			return
		}
	}
}

func pick[T any](random *rand.Rand, from ...T) T { return from[random.IntN(len(from))] }

func drawDigits(random *rand.Rand, most int) string {
	digits := make([]byte, 1+random.IntN(most))
	for i := range digits {
		digits[i] = '0' + byte(random.IntN(10))
	}
	return string(digits)
}

func drawNumber(random *rand.Rand) string {
	s := pick(random, "", "-", "+") + pick(random, "", "0", "00") + drawDigits(random, pick(random, 1, 24))
	if random.IntN(2) == 0 {
		s += "." + pick(random, "", "0", "000") + drawDigits(random, pick(random, 1, 24))
	}
	if random.IntN(3) == 0 {
		s += pick(random, "e", "E") + pick(random, "", "-", "+") + drawDigits(random, 2)
	}
	return s
}

// TestNumbersAgainstRationals holds the order of decimals against exact arithmetic.
func TestNumbersAgainstRationals(t *testing.T) {
	seeded(t, 5000, func(t *testing.T, random *rand.Rand) {
		a, b := drawNumber(random), drawNumber(random)
		x, okX := new(big.Rat).SetString(a)
		y, okY := new(big.Rat).SetString(b)
		got, ok := compareNumbers(a, b)
		if !ok || !okX || !okY || got != x.Cmp(y) {
			t.Fatalf("%s and %s: %d, %t", a, b, got, ok)
		}
	})
}

func TestNumbersBeyondArithmetic(t *testing.T) {
	ascending := []string{"-1e99999999999999999999", "-1e9", "-2", "-1e-99999999999999999999", "0", "1e-99999999999999999999", "0.1", "1e9", "1e99999999999999999999"}
	for i, a := range ascending {
		for j, b := range ascending {
			if got, ok := compareNumbers(a, b); !ok || got != cmpInt(i, j) {
				t.Errorf("%s and %s: %d, %t", a, b, got, ok)
			}
		}
	}
	for _, zero := range []string{"0", "-0", "0.00", "0e5", "+0"} {
		if got, ok := compareNumbers(zero, "0"); !ok || got != 0 {
			t.Errorf("%s is not 0: %d, %t", zero, got, ok)
		}
	}
	for _, wrong := range []string{"", "-", ".", "1.", "e5", "1e", "1e+", "1x", "1.2.3", "NaN", "0x1", "1_0", " 1"} {
		if _, ok := compareNumbers(wrong, "0"); ok {
			t.Errorf("%q is a number", wrong)
		}
	}
}

func cmpInt(a, b int) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// drawQuery makes queries over few names and values, so that many match.
func drawQuery(random *rand.Rand, depth int) string {
	path := func() string { return pick(random, "id", "type", "name", "a", "a.b", "c") }
	kind := random.IntN(7)
	if depth == 0 {
		kind = random.IntN(3)
	}
	switch kind {
	case 0:
		return "has(" + path() + ")"
	case 1:
		return "hasany(" + path() + "," + path() + ")"
	case 2:
		return path() + " " + pick(random, "eq", "eq", "eq", "ne") + " " + pick(random, "'x'", "'y'", "'x*'", "1", "2", "'1'", "true", "null")
	case 3:
		return "not(" + drawQuery(random, depth-1) + ")"
	}
	return "(" + drawQuery(random, depth-1) + pick(random, " and ", " or ") + drawQuery(random, depth-1) + ")"
}

func drawObject(random *rand.Rand) Managed {
	text := func() string { return pick(random, "", "x", "y", "1") }
	m := platform.ManagedObject{ID: 1, Type: text(), Name: text()}
	for _, name := range []string{"a", "c"} {
		if raw := pick(random, "", `"x"`, "1", "true", "null", `{"b":"x"}`, `{"b":[1,"y"]}`, `[{"b":2},"x"]`, "[]"); raw != "" {
			m.Fragments = append(m.Fragments, platform.Fragment{Name: name, Raw: json.RawMessage(raw)})
		}
	}
	return Managed{&m}
}

// TestPlansAreSound: what matches is what the plan says. And a query matches the
// same in its canonical form, and never together with its opposite.
func TestPlansAreSound(t *testing.T) {
	seeded(t, 1000, func(t *testing.T, random *rand.Rand) {
		text := drawQuery(random, 4)
		q, err := Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		again, err := Parse(q.String())
		opposite, err2 := Parse("not(" + text + ")")
		if err != nil || err2 != nil {
			t.Fatalf("%s: %v, %v", q, err, err2)
		}
		plan := q.Plan()
		for range 10 {
			o := drawObject(random)
			if again.Match(o) != q.Match(o) || opposite.Match(o) == q.Match(o) {
				t.Fatalf("%s and %s: %v", q, opposite, o)
			}
			if q.Match(o) {
				checkPlan(t, plan, o, text)
			}
		}
	})
}

func checkPlan(t *testing.T, plan Plan, o Managed, text string) {
	for _, name := range []string{"id", "type", "name"} { // which are texts
		if texts, bound := plan.Texts[name]; bound && !slices.Contains(texts, o.Value(name).text) {
			t.Fatalf("%s matches %v, which is none of %v", text, o, texts)
		}
	}
	for _, name := range plan.Has {
		if o.Value(name).Kind() == Null {
			t.Fatalf("%s matches %v, which has no %s", text, o, name)
		}
	}
}

// TestWalkAgainstEncodingJSON finds members as encoding/json does.
func TestWalkAgainstEncodingJSON(t *testing.T) {
	seeded(t, 1000, func(t *testing.T, random *rand.Rand) {
		object := map[string]json.RawMessage{}
		for range random.IntN(5) {
			name := pick(random, "", "a", `b"`, `\`, "é", "\n", "<", "a b")
			object[name] = json.RawMessage(pick(random, `""`, `"a\"]}\\"`, "-1.5e3", "null", " { } ", `[1,[2,{"x":[]}],"]"]`, `{"a":{"b":"}"}}`))
		}
		raw, err := json.MarshalIndent(object, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		for want := range object {
			got := member(raw, want)
			var x, y any
			if json.Unmarshal(got, &x) != nil || json.Unmarshal(object[want], &y) != nil || !sameJSON(x, y) {
				t.Fatalf("%q in %s: %s", want, raw, got)
			}
		}
		if got := member(raw, "absent"); got != nil {
			t.Fatalf("absent: %s", got)
		}
	})
}

func sameJSON(x, y any) bool {
	a, _ := json.Marshal(x)
	b, _ := json.Marshal(y)
	return string(a) == string(b)
}

func FuzzParse(f *testing.F) {
	for _, c := range forms {
		f.Add(c.text)
	}
	for text := range matches {
		f.Add(text)
	}
	m := Managed{device(f)}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := Language{Groups: true}.Parse(text)
		if err != nil {
			if !errors.Is(err, ErrSyntax) && !errors.Is(err, ErrBounds) && !errors.Is(err, ErrUnsupported) {
				t.Fatal(err)
			}
			return
		}
		q.Plan()
		q.SortKey(m)
		again, err := Language{Groups: true}.Parse(q.String())
		if errors.Is(err, ErrBounds) { // its parentheses and escapes
			return
		}
		if err != nil || again.String() != q.String() || again.Match(m) != q.Match(m) {
			t.Fatalf("%q: %s came back as %s, %v", text, q, again, err)
		}
	})
}

// FuzzJSON matches against bytes that need not be JSON.
func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"a":[{"b":1},"x"],"c":"\u00e9"}`), "a.b", "c")
	f.Add([]byte(`[1,[2],"x\"`), "0", "1.0")
	f.Add([]byte(`{"a":}`), "a", "")
	q, err := Parse("x.a eq 'x' or x.a.b gt 1 or x eq 1 or has(x.0.a)")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte, first, second string) {
		o := Managed{&platform.ManagedObject{Fragments: platform.Fragments{{Name: "x", Raw: raw}}}}
		q.Match(o)
		JSONValue(raw).each(Path{first, second}, func(v Value) bool { return v.kind == Null })
		if v := member(raw, first); v != nil && json.Valid(raw) && !json.Valid(v) {
			t.Fatalf("%q in %s: %s", first, raw, v)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse("$filter=((has(c8y_IsDevice)) and ((type eq 'c8y_lwm2m') or (name eq 'urn:imei:*'))) $orderby=name asc"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	o := Managed{device(b)}
	for _, text := range []string{"type eq 'other'", "has(c8y_IsDevice) and name eq '*Pi*'", "c8y_Hardware.model eq 'x'", "count gt 5f", "creationTime gt '2026-01-31'"} {
		q, err := Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(strconv.Quote(text), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				q.Match(o)
			}
		})
	}
}
