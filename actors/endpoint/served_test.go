package endpoint

import (
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"dormouse/codec/wire"
)

// s is an instant of these tests, in seconds.
func s(seconds int) time.Time { return time.Unix(1_000_000+int64(seconds), 0) }

func outages(bounds ...int) (o Outages) {
	for i := 0; i < len(bounds); i += 2 {
		o = append(o, Outage{s(bounds[i]), s(bounds[i+1])})
	}
	return o
}

func TestDefer(t *testing.T) {
	for _, tc := range []struct {
		name               string
		outages            Outages
		from, end, putOffs int
	}{
		{"none", nil, 0, 100, 0},
		{"over before the device spoke", outages(10, 50), 50, 100, 0},
		{"between", outages(10, 50), 0, 100, 40},
		{"the device spoke behind the mark", outages(10, 50), 20, 100, 30},
		{"the end falls into it", outages(10, 50), 0, 30, 40},
		{"the end is where it begins", outages(10, 50), 0, 10, 40},
		{"the end came before", outages(10, 50), 0, 9, 0},
		{"one of two", outages(10, 50, 200, 300), 60, 250, 100},
		{"both", outages(10, 50, 200, 300), 0, 220, 140},
		{"the second for the first", outages(10, 50, 80, 180), 0, 60, 140},
		{"not quite", outages(10, 50, 101, 180), 0, 60, 40},
	} {
		if got := tc.outages.Defer(s(tc.from), s(tc.end)); !got.Equal(s(tc.end + tc.putOffs)) {
			t.Errorf("%s: put off by %s, want %d s", tc.name, got.Sub(s(tc.end)), tc.putOffs)
		}
	}
}

func TestNote(t *testing.T) {
	for _, tc := range []struct {
		name   string
		before Served
		now    int
		gap    time.Duration
		want   Outages
	}{
		{"no mark", Served{}, 1000, 0, nil},
		{"short", Served{Until: s(100)}, 114, 0, nil},
		{"long", Served{Until: s(100)}, 115, 15 * time.Second, outages(100, 115)},
		{"the clock went back", Served{Until: s(100)}, 50, 0, nil},
		{"another", Served{s(100), outages(10, 50)}, 200, 100 * time.Second, outages(10, 50, 100, 200)},
		{"the same goes on", Served{s(100), outages(100, 150)}, 200, 100 * time.Second, outages(100, 200)},
		{"the clock had gone back", Served{s(20), outages(10, 50)}, 40, 20 * time.Second, outages(10, 50)},
	} {
		got := tc.before
		if gap := got.Note(s(tc.now)); gap != tc.gap || !reflect.DeepEqual(got.Outages, tc.want) || got.Until != tc.before.Until {
			t.Errorf("%s: %s, %v, want %s, %v", tc.name, gap, got, tc.gap, tc.want)
		}
	}
}

// TestOutagesAgainstTime plays years of outages second by second: a deadline
// counts the seconds in which the shard was served. Where the device spoke among
// outages that were merged since, it may come later, and never earlier.
func TestOutagesAgainstTime(t *testing.T) {
	for range 200 {
		seed := rand.Uint64()
		r := rand.New(rand.NewPCG(seed, 0))
		const span = 4000
		var off [4 * span]bool
		var served Served
		now, first := 0, 0
		for now < span {
			now += 1 + r.IntN(100)
			served.Mark(s(now))
			if first == 0 {
				first = now
			}
			gap := 15 + r.IntN(100)
			for range gap {
				off[now] = true
				now++
			}
			served.Note(s(now))
		}
		if len(served.Outages) > MaxOutages {
			t.Fatalf("%d outages", len(served.Outages))
		}
		for range 200 {
			from, left := r.IntN(span), 1+r.IntN(span)
			if off[from] {
				continue // nobody was heard then
			}
			end, whole := s(from+left), from
			for ; left > 0; whole++ {
				if !off[whole] {
					left--
				}
			}
			for off[whole] { // due where an outage begins
				whole++
			}
			got := served.Outages.Defer(s(from), end)
			among := from > first && s(from).Before(served.Outages[0].End)
			early, late := whole > now && got.Before(s(whole)), got.After(s(max(whole, now)))
			if early || late && !among {
				t.Fatalf("seed %d: from %d until %s, want %s; now %s; %v", seed, from, got, s(whole), s(now), served.Outages)
			}
		}
	}
}

