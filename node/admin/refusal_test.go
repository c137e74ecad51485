package admin

import (
	"errors"
	"fmt"
	"testing"
)

// TestErrorsTravel: what another node refuses is answered as it would be there.
func TestErrorsTravel(t *testing.T) {
	var all []error
	for _, v := range verdicts {
		all = append(all, v.kind, fmt.Errorf("doing something: %w", v.kind), Refuse(v.kind, "A sentence for %q.", v.name))
	}
	for _, err := range append(all, fmt.Errorf("%w (%w)", Refuse(ErrBusy, "Busy."), errors.New("for a reason"))) {
		kind, sentence := Describe(err)
		again, ok := Described(kind, sentence)
		want, wantSentence := judge(err)
		got, gotSentence := judge(again)
		if !ok || got != want || gotSentence != wantSentence || !errors.Is(again, want.kind) {
			t.Errorf("%v: %q %q became %v, %q", err, kind, sentence, got, gotSentence)
		}
	}
	names := map[string]bool{}
	for _, v := range verdicts {
		if v.name == "" || names[v.name] {
			t.Errorf("%v has no name of its own: %q", v.kind, v.name)
		}
		names[v.name] = true
	}
	if kind, _ := Describe(errors.New("disk")); kind != "" {
		t.Errorf("a fault is a refusal: %q", kind)
	}
	if _, ok := Described("", "a fault"); ok {
		t.Error("a fault is a refusal")
	}
}
