package history

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

const s = time.Second

// at moves events to a time.
func at(t time.Duration, e Event) Event { e.At = t; return e }

func submitted(op uint32) Event  { return Event{Kind: Submitted, Op: op, Device: 1} }
func repeatable(op uint32) Event { return Event{Kind: Submitted, Op: op, Device: 1, Twice: true} }
func acknowledged(op uint32) Event {
	return Event{Kind: Acknowledged, Op: op, Device: 1, ID: uint64(op) + 100}
}
func executed(op uint32) Event { return Event{Kind: Executed, Op: op, Device: 1} }

func ends(op uint32, node int16, text string) Event {
	return Event{Kind: Seen, Op: op, Device: 1, Node: node, Text: text}
}

func fails(op uint32, node int16, reason string) Event {
	return Event{Kind: Seen, Op: op, Device: 1, Node: node, Text: "FAILED", Reason: reason}
}

// good is an operation that went as it should.
func good(op uint32, from time.Duration) []Event {
	return []Event{
		at(from, submitted(op)), at(from+s, acknowledged(op)), at(from+2*s, executed(op)),
		at(1000*s, ends(op, 0, "SUCCESSFUL")), at(1000*s, ends(op, 1, "SUCCESSFUL")),
	}
}

const unknownReason = "sent, answer unknown"

func join(lists ...[]Event) []Event { return slices.Concat(lists...) }

// while is a fault from 10 s to 20 s, and tries without answer.
func while(fault string, silent ...time.Duration) []Event {
	list := []Event{{Kind: Troubled, At: 10 * s, Text: fault}, {Kind: Continued, At: 20 * s}}
	for _, since := range silent {
		list = append(list, Event{Kind: Silent, At: since + 3*s, Since: since})
	}
	return list
}

