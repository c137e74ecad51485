package main

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"dormouse/bench/echo"
)

// TestMain makes the test program the whole program when echo calls it.
func TestMain(m *testing.M) {
	if slices.Equal(os.Args[1:], echo.ServeArgs) {
		main()
	}
	os.Exit(m.Run())
}

func TestRun(t *testing.T) {
	tests := []struct {
		args           string
		status         int
		stdout, stderr string // parts
	}{
		{"", 2, "", "usage: dormouse-bench COMMAND"},
		{"--help", 0, "usage: dormouse-bench COMMAND", ""},
		{"help", 0, "  echo ", ""},
		{"help echo", 0, "-in-flight", ""},
		{"echo -h", 0, "usage: dormouse-bench echo", ""},
		{"help nothing", 2, "", `no command "nothing"`},
		{"nothing", 2, "", `no command "nothing"`},
		{"echo --nothing", 2, "", "flag provided but not defined: -nothing"},
		{"echo --payload many", 2, "", "invalid value"},
		{"echo rest", 2, "", `unexpected argument "rest"`},
		{"echo --payload 1", 1, "", "payload of 1 bytes"},
		{"echo --duration 50ms --in-flight 4", 0, "server CPU", ""},
		{"echo --duration 50ms --rate 1000", 0, "server CPU", ""},
	}
	for _, tt := range tests {
		var stdout, stderr bytes.Buffer
		status := run(context.Background(), strings.Fields(tt.args), &stdout, &stderr)
		if status != tt.status || !matches(stdout.String(), tt.stdout) || !matches(stderr.String(), tt.stderr) {
			t.Errorf("%q: status %d\nstdout %q\nstderr %q\nwant %d, %q, %q",
				tt.args, status, &stdout, &stderr, tt.status, tt.stdout, tt.stderr)
		}
	}
}

// matches says that nothing was printed where nothing should be.
func matches(got, part string) bool {
	return (got == "") == (part == "") && strings.Contains(got, part)
}

func TestCommandsAreExplained(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range commands {
		if c.name == "" || c.summary == "" || c.details == "" || c.define == nil || seen[c.name] || len(c.summary) > 80 {
			t.Errorf("the entry of %q is not complete, or there are two", c.name)
		}
		seen[c.name] = true
	}
}
