// Package formats is the format level of a cluster (codec/format) as one of its
// nodes knows it: what all agreed on lies in the system group, and every node writes
// at that level from the moment at which it has it. The level rises and never falls.
//
// It does not decide when: that is for whoever proposes Raise.
package formats

import (
	"errors"
	"fmt"
	"sync/atomic"

	"dormouse/codec/format"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// ErrLevel is wrapped where a program and a cluster, or its data, do not read what
// the other writes; the text is a sentence for people.
var ErrLevel = errors.New("formats: the program does not fit")

// key names the record of the system group (wire.ClassMeta): version(1) level(1).
var key = []byte("format")

const recordVersion = 1

// State reads what is committed, and here.
type State interface {
	Get(shard ids.Shard, class wire.Class, key, dst []byte) (value []byte, found bool, err error)
}

// Formats is the level in force here. It may be used concurrently.
type Formats struct {
	program format.Range
	state   State
	level   atomic.Uint32
}

// Open reads the level of the data, which is told at least: what a node that joins
// heard, 0 for nothing. An ErrLevel says that the program must not touch the data.
func Open(program format.Range, state State, told format.Level) (*Formats, error) {
	f := &Formats{program: program, state: state}
	level, err := f.read()
	if err != nil {
		return nil, err
	}
	level = max(level, told)
	if err := Fits(program, level); err != nil {
		return nil, err
	}
	f.level.Store(uint32(level))
	return f, nil
}

// Level is the one to write at.
func (f *Formats) Level() format.Level { return format.Level(f.level.Load()) }

// Program is what this program reads.
func (f *Formats) Program() format.Range { return f.program }

// Refresh takes over what was agreed since, and says whether the level rose. After an
// ErrLevel the program must end.
func (f *Formats) Refresh() (rose bool, err error) {
	level, err := f.read()
	if err != nil || level <= f.Level() {
		return false, err
	}
	if err := Fits(f.program, level); err != nil {
		return false, err
	}
	f.level.Store(uint32(level))
	return true, nil
}

func (f *Formats) read() (format.Level, error) {
	value, found, err := f.state.Get(ids.System, wire.ClassMeta, key, nil)
	switch {
	case err != nil:
		return 0, fmt.Errorf("formats: read the format level: %w", err)
	case !found:
		return format.First, nil
	case len(value) != 2 || value[0] != recordVersion || value[1] == 0:
		return 0, fmt.Errorf("%w: the record %x of the format level cannot be read", ErrLevel, value)
	}
	return format.Level(value[1]), nil
}

// Raise puts the level into a batch of the system group.
func Raise(b *wire.Batch, l format.Level) { b.Put(wire.ClassMeta, key, []byte{recordVersion, byte(l)}) }

// Fits is an ErrLevel where a program does not read a level.
func Fits(program format.Range, l format.Level) error {
	switch {
	case l > program.Newest:
		return fmt.Errorf("%w: the cluster writes format level %d, and this program reads %v: start the release that it was upgraded to", ErrLevel, l, program)
	case l < program.Oldest:
		return fmt.Errorf("%w: the cluster writes format level %d, and this program reads %v: upgrade by one release at a time, and finalize each", ErrLevel, l, program)
	}
	return nil
}
