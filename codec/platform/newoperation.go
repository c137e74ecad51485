package platform

import (
	"encoding/json"
	"fmt"

	"dormouse/codec/ids"
)

// NewOperation is what a client wants a device to do.
type NewOperation struct {
	Device    ids.Object
	Text      string // c8y_Command.text, not empty; its grammar is not checked here
	Retry     bool   // "retry": true
	Fragments Fragments
}

// ParseNewOperation reads the body of a POST. Members that are the server's
// are passed over, other fragments kept.
func ParseNewOperation(body []byte) (NewOperation, error) {
	f, err := ParseFragments(body)
	if err != nil {
		return NewOperation{}, err
	}
	n, _, err := takeCommand(f)
	if err != nil {
		return NewOperation{}, err
	}
	if n.Text == "" {
		return NewOperation{}, fmt.Errorf("%w: %s.text is missing", ErrShape, commandName)
	}
	n.Fragments = n.Fragments.Without(nulls(n.Fragments)...)
	return n, nil
}

// nulls names the members that are null: in a creation they say nothing.
func nulls(f Fragments) (names []string) {
	for _, g := range f {
		if isNull(g.Raw) {
			names = append(names, g.Name)
		}
	}
	return names
}

// Append appends the body of a POST.
func (n NewOperation) Append(dst []byte) []byte {
	o := newObject(dst)
	o.text("deviceId", n.Device.String())
	if n.Retry {
		o.raw("retry", json.RawMessage("true"))
	}
	o.name(commandName)
	o.buf = appendCommand(o.buf, n.Text, "", n.Fragments)
	o.fragments(n.Fragments.Without(commandName))
	return o.close()
}

// OperationChange is a client's change of an operation's status.
type OperationChange struct {
	Status Status
	Reason string // failureReason
}

// ParseOperationChange reads the body of a PUT. All but the status and the
// reason is passed over: a client may write back what it read.
func ParseOperationChange(body []byte) (c OperationChange, err error) {
	f, err := ParseFragments(body)
	if err != nil {
		return c, err
	}
	r := reader{fragments: f}
	status := r.text("status")
	c.Reason = r.text("failureReason")
	if r.err != nil {
		return OperationChange{}, r.err
	}
	if status == "" {
		return OperationChange{}, fmt.Errorf("%w: status is missing; nothing else of an operation can be changed", ErrShape)
	}
	if c.Status, err = ParseStatus(status); err != nil {
		return OperationChange{}, err
	}
	return c, nil
}

// Append appends the body of a PUT.
func (c OperationChange) Append(dst []byte) []byte {
	o := newObject(dst)
	o.text("status", string(c.Status))
	o.optional("failureReason", c.Reason)
	return o.close()
}
