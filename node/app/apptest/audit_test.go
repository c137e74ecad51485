package apptest

import (
	"encoding/binary"
	"testing"
)

// TestAuditFindsReuse: the audit itself is no blank cheque.
func TestAuditFindsReuse(t *testing.T) {
	key, other := []byte("one key block"), []byte("another")
	make16 := func(n uint64) []byte { return binary.BigEndian.AppendUint64(make([]byte, 40), n) }
	for name, c := range map[string]struct {
		second []byte
		key    []byte
		number uint64
		leaves bool
		fault  bool
	}{
		"another number":  {make16(2), key, 6, true, false},
		"another key":     {make16(2), other, 5, true, false},
		"the same record": {make16(1), key, 5, true, false},
		"never sent":      {make16(2), key, 5, false, false},
		"another record":  {make16(2), key, 5, true, true},
	} {
		a := NewAudit(nil)
		a.Seal(key, 1, 5, make16(1))
		a.Leave(make16(1))
		a.Seal(c.key, 1, c.number, c.second)
		if c.leaves {
			a.Leave(c.second)
		}
		if got := a.Err() != nil; got != c.fault {
			t.Errorf("%s: found %v", name, got)
		}
	}
}
