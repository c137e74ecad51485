package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// Report is what a Run measured.
type Report struct {
	Rows  []Row  `json:"rows"`
	Facts []Fact `json:"facts"`
}

// Fact is a figure that is no multiple of the echo.
type Fact struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Most  float64 `json:"most,omitempty"` // what it may be, 0 for anything
	Unit  string  `json:"unit"`
}

func (f Fact) String() string {
	text := fmt.Sprintf("%s: %.4g %s", f.Name, f.Value, f.Unit)
	if f.Value >= 1000 {
		text = fmt.Sprintf("%s: %.0f %s", f.Name, f.Value, f.Unit)
	}
	text = strings.TrimRight(text, " ")
	if f.Most > 0 {
		text += fmt.Sprintf(" (at most %g: %s)", f.Most, met(f.Value <= f.Most))
	}
	return text
}

func met(ok bool) string {
	if ok {
		return "met"
	}
	return "missed"
}

// fact keeps a figure and shows it at once.
func (r *runner) fact(name string, value, most float64, unit string, args ...any) {
	f := Fact{Name: fmt.Sprintf(name, args...), Value: value, Most: most, Unit: unit}
	r.report.Facts = append(r.report.Facts, f)
	fmt.Fprintf(r.options.Progress, "  %v\n", f)
}

// WriteText writes the table and the figures below it.
func (r *Report) WriteText(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(r.Rows) > 0 {
		fmt.Fprintln(t, "what\tdevices\tcache\tload\twoken\techo µs\tserver µs\t× echo\tat most\t\trate /s\tp50\tp99\tRSS MiB")
	}
	for _, row := range r.Rows {
		goal, verdict := "", ""
		if row.Goal > 0 {
			goal, verdict = fmt.Sprintf("%g", row.Goal), met(row.Multiple <= row.Goal)
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%.0f %%\t%.2f\t%.2f\t%.1f\t%s\t%s\t%.0f\t%s\t%s\t%.0f\n",
			row.Name, row.Population, row.Cache, row.Load, 100*row.Woken, microseconds(row.Echo), microseconds(row.ServerCPU),
			row.Multiple, goal, verdict, row.Rate, short(row.P50), short(row.P99), mebibytes(row.RSS))
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("report: writing the table: %w", err)
	}
	for _, f := range r.Facts {
		if _, err := fmt.Fprintln(w, f); err != nil {
			return fmt.Errorf("report: writing the figures: %w", err)
		}
	}
	return nil
}

func short(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

// WriteJSON writes all of it, rounds included; times are in nanoseconds.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(r); err != nil {
		return fmt.Errorf("report: writing JSON: %w", err)
	}
	return nil
}
