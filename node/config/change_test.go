package config

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestChanges: every setting that differs is told, with whether it can change live,
// and TakeLive takes over those alone. No secret is shown.
func TestChanges(t *testing.T) {
	for name, c := range samples {
		other := load(t, "--"+name+"="+c.text, "", "").Config
		list := Changes(Default(), other)
		if len(list) != 1 || list[0].Name != name || list[0].To != c.shown || strings.Contains(list[0].To, "hunter2") {
			t.Errorf("%s: %+v", name, list)
		}
		live := slices.Contains(Live, name)
		if len(list) == 1 && list[0].Live != live {
			t.Errorf("%s is live: %v", name, list[0].Live)
		}
		if got := Default().TakeLive(other); reflect.DeepEqual(got, other) != live {
			t.Errorf("%s: %+v", name, Changes(got, other))
		}
	}
	if list := Changes(Config{SealKey: "a"}, Config{SealKey: "b"}); len(list) != 1 || list[0].To != redacted || list[0].Live {
		t.Errorf("%+v", list)
	}
	with := Config{Profiles: map[string]string{"a": "</3/0>"}}
	if list := Changes(Config{}, with); len(list) != 1 || list[0] != (Change{profilesKey, "0 of them", "1 of them", true}) {
		t.Errorf("%+v", list)
	}
	if got := (Config{}).TakeLive(with); !reflect.DeepEqual(got, with) {
		t.Errorf("%+v", got)
	}
	if list := Changes(Default(), Default()); len(list) > 0 {
		t.Errorf("%+v", list)
	}
}
