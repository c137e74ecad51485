// Package objects is what a simulated device consists of: its object instances
// and resources, with values that were set and values that are measured.
//
//	Profile (shared) ── definitions, types, the instances as they leave the factory
//	   │
//	   └─▶ Tree (one device) ─▶ Object 3303 ─▶ *Instance 0 ─▶ Resource 5700 = Signal "temperature"
//	                                               immutable: a write puts a changed copy into the tree
//
// Devices of one Profile share every instance that nobody has written, so that
// ten thousand of them fit into a process. Measured values are functions of the
// device's seed and the time: they cost no memory, and the past can be read too.
//
// It does not know who may do what: that is bench/device/access.
package objects
