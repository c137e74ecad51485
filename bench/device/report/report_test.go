package report

import (
	"errors"
	"strings"
	"testing"
	"time"

	"dormouse/codec/lwm2m"
	"dormouse/codec/query"
)

var now = time.Unix(1_800_000_000, 0)

func at(s string) lwm2m.Path {
	p, err := lwm2m.ParsePath(s)
	if err != nil {
		panic(err)
	}
	return p
}

// set reads attributes as a query has them.
func set(s string) []query.Attribute {
	if s == "" {
		return nil
	}
	list, err := query.ParseAttributes(strings.Split(s, "&"))
	if err != nil {
		panic(err)
	}
	return list
}

func text(list []query.Attribute) string { return strings.Join(query.AppendAttributes(nil, list), "&") }

// The examples of the specification and the rules of its table of attributes.
func TestMet(t *testing.T) {
	i, f, b := lwm2m.Integer, lwm2m.Float, lwm2m.Boolean
	tests := []struct {
		set         string
		before, now lwm2m.Value
		want        bool
	}{
		{"gt=45&st=10", i(45), i(50), true},
		{"gt=45&st=10", i(38), i(49), true},
		{"gt=45&st=10", i(48), i(42), true},
		{"gt=45&st=10", i(48), i(55), false},
		{"lt=20&gt=85&st=10", i(87), i(99), true},
		{"lt=20&gt=85&st=10", i(87), i(96), false},
		{"lt=20&gt=85&st=10", i(21), i(19), true},
		{"lt=20&gt=85&st=10", i(19), i(20), true},
		{"lt=20&gt=85", i(30), i(84), false},
		{"lt=20&gt=85", i(84), i(85), false}, // not above it yet
		{"lt=20&gt=85", i(85), i(86), true},
		{"st=0.5", f(1), f(1.5), true},
		{"st=0.5", f(1.5), f(1.2), false},
		{"st=0.5", f(1.5), f(1), true},
		{"st=1", lwm2m.Unsigned(1<<63 + 1), lwm2m.Unsigned(1 << 63), true},
		{"gt=9007199254740992", i(9007199254740992), i(9007199254740993), true}, // no float tells these apart
		{"st=5", lwm2m.Time(10), lwm2m.Time(14), false},
		{"edge=1", b(false), b(true), true},
		{"edge=1", b(true), b(false), false},
		{"edge=0", b(true), b(false), true},
		{"edge=0", b(false), b(true), false},
		{"pmin=5", i(1), i(2), true},
		{"", lwm2m.String("a"), lwm2m.String("b"), true},
		{"", i(1), i(1), false},
		{"st=5", lwm2m.String("a"), lwm2m.String("b"), true}, // no number: any change
	}
	for _, test := range tests {
		if got := Met(set(test.set), test.before, test.now); got != test.want {
			t.Errorf("%s: %s to %s is told: %v", test.set, test.before, test.now, got)
		}
	}
}

func TestWriteAttributes(t *testing.T) {
	type write struct {
		path, set string
		ok        bool
	}
	tests := []struct {
		version lwm2m.Version
		writes  []write
		at      string
		want    string // attached
		holds   string // effective
	}{
		{lwm2m.V1_1, []write{{"/3", "pmin=10&pmax=200", true}, {"/3/0/7", "lt=1&gt=6&st=1", true}}, "/3/0/7", "lt=1&gt=6&st=1", "pmin=10&pmax=200&lt=1&gt=6&st=1"},
		{lwm2m.V1_1, []write{{"/3", "pmin=10&pmax=200", true}, {"/3/0", "pmax=320", true}}, "/3/0/9", "", "pmin=10&pmax=320"},
		{lwm2m.V1_1, []write{{"/3/0/7", "pmin=1", true}, {"/3/0/7", "pmin", true}}, "/3/0/7", "", ""},
		{lwm2m.V1_1, []write{{"/3/0/7", "pmin=1", true}, {"/3/0/7", "pmin=2&dim=3", false}}, "/3/0/7", "pmin=1", "pmin=1"},
		{lwm2m.V1_1, []write{{"/3/0/7", "gt=5", true}, {"/3/0/7/0", "lt=6", false}, {"/3/0/7/0", "lt=4", true}}, "/3/0/7/0", "lt=4", "gt=5&lt=4"},
		{lwm2m.V1_1, []write{{"/3/0/7", "gt=5&lt=1", true}, {"/3/0/7", "st=2", false}, {"/3/0/7", "st=1.9", true}}, "/3/0/7", "gt=5&lt=1&st=1.9", "gt=5&lt=1&st=1.9"},
		{lwm2m.V1_1, []write{{"/3/0/7", "epmin=5&epmax=5", false}, {"/3/0/7", "edge=1", false}, {"/3/0/7", "con=1", false}}, "/3/0/7", "", ""},
		{lwm2m.V1_2, []write{{"/3/0/7", "con=1&hqmax=5", true}, {"/3/0/7", "edge=1", false}}, "/3/0/7", "con=1&hqmax=5", "con=1&hqmax=5"},
		{lwm2m.V1_0, []write{{"/3/0/7", "epmin=5", false}, {"/3/0/7", "pmin=5&pmax=1", true}}, "/3/0/7", "pmin=5&pmax=1", "pmin=5&pmax=1"},
		{lwm2m.V1_2, []write{{"/3/0", "gt=5", false}, {"/3", "st=5", false}, {"/3/0/7", "xyz=5", false}}, "/3/0/7", "", ""},
	}
	for n, test := range tests {
		var a Attributes
		for _, w := range test.writes {
			err := a.Write(at(w.path), set(w.set), lwm2m.KindInteger, test.version)
			if (err == nil) != w.ok || err != nil && !errors.Is(err, query.ErrMalformed) {
				t.Errorf("%d: %s on %s: %v", n, w.set, w.path, err)
			}
		}
		if got := text(a.At(at(test.at))); got != test.want {
			t.Errorf("%d: %s is attached, want %s", n, got, test.want)
		}
		if got := text(a.Effective(at(test.at))); got != test.holds {
			t.Errorf("%d: %s holds, want %s", n, got, test.holds)
		}
	}
}

