package ids

import (
	"fmt"
	"strconv"
)

// Node names a node, or rather its store: 64 random bits, made with the data, so
// that a node whose disk was wiped is another one. It is the node's ID in every
// raft group, too. 0 is no node.
type Node uint64

// String is the ID in 16 hexadecimal digits.
func (n Node) String() string { return fmt.Sprintf("%016x", uint64(n)) }

// ParseNode reads what String writes. The error says what was read.
func ParseNode(s string) (Node, error) {
	v, err := strconv.ParseUint(s, 16, 64)
	if err != nil || v == 0 || Node(v).String() != s {
		return 0, fmt.Errorf("%w: %q is no node", ErrID, s)
	}
	return Node(v), nil
}
