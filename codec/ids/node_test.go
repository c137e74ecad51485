package ids

import (
	"errors"
	"testing"
)

func TestNodesBothWays(t *testing.T) {
	for text, id := range map[string]Node{"0000000000000001": 1, "fedcba9876543210": 0xfedcba9876543210} {
		if got, err := ParseNode(text); err != nil || got != id || id.String() != text {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "1", "0000000000000000", "FEDCBA9876543210", "+000000000000001", "00000000000000001", "000000000000000g"} {
		if got, err := ParseNode(text); !errors.Is(err, ErrID) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}
