package main

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"dormouse/bench/echo"
	"dormouse/bench/server/servertest"
)

// TestMain makes the test program the whole program when echo calls it, and a
// server when load does.
func TestMain(m *testing.M) {
	if slices.Equal(os.Args[1:], echo.ServeArgs) {
		main()
	}
	if servertest.Called(os.Args) {
		os.Exit(servertest.Main(os.Args[1:], os.Stderr))
	}
	os.Exit(m.Run())
}

func TestRun(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
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
		{"load --kind sing", 1, "", `"sing" is none of`},
		{"load --target nowhere", 1, "", "reading --target"},
		{"load --spawn /nowhere/dormouse", 1, "", "no such file"},
		{"load --quiet -n 20 --kind update --duration 20ms --spawn " + self, 0, "2.04", ""},
		{"load --quiet -n 20 --kind notify --hot 5 --rate 1000 --duration 20ms --spawn " + self, 0, "ACK", ""},
		{"load --quiet -n 20 --kind register --json --spawn " + self, 0, `"codes":{"2.01":20}`, ""},
		{"load --quiet -n 20 --dtls --rebind-every 1 --duration 20ms --spawn " + self, 0, "20 handshakes", ""},
		{"load --quiet -n 20 --dtls --cid=false --suite cbc,gcm --kind handshake --json --spawn " + self, 0, `"codes":{"session":20}`, ""},
		{"load --provision", 1, "", "want --dtls"},
		{"load --dtls --suite rc4", 1, "", `"rc4" is none of`},
		{"load --dtls --suite cbc", 1, "", "--cid=false"},
		{"load --dtls --psk-key 1x", 1, "", "no hex digits"},
		{"chaos --spawn=", 1, "", "names no program"},
		{"chaos --spawn x --faults flood", 1, "", "is none of kill"},
		{"chaos --spawn x --report /nowhere/x --nodes 99", 1, "", "99 nodes"},
		{"load --server here", 2, "", "want addresses"},
		{"load --server 127.0.0.1:1 --target 127.0.0.1:2", 1, "", "goes with neither"},
		{"report --spawn=", 1, "", "names no program"},
		{"report --quiet --rounds 1 --duration 20ms --devices 20 --registrations 20 --spawn " + self, 0, "× echo", ""},
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
