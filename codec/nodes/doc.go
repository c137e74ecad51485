// Package nodes holds what every payload format of LwM2M does alike: gather
// decoded values under a base path, convert them to the type that the object
// model gives, resolve names, numbers and times, and cut a sorted list of
// nodes into the levels of a tree.
//
// It promises that nothing it returns lies outside the base, exceeds MaxNodes
// or holds text that is not UTF-8, and that integers and times stay exact. It
// knows no format: those are codec/tlv, codec/senml and their neighbours.
package nodes
