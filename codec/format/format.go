// Package format is the level at which a cluster writes what outlives a process or
// passes between nodes: one number for all formats together, so that nodes of two
// releases agree on it (docs/formats/versions.md).
//
// A program reads a range of levels and writes at one of them, which the cluster
// agreed on. Which version of its bytes belongs to a level, each format says itself.
package format

import "fmt"

// Level is one; they rise by one with each release that changes a format.
type Level uint8

// First is the level of all data and programs that say nothing about theirs.
const First Level = 1

// newest is the highest level of this source.
const newest = First

// Synthetic is the level behind the newest. No release has it: it stands for the
// next one in tests of upgrades, and is read and written by programs that were linked
// for that alone.
const Synthetic = newest + 1

// synthetic is set by the linker: -X dormouse/codec/format.synthetic=yes.
var synthetic string

var program = func() Range {
	if synthetic == "yes" {
		return Range{First, Synthetic}
	}
	return Range{First, newest}
}()

// Program is what this program reads.
func Program() Range { return program }

// Range is of levels, both ends included.
type Range struct{ Oldest, Newest Level }

// Has says that the level lies in the range.
func (r Range) Has(l Level) bool { return r.Oldest <= l && l <= r.Newest }

// Valid says that the range has a level, and none below First.
func (r Range) Valid() bool { return r.Oldest >= First && r.Oldest <= r.Newest }

// String is "level 1" or "levels 1 to 2".
func (r Range) String() string {
	if r.Oldest == r.Newest {
		return fmt.Sprintf("level %d", r.Oldest)
	}
	return fmt.Sprintf("levels %d to %d", r.Oldest, r.Newest)
}