func TestServedBothWaysAndCut(t *testing.T) {
	for _, tc := range []struct {
		served Served
		hex    string
	}{
		{Served{Until: at}, "01000001a196fb16fa"},
		{Served{at, Outages{{at.Add(-time.Hour), at.Add(-time.Minute)}}}, "01000001a196fb16fa" + "000001a196c4287a" + "000001a196fa2c9a"},
	} {
		raw := tc.served.Append([]byte{0xee})[1:]
		if got := hex.EncodeToString(raw); got != tc.hex {
			t.Errorf("%+v:\n got %s\nwant %s", tc.served, got, tc.hex)
		}
		if got, err := ParseServed(raw); err != nil || !reflect.DeepEqual(got, tc.served) {
			t.Errorf("%s: %+v, %v", tc.hex, got, err)
		}
		for n := range raw {
			if got, err := ParseServed(raw[:n]); (n == 9) != (err == nil) || err != nil && !errors.Is(err, ErrRecord) {
				t.Errorf("%s cut at %d: %+v, %v", tc.hex, n, got, err)
			}
		}
	}
	if got, err := ParseServed([]byte{2, 1}); err != nil || !reflect.DeepEqual(got, Served{}) {
		t.Errorf("of a later version: %+v, %v", got, err)
	}
	var full Served
	for i := range 40 {
		full.Mark(s(100 * i))
		full.Note(s(100*i + 50))
	}
	if got, err := ParseServed(full.Append(nil)); err != nil || !reflect.DeepEqual(got, full) || len(got.Outages) != MaxOutages {
		t.Errorf("full: %d outages, %v", len(got.Outages), err)
	}
	for _, o := range []Outages{outages(20, 20), outages(10, 20, 20, 30), append(full.Outages, outages(10_000, 10_001)...)} {
		if _, err := ParseServed((&Served{at, o}).Append(nil)); !errors.Is(err, ErrRecord) {
			t.Errorf("%v: %v", o, err)
		}
	}
}

func FuzzParseServed(f *testing.F) {
	f.Add((&Served{at, outages(1, 20, 30, 50)}).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		served, err := ParseServed(b)
		if err != nil || served.Until.IsZero() {
			return
		}
		if again, err := ParseServed(served.Append(nil)); err != nil || !reflect.DeepEqual(again, served) {
			t.Errorf("%x: %+v, %v", b, again, err)
		}
	})
}

func TestResume(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.mark()
	w.now = w.now.Add(time.Hour)
	if gap, inUse, err := w.shard.Resume(w.now); gap != 0 || inUse || err != nil || !w.shard.Served.Until.IsZero() {
		t.Errorf("without devices: %s, %v, %v", gap, inUse, err)
	}
	w.store.apply(w.shard.ID, wire.Write{Kind: wire.Put, Class: wire.ClassContact, Key: wire.EndpointKey(1)})
	if gap, inUse, err := w.shard.Resume(w.now); gap != time.Hour || !inUse || err != nil || !w.shard.Served.Until.Equal(w.now) {
		t.Errorf("with one: %s, %v, %v", gap, inUse, err)
	}
	w.store.apply(w.shard.ID, wire.Write{Kind: wire.Put, Class: wire.ClassMeta, Key: ServedKey, Value: []byte{1}})
	if _, _, err := w.shard.Resume(w.now); !errors.Is(err, ErrRecord) {
		t.Errorf("with a malformed mark: %v", err)
	}
}
