package load

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"dormouse/bench/server/servertest"
	"dormouse/codec/coap"
)

// stalling is a loop without a network whose server answers after a
// millisecond, but not between two points in time: it answers then at the end.
func stalling(t *testing.T, p *pace, from, to, until time.Duration) Latency {
	t.Helper()
	r := newRig(t, Update, 5000, 4096)
	l := &loop{exchanges: r.exchanges, tally: r.tally, work: inTurn(5000), pace: p}
	type reply struct {
		at     time.Duration
		device uint32
		m      coap.Message
	}
	var replies []reply
	for now := time.Duration(0); now < until; now += burst / 2 {
		r.now = zero.Add(now)
		kept := replies[:0]
		for _, w := range replies {
			if w.at > now {
				kept = append(kept, w)
				continue
			}
			r.hear(0, w.device, w.m)
		}
		replies = kept
		if now < from || now >= to || p == nil { // else this side is held up, too
			l.begin(r.now)
		}
		at := now + time.Millisecond
		if at >= from && at < to {
			at = to
		}
		for i, m := range r.sent() {
			_, slot, _, _ := parseToken(m.Token)
			replies = append(replies, reply{at + time.Duration(i), r.slots[slot].device, answer(m, coap.Changed)})
		}
	}
	return latencyOf(r.tally.latency)
}

// Half a second of silence in two: a quarter of all that was due then waited
// for it, whether it was sent or held back. Counted from the sending, one in a
// thousand would have.
func TestStallIsSeenInTheLatencies(t *testing.T) {
	got := stalling(t, &pace{began: zero, rate: 1000}, 500*time.Millisecond, time.Second, 2*time.Second)
	near := func(name string, got, want time.Duration) {
		if got < want-10*time.Millisecond || got > want+10*time.Millisecond {
			t.Errorf("%s %v, want about %v", name, got, want)
		}
	}
	near("median", got.Median, time.Millisecond)
	near("p90", got.P90, 300*time.Millisecond) // a quarter spread evenly from 0 to 500 ms: its upper 40 %
	near("p99", got.P99, 480*time.Millisecond)
	near("most", got.Max, 500*time.Millisecond)
}

func TestLatencyBounds(t *testing.T) {
	tally := newTally()
	for _, after := range []time.Duration{-time.Second, 0, time.Hour} {
		tally.answered(coap.Changed, after)
	}
	got := latencyOf(tally.latency)
	if tally.ended != 3 || got.Median != latencyUnit || got.Max < latencyMost || got.Max > latencyMost*1001/1000 {
		t.Errorf("%d, %+v", tally.ended, got)
	}
}

