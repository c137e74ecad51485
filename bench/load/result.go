package load

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"dormouse/codec/coap"
)

// Result is what one run saw.
type Result struct {
	Kind        string            `json:"kind"`
	Elapsed     time.Duration     `json:"elapsed"`            // of the measurement
	Exchanges   uint64            `json:"exchanges"`          // answered in it, in any way
	Rate        float64           `json:"rate"`               // of them per second
	Codes       map[string]uint64 `json:"codes"`              // of them by answer; "ACK" for notifications, "session" for handshakes, "RST"
	Repeated    uint64            `json:"repeated"`           // datagrams sent again
	Unanswered  uint64            `json:"unanswered"`         // exchanges given up
	Strays      uint64            `json:"strays"`             // datagrams that nobody waited for
	Latency     Latency           `json:"latency"`            // of the exchanges, with a rate from when each was due
	OwnCPU      time.Duration     `json:"ownCPU"`             // of this process per exchange
	ServerCPU   time.Duration     `json:"serverCPU"`          // user and system time of the server per exchange; 0: not known
	ServerRSS   int64             `json:"serverRSS"`          // bytes at the end; 0: not known
	ServerShare float64           `json:"serverShare"`        // of one processor
	Sessions    *Sessions         `json:"sessions,omitempty"` // meanwhile; nil without DTLS
}

// Failed is the share of exchanges that did not succeed.
func (r *Result) Failed() float64 {
	var bad uint64
	for code, n := range r.Codes {
		if !strings.HasPrefix(code, "2.") && code != "ACK" && code != "session" {
			bad += n
		}
	}
	return float64(bad+r.Unanswered) / float64(max(r.Exchanges+r.Unanswered, 1))
}

// String is a few lines for people.
func (r *Result) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d exchanges in %.1f s (%.0f/s)", r.Kind, r.Exchanges, r.Elapsed.Seconds(), r.Rate)
	for _, code := range slices.Sorted(maps.Keys(r.Codes)) {
		fmt.Fprintf(&b, ", %s %d", code, r.Codes[code])
	}
	fmt.Fprintf(&b, "\n  latency p50 %s, p90 %s, p99 %s, p99.9 %s, most %s",
		millis(r.Latency.Median), millis(r.Latency.P90), millis(r.Latency.P99), millis(r.Latency.P999), millis(r.Latency.Max))
	fmt.Fprintf(&b, "\n  %d repeated, %d unanswered, %d strays; own CPU %s per exchange", r.Repeated, r.Unanswered, r.Strays, micros(r.OwnCPU))
	if r.ServerCPU > 0 {
		fmt.Fprintf(&b, "\n  server CPU %s per exchange (%.0f %% of a processor), RSS %s", micros(r.ServerCPU), 100*r.ServerShare, mebibytes(r.ServerRSS))
	}
	if r.Sessions != nil {
		fmt.Fprintf(&b, "\n  %v", r.Sessions)
	}
	return b.String()
}

func millis(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }
func micros(d time.Duration) string { return fmt.Sprintf("%.2f µs", float64(d.Nanoseconds())/1000) }
func mebibytes(n int64) string      { return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20)) }

// measurement is what everything stood at when it began.
type measurement struct {
	at        time.Time
	watch     Watch
	tally     tally
	own, used time.Duration
	g         *Generator
	sessions  Sessions
}

// newMeasurement forgets the latencies of before.
func (g *Generator) newMeasurement(now time.Time, t *tally) (*measurement, error) {
	w := g.options.Watch
	m := &measurement{at: now, watch: w, tally: *t, g: g, sessions: g.Sessions()}
	t.latency.Reset()
	var err error
	if m.own, err = ownCPU(); err != nil {
		return nil, err
	}
	if w != nil {
		m.used, err = w.CPU()
	}
	return m, err
}

// result is what has changed since. The processor times are read first, before
// this side spends more.
func (m *measurement) result(now time.Time, kind Kind, t *tally) (Result, error) {
	own, err := ownCPU()
	if err != nil {
		return Result{}, err
	}
	r := Result{
		Kind: kind.String(), Elapsed: now.Sub(m.at), Exchanges: t.ended - m.tally.ended,
		Repeated: t.repeated - m.tally.repeated, Unanswered: t.unanswered - m.tally.unanswered,
		Strays: t.strays - m.tally.strays, Latency: latencyOf(t.latency), Codes: m.codes(kind, t),
	}
	n := time.Duration(max(r.Exchanges, 1))
	r.OwnCPU = (own - m.own) / n
	if r.Elapsed > 0 {
		r.Rate = float64(r.Exchanges) / r.Elapsed.Seconds()
	}
	if m.g.sessions != nil {
		s := m.g.Sessions().since(m.sessions)
		r.Sessions = &s
	}
	if m.watch == nil {
		return r, nil
	}
	used, err := m.watch.CPU()
	if err != nil {
		return r, err
	}
	r.ServerCPU = (used - m.used) / n
	r.ServerShare = (used - m.used).Seconds() / max(r.Elapsed.Seconds(), 1e-9)
	r.ServerRSS, err = m.watch.Memory()
	return r, err
}

// codes names the answers.
func (m *measurement) codes(kind Kind, t *tally) map[string]uint64 {
	codes := map[string]uint64{}
	for c := range t.codes {
		n := t.codes[c] - m.tally.codes[c]
		switch name := coap.Code(c).String(); {
		case n == 0:
		case c == int(coap.Empty):
			codes["RST"] = n
		case kind == Notify:
			codes["ACK"] = n
		case kind == Handshake:
			codes["session"] = n
		default:
			codes[name] = n
		}
	}
	return codes
}

func ownCPU() (time.Duration, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, fmt.Errorf("load: reading the own CPU time: %w", os.NewSyscallError("getrusage", err))
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), nil
}