// Each history with the rules that it breaks, and how often.
func TestCheck(t *testing.T) {
	registered := Event{Kind: Registered, Device: 1}
	shaken := Event{Kind: Shaken, Device: 1}
	for name, tt := range map[string]struct {
		events []Event
		broken map[Rule]int
	}{
		"nothing":                               {nil, nil},
		"all well":                              {join(good(1, 0), good(2, 10*s), good(3, 20*s)), nil},
		"never acknowledged":                    {[]Event{at(0, submitted(1)), at(s, Event{Kind: Unclear, Op: 1})}, nil},
		"never acknowledged, and executed once": {[]Event{submitted(1), at(s, executed(1))}, nil},
		"never acknowledged, and executed twice": {
			[]Event{submitted(1), at(s, executed(1)), at(2*s, executed(1))}, map[Rule]int{Twice: 1}},

		"lost at a node": {[]Event{
			submitted(1), at(s, acknowledged(1)), at(2*s, executed(1)),
			at(9*s, ends(1, 0, "SUCCESSFUL")), at(9*s, Event{Kind: Missing, Op: 1, Device: 1, Node: 1}),
		}, map[Rule]int{Lost: 1}},
		"lost everywhere": {[]Event{
			submitted(1), at(s, acknowledged(1)),
			at(9*s, Event{Kind: Missing, Op: 1, Device: 1}), at(9*s, Event{Kind: Missing, Op: 1, Device: 1, Node: 1}),
		}, map[Rule]int{Lost: 2}},
		"nobody was asked for it": {[]Event{submitted(1), at(s, acknowledged(1)), at(2*s, executed(1))}, map[Rule]int{Lost: 1}},
		"never ended": {[]Event{
			submitted(1), at(s, acknowledged(1)), at(9*s, ends(1, 0, "PENDING")), at(9*s, ends(1, 1, "PENDING")),
		}, map[Rule]int{Unfinished: 2}},
		"two truths": {[]Event{
			submitted(1), at(s, acknowledged(1)), at(2*s, executed(1)),
			at(9*s, ends(1, 0, "SUCCESSFUL")), at(9*s, ends(1, 1, "EXECUTING")),
		}, map[Rule]int{Disagreed: 1, Unfinished: 1}},
		"success without execution": {[]Event{
			submitted(1), at(s, acknowledged(1)), at(9*s, ends(1, 0, "SUCCESSFUL")), at(9*s, ends(1, 1, "SUCCESSFUL")),
		}, map[Rule]int{NotDone: 2}},

		"twice":                   {join(good(1, 0), []Event{at(500*s, executed(1))}), map[Rule]int{Twice: 1}},
		"three times":             {join(good(1, 0), []Event{at(500*s, executed(1)), at(501*s, executed(1))}), map[Rule]int{Twice: 2}},
		"twice after a register":  {join(good(1, 0), []Event{at(3*s, registered), at(4*s, executed(1))}), map[Rule]int{Twice: 1}},
		"a write twice, too soon": {[]Event{repeatable(1), at(s, executed(1)), at(246*s, executed(1))}, map[Rule]int{Twice: 1}},
		"a write twice, late":     {[]Event{repeatable(1), at(s, executed(1)), at(247*s, executed(1))}, nil},
		"a write twice, registered in between": {
			[]Event{repeatable(1), at(s, executed(1)), at(2*s, registered), at(3*s, executed(1))}, nil},
		"a write twice, session in between": {
			[]Event{repeatable(1), at(s, executed(1)), at(2*s, shaken), at(3*s, executed(1))}, nil},
		"a write twice, registered before": {
			[]Event{registered, at(s, repeatable(1)), at(2*s, executed(1)), at(3*s, executed(1))}, map[Rule]int{Twice: 1}},
		"a write twice, another device registered": {
			[]Event{repeatable(1), at(s, executed(1)), at(2*s, Event{Kind: Registered, Device: 2}), at(3*s, executed(1))}, map[Rule]int{Twice: 1}},

		"unknown after the lifetime": {[]Event{
			submitted(1), at(s, acknowledged(1)), at(2*s, executed(1)), at(300*s, fails(1, 0, unknownReason)), at(300*s, fails(1, 1, unknownReason)),
		}, nil},
		"unknown and never executed": {[]Event{
			submitted(1), at(s, acknowledged(1)), at(300*s, fails(1, 0, unknownReason)), at(300*s, fails(1, 1, unknownReason)),
		}, nil},
		"unknown after a register": {[]Event{
			submitted(1), at(s, acknowledged(1)), at(2*s, registered), at(9*s, fails(1, 0, unknownReason)), at(9*s, fails(1, 1, unknownReason)),
		}, nil},
		"unknown too soon": {[]Event{
			submitted(1), at(s, acknowledged(1)), at(9*s, fails(1, 0, unknownReason)), at(9*s, fails(1, 1, unknownReason)),
		}, map[Rule]int{WrongEnd: 2}},
		"unknown too soon, and seen late": {[]Event{
			submitted(1), at(s, acknowledged(1)),
			at(300*s, Event{Kind: Seen, Op: 1, Device: 1, Text: "FAILED", Reason: unknownReason, Since: 9 * s}),
			at(300*s, Event{Kind: Seen, Op: 1, Device: 1, Node: 1, Text: "FAILED", Reason: unknownReason, Since: 9 * s}),
		}, map[Rule]int{WrongEnd: 2}},
		"a write never is unknown": {[]Event{
			repeatable(1), at(s, acknowledged(1)), at(300*s, fails(1, 0, unknownReason)), at(300*s, fails(1, 1, unknownReason)),
		}, map[Rule]int{WrongEnd: 2}},
		"failed for another reason": {[]Event{
			submitted(1), at(s, acknowledged(1)), at(300*s, fails(1, 0, "4.05")), at(300*s, fails(1, 1, "4.05")),
		}, map[Rule]int{WrongEnd: 2}},

		"out of order": {[]Event{
			at(0, submitted(1)), at(s, acknowledged(1)), at(2*s, submitted(2)), at(3*s, executed(2)), at(4*s, executed(1)),
			at(9*s, ends(1, 0, "SUCCESSFUL")), at(9*s, ends(1, 1, "SUCCESSFUL")),
		}, map[Rule]int{Order: 1}},
		"at the same time, in any order": {[]Event{
			at(0, submitted(1)), at(s, submitted(2)), at(2*s, acknowledged(1)), at(3*s, executed(2)), at(4*s, executed(1)),
			at(9*s, ends(1, 0, "SUCCESSFUL")), at(9*s, ends(1, 1, "SUCCESSFUL")),
		}, nil},
		"other devices have another order": {join(good(1, 0), []Event{
			{Kind: Submitted, Op: 2, Device: 2, At: s + 1}, {Kind: Executed, Op: 2, Device: 2, At: s + 2},
		}), nil},

		"nobody asked":       {[]Event{executed(7)}, map[Rule]int{Unasked: 1}},
		"of another device":  {[]Event{submitted(1), {Kind: Executed, Op: 1, Device: 2}}, map[Rule]int{Unasked: 1}},
		"refused":            {[]Event{{Kind: Refused, Text: "4.00"}, {Kind: Declined, Text: "404"}}, map[Rule]int{Rejected: 2}},
		"forgotten":          {[]Event{registered, {Kind: Forgotten, Device: 1}}, map[Rule]int{Gone: 1}},
		"missing at the end": {[]Event{registered, {Kind: Registered, Device: 2}, {Kind: Known, Device: 2}}, map[Rule]int{Gone: 1}},
		"no roll call":       {[]Event{registered}, nil},
		"one session":        {[]Event{{Kind: ShakeFailed, Device: 1}, shaken, {Kind: Shaken, Device: 2}}, nil},
		"a session anew":     {[]Event{shaken, shaken, shaken}, map[Rule]int{Handshakes: 2}},
		"a nonce twice":      {[]Event{{Kind: NonceReused}}, map[Rule]int{Nonces: 1}},
		"no answer":          {[]Event{{Kind: Unanswered}}, map[Rule]int{Deaf: 1}},
		"well again in time": {[]Event{{Kind: Killed, At: 10 * s}, {Kind: Silent, At: 18 * s, Since: 15 * s}}, nil},
		"on the eve of a fault": {[]Event{
			{Kind: Killed, At: 10 * s}, {Kind: Killed, At: 30 * s}, {Kind: Silent, At: 32 * s, Since: 29 * s}, {Kind: Silent, At: 33 * s, Since: 29*s + 1},
		}, nil},
		"a node dies":          {[]Event{{Kind: Died, Text: "panic"}}, map[Rule]int{Crashed: 1}},
		"one datagram is lost": {[]Event{{Kind: Silent, At: 18 * s, Since: 15 * s}}, nil},
		"well again too late": {[]Event{
			{Kind: Killed, At: 10 * s}, {Kind: Silent, At: 18 * s, Since: 15*s + 1}, {Kind: Silent, At: 19 * s, Since: 16 * s},
		}, map[Rule]int{Slow: 2}},
		"the end of a fault is one, too": {[]Event{
			{Kind: Killed, At: 10 * s}, {Kind: Ready, At: 14 * s}, {Kind: Silent, At: 19 * s, Since: 16 * s}, {Kind: Silent, At: 19 * s, Since: 17 * s},
		}, nil},
		"a slow disk lasts":                 {while(SlowDisk, 16*s, 19*s, 24*s), nil},
		"a full disk lasts":                 {while(FullDisk, 16*s, 19*s, 24*s), nil},
		"a way between two lasts":           {while(LostWay, 16*s, 19*s, 24*s), nil},
		"and then it is over":               {while(SlowDisk, 26*s, 27*s), map[Rule]int{Slow: 2}},
		"others go on when a node is cut":   {while("cut", 11*s, 14*s, 21*s, 24*s), nil},
		"others do not, when a node is cut": {while("cut", 16*s, 18*s), map[Rule]int{Slow: 2}},
		"no answer, all tries excused":      {append(while(SlowDisk, 12*s, 18*s), Event{Kind: Unanswered, At: 90 * s, Since: 12 * s}), nil},
		"no answer, one try without excuse": {
			append(while(SlowDisk, 12*s, 18*s, 21*s), Event{Kind: Unanswered, At: 90 * s, Since: 12 * s}), map[Rule]int{Deaf: 1}},
		"no answer, and it was others' tries that are excused": {
			append(while(SlowDisk, 12*s), Event{Kind: Unanswered, At: 90 * s, Since: 12 * s, Device: 7}), map[Rule]int{Deaf: 1}},
		"a full disk may end a node": {[]Event{
			{Kind: Troubled, At: 10 * s, Text: FullDisk}, {Kind: Troubled, At: 12 * s, Text: FullDisk, Reason: "it ended"},
			{Kind: Silent, At: 19 * s, Since: 18 * s}, {Kind: Silent, At: 20 * s, Since: 19 * s}, {Kind: Ready, At: 20 * s},
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			v := Check(tt.events, Rules{Nodes: 2})
			want := tt.broken
			if want == nil {
				want = map[Rule]int{}
			}
			if !maps.Equal(v.Violations, want) || v.OK() != (len(want) == 0) {
				t.Errorf("broken %v, want %v\n%v", v.Violations, want, v.Examples)
			}
		})
	}
}