func newServer(t *testing.T) *servertest.Server {
	t.Helper()
	s, err := servertest.Listen("127.0.0.1:0", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func openGenerator(t *testing.T, s *servertest.Server, o Options) *Generator {
	t.Helper()
	o.Target = s.CoAP()
	g, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return g
}

// usage stands for a server's process.
type usage struct{ cpu time.Duration }

func (u *usage) CPU() (time.Duration, error) {
	u.cpu += 500 * time.Millisecond
	return u.cpu, nil
}
func (u *usage) Memory() (int64, error) { return 42 << 20, nil }

// The real thing over loopback: each device from its own address, in closed
// and in open loop.
func TestRunOverLoopback(t *testing.T) {
	s := newServer(t)
	var lines bytes.Buffer
	g := openGenerator(t, s, Options{Devices: 300, Watch: &usage{}, Progress: &lines, Every: 20 * time.Millisecond})
	ctx := context.Background()
	r, err := g.Register(ctx, 0, 300, 32)
	if err != nil || r.Exchanges != 300 || r.Codes["2.01"] != 300 || s.Addresses() != 300 {
		t.Fatalf("%v, %v; %d addresses", r, err, s.Addresses())
	}
	for _, traffic := range []Traffic{
		{Kind: Update, InFlight: 16, Duration: 100 * time.Millisecond},
		{Kind: Update, Hot: 10, InFlight: 16, Duration: 50 * time.Millisecond},
		{Kind: Update, Rate: 2000, Duration: 100 * time.Millisecond},
		{Kind: Send, Rate: 500, Duration: 100 * time.Millisecond},
	} {
		r, err := g.Run(ctx, traffic)
		if err != nil || r.Exchanges == 0 || r.Codes["2.04"] != r.Exchanges || r.Failed() > 0 || r.Elapsed < traffic.Duration {
			t.Errorf("%+v: %v, %v", traffic, &r, err)
		}
		if least := 500 * time.Millisecond / time.Duration(max(r.Exchanges, 1)); r.ServerRSS != 42<<20 || r.ServerCPU < least { // lines of progress ask, too
			t.Errorf("%+v: server %v, %d B", traffic, r.ServerCPU, r.ServerRSS)
		}
		if text := r.String(); !strings.Contains(text, fmt.Sprintf("2.04 %d", r.Exchanges)) || !strings.Contains(text, "server CPU") {
			t.Errorf("printed as %q", text)
		}
	}
	if n := s.Moved(); n > 0 {
		t.Errorf("%d messages came from another address than their device's", n)
	}
	if text := lines.String(); !strings.Contains(text, "update") || !strings.Contains(text, "42 MiB") {
		t.Errorf("progress %q", text)
	}
}

func TestDevicesShareAddresses(t *testing.T) {
	s := newServer(t)
	g := openGenerator(t, s, Options{Devices: 20, DevicesPerAddress: 10})
	if _, err := g.Register(context.Background(), 0, 20, 4); err != nil || s.Addresses() != 2 {
		t.Errorf("%v; %d addresses", err, s.Addresses())
	}
	if r, err := g.Run(context.Background(), Traffic{Kind: Update, Duration: 20 * time.Millisecond}); err != nil || r.Codes["2.04"] == 0 {
		t.Errorf("%v, %v", &r, err)
	}
	if r, err := g.Run(context.Background(), Traffic{Kind: Send}); err == nil {
		t.Errorf("one address for all: %v", &r)
	}
}

// A datagram that is lost is sent again: this takes the two seconds of
// ACK_TIMEOUT, in real time.
func TestLossOverLoopback(t *testing.T) {
	s := newServer(t)
	s.Ignore(2)
	g := openGenerator(t, s, Options{Devices: 8})
	r, err := g.Register(context.Background(), 0, 8, 8)
	if err != nil || r.Exchanges != 8 || r.Repeated != 2 || r.Latency.Max < ackTimeout {
		t.Errorf("%v, %v", &r, err)
	}
}

func TestRefusedRegistration(t *testing.T) {
	s := newServer(t)
	s.Refuse(coap.Forbidden)
	g := openGenerator(t, s, Options{Devices: 8})
	if r, err := g.Register(context.Background(), 0, 8, 2); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "4.03") {
		t.Errorf("%v, %v", &r, err)
	}
	// One that is overloaded is tried again, but not for ever.
	s.Refuse(coap.ServiceUnavailable)
	if r, err := g.Register(context.Background(), 0, 8, 2); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "5.03") {
		t.Errorf("%v, %v", &r, err)
	}
	if r, err := g.Run(context.Background(), Traffic{Kind: Update}); err == nil {
		t.Errorf("updates of devices that are not registered: %v", &r)
	}
	for _, bad := range [][3]int{{-1, 8, 1}, {0, 9, 1}, {3, 3, 1}, {0, 8, 0}, {0, 8, MaxInFlight + 1}} {
		if r, err := g.Register(context.Background(), bad[0], bad[1], bad[2]); err == nil {
			t.Errorf("%v: %v", bad, &r)
		}
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	s := newServer(t)
	g := openGenerator(t, s, Options{Devices: 8})
	if _, err := g.Register(context.Background(), 0, 8, 8); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := g.Run(ctx, Traffic{Kind: Update, Duration: time.Hour}); !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v", err)
	}
	if r, err := g.Run(context.Background(), Traffic{Kind: Update, Duration: 10 * time.Millisecond}); err != nil || r.Failed() > 0 {
		t.Errorf("after one that was broken off: %v, %v", &r, err)
	}
}

func TestProbeIsAnUpdate(t *testing.T) {
	s := newServer(t)
	g := openGenerator(t, s, Options{Devices: 1})
	if _, err := g.Register(context.Background(), 0, 1, 1); err != nil {
		t.Fatal(err)
	}
	probe, err := g.Probe()
	if err != nil {
		t.Fatal(err)
	}
	var m coap.Message
	if err := coap.Parse(probe, &m); err != nil || m.Path() != "rd/0" || m.Code != coap.POST || m.Type != coap.Confirmable {
		t.Errorf("%+v, %v", m, err)
	}
	again, _ := g.Probe()
	if binary.BigEndian.Uint16(again[2:]) != m.MessageID+1 {
		t.Error("the next one has the same message ID")
	}
}

// Observations are ordered through the API, and notifications acknowledged.
func TestNotify(t *testing.T) {
	s := newServer(t)
	g := openGenerator(t, s, Options{Devices: 40})
	ctx := context.Background()
	if _, err := g.Register(ctx, 0, 40, 8); err != nil {
		t.Fatal(err)
	}
	traffic := Traffic{Kind: Notify, Hot: 20, InFlight: 4, Duration: 50 * time.Millisecond}
	if r, err := g.Run(ctx, traffic); err == nil {
		t.Errorf("notifications that nobody observes: %v", &r)
	}
	if err := g.Observe(ctx, s.API()+"/", 20); err != nil {
		t.Fatal(err)
	}
	r, err := g.Run(ctx, traffic)
	if err != nil || r.Codes["ACK"] == 0 || r.Codes["ACK"] != r.Exchanges || r.Failed() > 0 || s.Notified() < int(r.Exchanges) {
		t.Errorf("%v, %v; %d notified", &r, err, s.Notified())
	}
	if err := g.Observe(ctx, s.API(), 41); err == nil {
		t.Error("one device too many was observed")
	}
}

func TestObserveFails(t *testing.T) {
	s := newServer(t)
	g := openGenerator(t, s, Options{Devices: 2})
	if err := g.Observe(context.Background(), s.API(), 2); err == nil || !strings.Contains(err.Error(), "0 of 2 devices") {
		t.Errorf("without devices: %v", err)
	}
	if err := g.Observe(context.Background(), s.API()+"/nowhere", 2); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("without an API: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := g.Observe(ctx, s.API(), 2); !errors.Is(err, context.Canceled) {
		t.Errorf("without time: %v", err)
	}
}
