package report

import (
	"fmt"
	"slices"
	"time"

	"dormouse/bench/load"
)

// Row is one line of the table: medians of its rounds.
type Row struct {
	Name       string          `json:"name"`
	Population int             `json:"population"` // registered devices
	Cache      string          `json:"cache"`      // of the server's store
	Load       string          `json:"load"`
	Woken      float64         `json:"woken"`     // endpoints loaded per exchange: 1 is "from sleep", warm-ups count on top
	Echo       time.Duration   `json:"echo"`      // CPU per exchange
	ServerCPU  time.Duration   `json:"serverCPU"` // CPU per exchange
	Multiple   float64         `json:"multiple"`  // of each round's echoes; the median
	Goal       float64         `json:"goal,omitempty"`
	Rate       float64         `json:"rate"` // exchanges per second
	P50        time.Duration   `json:"p50"`
	P99        time.Duration   `json:"p99"`
	RSS        int64           `json:"rss"`    // bytes at the end
	Echoes     []time.Duration `json:"echoes"` // one before each round, and one behind the last
	Rounds     []load.Result   `json:"rounds"`
}

// newRow condenses rounds, with one echo more than rounds around them.
func newRow(r row, echoes []time.Duration, rounds []load.Result) Row {
	line := Row{
		Name: r.name, Population: r.population, Cache: r.cache, Load: r.load(), Goal: r.goal,
		Echo: median(echoes), Echoes: echoes, Rounds: rounds, RSS: rounds[len(rounds)-1].ServerRSS,
	}
	multiples := make([]float64, len(rounds))
	for i, round := range rounds {
		multiples[i] = float64(round.ServerCPU) / max(float64(echoes[i]+echoes[i+1])/2, 1)
	}
	line.Multiple = median(multiples)
	line.ServerCPU = medianOf(rounds, func(r load.Result) time.Duration { return r.ServerCPU })
	line.Rate = medianOf(rounds, func(r load.Result) float64 { return r.Rate })
	line.P50 = medianOf(rounds, func(r load.Result) time.Duration { return r.Latency.Median })
	line.P99 = medianOf(rounds, func(r load.Result) time.Duration { return r.Latency.P99 })
	return line
}

// mostFailed is the share of exchanges that may fail in a row that counts.
const mostFailed = 0.001

// fault is why the row means nothing: cheap refusals are no work, and broken
// ciphers none that counts.
func (r *Row) fault() error {
	for _, round := range r.Rounds {
		if s := round.Sessions; s != nil && s.ReusedNonces > 0 {
			return fmt.Errorf("the server used nonces twice: %v", s)
		}
		if round.Failed() > mostFailed {
			return fmt.Errorf("%.1f %% of the exchanges failed: %s", 100*round.Failed(), round.String())
		}
	}
	return nil
}

func median[T time.Duration | float64](list []T) T {
	sorted := slices.Sorted(slices.Values(list))
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}

func medianOf[T time.Duration | float64](rounds []load.Result, f func(load.Result) T) T {
	list := make([]T, len(rounds))
	for i, r := range rounds {
		list[i] = f(r)
	}
	return median(list)
}

func (r *Row) String() string {
	text := fmt.Sprintf("%s, %d devices, %s: %.2f µs, %.1f × the echo's %.2f µs", r.Name, r.Population, r.Load,
		microseconds(r.ServerCPU), r.Multiple, microseconds(r.Echo))
	if r.Goal > 0 {
		text += fmt.Sprintf(" (at most %g)", r.Goal)
	}
	return text
}

func microseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
