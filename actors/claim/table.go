package claim

import (
	"errors"

	"dormouse/codec/ids"
)

// MaxPending bounds the claims of a shard whose writes are not settled.
const MaxPending = 1024

// ErrPending says that a change of the same claim is being written, or that
// MaxPending are.
var ErrPending = errors.New("claim: a change of the claim is under way")

// Table remembers the claims of one shard whose writes are proposed and not
// settled. A turn reads what is committed, so a second one must not decide by
// what the first is about to change. The shard's goroutine owns it; the zero
// Table is ready.
type Table struct {
	pending map[ids.Identity]struct{}
}

// Begin marks a claim until End. ErrPending refuses.
func (t *Table) Begin(i ids.Identity) error {
	if _, found := t.pending[i]; found || len(t.pending) >= MaxPending {
		return ErrPending
	}
	if t.pending == nil {
		t.pending = map[ids.Identity]struct{}{}
	}
	t.pending[i] = struct{}{}
	return nil
}

// End says that what was written since Begin is committed, or never will be.
func (t *Table) End(i ids.Identity) { delete(t.pending, i) }
