package history

import (
	"fmt"
	"slices"
	"time"
)

// Rules are what Check holds a history to. The zero value is the usual ones.
type Rules struct {
	// Lifetime is how long a device recognises a repetition; 0: 247 s.
	Lifetime time.Duration
	// Recovery is the longest time from a fault until every exchange with a node
	// that lives succeeds again; 0: 5 s.
	Recovery time.Duration
	// Stray is how many tries in a million may be lost outside of that time, as
	// datagrams are, and one in any case; 0: 100.
	Stray int
	// Nodes that must know every operation at the end; 0: 1.
	Nodes int
	// Tries is how many datagrams the devices sent, which Stray is a share of.
	Tries uint64
}

func (r Rules) withDefaults() Rules {
	if r.Lifetime == 0 {
		r.Lifetime = 247 * time.Second
	}
	if r.Recovery == 0 {
		r.Recovery = 5 * time.Second
	}
	if r.Stray == 0 {
		r.Stray = 100
	}
	r.Nodes = max(r.Nodes, 1)
	return r
}

// Rule names one promise that can be broken.
type Rule string

// The rules.
const (
	Lost       Rule = "an acknowledged operation is known to every node"
	Unfinished Rule = "an acknowledged operation ends"
	Disagreed  Rule = "all nodes tell the same of an operation"
	NotDone    Rule = "SUCCESSFUL was executed"
	WrongEnd   Rule = "an operation fails for a reason that is allowed"
	Twice      Rule = "nothing is executed twice against the rule"
	Order      Rule = "operations are executed in order of creation"
	Unasked    Rule = "nothing is executed that nobody asked for"
	Rejected   Rule = "what is right is not refused"
	Gone       Rule = "an acknowledged registration is known until the end"
	Handshakes Rule = "a session is made once"
	Nonces     Rule = "no nonce is used twice"
	Slow       Rule = "exchanges succeed soon after a fault"
	Crashed    Rule = "a node lives until it is killed"
	Deaf       Rule = "every exchange is answered"
)

// AllRules are all of them, in the order of reports.
func AllRules() []Rule { return slices.Clone(rules) }

var rules = []Rule{Lost, Unfinished, Disagreed, NotDone, WrongEnd, Twice, Order, Unasked, Rejected, Gone, Handshakes, Nonces, Slow, Crashed, Deaf}

// examples is how many violations of a rule are told in words.
const examples = 5

// Verdict is what Check finds.
type Verdict struct {
	Violations map[Rule]int      `json:"violations"` // how often each rule was broken
	Examples   map[Rule][]string `json:"examples"`   // the first of them
	Figures    Figures           `json:"figures"`
}

// OK reports that no rule was broken.
func (v *Verdict) OK() bool { return len(v.Violations) == 0 }

func (v *Verdict) broken(r Rule, format string, args ...any) {
	v.Violations[r]++
	if len(v.Examples[r]) < examples {
		v.Examples[r] = append(v.Examples[r], fmt.Sprintf(format, args...))
	}
}

// Check judges a history.
func Check(events []Event, r Rules) *Verdict {
	r = r.withDefaults()
	v := &Verdict{Violations: map[Rule]int{}, Examples: map[Rule][]string{}}
	b := gather(events)
	v.count(events, b)
	for _, o := range b.sorted() {
		v.operation(o, b, r)
	}
	for device, list := range b.byDevice() {
		v.order(device, list)
	}
	v.devices(events)
	v.outages(events, r)
	return v
}
