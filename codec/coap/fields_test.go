package coap

import (
	"reflect"
	"testing"

	"dormouse/codec/lwm2m"
)

func TestAddSortsStably(t *testing.T) {
	var m Message
	m.AddUint(OptSize1, 300)
	m.AddPath("/3//0/1")
	m.AddString(OptUriQuery, "pmin=1")
	m.AddUint(OptObserve, 0)
	m.AddString(OptUriPath, "last")
	m.AddUint(OptAccept, uint32(lwm2m.FormatTLV))
	want := Message{Options: []Option{
		opt(OptObserve, ""), opt(OptUriPath, "3"), opt(OptUriPath, "0"), opt(OptUriPath, "1"), opt(OptUriPath, "last"),
		opt(OptUriQuery, "pmin=1"), opt(OptAccept, "\x2d\x16"), opt(OptSize1, "\x01\x2c"),
	}}
	if !same(&m, &want) {
		t.Errorf("options %+v", m.Options)
	}
	if m.Path() != "3/0/1/last" || !reflect.DeepEqual(m.Queries(), []string{"pmin=1"}) {
		t.Errorf("path %q, queries %q", m.Path(), m.Queries())
	}
	m.Remove(OptUriPath)
	if m.Path() != "" || len(m.Options) != 4 {
		t.Errorf("after Remove: %+v", m.Options)
	}
}

func TestPaths(t *testing.T) {
	for _, c := range []struct{ add, want string }{
		{"rd/abc", "rd/abc"}, {"/rd/abc/", "rd/abc"}, {"", ""}, {"/", ""}, {"3", "3"},
	} {
		var m Message
		m.AddPath(c.add)
		m.AddLocation(c.add)
		if m.Path() != c.want || m.LocationPath() != c.want {
			t.Errorf("%q: path %q, location %q, want %q", c.add, m.Path(), m.LocationPath(), c.want)
		}
	}
	trailing := Message{Options: []Option{opt(OptUriPath, "rd"), opt(OptUriPath, "")}}
	inner := Message{Options: []Option{opt(OptUriPath, "rd"), opt(OptUriPath, ""), opt(OptUriPath, "x")}}
	if trailing.Path() != "rd" || inner.Path() != "rd//x" {
		t.Errorf("empty segments: %q, %q", trailing.Path(), inner.Path())
	}
}

func TestFormats(t *testing.T) {
	var m Message
	if m.ContentFormat() != lwm2m.FormatNone || m.Accept() != lwm2m.FormatNone {
		t.Error("absent options have a format")
	}
	m.AddUint(OptContentFormat, uint32(lwm2m.FormatText))
	m.AddUint(OptAccept, uint32(lwm2m.FormatSenMLCBOR))
	if m.ContentFormat() != lwm2m.FormatText || m.Accept() != lwm2m.FormatSenMLCBOR {
		t.Errorf("formats %v, %v", m.ContentFormat(), m.Accept())
	}
}

func TestSegments(t *testing.T) {
	for _, c := range []struct {
		path          []string
		first, second string
		more          bool
	}{
		{nil, "", "", false},
		{[]string{""}, "", "", false},
		{[]string{"rd"}, "rd", "", false},
		{[]string{"rd", ""}, "rd", "", false},
		{[]string{"", "rd", "", "abc", ""}, "rd", "abc", false},
		{[]string{"rd", "abc", "d"}, "rd", "abc", true},
		{[]string{"rd", "abc", "", "d", "e"}, "rd", "abc", true},
	} {
		m := Message{Options: []Option{opt(OptLocationPath, "no")}}
		for _, s := range c.path {
			m.AddString(OptUriPath, s)
		}
		m.AddString(OptUriQuery, "no")
		first, second, more := m.Segments()
		if string(first) != c.first || string(second) != c.second || more != c.more {
			t.Errorf("%q: %q, %q, more %v", c.path, first, second, more)
		}
	}
}

func TestQueries(t *testing.T) {
	for _, want := range [][]string{nil, {""}, {"ep=a", "", "lt=60", "Q", ""}} {
		m := Message{Options: []Option{opt(OptUriPath, "rd"), opt(OptAccept, "")}}
		for _, q := range want {
			m.AddString(OptUriQuery, q)
		}
		got := m.Queries()
		for i := range m.Options {
			clear(m.Options[i].Value) // the datagram is used again
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("queries %q, want %q", got, want)
		}
	}
}

// TestSegmentsAreApart: the segments of one path share memory, which an append
// to one of them does not show.
func TestSegmentsAreApart(t *testing.T) {
	var m Message
	m.AddPath("rd/abc")
	_ = append(m.Options[0].Value, "overwritten"...)
	if m.Path() != "rd/abc" {
		t.Errorf("path %q", m.Path())
	}
}
