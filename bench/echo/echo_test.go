package echo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMain makes the test program the server when Run calls it as one.
func TestMain(m *testing.M) {
	if slices.Equal(os.Args[1:], ServeArgs) {
		if err := Serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// The real thing: a process of its own, in both ways of asking.
func TestRun(t *testing.T) {
	for _, o := range []Options{
		{Duration: 200 * time.Millisecond, InFlight: 16},
		{Duration: 200 * time.Millisecond, Rate: 2000, PayloadBytes: MaxPayload},
	} {
		r, err := Run(context.Background(), o)
		if err != nil {
			t.Fatalf("%+v: %v", o, err)
		}
		if r.Exchanges == 0 || r.CPU <= 0 || r.CPUPerExchange <= 0 || r.Rate <= 0 || r.Elapsed < o.Duration {
			t.Errorf("%+v: report %+v", o, r)
		}
		if o.Rate > 0 && r.Rate > 2*float64(o.Rate) {
			t.Errorf("%d/s asked, %v", o.Rate, r)
		}
		if !strings.Contains(r.String(), fmt.Sprintf("%d exchanges", r.Exchanges)) {
			t.Errorf("printed as %q", r)
		}
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() {
		_, err := Run(ctx, Options{Duration: time.Hour})
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v", err)
	}
}

func TestRunRefuses(t *testing.T) {
	for _, o := range []Options{
		{Duration: -1},
		{InFlight: -1},
		{InFlight: maxInFlight + 1},
		{Rate: -1},
		{PayloadBytes: MinPayload - 1},
		{PayloadBytes: MaxPayload + 1},
		{Exec: filepath.Join(t.TempDir(), "nothing")},
		{Exec: "/bin/true"}, // ends without a word
	} {
		if r, err := Run(context.Background(), o); err == nil {
			t.Errorf("%+v: %v", o, r)
		}
	}
}

func TestBetween(t *testing.T) {
	began := time.Unix(1000, 0)
	got := between(
		sample{at: began, answered: 100, cpu: time.Second},
		sample{at: began.Add(2 * time.Second), answered: 1100, cpu: time.Second + 5*time.Millisecond})
	want := Report{Exchanges: 1000, Elapsed: 2 * time.Second, CPU: 5 * time.Millisecond, CPUPerExchange: 5 * time.Microsecond, Rate: 500}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if text, want := got.String(), "1000 exchanges in 2.0 s (500/s), 0 lost; server CPU 5.00 µs per exchange"; text != want {
		t.Errorf("%q, want %q", text, want)
	}
	if got := between(sample{at: began}, sample{at: began}); got != (Report{}) {
		t.Errorf("of nothing: %+v", got)
	}
}

// The server's conversation, without a process.
func TestServe(t *testing.T) {
	in, say := io.Pipe()
	hear, out := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- Serve(in, out) }()
	heard := bufio.NewReader(hear)
	line, err := heard.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address, err := parseListening(line)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(address))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("echo me")); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 100)
	if n, err := conn.Read(answer); err != nil || string(answer[:n]) != "echo me" {
		t.Errorf("answered %q, %v", answer[:n], err)
	}
	fmt.Fprintln(say, "cpu")
	line, err = heard.ReadString('\n')
	if used, parseErr := parseCPU(line); err != nil || parseErr != nil || used <= 0 {
		t.Errorf("%q is %v, %v, %v", line, used, err, parseErr)
	}
	fmt.Fprintln(say, "what?")
	if err := <-done; err == nil || !strings.Contains(err.Error(), `"what?"`) {
		t.Errorf("Serve = %v", err)
	}
}

func TestLinesOfAServer(t *testing.T) {
	for _, line := range []string{"", "\n", "listening\n", "listening here\n", "cpu 1\n"} {
		if a, err := parseListening(line); err == nil {
			t.Errorf("%q read as %v", line, a)
		}
	}
	for _, line := range []string{"", "\n", "cpu\n", "cpu x\n", "listening 127.0.0.1:1\n"} {
		if d, err := parseCPU(line); err == nil {
			t.Errorf("%q read as %v", line, d)
		}
	}
}

// A lost datagram is replaced and counted; its late answer is not taken.
func TestLostDatagramsAreReplaced(t *testing.T) {
	silent, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	o := Options{InFlight: 2, PayloadBytes: MinPayload}
	c, err := dial(silent.LocalAddr().(*net.UDPAddr).AddrPort(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	slots, payload := make([]slot, 2), make([]byte, MinPayload)
	for i := range slots {
		if err := c.ask(slots, i, uint64(i), payload); err != nil { // the second a tick later
			t.Fatal(err)
		}
	}
	if err := c.askAgain(slots, lostTicks, payload); err != nil {
		t.Fatal(err)
	}
	if c.lost.Load() != 1 || c.sent.Load() != 3 {
		t.Errorf("%d lost, %d sent", c.lost.Load(), c.sent.Load())
	}
	var mine []bool
	for range 3 {
		datagram := make([]byte, MaxPayload)
		n, err := silent.Read(datagram)
		if err != nil {
			t.Fatal(err)
		}
		_, ok := answers(slots, datagram[:n])
		mine = append(mine, ok)
	}
	if !slices.Equal(mine, []bool{false, true, true}) {
		t.Errorf("taken for answers: %v", mine)
	}
	for _, strange := range [][]byte{nil, make([]byte, MinPayload-1), {0: 0xff, MinPayload: 0}} {
		if i, ok := answers(slots, strange); ok {
			t.Errorf("%x was taken for an answer of %d", strange, i)
		}
	}
}
