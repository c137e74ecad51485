// Package provision is the registration of a device as its operator writes it:
// the fields, where they are checked, and the forms that they come in.
//
//	CSV   Reader ─┐                              ┌─ AppendJSON (no keys)
//	              ├─▶ Device, or Faults by field ─┼─ AppendRecord (no keys), AppendKeys (to be sealed)
//	JSON  Parse ──┘         one table             └─ Schema, Template, Markdown: what operators read
//
// One table has all fields: column, JSON name, type, unit, range, default, need
// and description. Whatever reads, checks, writes or explains a field comes from
// it, so that a field is added at one place.
//
// It promises that all faults of a device are reported and not the first alone,
// that no fault quotes a value, since a key may stand in the wrong column, that a
// Key does not print itself, and that a bad line of a file costs no other line.
// Absent and zero are told apart. It does no I/O but by the io.Reader that a
// Reader is given, and does not know which names and identities others have.
package provision
