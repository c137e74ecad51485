package server

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dormouse/bench/server/servertest"
)

// TestMain makes the test program the server.
func TestMain(m *testing.M) {
	if servertest.Called(os.Args) {
		os.Exit(servertest.Main(os.Args[1:], os.Stderr))
	}
	os.Exit(m.Run())
}

func startSelf(t *testing.T, o Options) *Process {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o.Program, o.Dir = program, t.TempDir()
	p, err := Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(p.Data()); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("its data is still there: %v", err)
		}
	})
	return p
}

func TestProcessIsWatched(t *testing.T) {
	p := startSelf(t, Options{Flags: []string{"--cache", "1MiB"}})
	m := p.Meter()
	before, err := m.CPU()
	if err != nil || before <= 0 {
		t.Errorf("CPU %v, %v", before, err)
	}
	if _, err := p.Ask(context.Background(), ping); err != nil {
		t.Error(err)
	}
	if after, err := m.CPU(); err != nil || after <= before {
		t.Errorf("CPU %v after %v, %v", after, before, err)
	}
	rss, err := m.Memory()
	peak, peakErr := m.PeakMemory()
	if err != nil || peakErr != nil || rss < 1<<20 || peak < rss {
		t.Errorf("RSS %d, largest %d, %v, %v", rss, peak, err, peakErr)
	}
	if err := os.WriteFile(filepath.Join(p.Data(), "more"), make([]byte, 64<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	if disk, err := m.Disk(); err != nil || disk < 64<<10 {
		t.Errorf("disk %d, %v", disk, err)
	}
	if n, err := Counter(context.Background(), p.API(), "dormouse_shell_loaded_total"); err != nil || n != servertest.Loaded {
		t.Errorf("counter %v, %v", n, err)
	}
	if n, err := Counter(context.Background(), p.API(), "dormouse_shell_loaded"); err == nil {
		t.Errorf("a counter that is not there: %v", n)
	}
}

func TestProcessIsStartedAgain(t *testing.T) {
	p := startSelf(t, Options{})
	address, data, first := p.CoAP(), p.Data(), p.PID()
	for _, end := range []func() error{p.Kill, p.Stop} {
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if err := end(); err != nil {
			t.Errorf("ended twice: %v", err)
		}
		if _, err := p.Ask(context.Background(), ping); err == nil {
			t.Error("it answers after its end")
		}
		if _, err := (Meter{PID: first}).CPU(); err == nil {
			t.Error("it uses CPU after its end")
		}
		if err := p.Start(context.Background()); err != nil {
			t.Fatal(err)
		}
		if p.CoAP() != address || p.Data() != data || p.PID() == first {
			t.Errorf("again at %v with %s as process %d", p.CoAP(), p.Data(), p.PID())
		}
		first = p.PID()
	}
}

func TestServerThatDoesNotStart(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	for _, tt := range []struct {
		options Options
		reason  string
	}{
		{Options{Program: program, Flags: []string{"--fail"}, Log: &log}, "failing as told"},
		{Options{Program: filepath.Join(t.TempDir(), "nothing")}, "no such file"},
		{Options{Program: program, Dir: filepath.Join(t.TempDir(), "nothing")}, "making a data directory"},
	} {
		p, err := Start(context.Background(), tt.options)
		if err == nil || !strings.Contains(err.Error(), tt.reason) || p != nil {
			t.Errorf("%+v: %v, want %q", tt.options, err, tt.reason)
		}
	}
	if !strings.Contains(log.String(), "failing as told") {
		t.Errorf("log %q", &log)
	}
}

func TestAskEndsWithItsContext(t *testing.T) {
	p := startSelf(t, Options{})
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if _, err := p.Ask(ctx, []byte{0x10}); !errors.Is(err, context.DeadlineExceeded) { // no CoAP: silence
		t.Errorf("Ask = %v", err)
	}
}

func TestMeterOfNobody(t *testing.T) {
	nobody := Meter{Data: filepath.Join(t.TempDir(), "nothing")}
	if v, err := nobody.Memory(); err == nil {
		t.Errorf("memory %d", v)
	}
	for _, pid := range []int{0, -1, 1 << 22, 1<<22 + 1} {
		if v, err := (Meter{PID: pid}).CPU(); err == nil {
			t.Errorf("CPU of process %d: %v", pid, v)
		}
	}
	if v, err := (Meter{}).Disk(); err != nil || v != 0 {
		t.Errorf("disk %d, %v", v, err)
	}
	if v, err := nobody.Disk(); err != nil || v != 0 {
		t.Errorf("disk of nothing %d, %v", v, err)
	}
}

func TestParseStatus(t *testing.T) {
	const status = "Name:\tx\nVmHWM:\t   2048 kB\nVmRSS:\t    123 kB\nThreads:\t4\n"
	for name, want := range map[string]int64{"VmRSS:": 123 << 10, "VmHWM:": 2048 << 10} {
		if got, err := parseStatus([]byte(status), name); err != nil || got != want {
			t.Errorf("%s %d, %v; want %d", name, got, err, want)
		}
	}
	for _, bad := range []string{"", "VmRSS: 1 MB", "VmRSS: x kB", "VmRSS:", "VmRSSX: 1 kB"} {
		if got, err := parseStatus([]byte(bad), "VmRSS:"); err == nil {
			t.Errorf("%q is %d", bad, got)
		}
	}
}

func TestParseMetric(t *testing.T) {
	const page = "# HELP a b\n# TYPE a counter\na{x=\"1\"} 3\na 1.5e+06\nab 2\nnone NaNo\n"
	for name, want := range map[string]float64{"a": 1.5e6, "ab": 2, `a{x="1"}`: 3} {
		if got, err := parseMetric([]byte(page), name); err != nil || got != want {
			t.Errorf("%s is %v, %v; want %v", name, got, err, want)
		}
	}
	for _, name := range []string{"", "b", "none"} {
		if got, err := parseMetric([]byte(page), name); err == nil {
			t.Errorf("%q is %v", name, got)
		}
	}
}

func TestTailKeepsTheEnd(t *testing.T) {
	var k tail
	for range 3 {
		if n, err := k.Write(bytes.Repeat([]byte{'x'}, tailSize/2)); n != tailSize/2 || err != nil {
			t.Fatal(n, err)
		}
	}
	_, _ = k.Write([]byte("end\n"))
	if text := k.String(); len(text) != tailSize-1 || !strings.HasSuffix(text, "xend") {
		t.Errorf("%d bytes, %.10q", len(text), text[len(text)-10:])
	}
}
