// Package labtest runs tests in a lab.
package labtest

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"dormouse/bench/chaos/lab"
)

// Open opens a lab where the test runs within one; it is closed with the test.
// Elsewhere it runs the test again within and returns nil, and that was the test.
// Containers often forbid what it takes: the test is left out then. The tool ip
// alone must be there where CI is set.
func Open(t *testing.T, nodes int) *lab.Lab {
	t.Helper()
	if !lab.Inside() {
		again(t)
		return nil
	}
	l, err := lab.Open(nodes)
	if err != nil {
		leaveOut(t, err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// Within reports that the test runs within a lab that something else opens.
// Elsewhere it does what Open does.
func Within(t *testing.T) bool {
	t.Helper()
	if !lab.Inside() {
		again(t)
		return false
	}
	return true
}

// again runs the test in namespaces of its own.
func again(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("ip"); err != nil {
		missing(t, "there is no ip (iproute2)")
	}
	var out bytes.Buffer
	status, err := lab.Enter(t.Context(), []string{"-test.run=^" + t.Name() + "$", "-test.v", "-test.timeout=10m"}, func(c *exec.Cmd) {
		c.Stdin, c.Stdout, c.Stderr = nil, &out, &out
	})
	switch {
	case errors.Is(err, lab.ErrForbidden):
		t.Skip(err)
	case err != nil || status != 0 || !strings.Contains(out.String(), "--- "):
		t.Fatalf("within: status %d, %v\n%s", status, err, &out)
	case strings.Contains(out.String(), "--- SKIP"):
		t.Skipf("within:\n%s", &out)
	}
	t.Logf("within:\n%s", &out)
}

// forbidden are words of errors of a machine that gives namespaces and not all
// that belongs to them.
var forbidden = []string{"permitted", "permission", "read-only", "not supported", "Unknown device type"}

func leaveOut(t *testing.T, err error) {
	t.Helper()
	for _, word := range forbidden {
		if strings.Contains(err.Error(), word) {
			t.Skip(err)
		}
	}
	t.Fatal(err)
}

func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}
