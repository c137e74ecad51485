package report

import (
	"context"
	"fmt"
	"time"

	"dormouse/bench/load"
	"dormouse/bench/server"
)

// sleepers makes many DTLS sessions and lets them sleep: first without, and then
// with a registration each.
func (r *runner) sleepers(ctx context.Context) error {
	n := r.options.SessionDevices
	fmt.Fprintf(r.options.Progress, "%d sessions: handshakes\n", n)
	s := setup{[]string{"--max-awake", sleepyAwake, "--cache", cache}, n, 10 * time.Second, true}
	err := r.with(ctx, s, func(p *server.Process, g *load.Generator) error {
		rss, disk, err := r.settle(ctx, p.Meter())
		if err != nil {
			return err
		}
		result, err := g.Handshake(ctx, 0, n, shakesInFlight)
		if err != nil {
			return err
		}
		r.fact("%d handshakes: rate", result.Rate, 0, "/s", n)
		r.fact("%d handshakes: CPU each", microseconds(result.ServerCPU), 0, "µs", n)
		r.fact("%d credentials: RSS", mebibytes(rss), 0, "MiB", n)
		if rss, disk, err = r.slept(ctx, p, "sleeping sessions", rss, disk); err != nil {
			return err
		}
		if _, err := g.Register(ctx, 0, n, inFlight); err != nil {
			return err
		}
		_, _, err = r.slept(ctx, p, "registrations with sessions", rss, disk)
		return err
	})
	if err != nil {
		return fmt.Errorf("report: %d sessions: %w", n, err)
	}
	return nil
}

// slept states what came to memory and disk since both were as told.
func (r *runner) slept(ctx context.Context, p *server.Process, what string, rss, disk int64) (nowRSS, nowDisk int64, err error) {
	if nowRSS, nowDisk, err = r.settle(ctx, p.Meter()); err != nil {
		return 0, 0, err
	}
	n := r.options.SessionDevices
	r.fact("%d %s: RSS", mebibytes(nowRSS), 0, "MiB", n, what)
	r.fact("%d %s: RSS that they added, each", float64(nowRSS-rss)/float64(n), 0, "B", n, what)
	r.fact("%d %s: disk that they added, each", float64(nowDisk-disk)/float64(n), 0, "B", n, what)
	return nowRSS, nowDisk, nil
}
