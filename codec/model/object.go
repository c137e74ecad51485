package model

import (
	"cmp"
	"slices"

	"dormouse/codec/lwm2m"
)

// Operations are what a server may do with a resource; none for resources that
// only a bootstrap server writes.
type Operations uint8

// The operations of a DDF.
const (
	Read Operations = 1 << iota
	Write
	Execute
)

// operationNames are the values of <Operations>, by number.
var operationNames = [...]string{"", "R", "W", "RW", "E", "RE", "WE", "RWE"}

// String is the value of <Operations>: "RW", "E", "".
func (o Operations) String() string { return operationNames[o&7] }

// ParseOperations reads what String prints; ok is false for anything else.
func ParseOperations(s string) (o Operations, ok bool) {
	i := slices.Index(operationNames[:], s)
	return Operations(max(i, 0)), i >= 0
}

// Resource is the definition of a resource within one object version.
type Resource struct {
	ID          uint16
	Name        string
	Operations  Operations
	Multiple    bool // has resource instances
	Mandatory   bool
	Type        lwm2m.Kind // KindNone: executable, or of unknown type
	Range       string     // as the definition prints it: "0..100", "6 bytes", ""
	Units       string     // SenML unit or the definition's words: "Cel", "s", ""
	Description string
}

// Object is the definition of one version of an object.
type Object struct {
	ID           uint16
	Version      lwm2m.Version
	Name, URN    string
	Description  string
	LwM2MVersion lwm2m.Version // the lowest enabler version that may have it
	Multiple     bool          // has more than one instance
	Mandatory    bool
	Resources    []Resource // ascending by ID
}

// Resource is the resource of that ID, nil where the object has none. It
// belongs to the object: do not change it.
func (o *Object) Resource(id uint16) *Resource {
	i, ok := slices.BinarySearchFunc(o.Resources, id, func(r Resource, id uint16) int { return cmp.Compare(r.ID, id) })
	if !ok {
		return nil
	}
	return &o.Resources[i]
}
