package report

import (
	"context"
	"fmt"
	"time"

	"dormouse/bench/load"
	"dormouse/bench/server"
)

// longEvery is how often memory is looked at: lines of progress show it too.
const longEvery = 30 * time.Second

// highest passes a server's figures on and keeps the largest memory.
type highest struct {
	server.Meter
	rss int64
}

func (h *highest) Memory() (int64, error) {
	n, err := h.Meter.Memory()
	h.rss = max(h.rss, n)
	return n, err
}

// long is a steady rate for minutes: duplicate detection that keeps every
// exchange for its lifetime of 247 s shows after four of them.
func (r *runner) long(ctx context.Context) error {
	o := r.options
	fmt.Fprintf(o.Progress, "%d updates/s of %d devices for %v\n", o.LongRate, o.LongDevices, o.LongDuration)
	err := r.with(ctx, setup{flags: []string{"--cache", cache}, devices: o.LongDevices, every: longEvery}, func(p *server.Process, g *load.Generator) error {
		if _, err := g.Register(ctx, 0, o.LongDevices, inFlight); err != nil {
			return err
		}
		watch := &highest{Meter: p.Meter()}
		g.Watch(watch)
		before, err := o.Echo(ctx, load.Traffic{Rate: o.LongRate, Duration: o.Duration})
		if err != nil {
			return err
		}
		traffic := load.Traffic{Kind: load.Update, Rate: o.LongRate, Duration: o.LongDuration}
		result, err := g.Run(ctx, traffic)
		if err != nil {
			return err
		}
		after, err := o.Echo(ctx, load.Traffic{Rate: o.LongRate, Duration: o.Duration})
		if err != nil {
			return err
		}
		line := newRow(row{name: "Update, long", population: o.LongDevices, cache: cache, traffic: traffic},
			[]time.Duration{before, after}, []load.Result{result})
		r.report.Rows = append(r.report.Rows, line)
		r.fact("%d updates/s for %v: largest RSS", mebibytes(watch.rss), mebibytes(mostRSS), "MiB", o.LongRate, o.LongDuration)
		r.fact("%d updates/s for %v: answered", result.Rate, 0, "/s", o.LongRate, o.LongDuration)
		r.fact("%d updates/s for %v: sent again", float64(result.Repeated), 0, "", o.LongRate, o.LongDuration)
		return line.fault()
	})
	if err != nil {
		return fmt.Errorf("report: %d updates/s: %w", o.LongRate, err)
	}
	return nil
}
