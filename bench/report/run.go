package report

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dormouse/bench/echo"
	"dormouse/bench/load"
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
	if o.Million {
		err = r.million(ctx)
	}
	if o.Long && err == nil {
		err = r.long(ctx)
	}
	return r.report, err
}

// with starts a server and opens devices for it, and gives both back after f.
func (r *runner) with(ctx context.Context, flags []string, devices int, every time.Duration, f func(*server.Process, *load.Generator) error) (err error) {
	p, err := server.Start(ctx, server.Options{
		Program: r.options.Program, Flags: append(flags[:len(flags):len(flags)], r.options.Flags...), Dir: r.options.Dir, Log: r.options.Progress,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	g, err := load.Open(load.Options{Target: p.CoAP(), Devices: devices, Watch: p.Meter(), Progress: r.options.Progress, Every: every})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	return f(p, g)
}

// quiet is between lines of progress of runs that are short: never.
const quiet = 24 * time.Hour

func (r *runner) row(ctx context.Context, row row) error {
	fmt.Fprintf(r.options.Progress, "%s: %s, %d devices\n", row.name, row.load(), row.population)
	return r.with(ctx, row.flags, row.population, quiet, func(p *server.Process, g *load.Generator) error {
		if row.traffic.Kind != load.Register {
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
	return line.fault()
}

// round is one measurement. Registrations are each time of devices that are
// not registered yet.
func (r *runner) round(ctx context.Context, row row, round int, g *load.Generator) (load.Result, error) {
	if row.traffic.Kind != load.Register {
		return g.Run(ctx, row.traffic)
	}
	share := row.population / r.options.Rounds
	return g.Register(ctx, round*share, (round+1)*share, inFlight)
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
