package chaos

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"dormouse/bench/chaos/history"
	"dormouse/bench/chaos/swarm"
)

// Report is what a run found.
type Report struct {
	Seed    uint64         `json:"seed"`
	Nodes   int            `json:"nodes"`
	Devices int            `json:"devices"`
	Took    time.Duration  `json:"took"`
	Faults  map[string]int `json:"faults"`            // how many of each there were
	Skipped []string       `json:"skipped,omitempty"` // faults that this machine cannot have
	Counts  swarm.Counts   `json:"counts"`
	RSS     int64          `json:"rss"`  // of the largest node at the end, bytes
	Disk    int64          `json:"disk"` // likewise

	Verdict *history.Verdict `json:"verdict"`
}

// OK reports that nothing was broken.
func (r *Report) OK() bool { return r.Verdict.OK() }

// WriteJSON writes the report for programs.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// WriteText writes the report for people: a table, what was broken, and the
// verdict.
func (r *Report) WriteText(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range r.rows() {
		fmt.Fprintf(table, "%s\t%s\n", row[0], row[1])
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, rule := range history.AllRules() {
		if n := r.Verdict.Violations[rule]; n > 0 {
			fmt.Fprintf(w, "\nBROKEN %d times: %s\n", n, rule)
			for _, example := range r.Verdict.Examples[rule] {
				fmt.Fprintf(w, "  %s\n", example)
			}
		}
	}
	verdict := "PASSED"
	if !r.OK() {
		verdict = "FAILED"
	}
	_, err := fmt.Fprintf(w, "\n%s (seed %d)\n", verdict, r.Seed)
	return err
}

// rows are the names and values of the table.
func (r *Report) rows() [][2]string {
	f, c := &r.Verdict.Figures, &r.Counts
	text := fmt.Sprintf
	return [][2]string{
		{"run", text("%d nodes, %d devices, %v, largest node %.0f MiB of memory, %.0f MiB of disk", r.Nodes, r.Devices, r.Took.Round(time.Second), mebi(r.RSS), mebi(r.Disk))},
		{"faults", r.faults()},
		{"exchanges", text("%d, %d datagrams, %d of them repeated; %d answered 5.xx, %d given up while no node lived", c.Exchanges, c.Tries, c.Repeated, c.Busy, c.Hopeless)},
		{"operations", text("%d submitted, %d acknowledged, %d submissions unclear", f.Submitted, f.Acknowledged, f.Unclear)},
		{"executions", text("%d, %d of them again, %d repetitions recognised", f.Executed, f.Again, f.Recognised)},
		{"ended", text("%d SUCCESSFUL, %d FAILED", f.Successful, f.Failed)},
		{"registrations", text("%d, %d known at the end", f.Registered, f.Known)},
		{"handshakes", text("%d, %d failed", f.Handshakes, f.ShakesFailed)},
		{"addresses", text("%d moves; %d answers of nodes not asked, %d datagrams to addresses left, %d others, %d not opened", c.Moves, c.Astray, c.Elsewhere, c.Strays, c.Undecrypted)},
		{"until all is well", r.outages()},
		{"wait of a device", text("%d were kept waiting by a node that lived: p50 %v, p99 %v, most %v", len(f.Waits), round(history.Quantile(f.Waits, 0.5)), round(history.Quantile(f.Waits, 0.99)), round(history.Quantile(f.Waits, 1)))},
		{"besides", text("%d answers to operations lost on purpose; %d exchanges held back while no device was free", c.Lost, c.HeldBack)},
	}
}

func (r *Report) faults() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(r.Faults)) {
		parts = append(parts, fmt.Sprintf("%d %s", r.Faults[name], name))
	}
	return strings.Join(append(parts, r.Skipped...), ", ")
}

// outages sums up the times from faults until every exchange succeeded.
func (r *Report) outages() string {
	var all []time.Duration
	tries := 0
	for _, o := range r.Verdict.Figures.Outages {
		all, tries = append(all, o.Until), tries+o.Tries
	}
	return fmt.Sprintf("p50 %v, p90 %v, most %v of %d faults and ends of faults; %d tries failed, %d of them while a fault lasted that explains it, %d more at other times",
		round(history.Quantile(all, 0.5)), round(history.Quantile(all, 0.9)), round(history.Quantile(all, 1)), len(all), tries, r.Verdict.Figures.Meanwhile, r.Verdict.Figures.Late)
}

func round(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
func mebi(n int64) float64                { return float64(n) / (1 << 20) }
