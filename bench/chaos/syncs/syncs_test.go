package syncs

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const child = "sync-for-me"

// TestMain makes the test program what Start makes of it, and a program that
// syncs.
func TestMain(m *testing.M) {
	switch {
	case Called(os.Args):
		os.Exit(Main(os.Args, os.Stderr))
	case len(os.Args) > 2 && os.Args[1] == child:
		os.Exit(syncing(os.Args[2]))
	}
	os.Exit(m.Run())
}

// syncing syncs a file for each line that it reads, and tells how long it took.
func syncing(name string) int {
	f, err := os.Create(name)
	for lines := bufio.NewScanner(os.Stdin); err == nil && lines.Scan(); {
		began := time.Now()
		if err = f.Sync(); err == nil {
			_, err = fmt.Println(time.Since(began).Nanoseconds())
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// Syncs take at least as long as the gate says, from when it says so, and the
// gate ends with its process.
func TestSyncsAreDelayed(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self, child, t.TempDir()+"/file")
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	g, err := Start(c, (*exec.Cmd).Start)
	if err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(out)
	for i, delay := range []time.Duration{0, 300 * time.Millisecond, 0, 50 * time.Millisecond} {
		g.Delay(delay)
		fmt.Fprintln(in, "sync")
		var took time.Duration
		if _, err := fmt.Fscanln(answers, &took); err != nil || took < delay {
			t.Errorf("sync %d took %v, want %v at least, %v", i, took, delay, err)
		}
	}
	if g.Held() != 2 {
		t.Errorf("%d syncs were delayed, want 2", g.Held())
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
}

func TestNoProgram(t *testing.T) {
	c := exec.Command("/nowhere/x")
	var said strings.Builder
	c.Stderr = &said
	if _, err := Start(c, (*exec.Cmd).Start); err != nil {
		t.Fatal(err) // the filter is there; what it is for is not
	}
	if err := c.Wait(); err == nil || !strings.Contains(said.String(), "becoming /nowhere/x: no such file") {
		t.Errorf("%v, %q", err, &said)
	}
	if _, err := Start(exec.Command("x"), func(*exec.Cmd) error { return os.ErrInvalid }); err == nil {
		t.Error("started what cannot be")
	}
}
