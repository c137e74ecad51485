// Package echo measures what a bare UDP echo costs on this machine at this
// moment: the yardstick for a server's CPU per exchange. The server is a
// process of its own, written as one writes it in Go without further thought,
// so that its CPU is measured apart from the client's:
//
//	Run ── starts ─▶ process: Serve
//	 │ client: UDP datagrams, N in flight or at a fixed rate
//	 └ asks "cpu" over its standard input before and after
//
// It promises no latency figures, and none about loss beyond a count.
package echo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// Options of Run. The zero value of every field is a default.
type Options struct {
	Duration time.Duration // of the measurement, default 5 s; a tenth of it goes before as a warm-up

	// InFlight is how many datagrams are under way at any time, default 256, at
	// most 65536: each answer is followed by the next question.
	InFlight int

	// Rate, when not 0, is how many datagrams a second are sent instead, answered
	// or not; InFlight is then without meaning.
	Rate int

	PayloadBytes int // of each datagram, default 40, from MinPayload to MaxPayload

	// Exec is the program that becomes the server when it is called with
	// ServeArgs; default the running one.
	Exec string
}

// Limits of Options.PayloadBytes: what the client needs to know an answer by,
// and what passes an Ethernet unfragmented.
const (
	MinPayload = 16
	MaxPayload = 1400
)

const maxInFlight = 1 << 16

// ServeArgs are the arguments with which Run calls Options.Exec: the program
// must then run Serve on its standard input and output.
var ServeArgs = []string{"echo", "--serve"}

// Report is what one Run saw.
type Report struct {
	Exchanges      uint64        // answered within Elapsed
	Lost           uint64        // datagrams of the whole run, warm-up included, that were never answered
	Elapsed        time.Duration // of the measurement
	CPU            time.Duration // user and system time of the server in it
	CPUPerExchange time.Duration // CPU / Exchanges, 0 where there were none
	Rate           float64       // exchanges per second
}

func (r Report) String() string {
	return fmt.Sprintf("%d exchanges in %.1f s (%.0f/s), %d lost; server CPU %.2f µs per exchange",
		r.Exchanges, r.Elapsed.Seconds(), r.Rate, r.Lost, float64(r.CPUPerExchange.Nanoseconds())/1000)
}

// Run starts the server, measures, and stops it.
func Run(ctx context.Context, o Options) (Report, error) {
	o, err := o.withDefaults()
	if err != nil {
		return Report{}, err
	}
	server, err := start(ctx, o.Exec)
	if err != nil {
		return Report{}, err
	}
	report, err := measure(ctx, server, o)
	return report, errors.Join(err, server.stop())
}

func measure(ctx context.Context, server *process, o Options) (Report, error) {
	c, err := dial(server.address, o)
	if err != nil {
		return Report{}, err
	}
	defer c.close()
	c.start()
	if err := pause(ctx, o.Duration/10); err != nil {
		return Report{}, err
	}
	before, err := server.sample(c)
	if err != nil {
		return Report{}, err
	}
	if err := pause(ctx, o.Duration); err != nil {
		return Report{}, err
	}
	after, err := server.sample(c)
	if err != nil {
		return Report{}, err
	}
	report := between(before, after)
	report.Lost, err = c.finish()
	return report, err
}

// sample is a reading of the clock, the client and the server at one moment.
type sample struct {
	at       time.Time
	answered uint64
	cpu      time.Duration
}

func between(a, b sample) Report {
	r := Report{Exchanges: b.answered - a.answered, Elapsed: b.at.Sub(a.at), CPU: b.cpu - a.cpu}
	if r.Exchanges > 0 {
		r.CPUPerExchange = r.CPU / time.Duration(r.Exchanges)
	}
	if r.Elapsed > 0 {
		r.Rate = float64(r.Exchanges) / r.Elapsed.Seconds()
	}
	return r
}

func (o Options) withDefaults() (Options, error) {
	if o.Duration == 0 {
		o.Duration = 5 * time.Second
	}
	if o.InFlight == 0 {
		o.InFlight = 256
	}
	if o.PayloadBytes == 0 {
		o.PayloadBytes = 40
	}
	switch {
	case o.Duration < 0:
		return o, fmt.Errorf("echo: duration %v is negative", o.Duration)
	case o.InFlight < 0 || o.InFlight > maxInFlight:
		return o, fmt.Errorf("echo: %d in flight, want 1 to %d", o.InFlight, maxInFlight)
	case o.Rate < 0:
		return o, fmt.Errorf("echo: rate %d is negative", o.Rate)
	case o.PayloadBytes < MinPayload || o.PayloadBytes > MaxPayload:
		return o, fmt.Errorf("echo: payload of %d bytes, want %d to %d", o.PayloadBytes, MinPayload, MaxPayload)
	}
	if o.Exec != "" {
		return o, nil
	}
	var err error
	if o.Exec, err = os.Executable(); err != nil {
		return o, fmt.Errorf("echo: finding the running program: %w", err)
	}
	return o, nil
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
