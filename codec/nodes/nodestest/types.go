package nodestest

import "dormouse/codec/lwm2m"

// resource names a resource of any instance.
type resource struct{ object, id uint16 }

// Types is a small object model.
type Types struct {
	kinds    map[resource]lwm2m.Kind
	multiple map[resource]bool
}

// KindOf is the type of the resource at p.
func (t Types) KindOf(p lwm2m.Path) lwm2m.Kind { return t.kinds[resource{p.Object(), p.Resource()}] }

// Multiple reports whether the resource at p has instances.
func (t Types) Multiple(p lwm2m.Path) bool { return t.multiple[resource{p.Object(), p.Resource()}] }

// All is an object whose resources 1 to 9 have the type lwm2m.Kind(ID), and
// those from 11 to 19 the same types with instances.
const All = 32769

// Core returns the resources that the vectors name, and the object All.
func Core() Types {
	t := Types{
		kinds: map[resource]lwm2m.Kind{
			{0, 0}: lwm2m.KindString, {0, 1}: lwm2m.KindBoolean, {0, 2}: lwm2m.KindInteger, {0, 3}: lwm2m.KindOpaque,
			{0, 4}: lwm2m.KindOpaque, {0, 5}: lwm2m.KindOpaque, {0, 10}: lwm2m.KindInteger,
			{1, 0}: lwm2m.KindInteger, {1, 1}: lwm2m.KindInteger, {1, 2}: lwm2m.KindInteger, {1, 3}: lwm2m.KindInteger,
			{1, 5}: lwm2m.KindInteger, {1, 6}: lwm2m.KindBoolean, {1, 7}: lwm2m.KindString,
			{2, 0}: lwm2m.KindInteger, {2, 1}: lwm2m.KindInteger, {2, 2}: lwm2m.KindInteger, {2, 3}: lwm2m.KindInteger,
			{3, 0}: lwm2m.KindString, {3, 1}: lwm2m.KindString, {3, 2}: lwm2m.KindString, {3, 3}: lwm2m.KindString,
			{3, 6}: lwm2m.KindInteger, {3, 7}: lwm2m.KindInteger, {3, 8}: lwm2m.KindInteger, {3, 9}: lwm2m.KindInteger,
			{3, 10}: lwm2m.KindInteger, {3, 11}: lwm2m.KindInteger, {3, 13}: lwm2m.KindTime, {3, 14}: lwm2m.KindString,
			{3, 16}: lwm2m.KindString, {3, 22}: lwm2m.KindObjlnk,
			{4, 2}: lwm2m.KindInteger, {6, 0}: lwm2m.KindFloat, {6, 1}: lwm2m.KindFloat,
			{10, 14}: lwm2m.KindInteger, {16, 0}: lwm2m.KindString, {34, 0}: lwm2m.KindString, {72, 2}: lwm2m.KindFloat,
			{3308, 5900}: lwm2m.KindFloat, {3311, 5850}: lwm2m.KindBoolean, {3311, 5851}: lwm2m.KindInteger,
		},
		multiple: map[resource]bool{
			{2, 2}: true, {3, 6}: true, {3, 7}: true, {3, 8}: true, {3, 11}: true, {3, 22}: true, {16, 0}: true, {34, 0}: true,
		},
	}
	for kind := lwm2m.KindString; kind <= lwm2m.KindCorelnk; kind++ {
		t.kinds[resource{All, uint16(kind)}] = kind
		t.kinds[resource{All, uint16(kind) + 10}] = kind
		t.multiple[resource{All, uint16(kind) + 10}] = true
	}
	return t
}
