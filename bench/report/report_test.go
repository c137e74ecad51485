package report

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"dormouse/bench/load"
	"dormouse/bench/server/servertest"
)

// TestMain makes the test program the server.
func TestMain(m *testing.M) {
	if servertest.Called(os.Args) {
		os.Exit(servertest.Main(os.Args[1:], os.Stderr))
	}
	os.Exit(m.Run())
}

// small is a Run that takes a second, with an echo that costs what is told.
func small(t *testing.T, echo Echo) Options {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Options{
		Program: program, Dir: t.TempDir(), Duration: 20 * time.Millisecond, Rounds: 2, Echo: echo,
		Population: 100, Registrations: 200, MillionDevices: 200, SessionDevices: 100, LongDevices: 50, LongRate: 1000, LongDuration: 100 * time.Millisecond, Settle: 40 * time.Millisecond,
	}
}

func cheap(context.Context, load.Traffic) (time.Duration, error) { return time.Microsecond, nil }

// Every part once, with real processes.
func TestRun(t *testing.T) {
	var echoed []load.Traffic
	var progress bytes.Buffer
	o := small(t, func(_ context.Context, traffic load.Traffic) (time.Duration, error) {
		echoed = append(echoed, traffic)
		return time.Microsecond, nil
	})
	o.Rows, o.DTLS, o.Sessions, o.Million, o.Long, o.Progress = true, true, true, true, true, &progress
	r, err := Run(context.Background(), o)
	if err != nil {
		t.Fatalf("%v\n%s", err, &progress)
	}
	if want := len(rows(o)) + 2; len(r.Rows) != want {
		t.Fatalf("%d rows, want %d", len(r.Rows), want)
	}
	if want := 3*(len(rows(o))+1) + 2; len(echoed) != want {
		t.Errorf("%d echoes, want %d", len(echoed), want)
	}
	for _, row := range r.Rows {
		if row.Multiple <= 0 || row.ServerCPU <= 0 || row.Echo != time.Microsecond || row.Rate <= 0 || row.RSS == 0 || row.Woken != 0 {
			t.Errorf("%+v", row)
		}
	}
	if at := slices.IndexFunc(echoed, func(t load.Traffic) bool { return t.Rate == 2000 }); at < 0 {
		t.Error("no echo at the rate of a row")
	}
	for _, part := range []string{"200 sleeping devices: RSS", "Update, awake, DTLS: beyond Update, awake", "Register, DTLS: beyond",
		"100 handshakes: CPU each", "100 sleeping sessions: RSS that they added", "100 registrations with sessions: disk", "disk per device", "after kill -9", "after a clean stop", "1000 updates/s for 100ms: largest RSS"} {
		if !slices.ContainsFunc(r.Facts, func(f Fact) bool { return strings.Contains(f.Name, part) }) {
			t.Errorf("no figure of %q", part)
		}
		if !strings.Contains(progress.String(), part) {
			t.Errorf("no line of progress of %q", part)
		}
	}
	left, err := os.ReadDir(o.Dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestRunFails(t *testing.T) {
	broken := errors.New("no echo here")
	for name, tt := range map[string]struct {
		change func(*Options)
		part   string
	}{
		"program":  {func(o *Options) { o.Program = "" }, "which program"},
		"rounds":   {func(o *Options) { o.Rounds = -1 }, "-1 rounds"},
		"duration": {func(o *Options) { o.Duration = -1 }, "rounds of -1ns"},
		"server":   {func(o *Options) { o.Flags = []string{"--fail"} }, "failing as told"},
		"echo": {func(o *Options) {
			o.Echo = func(context.Context, load.Traffic) (time.Duration, error) { return 0, broken }
		}, "no echo here"},
	} {
		o := small(t, cheap)
		o.Rows = true
		tt.change(&o)
		if _, err := Run(context.Background(), o); err == nil || !strings.Contains(err.Error(), tt.part) {
			t.Errorf("%s: %v, want %q", name, err, tt.part)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	o := small(t, cheap)
	o.Million = true
	if _, err := Run(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("without time: %v", err)
	}
}

// A multiple is that of the echoes around it; the median of the rounds counts.
func TestNewRow(t *testing.T) {
	us := time.Microsecond
	round := func(cpu time.Duration, rate float64) load.Result {
		return load.Result{ServerCPU: cpu, Rate: rate, ServerRSS: int64(rate), Exchanges: 1}
	}
	for _, tt := range []struct {
		echoes   []time.Duration
		rounds   []load.Result
		multiple float64
		echo     time.Duration
		cpu      time.Duration
		rate     float64
	}{
		{[]time.Duration{4 * us, 6 * us}, []load.Result{round(15*us, 1)}, 3, 5 * us, 15 * us, 1},
		// The machine is twice as slow from the second round on: the multiple stays.
		{[]time.Duration{4 * us, 4 * us, 8 * us, 8 * us}, []load.Result{round(12*us, 9), round(18*us, 5), round(24*us, 4)}, 3, 6 * us, 18 * us, 5},
		// One round that was disturbed does not count.
		{[]time.Duration{5 * us, 5 * us, 5 * us, 5 * us}, []load.Result{round(10*us, 1), round(90*us, 2), round(11*us, 3)}, 2.2, 5 * us, 11 * us, 2},
		{[]time.Duration{5 * us, 5 * us, 5 * us}, []load.Result{round(10*us, 1), round(20*us, 2)}, 3, 5 * us, 15 * us, 1.5},
		{[]time.Duration{0, 0}, []load.Result{round(0, 0)}, 0, 0, 0, 0}, // nothing was measured: no NaN
	} {
		got := newRow(row{name: "x"}, tt.echoes, tt.rounds)
		if math.Abs(got.Multiple-tt.multiple) > 1e-9 || got.Echo != tt.echo || got.ServerCPU != tt.cpu || got.Rate != tt.rate {
			t.Errorf("%v, %v: %+v", tt.echoes, tt.rounds, got)
		}
		if want := tt.rounds[len(tt.rounds)-1].ServerRSS; got.RSS != want {
			t.Errorf("RSS %d, want the last, %d", got.RSS, want)
		}
	}
}

func TestFailedExchangesMakeARowWorthless(t *testing.T) {
	good := load.Result{Exchanges: 10_000, Codes: map[string]uint64{"2.04": 9_995, "4.04": 5}}
	bad := load.Result{Exchanges: 10_000, Codes: map[string]uint64{"2.04": 9_900, "4.04": 100}}
	broken := good
	broken.Sessions = &load.Sessions{ReusedNonces: 1}
	lost := load.Result{Exchanges: 100, Unanswered: 1, Codes: map[string]uint64{"2.04": 100}}
	for _, tt := range []struct {
		rounds []load.Result
		faulty bool
	}{{[]load.Result{good, good}, false}, {[]load.Result{good, bad}, true}, {[]load.Result{lost}, true}, {[]load.Result{broken}, true}} {
		r := Row{Rounds: tt.rounds}
		if err := r.fault(); (err != nil) != tt.faulty {
			t.Errorf("%v: %v", tt.rounds, err)
		}
	}
}

var sample = Report{
	Rows: []Row{
		{Name: "Update, awake", Population: 20_000, Cache: "256MiB", Load: "256 in flight", Echo: 5 * time.Microsecond,
			ServerCPU: 15 * time.Microsecond, Multiple: 3, Goal: 3, Rate: 40_000, P50: 5 * time.Millisecond, P99: 9 * time.Millisecond, RSS: 99 << 20},
		{Name: "Update, from sleep", Load: "256 in flight", Multiple: 5.1, Goal: 5, Woken: 1.1},
		{Name: "Send, awake", Multiple: 9},
	},
	Facts: []Fact{
		{Name: "RSS", Value: 513, Most: 512, Unit: "MiB"}, {Name: "restart", Value: 0.2, Most: 5, Unit: "s"},
		{Name: "rate", Value: 12345.6, Unit: "/s"}, {Name: "sent again", Value: 3},
	},
}

func TestText(t *testing.T) {
	var b bytes.Buffer
	if err := sample.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	for i, parts := range [][]string{
		{"what", "× echo"},
		{"Update, awake", "20000", "256MiB", "15.00", "3.0", "met", "40000", "9.0 ms", "99"},
		{"from sleep", "110 %", "5.1", "missed"},
		{"Send", "9.0"},
		{"RSS: 513 MiB (at most 512: missed)"}, {"restart: 0.2 s (at most 5: met)"}, {"rate: 12346 /s"}, {"sent again: 3"},
	} {
		for _, part := range parts {
			if i >= len(lines) || !strings.Contains(lines[i], part) {
				t.Errorf("line %d lacks %q:\n%s", i, part, &b)
			}
		}
	}
	if strings.Contains(lines[3], "met") || strings.Contains(lines[3], "missed") {
		t.Errorf("a verdict without a goal: %s", lines[3])
	}
}

func TestJSON(t *testing.T) {
	var b bytes.Buffer
	if err := sample.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var again Report
	if err := json.Unmarshal(b.Bytes(), &again); err != nil || len(again.Rows) != 3 || again.Rows[0].ServerCPU != 15*time.Microsecond || again.Facts[0] != sample.Facts[0] {
		t.Errorf("%+v, %v", again, err)
	}
}