// The verdict does not depend on the order in which goroutines got to the log.
func TestOrderOfTheLogDoesNotMatter(t *testing.T) {
	events := []Event{
		at(0, submitted(1)), at(s, acknowledged(1)), at(2*s, submitted(2)), at(3*s, executed(2)), at(4*s, executed(1)),
		at(9*s, ends(1, 0, "SUCCESSFUL")), {Kind: Killed, At: 10 * s}, {Kind: Silent, At: 14 * s, Since: 11 * s}, {Kind: Silent, At: 13 * s, Since: 10*s + 5},
	}
	want := Check(events, Rules{})
	slices.Reverse(events)
	if got := Check(events, Rules{}); !maps.Equal(got.Violations, want.Violations) || len(want.Violations) != 1 || got.Figures.Outages[0] != want.Figures.Outages[0] {
		t.Errorf("%v, want %v", got.Violations, want.Violations)
	}
}

func TestFigures(t *testing.T) {
	events := join(good(1, 0), []Event{
		{Kind: Killed, At: 10 * s, Node: 1}, {Kind: Silent, At: 13 * s, Since: 11 * s}, {Kind: Silent, At: 15 * s, Since: 12 * s},
		{Kind: Recovered, At: 16 * s, Since: 11 * s}, {Kind: Recovered, At: 16 * s, Since: 15 * s}, {Kind: Ready, At: 20 * s, Node: 1},
		{Kind: Registered}, {Kind: Known}, {Kind: Shaken}, {Kind: ShakeFailed}, {Kind: Unclear}, {Kind: Recognised, Op: 1, Device: 1},
	})
	f := Check(events, Rules{Nodes: 2}).Figures
	if f.Submitted != 1 || f.Acknowledged != 1 || f.Executed != 1 || f.Again != 0 || f.Successful != 1 || f.Failed != 0 ||
		f.Registered != 1 || f.Known != 1 || f.Handshakes != 1 || f.ShakesFailed != 1 || f.Unclear != 1 || f.Recognised != 1 {
		t.Errorf("%+v", f)
	}
	if len(f.Outages) != 2 || f.Outages[0].Until != 2*s || f.Outages[0].Tries != 2 || f.Outages[1].Until != 0 {
		t.Errorf("outages %+v", f.Outages)
	}
	if f := Check(while(LostWay, 11*s, 18*s, 22*s), Rules{}).Figures; f.Meanwhile != 2 || f.Outages[0].Until != 0 || f.Outages[0].Tries != 2 || f.Outages[1].Until != 2*s {
		t.Errorf("what lasts: %+v", f)
	}
	if q := Quantile(f.Waits, 0.5); q != 5*s || Quantile(f.Waits, 0) != s || Quantile(nil, 1) != 0 {
		t.Errorf("waits %v, half %v", f.Waits, q)
	}
}

