package provision

import (
	"slices"
	"strconv"
)

// builder puts a device together out of texts and gathers what is wrong.
type builder struct {
	device    Device
	rules     Rules
	generated bool // the key of PSK_GENERATED was made already, and is in the device
	faults    Faults
	unknown   []string // JSON members
}

// member is the JSON name of a field of a server, or of the device where at is "".
func member(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

// faulty says that a fault was found with a field already.
func (b *builder) faulty(name string) bool {
	return slices.ContainsFunc(b.faults, func(f Fault) bool { return f.Name == name })
}

// fault is of a field; at is the server that has it, or "".
func (b *builder) fault(f *Field, at, reason string) {
	fault := Fault{Name: member(at, f.Name), Reason: reason}
	if at == "" {
		fault.Column = f.Column
	}
	b.faults = append(b.faults, fault)
}

// about is a fault of a field of the device, if it has none yet.
func (b *builder) about(name, reason string) {
	if !b.faulty(name) {
		b.fault(&devices.columns[devices.names[name]].Field, "", reason)
	}
}

// set parses one text into its place in v, which is the device or a server.
func set[T any](b *builder, c *column[T], v *T, at, s string) {
	if reason := c.parse(check{&c.Field, b.rules}, v, s); reason != "" {
		c.clear(v)
		b.fault(&c.Field, at, reason)
	}
}

func serverName(i int) string { return serversName + "[" + strconv.Itoa(i) + "]" }
