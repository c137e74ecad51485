// Package lwm2m holds the words every other package speaks: paths, values,
// nodes, enabler versions and content formats of OMA Lightweight M2M.
//
// It promises small comparable values without I/O, and integers that never
// pass through a float. It does not know any wire format: those live beside
// it (tlv, senml, ...), and codec/content chooses among them.
//
// A decoded payload is a flat list of Nodes. Containers that hold nothing
// (an empty object instance, an empty multiple resource) appear as one Node
// of KindNone at their own path, so that "empty" never looks like "absent".
package lwm2m