// Of very many violations a few are told.
func TestExamplesAreBounded(t *testing.T) {
	v := Check(slices.Repeat([]Event{{Kind: NonceReused}}, 1000), Rules{})
	if v.Violations[Nonces] != 1000 || len(v.Examples[Nonces]) != examples {
		t.Errorf("%d, %d told", v.Violations[Nonces], len(v.Examples[Nonces]))
	}
}

// A share of all datagrams may be lost at any time.
func TestStray(t *testing.T) {
	events := slices.Repeat([]Event{{Kind: Silent, At: 9 * s, Since: 8 * s}}, 10)
	for tries, ok := range map[uint64]bool{99_999: false, 100_000: true} {
		if v := Check(events, Rules{Tries: tries}); v.OK() != ok || v.Figures.Late != 10 {
			t.Errorf("of %d datagrams: %v", tries, v.Violations)
		}
	}
}

func TestLog(t *testing.T) {
	var file bytes.Buffer
	origin := time.Now()
	l := NewLog(origin, 2, &file)
	l.AddAt(origin.Add(3*s), Event{Kind: Killed, Node: 2, Text: "x"})
	l.Add(Event{Kind: Ready})
	if events, err := l.Events(); err != nil || len(events) != 2 || events[0] != (Event{At: 3 * s, Kind: Killed, Node: 2, Text: "x"}) || l.Since(origin.Add(s)) != s {
		t.Errorf("%v, %v", events, err)
	}
	l.Add(Event{Kind: Ready})
	if events, err := l.Events(); !errors.Is(err, ErrFull) || len(events) != 2 {
		t.Errorf("beyond the bound: %d, %v", len(events), err)
	}
	var line struct {
		At   int64
		Kind string
	}
	if text, _, _ := strings.Cut(file.String(), "\n"); json.Unmarshal([]byte(text), &line) != nil || line.Kind != "killed" || line.At != int64(3*s) {
		t.Errorf("written %s", &file)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("no room") }

func TestLogThatCannotBeWritten(t *testing.T) {
	l := NewLog(time.Now(), 9, broken{})
	l.Add(Event{})
	l.Add(Event{})
	if events, err := l.Events(); err == nil || len(events) != 2 {
		t.Errorf("%d, %v", len(events), err)
	}
}

func TestKindsHaveNames(t *testing.T) {
	for _, k := range []Kind{Submitted, Missing, Registered, Known, Killed, Continued} {
		if strings.HasPrefix(k.String(), "kind") {
			t.Errorf("%d has no name", k)
		}
	}
	if got := fmt.Sprint(Kind(255)); got != "kind 255" {
		t.Error(got)
	}
}
