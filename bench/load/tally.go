package load

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"dormouse/codec/coap"
)

// Latencies are kept from a microsecond to two minutes, to three digits.
const (
	latencyUnit   = time.Microsecond
	latencyMost   = 2 * time.Minute
	latencyDigits = 3
)

// tally counts what happens to exchanges. Counts only grow; latencies are
// those since the last reset.
type tally struct {
	begun, ended                 uint64 // ended: answered in any way
	repeated, unanswered, strays uint64
	codes                        [256]uint64 // of answers; Empty is a Reset

	latency  *hdrhistogram.Histogram // of the measurement
	interval *hdrhistogram.Histogram // of the line of progress that comes next
}

func newTally() *tally { return &tally{latency: newLatency(), interval: newLatency()} }

func newLatency() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, int64(latencyMost/latencyUnit), latencyDigits)
}

func (t *tally) answered(code coap.Code, after time.Duration) {
	t.ended++
	t.codes[code]++
	v := int64(min(max(after, latencyUnit), latencyMost) / latencyUnit)
	_ = t.latency.RecordValue(v) // within its bounds
	_ = t.interval.RecordValue(v)
}

// Latency is how long answers took.
type Latency struct {
	Median time.Duration `json:"p50"`
	P90    time.Duration `json:"p90"`
	P99    time.Duration `json:"p99"`
	P999   time.Duration `json:"p999"`
	Max    time.Duration `json:"max"`
}

func latencyOf(h *hdrhistogram.Histogram) Latency {
	at := func(q float64) time.Duration { return time.Duration(h.ValueAtQuantile(q)) * latencyUnit }
	return Latency{Median: at(50), P90: at(90), P99: at(99), P999: at(99.9), Max: time.Duration(h.Max()) * latencyUnit}
}
