package report

import (
	"context"
	"fmt"
	"math"
	"time"

	"dormouse/bench/load"
	"dormouse/bench/server"
	"dormouse/codec/coap"
)

// What a million sleeping devices may take.
const (
	mostRSS        = 512 << 20
	mostDisk       = 700 // bytes per device
	mostRestart    = 5 * time.Second
	settlePause    = 2 * time.Second
	settleEvenness = 0.01 // change between two looks that counts as none
	settleLooks    = 5    // without change
)

// million registers many devices and lets them sleep.
func (r *runner) million(ctx context.Context) error {
	row := millionRow(r.options.MillionDevices)
	fmt.Fprintf(r.options.Progress, "%d devices: register\n", row.population)
	err := r.with(ctx, setup{flags: row.flags, devices: row.population, every: 10 * time.Second}, func(p *server.Process, g *load.Generator) error {
		_, empty, err := r.settle(ctx, p.Meter()) // a new store may still reserve room
		if err != nil {
			return err
		}
		registered, err := g.Register(ctx, 0, row.population, inFlight)
		if err != nil {
			return err
		}
		r.fact("register %d devices: rate", registered.Rate, 0, "/s", row.population)
		r.fact("register %d devices: CPU each", microseconds(registered.ServerCPU), 0, "µs", row.population)
		if err := r.asleep(ctx, p, row.population, empty); err != nil {
			return err
		}
		for _, how := range []struct {
			name string
			end  func() error
		}{{"kill -9", p.Kill}, {"a clean stop", p.Stop}} {
			if err := r.restart(ctx, p, g, how.name, how.end); err != nil {
				return err
			}
		}
		g.Watch(p.Meter())
		return r.measure(ctx, row, p, g)
	})
	if err != nil {
		return fmt.Errorf("report: %d devices: %w", row.population, err)
	}
	return nil
}

// asleep states memory and disk once both have come to rest.
func (r *runner) asleep(ctx context.Context, p *server.Process, devices int, empty int64) error {
	rss, disk, err := r.settle(ctx, p.Meter())
	if err != nil {
		return err
	}
	peak, err := p.Meter().PeakMemory()
	if err != nil {
		return err
	}
	r.fact("%d sleeping devices: RSS", mebibytes(rss), mebibytes(mostRSS), "MiB", devices)
	r.fact("%d sleeping devices: largest RSS so far", mebibytes(peak), 0, "MiB", devices)
	r.fact("%d sleeping devices: disk per device, beyond that of none", float64(disk-empty)/float64(devices), mostDisk, "B", devices)
	return nil
}

// settle looks until memory and disk stay as they are, or time is up.
func (r *runner) settle(ctx context.Context, m server.Meter) (rss, disk int64, err error) {
	same := 0
	for began := time.Now(); same < settleLooks && time.Since(began) < r.options.Settle; {
		if err := pause(ctx, min(settlePause, r.options.Settle/8)); err != nil {
			return 0, 0, err
		}
		nextRSS, err := m.Memory()
		if err != nil {
			return 0, 0, err
		}
		nextDisk, err := m.Disk()
		if err != nil {
			return 0, 0, err
		}
		if even(rss, nextRSS) && even(disk, nextDisk) {
			same++
		} else {
			same = 0
		}
		rss, disk = nextRSS, nextDisk
	}
	return rss, disk, nil
}

func even(a, b int64) bool { return math.Abs(float64(a-b)) <= settleEvenness*float64(b) }

// restart ends the server and times its way back to the first answer to a
// registered device, from the start of the process on.
func (r *runner) restart(ctx context.Context, p *server.Process, g *load.Generator, how string, end func() error) error {
	probe, err := g.Probe()
	if err != nil {
		return err
	}
	if err := end(); err != nil {
		return err
	}
	began := time.Now()
	if err := p.Launch(); err != nil {
		return err
	}
	answer, err := p.Ask(ctx, probe)
	if err != nil {
		return err
	}
	took := time.Since(began)
	var m coap.Message
	if err := coap.Parse(answer, &m); err != nil || m.Code != coap.Changed {
		return fmt.Errorf("after %s the server answered an Update %s, %v", how, m.Code, err)
	}
	r.fact("restart to the first answer, after %s", took.Seconds(), mostRestart.Seconds(), "s", how)
	return nil
}

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }

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
