package observe

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"testing"
	"time"

	"dormouse/codec/ids"
	"dormouse/codec/lwm2m"
	"dormouse/codec/wire"
)

// at is a time as records keep it: whole milliseconds.
var at = time.UnixMilli(1_793_534_400_250)

func paths(t testing.TB, texts ...string) (list []lwm2m.Path) {
	t.Helper()
	for _, s := range texts {
		p, err := lwm2m.ParsePath(s)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	return list
}

func example(t testing.TB) Set {
	return Set{
		{Token: ids.Token{1, 2, 3, 4, 5, 6, 7, 8}, Paths: paths(t, "/3/0/9"), Format: lwm2m.FormatTLV, Query: "pmin=5", Since: at},
		{Token: ids.Token{9}, Paths: paths(t, "/1/0/1", "/3/0"), Composite: true, Format: lwm2m.FormatSenMLCBOR, Pending: true},
		{Token: ids.Token{10}, Paths: paths(t, "/3/0/9"), Composite: true, Since: at},
	}
}

func TestFind(t *testing.T) {
	s := example(t)
	for _, tc := range []struct {
		paths     []lwm2m.Path
		composite bool
		want      int
	}{
		{paths(t, "/3/0/9"), false, 0},
		{paths(t, "/3/0/9"), true, 2},
		{paths(t, "/1/0/1", "/3/0"), true, 1},
		{paths(t, "/3/0", "/1/0/1"), true, 1},
		{paths(t, "/3/0", "/1/0/1"), false, -1},
		{paths(t, "/3/0"), true, -1},
		{paths(t, "/3/0", "/1/0/1", "/4"), true, -1},
		{paths(t, "/3/0", "/3/0"), true, -1},
		{nil, true, -1},
	} {
		before := append([]lwm2m.Path(nil), tc.paths...)
		if got := s.ByPaths(tc.paths, tc.composite); got != tc.want {
			t.Errorf("%v, composite %v: %d, want %d", tc.paths, tc.composite, got, tc.want)
		}
		if !reflect.DeepEqual(before, tc.paths) {
			t.Errorf("the question was changed to %v", tc.paths)
		}
	}
	for i, o := range s {
		if got := s.ByToken(o.Token[:]); got != i {
			t.Errorf("token %x: %d, want %d", o.Token, got, i)
		}
	}
	for _, token := range [][]byte{nil, {9}, {9, 0, 0, 0, 0, 0, 0, 1}, make([]byte, 9)} {
		if got := s.ByToken(token); got != -1 {
			t.Errorf("token %x: %d", token, got)
		}
	}
}

func TestWaiting(t *testing.T) {
	s := example(t)
	if got := s.Waiting(); got != 1 {
		t.Errorf("%d waits, want 1", got)
	}
	s[1].Pending = false
	if got := s.Waiting(); got != -1 {
		t.Errorf("%d waits, want none", got)
	}
}

func TestCovers(t *testing.T) {
	o := example(t)[1]
	for text, want := range map[string]bool{
		"/3/0": true, "/3/0/9": true, "/3/0/9/1": true, "/1/0/1": true,
		"/3": false, "/1/0": false, "/1/0/2": false, "/": false, "/30/0": false,
	} {
		if got := o.Covers(paths(t, text)[0]); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// Golden bytes of docs/formats/endpoint.md.
const (
	golden = "0001020304050607082d16f4dbd8efb26806706d696e3d350103000300000009030900000000000000007000000203000100" +
		"0000010200030000010a000000000000000000f4dbd8efb268000103000300000009"
	goldenMarks = "ffffff07f4dbd8efb268000005c4ebd8efb268"
)

var marks = []Mark{{Sequence: 1<<24 - 1, At: at}, {}, {Sequence: 5, At: at.Add(time.Second)}}

func TestSetBothWaysAndCut(t *testing.T) {
	s := example(t)
	raw := s.Append([]byte{0xee})[1:]
	if got := hex.EncodeToString(raw); got != golden {
		t.Errorf("\n got %s\nwant %s", got, golden)
	}
	f := wire.NewFields(raw)
	if got := Parse(&f); f.Err() != nil || !reflect.DeepEqual(got, s) {
		t.Errorf("%+v, %v", got, f.Err())
	}
	ends := map[int]bool{0: true}
	for n := range s {
		ends[len(s[:n].Append(nil))] = true
	}
	for n := range raw {
		f := wire.NewFields(raw[:n])
		if Parse(&f); (f.Err() == nil) != ends[n] {
			t.Errorf("cut at %d: %v", n, f.Err())
		}
	}
}

func TestMarksBothWaysAndCut(t *testing.T) {
	raw := AppendMarks([]byte{0xee}, marks)[1:]
	if got := hex.EncodeToString(raw); got != goldenMarks {
		t.Errorf("\n got %s\nwant %s", got, goldenMarks)
	}
	f := wire.NewFields(raw)
	if got := ParseMarks(&f); f.Err() != nil || !reflect.DeepEqual(got, marks) {
		t.Errorf("%+v, %v", got, f.Err())
	}
	ends := map[int]bool{0: true}
	for n := range marks {
		ends[len(AppendMarks(nil, marks[:n]))] = true
	}
	for n := range raw {
		f := wire.NewFields(raw[:n])
		if ParseMarks(&f); (f.Err() == nil) != ends[n] {
			t.Errorf("cut at %d: %v", n, f.Err())
		}
	}
}

func TestMalformedSets(t *testing.T) {
	good := example(t)[:1].Append(nil)
	for name, change := range map[string]func(b []byte) []byte{
		"a path of five IDs": func(b []byte) []byte { b[len(b)-7] = 5; return append(b, 0, 1, 0, 2) },
		"2^62 paths": func(b []byte) []byte {
			return append(b[:len(b)-8], 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x3f, 0)
		},
		"half a path":            func(b []byte) []byte { return b[:len(b)-1] },
		"query longer than all ": func(b []byte) []byte { b[len(b)-15] = 200; return b },
	} {
		f := wire.NewFields(change(bytes.Clone(good)))
		if got := Parse(&f); f.Err() == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(example(f).Append(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		fields := wire.NewFields(data)
		s := Parse(&fields)
		if fields.Err() != nil {
			return
		}
		once := s.Append(nil)
		again := wire.NewFields(once)
		if got := Parse(&again).Append(nil); again.Err() != nil || !bytes.Equal(got, once) {
			t.Fatalf("%x became %x: %v", data, once, again.Err())
		}
	})
}

func FuzzParseMarks(f *testing.F) {
	f.Add(AppendMarks(nil, marks))
	f.Fuzz(func(t *testing.T, data []byte) {
		fields := wire.NewFields(data)
		list := ParseMarks(&fields)
		if fields.Err() != nil {
			return
		}
		once := AppendMarks(nil, list)
		again := wire.NewFields(once)
		if got := AppendMarks(nil, ParseMarks(&again)); again.Err() != nil || !bytes.Equal(got, once) {
			t.Fatalf("%x became %x: %v", data, once, again.Err())
		}
	})
}
