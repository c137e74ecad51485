package format

import "testing"

func TestRange(t *testing.T) {
	r := Range{2, 3}
	for l, want := range map[Level]bool{0: false, 1: false, 2: true, 3: true, 4: false} {
		if r.Has(l) != want {
			t.Errorf("%v has %d: %v", r, l, !want)
		}
	}
	for r, want := range map[Range]bool{{}: false, {0, 1}: false, {2, 1}: false, {1, 1}: true, {1, 2}: true} {
		if r.Valid() != want {
			t.Errorf("%v is valid: %v", r, !want)
		}
	}
	if got := (Range{1, 1}).String() + ", " + (Range{1, 2}).String(); got != "level 1, levels 1 to 2" {
		t.Error(got)
	}
}

// A program that nobody linked for a test knows nothing of the synthetic level.
func TestProgram(t *testing.T) {
	if synthetic == "" && (Program().Has(Synthetic) || !Program().Has(First)) {
		t.Errorf("this program reads %v", Program())
	}
}
