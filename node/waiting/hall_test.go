package waiting

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

var begin = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func newHall() *hall {
	return &hall{datagrams: 4, bytes: 4*overhead + 10, patience: time.Second, lines: map[ids.Shard]*line{}}
}

func text(list []waiter) string {
	var words []string
	for _, w := range list {
		words = append(words, string(w.fwd.Datagram))
	}
	return strings.Join(words, " ")
}

func TestHallKeepsOrderAndCopies(t *testing.T) {
	h, buffer := newHall(), []byte("a")
	for i, word := range []string{"a", "b", "c"} {
		buffer[0] = word[0]
		if !h.add(begin, ids.Shard(i%2), wire.Forward{Datagram: buffer}) {
			t.Fatal(word)
		}
	}
	if got := text(h.take(0)); got != "a c" {
		t.Errorf("took %q", got)
	}
	// What comes meanwhile stands behind.
	if !h.occupied(0) || !h.add(begin, 0, wire.Forward{Datagram: []byte("d")}) {
		t.Error("the line ended while it is leaving")
	}
	if got := text(h.take(0)); got != "d" || !h.occupied(0) {
		t.Errorf("took %q", got)
	}
	if got := h.take(0); got != nil || h.occupied(0) {
		t.Errorf("took %q at the end", text(got))
	}
	if h.count != 1 || h.using != overhead+1 || !h.occupied(1) {
		t.Errorf("%d datagrams, %d bytes are left", h.count, h.using)
	}
}

func TestHallIsBounded(t *testing.T) {
	h := newHall()
	add := func(size int) bool { return h.add(begin, ids.Shard(size), wire.Forward{Datagram: make([]byte, size)}) }
	if add(3*overhead + 11) {
		t.Error("more bytes than there is room for")
	}
	if !add(10) {
		t.Error("bytes that fit are refused")
	}
	for range 3 {
		add(0)
	}
	if h.count != 4 || h.using != h.bytes || add(0) {
		t.Errorf("%d datagrams, %d bytes", h.count, h.using)
	}
	h.expire(begin.Add(time.Hour))
	if h.count != 0 || h.using != 0 || len(h.lines) != 0 {
		t.Errorf("%d datagrams, %d bytes, %d lines when all have gone", h.count, h.using, len(h.lines))
	}
}

func TestHallExpires(t *testing.T) {
	h := newHall()
	for i := range 4 {
		h.add(begin.Add(time.Duration(i)*time.Millisecond), ids.Shard(i%2), wire.Forward{Datagram: fmt.Append(nil, i)})
	}
	if n := h.expire(begin.Add(time.Second - 1)); n != 0 {
		t.Errorf("%d too early", n)
	}
	if n := h.expire(begin.Add(time.Second + time.Millisecond)); n != 2 {
		t.Errorf("%d of 2", n)
	}
	if got := text(h.take(0)) + "," + text(h.take(1)); got != "2,3" {
		t.Errorf("left are %q", got)
	}
	// A line that is leaving stays, however empty, until it is told.
	if h.expire(begin.Add(time.Hour)); !h.occupied(0) || !h.occupied(1) {
		t.Error("a line ended while it is leaving")
	}
	h.stay(0)
	h.stay(5)
	if h.occupied(0) || len(h.shards()) != 1 {
		t.Errorf("lines of %v", h.shards())
	}
}
