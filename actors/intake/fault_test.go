package intake

import (
	"strings"
	"testing"
)

func TestFaultNames(t *testing.T) {
	seen := map[string]bool{}
	for f := range Fault(Faults) {
		if name := f.String(); name == "" || seen[name] || strings.ToLower(name) != name {
			t.Errorf("fault %d is %q", f, name)
		} else {
			seen[name] = true
		}
	}
}
