package formats

import (
	"errors"
	"strings"
	"testing"

	"dormouse/codec/format"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// record is a State of one record.
type record struct {
	value []byte
	err   error
}

func (r *record) Get(shard ids.Shard, class wire.Class, k, _ []byte) ([]byte, bool, error) {
	if shard != ids.System || class != wire.ClassMeta || string(k) != "format" {
		return nil, false, errors.New("another record")
	}
	return r.value, r.value != nil, r.err
}

func TestLevelRises(t *testing.T) {
	r := &record{}
	f, err := Open(format.Range{Oldest: 1, Newest: 2}, r, 0)
	if err != nil || f.Level() != format.First {
		t.Fatal(f, err)
	}
	if rose, err := f.Refresh(); rose || err != nil {
		t.Error(rose, err)
	}
	r.value = []byte{1, 2}
	if rose, err := f.Refresh(); !rose || err != nil || f.Level() != 2 {
		t.Error(rose, err, f.Level())
	}
	r.value = []byte{1, 1} // it never falls
	if rose, err := f.Refresh(); rose || err != nil || f.Level() != 2 {
		t.Error(rose, err, f.Level())
	}
	r.value = []byte{1, 3}
	if _, err := f.Refresh(); !errors.Is(err, ErrLevel) || f.Level() != 2 {
		t.Error(err, f.Level())
	}
}

func TestProgramThatDoesNotFit(t *testing.T) {
	for _, tc := range []struct {
		program format.Range
		told    format.Level
		value   []byte
		says    string
	}{
		{format.Range{Oldest: 1, Newest: 1}, 0, []byte{1, 2}, "the cluster writes format level 2, and this program reads level 1: start the release that it was upgraded to"},
		{format.Range{Oldest: 1, Newest: 1}, 2, nil, "the cluster writes format level 2, and this program reads level 1"},
		{format.Range{Oldest: 2, Newest: 3}, 0, nil, "the cluster writes format level 1, and this program reads levels 2 to 3: upgrade by one release at a time"},
		{format.Range{Oldest: 1, Newest: 1}, 0, []byte{2, 1}, "cannot be read"},
		{format.Range{Oldest: 1, Newest: 1}, 0, []byte{1}, "cannot be read"},
		{format.Range{Oldest: 1, Newest: 1}, 0, []byte{1, 0}, "cannot be read"},
	} {
		_, err := Open(tc.program, &record{value: tc.value}, tc.told)
		if !errors.Is(err, ErrLevel) || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%v, told %d, %x: %v", tc.program, tc.told, tc.value, err)
		}
	}
	broken := errors.New("no disk")
	if _, err := Open(format.Program(), &record{err: broken}, 0); !errors.Is(err, broken) || errors.Is(err, ErrLevel) {
		t.Error(err)
	}
}

func TestRaise(t *testing.T) {
	b := new(wire.Batch)
	Raise(b, 2)
	var got []byte
	if err := b.Each(func(w wire.Write) error { got = w.Value; return nil }); err != nil || string(got) != "\x01\x02" {
		t.Errorf("%x, %v", got, err)
	}
}
