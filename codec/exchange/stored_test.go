package exchange

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

// golden are the bytes of docs/formats/answers.md.
const golden = "0102" +
	"6b49d200" + "00000001" + "0007" + "01" + "06" + "616e73776572" +
	"6b49d201" + "ffffffff" + "ffff" + "00" + "00"

func goldenAnswers() *Answers {
	var a Answers
	a.Remember(t0, 1, 7, true, []byte("answer"))
	a.Remember(t0.Add(1999*time.Millisecond), 1<<32-1, 65535, false, nil)
	return &a
}

func TestStoredAnswers(t *testing.T) {
	now := t0.Add(10 * time.Second)
	data := goldenAnswers().Append(nil, now, MaxAnswers)
	if want := unhex(t, golden); !bytes.Equal(data, want) {
		t.Fatalf("stored as %x, want %x", data, want)
	}
	a, err := ParseAnswers(data)
	if err != nil {
		t.Fatal(err)
	}
	if again := a.Append([]byte("in front"), now, MaxAnswers); string(again) != "in front"+string(data) {
		t.Errorf("stored again as %x", again)
	}
	clear(data)
	if answer, dup := a.Lookup(now, 1, 7); !dup || string(answer) != "answer" {
		t.Errorf("looked up %q, %v", answer, dup)
	}
	if _, dup := a.Lookup(now, 1<<32-1, 65535); !dup {
		t.Error("the unanswered one is gone")
	}
}

func TestStoredAnswersAreTheNewestAlive(t *testing.T) {
	a := goldenAnswers()
	for _, c := range []struct {
		age   time.Duration
		limit int
		want  int
	}{{0, 8, 2}, {0, 2, 2}, {0, 1, 1}, {0, 0, 0}, {0, -1, 0}, {200 * time.Second, 8, 1}, {300 * time.Second, 8, 0}} {
		data := a.Append(nil, t0.Add(c.age), c.limit)
		got, err := ParseAnswers(data)
		if err != nil || got.Len() != c.want || (len(data) == 0) != (c.want == 0) {
			t.Errorf("at %v, %d at most: %d entries in %d bytes, %v", c.age, c.limit, got.Len(), len(data), err)
		}
	}
	newest, _ := ParseAnswers(a.Append(nil, t0, 1))
	if _, dup := newest.Lookup(t0, 1<<32-1, 65535); !dup {
		t.Error("one entry: not the newest")
	}
}

func TestStoredAnswersTooLong(t *testing.T) {
	var a Answers
	a.Remember(t0, 1, 1, true, make([]byte, 65535))
	a.Remember(t0, 1, 2, true, make([]byte, 65536))
	got, err := ParseAnswers(a.Append(nil, t0, MaxAnswers))
	if _, dup := got.Lookup(t0, 1, 1); err != nil || got.Len() != 1 || !dup {
		t.Errorf("%d entries, %v", got.Len(), err)
	}
}

// TestStoredAnswersCut cuts the golden bytes at every byte but the end.
func TestStoredAnswersCut(t *testing.T) {
	data := unhex(t, golden)
	for n := 1; n < len(data); n++ {
		if a, err := ParseAnswers(data[:n]); !errors.Is(err, ErrAnswers) || a.Len() != 0 {
			t.Errorf("cut at %d: %d entries, %v", n, a.Len(), err)
		}
	}
}

func TestStoredAnswersMalformed(t *testing.T) {
	entry := "6b49d200" + "00000001" + "0007" + "01"
	for name, data := range map[string]string{
		"version 0": "0001" + entry + "00", "version 2": "0201" + entry + "00",
		"no entries": "0100", "nine entries": "0109", "more entries": "0102" + entry + "00",
		"bytes behind": "0101" + entry + "0000", "reserved flag": "0101" + "6b49d200" + "00000001" + "0007" + "02" + "00",
		"length without end": "0101" + entry + "808080808080808080808001",
		"length too large":   "0101" + entry + "808004",
		"length of 2^64-1":   "0101" + entry + "ffffffffffffffffff01",
	} {
		if _, err := ParseAnswers(unhex(t, data)); !errors.Is(err, ErrAnswers) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzParseAnswers has the property parse, append, parse.
func FuzzParseAnswers(f *testing.F) {
	f.Add(unhex(f, golden))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := ParseAnswers(data)
		if err != nil {
			return
		}
		var now time.Time
		for _, e := range a.entries {
			if at := time.UnixMilli(e.at); now.IsZero() || at.After(now) {
				now = at
			}
		}
		once := a.Append(nil, now, MaxAnswers)
		again, err := ParseAnswers(once)
		if err != nil || again.Len() > a.Len() || len(data) > 0 && again.Len() == 0 {
			t.Fatalf("%x stored as %x: %v", data, once, err)
		}
		if twice := again.Append(nil, now, MaxAnswers); !bytes.Equal(once, twice) {
			t.Fatalf("%x then %x", once, twice)
		}
		for _, e := range again.entries {
			if _, dup := again.Lookup(now, e.peer, e.mid); !dup {
				t.Fatalf("entry %+v is not found", e)
			}
		}
	})
}