func TestAttributeBounds(t *testing.T) {
	var a Attributes
	for i := range uint16(maxPaths) {
		if err := a.Write(lwm2m.NewPath(3, 0, i), set("pmin=1"), lwm2m.KindInteger, lwm2m.V1_1); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Write(at("/4"), set("pmin=1"), lwm2m.KindNone, lwm2m.V1_1); err == nil {
		t.Error("there is no bound")
	}
	if err := a.Write(at("/3/0/5"), set("pmin=2"), lwm2m.KindInteger, lwm2m.V1_1); err != nil {
		t.Errorf("what is there can change: %v", err)
	}
	a.Forget(at("/3/0"))
	if len(a.entries) != 0 {
		t.Errorf("%d paths after all are gone", len(a.entries))
	}
	for _, kind := range []lwm2m.Kind{lwm2m.KindString, lwm2m.KindBoolean, lwm2m.KindOpaque, lwm2m.KindNone} {
		if err := a.Write(at("/3/0/0"), set("st=1"), kind, lwm2m.V1_1); err == nil {
			t.Errorf("st on %s", kind)
		}
	}
	if err := a.Write(at("/3/0/0"), set("edge=1"), lwm2m.KindBoolean, lwm2m.V1_2); err != nil {
		t.Errorf("edge on a Boolean: %v", err)
	}
}

func TestSettings(t *testing.T) {
	d := Default{MinPeriod: time.Second, MaxPeriod: 10 * time.Second}
	tests := []struct {
		sets []string
		want Settings
	}{
		{[]string{""}, Settings{MinPeriod: time.Second, MaxPeriod: 10 * time.Second, History: 8}},
		{[]string{"pmin=5&pmax=60"}, Settings{MinPeriod: 5 * time.Second, MaxPeriod: time.Minute, History: 8}},
		{[]string{"pmin=30"}, Settings{MinPeriod: 30 * time.Second, History: 8}}, // the default maximum is below
		{[]string{"pmin=0&pmax=0"}, Settings{History: 8}},
		{[]string{"pmin=30&pmax=45", "", ""}, Settings{MinPeriod: 30 * time.Second, MaxPeriod: 45 * time.Second, History: 8}},
		{[]string{"pmin=3&pmax=45", "pmin=4&pmax=9"}, Settings{MinPeriod: 4 * time.Second, MaxPeriod: 9 * time.Second, History: 8}},
		{[]string{"epmin=3&epmax=30&pmax=0", "epmin=4&epmax=20"}, Settings{MinPeriod: time.Second, MinEvaluation: 4 * time.Second, MaxEvaluation: 20 * time.Second, History: 8}},
		{[]string{"hqmax=3&pmax=0&pmin=0"}, Settings{History: 3}},
		{[]string{"hqmax=100000&pmax=0&pmin=0"}, Settings{History: mostHistory}},
	}
	for _, test := range tests {
		var sets [][]query.Attribute
		for _, s := range test.sets {
			sets = append(sets, set(s))
		}
		if got := SettingsOf(sets, d); got != test.want {
			t.Errorf("%q: %+v, want %+v", test.sets, got, test.want)
		}
	}
	for s, want := range map[string]bool{"con=0": false, "con=1": true} {
		if got := SettingsOf([][]query.Attribute{set(s), nil}, d).Confirmable; got == nil || *got != want {
			t.Errorf("%s: %v", s, got)
		}
	}
}

// walk drives an observation of one value second by second and returns when it
// notified.
func walk(a *Attributes, o *Observation, d Default, values []int64) (at []int) {
	path := o.Paths[0]
	node := func(v int64) []lwm2m.Node { return []lwm2m.Node{{Path: path, Value: lwm2m.Integer(v)}} }
	o.Told(now, node(values[0]), State{})
	for i, v := range values {
		when := now.Add(time.Duration(i) * time.Second)
		s := State{Sample: int64(i)}
		set := o.Settings(a, d)
		if o.Looks(when, set, s) {
			o.Look(when, node(v), s, o.Conditions(a))
		}
		if o.Due(when, set) {
			o.Told(when, node(v), s)
			at = append(at, i)
		}
	}
	return at
}

func TestObservation(t *testing.T) {
	tests := []struct {
		name, set string
		values    []int64
		want      []int
	}{
		{"any change", "", []int64{1, 1, 2, 2, 3}, []int{2, 4}},
		{"pmin holds a change back", "pmin=3", []int64{1, 2, 3, 4, 5, 6, 7}, []int{3, 6}},
		{"a change that went back is told", "pmin=3", []int64{1, 2, 1, 1, 1}, []int{3}},
		{"pmax without change", "pmax=2", []int64{1, 1, 1, 1, 1}, []int{2, 4}},
		{"pmax below pmin", "pmin=3&pmax=2", []int64{1, 1, 1, 1, 2, 2}, []int{4}},
		{"step against what was told", "st=5", []int64{10, 12, 14, 16, 18, 20, 21}, []int{3, 6}},
		{"threshold", "gt=15", []int64{10, 14, 16, 20, 14, 13}, []int{2, 4}},
		{"evaluated every three seconds", "epmin=3&st=5", []int64{0, 9, 0, 6, 9, 0, 5}, []int{3}},
		{"pmax with a step", "st=100&pmax=3", []int64{0, 1, 2, 3, 4, 5, 6}, []int{3, 6}},
	}
	for _, test := range tests {
		var a Attributes
		if err := a.Write(at("/3303/0/5700"), set(test.set), lwm2m.KindFloat, lwm2m.V1_2); err != nil {
			t.Fatal(err)
		}
		o := &Observation{Paths: []lwm2m.Path{at("/3303/0/5700")}}
		got := walk(&a, o, Default{}, test.values)
		if len(got) != len(test.want) {
			t.Errorf("%s: told at %v, want %v", test.name, got, test.want)
			continue
		}
		for i := range got {
			if got[i] != test.want[i] {
				t.Errorf("%s: told at %v, want %v", test.name, got, test.want)
			}
		}
	}
}

// The deadlines of an observation are those at which it acts.
func TestDeadlines(t *testing.T) {
	o := &Observation{Paths: []lwm2m.Path{at("/3/0/9")}}
	o.Told(now, nil, State{})
	if got := o.DueAt(Settings{}); !got.IsZero() {
		t.Errorf("due at %v without anything", got)
	}
	if got := o.DueAt(Settings{MaxPeriod: time.Minute}); got != now.Add(time.Minute) {
		t.Errorf("due at %v", got)
	}
	next := now.Add(10 * time.Second)
	if got := o.LooksAt(Settings{}, next); got != next {
		t.Errorf("looks at %v", got)
	}
	if got := o.LooksAt(Settings{MinEvaluation: 30 * time.Second}, next); got != now.Add(30*time.Second) {
		t.Errorf("looks at %v with epmin", got)
	}
	late := Settings{MaxEvaluation: 4 * time.Second}
	if got := o.LooksAt(late, next); got != now.Add(4*time.Second) || o.Looks(got.Add(-1), late, State{}) || !o.Looks(got, late, State{}) {
		t.Errorf("looks at %v with epmax", got)
	}
	o.Look(now.Add(time.Second), []lwm2m.Node{{Path: at("/3/0/9")}}, State{Revision: 5}, o.Conditions(&Attributes{}))
	if got := o.DueAt(Settings{MinPeriod: 3 * time.Second, MaxPeriod: 2 * time.Second}); got != now.Add(3*time.Second) {
		t.Errorf("due at %v with a change", got)
	}
	if o.Seen().Revision != 5 || o.LookedAt() != now.Add(time.Second) {
		t.Errorf("looked at %v, revision %d", o.LookedAt(), o.Seen().Revision)
	}
}

func TestKeep(t *testing.T) {
	o := &Observation{}
	for i := range 5 {
		o.Keep(Record{At: now.Add(time.Duration(i))}, Settings{History: 3})
	}
	if len(o.Stored) != 3 || o.Stored[0].At != now.Add(2) {
		t.Errorf("stored %v", o.Stored)
	}
	o.Keep(Record{}, Settings{})
	if len(o.Stored) != 0 {
		t.Errorf("hqmax=0 stores %d", len(o.Stored))
	}
}

// Numbers of notifications have 24 bits.
func TestNext(t *testing.T) {
	o := &Observation{Sequence: 0xfffffe}
	if a, b := o.Next(), o.Next(); a != 0xffffff || b != 0 {
		t.Errorf("%x, %x", a, b)
	}
}

func TestSame(t *testing.T) {
	o := &Observation{Paths: []lwm2m.Path{at("/3"), at("/4")}, Composite: true}
	if !o.Same(o.Paths, true) || o.Same(o.Paths, false) || o.Same(o.Paths[:1], true) {
		t.Error("what is the same observation")
	}
}
