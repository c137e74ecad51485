package operations

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"dormouse/codec/exchange"
)

// at is a time as records keep it: whole milliseconds.
var at = time.UnixMilli(1_793_534_400_250)

func TestStatusBothWays(t *testing.T) {
	for s, name := range map[Status]string{Pending: "PENDING", Executing: "EXECUTING", Successful: "SUCCESSFUL", Failed: "FAILED"} {
		if s.String() != name {
			t.Errorf("%d is %q, want %q", s, s, name)
		}
		if got, ok := ParseStatus(name); !ok || got != s {
			t.Errorf("%q is read as %d, %v", name, got, ok)
		}
		if ended := s == Successful || s == Failed; s.Ended() != ended {
			t.Errorf("%s: ended %v", s, s.Ended())
		}
	}
	for _, name := range []string{"", "pending", "DONE", " PENDING"} {
		if got, ok := ParseStatus(name); ok || got != 0 {
			t.Errorf("%q is read as %s", name, got)
		}
	}
	if s := Status(99).String(); s != "" {
		t.Errorf("status 99 is %q", s)
	}
}

// TestRepeats is the first half of the redelivery rule (platform 10).
func TestRepeats(t *testing.T) {
	sent := Attempt{Sent: at, MessageID: 7, Token: "token", Count: 3}
	for _, tc := range []struct {
		name    string
		attempt Attempt
		after   time.Duration
		count   uint16
		want    bool
	}{
		{"at once", sent, 0, 3, true},
		{"at the end", sent, exchange.ExchangeLifetime - 1, 3, true},
		{"too late", sent, exchange.ExchangeLifetime, 3, false},
		{"clock set back", sent, -time.Second, 3, false},
		{"registered anew", sent, time.Second, 4, false},
		{"never sent", Attempt{Token: "token", Count: 3}, time.Second, 3, false},
		{"went on in blocks", Attempt{Sent: at, MessageID: 7, Count: 3}, time.Second, 3, false},
	} {
		if got := tc.attempt.Repeats(at.Add(tc.after), tc.count); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

func TestAdd(t *testing.T) {
	type result struct {
		json, text, failure string
		ok                  bool
	}
	for _, tc := range []struct {
		name                     string
		add                      []result
		results, output, failure string
		faults                   bool
	}{
		{"one", []result{{`{"line":"a"}`, "A", "", true}}, `[{"line":"a"}]`, "A", "", false},
		{"without text", []result{{"{}", "", "", true}, {"{}", "B", "", true}, {"{}", "", "", true}}, "[{},{},{}]", "B", "", false},
		{"several", []result{{"{}", "A", "", true}, {"{}", "B", "", true}}, "[{},{}]", "A\nB", "", false},
		{"the first fault counts", []result{{"{}", "A", "", true}, {"{}", "no", "no", false}, {"{}", "C", "", true}, {"{}", "nor", "nor", false}},
			"[{},{},{},{}]", "A\nno\nC\nnor", "no", true},
		{"a fault without reason", []result{{"{}", "", "", false}}, "[{}]", "", "", true},
	} {
		o := Operation{}
		for i, r := range tc.add {
			o.Attempt = Attempt{Sent: at, Delivered: true}
			o.Add([]byte(r.json), r.text, r.failure, r.ok)
			if o.Line != i+1 || o.Attempt != (Attempt{}) {
				t.Errorf("%s: line %d, attempt %+v", tc.name, o.Line, o.Attempt)
			}
		}
		if o.Results != tc.results || o.Output != tc.output || o.Failure != tc.failure || o.Faults != tc.faults {
			t.Errorf("%s: %q %q %q %v", tc.name, o.Results, o.Output, o.Failure, o.Faults)
		}
	}
}

// records are the golden bytes of docs/formats/operation.md.
var records = []struct {
	name string
	op   Operation
	hex  string
}{
	{"new", Operation{ID: 0x0102030405060708, Endpoint: 0x1112131415161718, Device: 0x2122232425262728, Status: Pending, Text: "read /3", Updated: at}, "010100010203040506070811121314151617182122232425262728f4dbd8efb268000772656164202f3300000000"},
	{"sent", Operation{ID: 1, Endpoint: 2, Device: 3, Status: Executing, Text: "a\nb", Extra: `{"x":1}`, Retry: true, Updated: at,
		Line: 1, Results: "[{}]", Faults: true, Failure: "no", Output: "no",
		Attempt: Attempt{Sent: at, MessageID: 0xabcd, Token: "12345678", Count: 0x0102, Delivered: true}}, "01020f000000000000000100000000000000020000000000000003f4dbd8efb2680103610a62077b2278223a317d045b7b7d" +
		"5d026e6f026e6ff4dbd8efb268abcd0102083132333435363738"},
	{"ended", Operation{ID: 1, Endpoint: 2, Device: 3, Status: Failed, Text: strings.Repeat("x", 130), Updated: at, Line: 200}, "010400000000000000000100000000000000020000000000000003f4dbd8efb268c801820178787878787878787878787878" +
		"7878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878" +
		"7878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878" +
		"787878787878787878787878787878787800000000"},
	{"put back without a datagram", Operation{ID: 1, Endpoint: 2, Device: 3, Status: Pending, Text: "a", Attempt: Attempt{Delivered: true}}, "0101040000000000000001000000000000000200000000000000030000016100000000"},
	{"went on in blocks", Operation{ID: 1, Endpoint: 2, Device: 3, Status: Executing, Text: "a", Updated: at, Attempt: Attempt{Sent: at, MessageID: 1}}, "010208000000000000000100000000000000020000000000000003f4dbd8efb26800016100000000f4dbd8efb26800010000" +
		"00"},
}

func TestRecordBothWaysAndCut(t *testing.T) {
	for _, tc := range records {
		raw := tc.op.Append([]byte{0xee})[1:]
		if got := hex.EncodeToString(raw); got != tc.hex {
			t.Errorf("%s:\n got %s\nwant %s", tc.name, got, tc.hex)
		}
		got, err := Parse(raw)
		if err != nil || !reflect.DeepEqual(got, &tc.op) {
			t.Errorf("%s: %+v, %v", tc.name, got, err)
		}
		for n := range raw {
			if got, err := Parse(raw[:n]); !errors.Is(err, ErrRecord) || got != nil {
				t.Errorf("%s cut at %d: %v, %v", tc.name, n, got, err)
			}
		}
		if _, err := Parse(append(raw, 0)); !errors.Is(err, ErrRecord) {
			t.Errorf("%s: a byte too many: %v", tc.name, err)
		}
	}
}

func TestMalformedRecords(t *testing.T) {
	good := records[1].op.Append(nil)
	for name, change := range map[string]func(b []byte){
		"version 0": func(b []byte) { b[0] = 0 },
		"version 2": func(b []byte) { b[0] = 2 },
		"status 0":  func(b []byte) { b[1] = 0 },
		"status 5":  func(b []byte) { b[1] = 5 },
		"not sent":  func(b []byte) { b[2] &^= flagSent }, // and what was sent stands behind it
	} {
		b := bytes.Clone(good)
		change(b)
		if _, err := Parse(b); !errors.Is(err, ErrRecord) {
			t.Errorf("%s: %v", name, err)
		}
	}
	negative := Operation{ID: 1, Status: Pending, Line: -1}
	if _, err := Parse(negative.Append(nil)); !errors.Is(err, ErrRecord) {
		t.Errorf("line -1: %v", err)
	}
}

// TestRecordOwnsItsText: the operation outlives the buffer that it was read from.
func TestRecordOwnsItsText(t *testing.T) {
	want := records[1].op
	raw := want.Append(nil)
	got, err := Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	clear(raw)
	if !reflect.DeepEqual(got, &want) {
		t.Errorf("%+v", got)
	}
}

func TestCreatedIsInTheID(t *testing.T) {
	o := Operation{ID: 1 << 11} // 1 ms after the epoch of IDs
	if want := time.Date(2025, 1, 1, 0, 0, 0, int(time.Millisecond), time.UTC); !o.Created().Equal(want) {
		t.Errorf("created %v, want %v", o.Created(), want)
	}
}

func FuzzParse(f *testing.F) {
	for _, tc := range records {
		f.Add(tc.op.Append(nil))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := Parse(data)
		if err != nil {
			return
		}
		once := o.Append(nil)
		again, err := Parse(once)
		if err != nil || !bytes.Equal(again.Append(nil), once) {
			t.Fatalf("%x became %x: %v", data, once, err)
		}
	})
}
