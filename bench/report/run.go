package report

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dormouse/bench/echo"
	"dormouse/bench/load"
	"dormouse/bench/provision"
	"dormouse/bench/server"
)

// Echo measures what the echo costs with a load like that of t: processor time
// per exchange.
type Echo func(ctx context.Context, t load.Traffic) (time.Duration, error)

func bareEcho(ctx context.Context, t load.Traffic) (time.Duration, error) {
	o := echo.Options{Duration: t.Duration, Rate: t.Rate}
	if t.Rate == 0 {
		o.InFlight = t.InFlight
	}
	r, err := echo.Run(ctx, o)
	return r.CPUPerExchange, err
}

// runner is a Run under way.
type runner struct {
	options Options
	report  Report
}

// Run measures all that is asked for. What was measured before an error is in
// the report.
func Run(ctx context.Context, o Options) (Report, error) {
	o, err := o.withDefaults()
	if err != nil {
		return Report{}, err
	}
	r := &runner{options: o}
	if o.Rows {
		for _, row := range rows(o) {
			if err := r.row(ctx, row); err != nil {
				return r.report, fmt.Errorf("report: %s: %w", row.name, err)
			}
		}
	}
	if o.Nodes > 0 {
		err = r.replicated(ctx)
	}
	if o.Sessions && err == nil {
		err = r.sleepers(ctx)
	}
	if o.Million && err == nil {
		err = r.million(ctx)
	}
	if o.Long && err == nil {
		err = r.long(ctx)
	}
	return r.report, err
}

// setup is a server and devices.
type setup struct {
	flags   []string // of the server
	devices int
	every   time.Duration // between lines of progress
	dtls    bool          // the server is told their keys
}

// with starts a server and opens devices for it, and gives both back after f.
func (r *runner) with(ctx context.Context, s setup, f func(*server.Process, *load.Generator) error) (err error) {
	p, err := server.Start(ctx, server.Options{
		Program: r.options.Program, Flags: append(s.flags[:len(s.flags):len(s.flags)], r.options.Flags...), Dir: r.options.Dir, Log: r.options.Progress,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	o := load.Options{Target: p.CoAP(), Devices: s.devices, Watch: p.Meter(), Progress: r.options.Progress, Every: s.every}
	if s.dtls {
		o.Target, o.Security = p.CoAPS(), &load.Security{}
	}
	g, err := load.Open(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	if s.dtls {
		if err := provision.Post(ctx, p.API(), s.devices, g.Credential); err != nil {
			return err
		}
	}
	return f(p, g)
}

// quiet is between lines of progress of runs that are short: never.
const quiet = 24 * time.Hour

func (r *runner) row(ctx context.Context, row row) error {
	fmt.Fprintf(r.options.Progress, "%s: %s, %d devices\n", row.name, row.load(), row.population)
	return r.with(ctx, setup{row.flags, row.population, quiet, row.dtls}, func(p *server.Process, g *load.Generator) error {
		if row.dtls && row.traffic.Kind != load.Handshake {
			if _, err := g.Handshake(ctx, 0, row.population, shakesInFlight); err != nil {
				return err
			}
		}
		if row.traffic.Kind != load.Register && row.traffic.Kind != load.Handshake {
			if _, err := g.Register(ctx, 0, row.population, inFlight); err != nil {
				return err
			}
		}
		if row.traffic.Kind == load.Notify {
			if err := g.Observe(ctx, p.API(), row.traffic.Hot); err != nil {
				return err
			}
		}
		return r.measure(ctx, row, p, g)
	})
}

// measure runs the rounds of a row between echoes.
func (r *runner) measure(ctx context.Context, row row, p *server.Process, g *load.Generator) error {
	row.traffic.Duration = r.options.Duration
	echoes := make([]time.Duration, 0, r.options.Rounds+1)
	results := make([]load.Result, 0, r.options.Rounds)
	loaded, err := wakings(ctx, p)
	if err != nil {
		return err
	}
	for round := range r.options.Rounds {
		before, err := r.options.Echo(ctx, row.traffic)
		if err != nil {
			return err
		}
		result, err := r.round(ctx, row, round, g)
		if err != nil {
			return err
		}
		echoes, results = append(echoes, before), append(results, result)
	}
	last, err := r.options.Echo(ctx, row.traffic)
	if err != nil {
		return err
	}
	now, err := wakings(ctx, p)
	if err != nil {
		return err
	}
	line := newRow(row, append(echoes, last), results)
	line.Woken = (now - loaded) / max(1, float64(exchangesOf(results)))
	r.report.Rows = append(r.report.Rows, line)
	fmt.Fprintf(r.options.Progress, "  %s\n", line.String())
	r.beyond(row, &line)
	return line.fault()
}

// beyond tells what DTLS adds to the row of the same name.
func (r *runner) beyond(row row, line *Row) {
	for _, plain := range r.report.Rows {
		if row.dtls && plain.Name+overDTLS == line.Name && plain.Population == line.Population && plain.Load == line.Load {
			r.fact("%s: beyond %s", microseconds(line.ServerCPU-plain.ServerCPU), row.beyond, "µs", line.Name, plain.Name)
		}
	}
}

// round is one measurement. Registrations and handshakes are each time of devices
// that had none yet.
func (r *runner) round(ctx context.Context, row row, round int, g *load.Generator) (load.Result, error) {
	share := row.population / r.options.Rounds
	switch row.traffic.Kind {
	case load.Register:
		return g.Register(ctx, round*share, (round+1)*share, inFlight)
	case load.Handshake:
		return g.Handshake(ctx, round*share, (round+1)*share, row.traffic.InFlight)
	}
	return g.Run(ctx, row.traffic)
}

// wakings is how many endpoints the server has loaded so far.
func wakings(ctx context.Context, p *server.Process) (float64, error) {
	return server.Counter(ctx, p.API(), "dormouse_shell_loaded_total")
}

func exchangesOf(results []load.Result) (n uint64) {
	for _, r := range results {
		n += r.Exchanges
	}
	return n
}
