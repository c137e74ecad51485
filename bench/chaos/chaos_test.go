package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dormouse/bench/chaos/history"
	"dormouse/bench/chaos/lab/labtest"
	"dormouse/bench/chaos/syncs"
	"dormouse/bench/server/servertest"
)

// TestMain makes the test program a node in miniature.
func TestMain(m *testing.M) {
	switch {
	case syncs.Called(os.Args):
		os.Exit(syncs.Main(os.Args, os.Stderr))
	case servertest.Called(os.Args):
		os.Exit(servertest.Main(os.Args[1:], os.Stderr))
	}
	os.Exit(m.Run())
}

// passes makes a run, which must break nothing, and returns its report.
func passes(t *testing.T, o Options, most time.Duration) (*Report, string) {
	t.Helper()
	var progress, said, text bytes.Buffer
	o.Progress, o.Log = &progress, &said
	ctx, cancel := context.WithTimeout(t.Context(), most)
	defer cancel()
	r, err := Run(ctx, o)
	if err != nil {
		t.Fatalf("%v\n%s%s", err, &progress, &said)
	}
	if err := r.WriteText(&text); err != nil || !r.OK() {
		t.Fatalf("%v\n%s%s%s", err, &text, &progress, &said)
	}
	return r, text.String()
}

// One node is killed twice while devices and clients go on, half of the devices
// over DTLS: nothing is lost, and nothing done twice.
func TestNodeIsKilled(t *testing.T) {
	var events bytes.Buffer
	o := Options{
		Program: servertest.Build(t), Dir: t.TempDir(), Nodes: 1, Devices: 200, Secure: 0.5, Late: 0.05, Loss: 0.2, Rate: 100, Orders: 20,
		For: 11 * time.Second, Every: 3500 * time.Millisecond, Faults: []string{"kill"}, Settle: 2 * time.Minute, AckTimeout: 500 * time.Millisecond, Seed: 1,
		History: &events,
	}
	r, text := passes(t, o, 5*time.Minute)
	f := r.Verdict.Figures
	if r.Faults["kill"] < 2 || f.Acknowledged == 0 || f.Executed < f.Acknowledged || f.Known != 200 || f.Handshakes != 100 {
		t.Errorf("nothing happened:\n%s", text)
	}
	if n := strings.Count(events.String(), "\n"); n < f.Acknowledged*3 {
		t.Errorf("%d lines of events", n)
	}
	if left, err := os.ReadDir(o.Dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// Three nodes for a minute: one after the other is killed or stopped, datagrams and
// requests go to any of them. How soon all is well is a figure of a run on a
// machine of its own; here it is bounded by what a device would wait.
func TestThreeNodesAreKilledAndStopped(t *testing.T) {
	if testing.Short() {
		t.Skip("a minute")
	}
	t.Parallel() // a minute beside the other one's
	o := Options{
		Program: servertest.Build(t), Dir: t.TempDir(), Nodes: 3, Devices: 300, Secure: 0.5, Late: 0.05, Loss: 0.1, Rate: 60, Orders: 6,
		For: time.Minute, Every: 9 * time.Second, Faults: []string{"kill", "stop"}, Settle: 3 * time.Minute, Recovery: time.Minute,
	}
	r, text := passes(t, o, 6*time.Minute)
	f := r.Verdict.Figures
	if r.Faults["kill"]+r.Faults["stop"] < 4 || f.Acknowledged == 0 || f.Known != 300 || f.Handshakes != 150 {
		t.Errorf("nothing happened:\n%s", text)
	}
	t.Logf("\n%s", text)
}

func TestRunFails(t *testing.T) {
	for name, tt := range map[string]struct {
		options Options
		part    string
	}{
		"no program":   {Options{}, "which program"},
		"not there":    {Options{Program: filepath.Join(t.TempDir(), "nothing"), Nodes: 1}, "no such file"},
		"ends at once": {Options{Program: "/bin/false", Nodes: 3}, "it ended"},
		"fault":        {Options{Program: "x", Faults: []string{"flood"}}, `"flood" is none of kill`},
		"nodes":        {Options{Program: "x", Nodes: 10}, "10 nodes"},
		"devices":      {Options{Program: "x", Devices: -1}, "-1 devices"},
		"operations":   {Options{Program: "x", Orders: -1}, "-1 operations"},
		"times":        {Options{Program: "x", For: -1}, "faults for -1ns"},
	} {
		tt.options.Dir = t.TempDir()
		if _, err := Run(t.Context(), tt.options); err == nil || !strings.Contains(err.Error(), tt.part) {
			t.Errorf("%s: %v, want %q", name, err, tt.part)
		}
		if left, err := os.ReadDir(tt.options.Dir); err != nil || len(left) > 0 {
			t.Errorf("%s: left behind: %v, %v", name, left, err)
		}
	}
}

// Each fault has the node serve again, and is in the history with its end.
func TestFaults(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		do   func(*trouble, context.Context) error
		want []history.Kind
	}{
		"kill": {func(tr *trouble, ctx context.Context) error { return tr.kill(ctx, 0) }, []history.Kind{history.Killed, history.Ready}},
		"stop": {func(tr *trouble, ctx context.Context) error { return tr.stop(ctx, 0) }, []history.Kind{history.Stopped, history.Continued}},
		"end by itself": {func(tr *trouble, ctx context.Context) error {
			return errors.Join(tr.cluster.nodes[0].process.Kill(), tr.watch(ctx, time.Now()))
		}, []history.Kind{history.Died, history.Ready}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := start(t.Context(), Options{Program: self, Nodes: 1, Dir: t.TempDir()})
			t.Cleanup(func() {
				if err := c.close(); err != nil {
					t.Error(err)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			before, alive := c.Alive(0)
			tr := &trouble{cluster: c, log: history.NewLog(time.Now(), 9, nil), random: rand.New(rand.NewPCG(1, 1))}
			if err := tt.do(tr, t.Context()); err != nil {
				t.Fatal(err)
			}
			after, again := c.Alive(0)
			if !alive || !again || after.After(before) != (tt.want != nil) {
				t.Errorf("it lived since %v, %t, and lives since %v, %t", before, alive, after, again)
			}
			events, err := tr.log.Events()
			var kinds []history.Kind
			for _, e := range events {
				kinds = append(kinds, e.Kind)
			}
			if err != nil || !slices.Equal(kinds, tt.want) {
				t.Errorf("%v, %v", kinds, err)
			}
		})
	}
}

// What the machine cannot have is said, and not done.
func TestPossible(t *testing.T) {
	c := &cluster{}
	c.prepare(Options{Nodes: 3, Faults: FaultNames()})
	list, skipped := c.possible(FaultNames())
	if len(list)+len(skipped) != len(faults) || len(list) < 3 {
		t.Errorf("%d possible, %q", len(list), skipped)
	}
	for _, name := range []string{"cut", "full"} {
		if !NeedsLab([]string{"kill", name}) {
			t.Errorf("%s needs no lab", name)
		}
		if want := name + ": skipped, this run has no namespaces of its own"; !slices.Contains(skipped, want) {
			t.Errorf("%q is not among %q", want, skipped)
		}
	}
	if NeedsLab([]string{"kill", "stop", "slow", "disk"}) {
		t.Error("what needs no lab asks for one")
	}
	c.prepare(Options{Nodes: 1, Faults: []string{"cut"}})
	if list, skipped := c.possible([]string{"cut"}); len(list) > 0 || len(skipped) != 1 || !strings.Contains(skipped[0], "one node has nobody") {
		t.Errorf("one node: %d, %q", len(list), skipped)
	}
}

// A slow disk needs no lab, but a kernel that lets system calls be held.
func TestSlow(t *testing.T) {
	if err := syncs.Missing(); err != nil {
		t.Skip(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c, err := start(t.Context(), Options{Program: self, Nodes: 1, Dir: t.TempDir(), Faults: []string{"slow"}})
	t.Cleanup(func() {
		if err := c.close(); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	tr := &trouble{cluster: c, log: history.NewLog(time.Now(), 9, nil), random: rand.New(rand.NewPCG(1, 1)), lasting: time.Millisecond}
	before := c.nodes[0].gate
	err = errors.Join(tr.slow(t.Context(), 0), tr.kill(t.Context(), 0), tr.slow(t.Context(), 0))
	if err != nil || before == nil || c.nodes[0].gate == before {
		t.Errorf("%v; the process that was started again has the gate of the one before", err)
	}
	tr.expect(t, "troubled slow", "continued", "killed", "ready", "troubled slow", "continued")
}

// expect looks at the history.
func (t *trouble) expect(test *testing.T, want ...string) {
	test.Helper()
	events, err := t.log.Events()
	var got []string
	for _, e := range events {
		got = append(got, strings.TrimSpace(e.Kind.String()+" "+e.Text))
	}
	if err != nil || !slices.Equal(got, want) {
		test.Errorf("%q, want %q, %v", got, want, err)
	}
}

func TestReport(t *testing.T) {
	r := &Report{Seed: 7, Nodes: 3, Devices: 9, Faults: map[string]int{"stop": 1, "kill": 2}, Skipped: []string{"cut: skipped, why"}}
	r.Verdict = history.Check([]history.Event{{Kind: history.NonceReused, Device: 5}, {Kind: history.Killed}}, history.Rules{})
	var text, machine bytes.Buffer
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"2 kill, 1 stop, cut: skipped, why", "BROKEN 1 times: no nonce is used twice", "device 5", "FAILED (seed 7)"} {
		if !strings.Contains(text.String(), part) {
			t.Errorf("no %q in\n%s", part, &text)
		}
	}
	if err := r.WriteJSON(&machine); err != nil {
		t.Fatal(err)
	}
	var again Report
	if err := json.Unmarshal(machine.Bytes(), &again); err != nil || again.OK() || again.Seed != 7 {
		t.Errorf("%+v, %v", again, err)
	}
}

// Three nodes whose network is cut in one direction and whose disks are slow and
// full: nothing is lost. How soon all is well depends on the machine here.
func TestThreeNodesAreTroubled(t *testing.T) {
	if testing.Short() {
		t.Skip("a minute")
	}
	t.Parallel() // a minute beside the other one's
	if !labtest.Within(t) {
		return
	}
	o := Options{
		Program: servertest.Build(t), Dir: t.TempDir(), Nodes: 3, Devices: 200, Secure: 0.5, Loss: 0.1, Rate: 40, Orders: 4, Seed: 3,
		For: time.Minute, Every: 14 * time.Second, Faults: []string{"cut", "slow", "full"}, Settle: 3 * time.Minute, Recovery: time.Minute,
	}
	r, text := passes(t, o, 6*time.Minute)
	if n := r.Faults["cut"] + r.Faults["slow"] + r.Faults["full"]; n < 3 || r.Verdict.Figures.Acknowledged == 0 {
		t.Errorf("nothing happened:\n%s", text)
	}
	t.Logf("\n%s", text)
}
