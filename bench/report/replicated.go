package report

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dormouse/bench/load"
	"dormouse/bench/nodes"
)

// replicatedLoads are those under which a cluster is measured: few under way,
// many, and a rate.
var replicatedLoads = []load.Traffic{
	{Kind: load.Update, InFlight: inFlight},
	{Kind: load.Update, InFlight: 4 * inFlight},
	{Kind: load.Update, Rate: 6000},
}

// ways are how datagrams come to their owners.
var ways = []struct {
	name string
	aim  load.Aim
	goal float64 // multiple of the echo, with many in flight
}{
	{"right node", load.AtOwner, 0},
	{"any node", load.AsOptions, 7},
	{"wrong node", load.Astray, 0},
}

const (
	mostAstray     = 25.0 // per cent that a wrong node may add
	mostAstrayFast = 10.0 // at 5 000 exchanges a second and more
	fast           = 5000
)

// replicated measures a cluster: the processor time of all nodes together, and
// the bytes between them. The ways take turns within a round, so that a quiet
// minute does good to all of them.
func (r *runner) replicated(ctx context.Context) (err error) {
	o := r.options
	n, err := nodes.Start(ctx, nodes.Options{
		Program: o.Program, Flags: append([]string{"--cache", cache}, o.Flags...), Count: o.Nodes, Dir: o.Dir, Log: o.Progress,
	})
	defer func() { err = errors.Join(err, n.Close()) }()
	if err != nil {
		return err
	}
	owner, err := n.Leaders(ctx)
	if err != nil {
		return err
	}
	addresses := n.CoAP()
	g, err := load.Open(load.Options{
		Target: addresses[0], Others: addresses[1:], Spray: true, Owner: owner, Devices: o.Population, Watch: n, Progress: o.Progress, Every: quiet,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	register := r.replicatedRow("Register", "any node", load.Traffic{Kind: load.Register, InFlight: inFlight}, 0)
	if err := r.measured(ctx, n, g, []row{register}); err != nil {
		return err
	}
	for _, t := range replicatedLoads {
		t.Hot = min(awakeDevices, o.Population)
		var list []row
		for _, w := range ways {
			t.Aim = w.aim
			goal := w.goal
			if t.Rate > 0 {
				goal = 0
			}
			list = append(list, r.replicatedRow("Update, awake", w.name, t, goal))
		}
		if err := r.measured(ctx, n, g, list); err != nil {
			return err
		}
		r.astray()
	}
	return nil
}

func (r *runner) replicatedRow(what, way string, t load.Traffic, goal float64) row {
	return row{
		name:       fmt.Sprintf("%s, %d nodes, %s", what, r.options.Nodes, way),
		population: r.options.Population, cache: cache, traffic: t, goal: goal,
	}
}

// between are the bytes that nodes sent one another so far.
type between struct{ datagrams, streams float64 }

func bytesBetween(ctx context.Context, n *nodes.Nodes) (b between, err error) {
	if b.datagrams, err = n.Counter(ctx, "dormouse_link_sent_bytes_total"); err != nil {
		return b, err
	}
	b.streams, err = n.Counter(ctx, "dormouse_mesh_sent_bytes_total")
	return b, err
}

// measured runs the rounds of rows that take turns, with echoes around each.
func (r *runner) measured(ctx context.Context, n *nodes.Nodes, g *load.Generator, list []row) error {
	var echoes []time.Duration
	results, sent := make([][]load.Result, len(list)), make([]between, len(list))
	for i := range list {
		list[i].traffic.Duration = r.options.Duration
	}
	for round := range r.options.Rounds {
		before, err := r.options.Echo(ctx, list[0].traffic)
		if err != nil {
			return err
		}
		echoes = append(echoes, before)
		for i, row := range list {
			from, err := bytesBetween(ctx, n)
			if err != nil {
				return err
			}
			result, err := r.round(ctx, row, round, g)
			if err != nil {
				return err
			}
			to, err := bytesBetween(ctx, n)
			if err != nil {
				return err
			}
			results[i] = append(results[i], result)
			sent[i].datagrams += to.datagrams - from.datagrams
			sent[i].streams += to.streams - from.streams
		}
	}
	last, err := r.options.Echo(ctx, list[0].traffic)
	if err != nil {
		return err
	}
	for i, row := range list {
		line := newRow(row, append(echoes, last), results[i])
		r.report.Rows = append(r.report.Rows, line)
		fmt.Fprintf(r.options.Progress, "  %s\n", line.String())
		total := max(1, float64(allOf(results[i])))
		r.fact("%s, %s: bytes of datagrams between nodes per exchange", sent[i].datagrams/total, 0, "B", line.Name, line.Load)
		r.fact("%s, %s: bytes of streams between nodes per exchange", sent[i].streams/total, 0, "B", line.Name, line.Load)
		if err := line.fault(); err != nil {
			return err
		}
	}
	return nil
}

// allOf are the exchanges of rounds with those of their warm-ups, as near as
// their rate tells.
func allOf(results []load.Result) (n float64) {
	for _, r := range results {
		n += float64(r.Exchanges)
		if r.Kind != load.Register.String() {
			n += r.Rate * min(r.Elapsed/10, 2*time.Second).Seconds()
		}
	}
	return n
}

// astray compares the wrong node with the right one in the last rows.
func (r *runner) astray() {
	last := r.report.Rows[len(r.report.Rows)-len(ways):]
	right, wrong := last[0], last[len(last)-1]
	most := mostAstray
	if wrong.Rate >= fast {
		most = mostAstrayFast
	}
	ratios := make([]float64, len(right.Rounds))
	for i := range right.Rounds {
		ratios[i] = 100 * (float64(wrong.Rounds[i].ServerCPU)/max(1, float64(right.Rounds[i].ServerCPU)) - 1)
	}
	r.fact("%s: what a wrong node adds, at %.0f/s", median(ratios), most, "%", wrong.Load, wrong.Rate)
}
