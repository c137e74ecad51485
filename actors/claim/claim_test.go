package claim

import (
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"dormouse/codec/ids"
)

// now is a time as records keep it: whole milliseconds.
var now = time.UnixMilli(1_800_000_000_123).UTC()

// forms are the golden bytes of docs/formats/credentials.md.
var forms = []struct {
	name  string
	claim Claim
	hex   string
}{
	{"confirmed", Claim{Identity: "urn:dev:1", Endpoint: "a"}, "01" + "0975726e3a6465763a31" + "0161" + "00"},
	{"reserved", Claim{Identity: "\x00\xff", Endpoint: "urn:dev:1", Until: now}, "01" + "0200ff" + "0975726e3a6465763a31" + "f6c1e285e368"},
}

func TestClaimsBothWaysAndCut(t *testing.T) {
	for _, tc := range forms {
		raw := tc.claim.Append([]byte{0xee})[1:]
		if got := hex.EncodeToString(raw); got != tc.hex {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.hex)
		}
		got, err := Parse(raw)
		if err != nil || got.Identity != tc.claim.Identity || got.Endpoint != tc.claim.Endpoint || !got.Until.Equal(tc.claim.Until) {
			t.Errorf("%s: %+v, %v", tc.name, got, err)
		}
		for n := range raw {
			if got, err := Parse(raw[:n]); !errors.Is(err, ErrRecord) || !got.IsZero() {
				t.Errorf("%s cut at %d: %+v, %v", tc.name, n, got, err)
			}
		}
		if _, err := Parse(append(raw, 0)); !errors.Is(err, ErrRecord) {
			t.Errorf("%s and a byte more: %v", tc.name, err)
		}
		if _, err := Parse(append([]byte{2}, raw[1:]...)); !errors.Is(err, ErrRecord) {
			t.Errorf("%s of version 2: %v", tc.name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, tc := range forms {
		raw, _ := hex.DecodeString(tc.hex)
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse(data)
		if err != nil {
			return
		}
		again, err := Parse(c.Append(nil))
		if err != nil || again.Identity != c.Identity || again.Endpoint != c.Endpoint || !again.Until.Equal(c.Until) {
			t.Fatalf("%x: %+v became %+v, %v", data, c, again, err)
		}
	})
}

func TestReserve(t *testing.T) {
	until := now.Add(ReserveFor)
	past, future := now, now.Add(time.Millisecond)
	mine := Claim{"i", "a", until}
	for name, tc := range map[string]struct {
		before Claim
		had    bool
		want   Claim
		err    error
	}{
		"nobody's":                           {Claim{}, false, mine, nil},
		"mine":                               {Claim{"i", "a", time.Time{}}, true, mine, nil},
		"mine, without credentials":          {Claim{"i", "a", time.Time{}}, false, mine, nil},
		"mine, reserved":                     {Claim{"i", "a", future}, false, mine, nil},
		"mine, reserved in this very moment": {mine, false, Claim{"i", "a", until.Add(time.Millisecond)}, nil},
		"mine, run out":                      {Claim{"i", "a", past}, true, mine, nil},
		"another's":                          {Claim{"i", "b", time.Time{}}, true, Claim{}, ErrTaken},
		"another's, reserved":                {Claim{"i", "b", future}, false, Claim{}, ErrReserved},
		"another's, reserved, and he has":    {Claim{"i", "b", future}, true, Claim{}, ErrTaken},
		"another's, run out":                 {Claim{"i", "b", past}, false, mine, nil},
		"another's, run out, and he has":     {Claim{"i", "b", past}, true, Claim{}, ErrTaken},
		"another's, left by a removal":       {Claim{"i", "b", time.Time{}}, false, mine, nil},
		"another identity of the same hash":  {Claim{"j", "a", time.Time{}}, false, Claim{}, ErrTaken},
	} {
		got, err := Reserve(now, tc.before, "i", "a", tc.had)
		if got != tc.want || err != tc.err {
			t.Errorf("%s: %+v, %v; want %+v, %v", name, got, err, tc.want, tc.err)
		}
	}
}

func TestSettleAndSweep(t *testing.T) {
	confirmed, reserved := Claim{"i", "a", time.Time{}}, Claim{"i", "a", now.Add(1)}
	for name, tc := range map[string]struct {
		before  Claim
		has     bool
		after   Claim
		changed bool
	}{
		"given":                        {reserved, true, confirmed, true},
		"refused":                      {reserved, false, Claim{}, true},
		"taken away":                   {confirmed, false, Claim{}, true},
		"as it was":                    {confirmed, true, confirmed, false},
		"nobody's":                     {Claim{}, false, Claim{}, false},
		"lost":                         {Claim{}, true, confirmed, true},
		"another's":                    {Claim{"i", "b", time.Time{}}, false, Claim{"i", "b", time.Time{}}, false},
		"another's, and he has":        {Claim{"i", "b", now}, true, Claim{"i", "b", now}, false},
		"another identity of the hash": {Claim{"j", "a", now}, false, Claim{"j", "a", now}, false},
	} {
		after, changed := Settle(tc.before, "i", "a", tc.has)
		if after != tc.after || changed != tc.changed {
			t.Errorf("%s: %+v, %v; want %+v, %v", name, after, changed, tc.after, tc.changed)
		}
	}
	for name, tc := range map[string]struct {
		before  Claim
		has     bool
		after   Claim
		changed bool
	}{
		"a reservation that holds":  {reserved, false, reserved, false},
		"one that ran out, given":   {Claim{"i", "a", now}, true, confirmed, true},
		"one that ran out, refused": {Claim{"i", "a", now}, false, Claim{}, true},
		"confirmed":                 {confirmed, true, confirmed, false},
		"left by a removal":         {confirmed, false, Claim{}, true},
	} {
		after, changed := Sweep(now, tc.before, tc.has)
		if after != tc.after || changed != tc.changed {
			t.Errorf("sweep %s: %+v, %v; want %+v, %v", name, after, changed, tc.after, tc.changed)
		}
	}
}

func TestTable(t *testing.T) {
	var table Table
	if err := table.Begin(1); err != nil {
		t.Fatal(err)
	}
	if err := table.Begin(1); err != ErrPending {
		t.Errorf("a second change: %v", err)
	}
	table.End(1)
	for i := range ids.Identity(MaxPending) {
		if err := table.Begin(i); err != nil {
			t.Fatal(err)
		}
	}
	if err := table.Begin(MaxPending); err != ErrPending {
		t.Errorf("more than there may be: %v", err)
	}
	table.End(0)
	if err := table.Begin(MaxPending); err != nil {
		t.Errorf("when there is room again: %v", err)
	}
}
