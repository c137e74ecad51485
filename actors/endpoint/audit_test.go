package endpoint

import (
	"encoding/binary"
	"fmt"
)

// auditor holds every record that left against every other: no two may have been
// sealed under the same key with the same number, unless they are the same bytes
// sent again. What was sealed and never left is no use of its number.
type auditor struct {
	sealed map[string]string // record -> key and number
	used   map[string]string // key and number -> record
}

func newAuditor() *auditor {
	return &auditor{map[string]string{}, map[string]string{}}
}

func (a *auditor) seal(keyBlock []byte, epoch uint16, sequence uint64, record []byte) {
	number := binary.BigEndian.AppendUint64(nil, uint64(epoch)<<48|sequence)
	a.sealed[string(record)] = string(keyBlock) + string(number)
}

// leave takes a datagram of one record.
func (a *auditor) leave(record []byte) error {
	use, known := a.sealed[string(record)]
	if !known {
		return fmt.Errorf("% x left and was not sealed", record)
	}
	if before, twice := a.used[use]; twice && before != string(record) {
		return fmt.Errorf("nonce %x is used twice", use[len(use)-8:])
	}
	a.used[use] = string(record)
	return nil
}
