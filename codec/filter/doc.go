// Package filter is the query language of the platform's inventory, and the
// plain parameters beside it: which managed objects a list is to show, in which
// order, and which page of them.
//
//	$filter=(name eq 'x*' and not(has(c8y_IsDevice))) $orderby=creationTime desc,name
//	c8y_Hardware.model eq 'A' or count gt 5f          $filter= may be left out
//
//	or  → and {"or" and}      and → term {"and" term}
//	term → "not" term | "(" or ")" | path ("eq"|"ne"|"gt"|"ge"|"lt"|"le") value
//	     | "has(" path ")" | "hasany(" path {"," path} ")"
//	     | "bygroupid(" id {"," id} ")" | "isinhierarchyof(" id {"," id} ")"
//	value → 'text' | number | true | false | null
//
// In a text a quote is written twice, a backslash takes the next character as it
// is, and * stands for any characters with eq and ne. A number may end in f, d or
// l, as the platform's client writes it. What the language does not say itself is
// as in the document store that the platform is built on: a path leads through
// arrays into each of their elements, a comparison holds for an array if it holds
// for one element, eq null holds for what is absent, ne is the opposite of eq, and
// values of different kinds neither equal nor precede one another.
//
// It promises bounds on length, depth and terms, the place of every fault, that
// no number passes through a float, and that matching never panics, whatever JSON
// it is given. It reads no store: what an object says comes through Object, and
// Plan tells which index could find what matches.
package filter

import "errors"

// Bounds of a query.
const (
	MaxLength = 8192 // bytes
	MaxDepth  = 32   // parentheses and "not" within one another
	MaxTerms  = 256  // comparisons, arguments of functions, and orders
	MaxOrders = 4    // paths that a list is sorted by
	MaxPath   = 16   // names in one path
	MaxStars  = 16   // wildcards in one text
)

var (
	// ErrSyntax is wrapped where a text is none of the language.
	ErrSyntax = errors.New("filter: malformed query")
	// ErrBounds is wrapped where a query is beyond one of the bounds.
	ErrBounds = errors.New("filter: query out of bounds")
	// ErrUnsupported is wrapped where a query asks for what is not offered here.
	ErrUnsupported = errors.New("filter: unsupported query")
	// ErrParameter is wrapped where a plain parameter has a wrong value.
	ErrParameter = errors.New("filter: wrong parameter")
)
