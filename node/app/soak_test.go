package app_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
	"dormouse/node/app"
	"dormouse/node/app/apptest"
)

// soakTime is how long TestSoak runs: what SOAK says, else half a minute; else, for
// those in a hurry and under the race detector, some seconds.
func soakTime(t *testing.T) time.Duration {
	if text := os.Getenv("SOAK"); text != "" {
		return must[time.Duration](t)(time.ParseDuration(text))
	}
	if testing.Short() || raced {
		return 5 * time.Second
	}
	return 30 * time.Second
}

const (
	goodDevices = 10
	hostiles    = 3
	floods      = 2
	// floodRate is the random datagrams a second: a million in a minute.
	floodRate = 1_000_000 / 60
)

// TestSoak lets well-behaved devices and the platform's clients work among
// clients that send whatever is wrong, and among random datagrams. The results
// of the former stay right, each fault is answered as it should be and counted,
// and the memory of the node does not grow: it is measured twice, when all is
// quiet, after a quarter of the time and at the end.
func TestSoak(t *testing.T) {
	duration := soakTime(t)
	seed := rand.Uint64()
	t.Logf("seed %d, for %v", seed, duration)
	c := settings(t.TempDir())
	words := new(complaints)
	n := start(t, c, app.Options{Idle: 200 * time.Millisecond, Logger: slog.New(slog.NewTextHandler(words, &slog.HandlerOptions{Level: slog.LevelError}))})
	s := newSoak(t, n, seed)

	s.run(duration / 4)
	before := s.quiet()
	s.run(duration - duration/4)
	after := s.quiet()
	t.Logf("%d rounds of devices, %d attacks, %d random datagrams; before %v, after %v", s.rounds.Load(), s.attacks.Load(), s.datagrams.Load(), before, after)
	after.flat(t, before)
	s.counted(t)
	select {
	case err := <-n.Failed():
		t.Errorf("the node failed: %v", err)
	default:
	}
	if text := words.String(); text != "" {
		t.Errorf("errors were logged:\n%s", text)
	}
	s.nothingLost(t, n)

	n.api.Close()
	check(t, n.Stop())
	c.CoAP = []string{n.CoAP()[0].String()}
	s.nothingLost(t, start(t, c, app.Options{}))
}

// complaints keeps what is logged, the first of it.
type complaints struct {
	mu   sync.Mutex // guards text
	text strings.Builder
}

func (c *complaints) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.text.Len() < 16<<10 {
		c.text.Write(b)
	}
	return len(b), nil
}

func (c *complaints) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

// newSoak makes all who take part.
func newSoak(t *testing.T, n node, seed uint64) *soak {
	s := &soak{t: t, node: n}
	for i := range goodDevices {
		d := n.device(t, fmt.Sprintf("good-%d", i))
		s.good = append(s.good, &good{Device: d, node: n, object: n.object(t, d).ID, random: rand.New(rand.NewPCG(seed, uint64(i)))})
	}
	for i := range hostiles {
		r := rand.New(rand.NewPCG(seed, uint64(100+i)))
		s.bad = append(s.bad, &hostile{
			Device: n.device(t, fmt.Sprintf("bad-%d", i)), api: n.api, random: r,
			tokens: func() []byte { return s.good[r.IntN(len(s.good))].Token(temperature) },
		})
	}
	for i := range floods {
		s.floods = append(s.floods, newFlood(t, n.CoAP()[0], rand.New(rand.NewPCG(seed, uint64(200+i)))))
	}
	return s
}

// run lets everybody work for a while.
func (s *soak) run(d time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	var workers sync.WaitGroup
	for _, g := range s.good {
		workers.Go(func() {
			for ctx.Err() == nil && s.fault(g.Name, g.round()) {
				s.rounds.Add(1)
			}
		})
	}
	for _, h := range s.bad {
		workers.Go(func() {
			for ctx.Err() == nil {
				for _, i := range h.random.Perm(len(attacks)) {
					if !s.fault(attacks[i].name, attacks[i].attempt(h)) {
						return
					}
					s.attacks.Add(1)
				}
			}
			s.fault(h.Name, h.leave())
		})
	}
	for _, f := range s.floods {
		workers.Go(func() { s.datagrams.Add(f.run(ctx)) })
	}
	workers.Wait()
	if s.t.Failed() {
		s.t.FailNow()
	}
}

// fault reports that all is well.
func (s *soak) fault(who string, err error) bool {
	if err != nil {
		s.t.Errorf("%s: %v", who, err)
	}
	return err == nil
}

// footprint is the memory of a node that has nothing to do, and of its clients.
type footprint struct {
	heap, objects uint64
	goroutines    int
}

func (f footprint) String() string {
	return fmt.Sprintf("%d kB in %d objects, %d goroutines", f.heap>>10, f.objects, f.goroutines)
}

// quiet waits until every endpoint has left the memory, and measures.
func (s *soak) quiet() footprint {
	check(s.t, apptest.Eventually(func() error {
		values, err := s.api.Metrics()
		if awake := values["dormouse_awake_endpoints"]; err == nil && awake > 0 {
			err = fmt.Errorf("%g endpoints are in memory", awake)
		}
		return err
	}))
	s.api.Close()
	var m runtime.MemStats
	runtime.GC() // pools and finalizers take two
	runtime.GC()
	runtime.ReadMemStats(&m)
	return footprint{m.HeapInuse, m.HeapObjects, runtime.NumGoroutine()}
}

// Bounds of what may come on top between two measurements, however long it
// is: the store's memtables and cache fill up (they are in the heap where cgo
// is not), tables are known by name, buffers grow to the largest use.
const (
	maxHeapGrowth   = 48 << 20
	maxObjectGrowth = 40_000
	maxGoroutines   = 20
)

// flat fails the test where a footprint is larger than it was before.
func (f footprint) flat(t *testing.T, before footprint) {
	t.Helper()
	if f.heap > before.heap+maxHeapGrowth || f.objects > before.objects+maxObjectGrowth || f.goroutines > before.goroutines+maxGoroutines {
		t.Errorf("memory grew: before %v, after %v", before, f)
	}
}

// counted looks for the trace of each kind of attack, and for none of what
// must not happen.
func (s *soak) counted(t *testing.T) {
	values := must[map[string]float64](t)(s.api.Metrics())
	for _, a := range attacks {
		if a.counter != "" && values[a.counter] == 0 {
			t.Errorf("%s: %s was not counted", a.name, a.counter)
		}
	}
	for _, name := range []string{"notified", "notification_old", "notification_bad", "sent", "updated", "registered", "replaced", "operation_successful", "operation_failed", "request_sent"} {
		if values[event(name)] == 0 {
			t.Errorf("%s was not counted", event(name))
		}
	}
	for _, name := range []string{"dormouse_shell_panics_total", "dormouse_shell_loads_failed_total", "dormouse_shell_commits_failed_total", "dormouse_commit_failures_total"} {
		if v, there := values[name]; !there || v != 0 {
			t.Errorf("%s is %g, there: %t", name, v, there)
		}
	}
}

// nothingLost looks for everything that was acknowledged.
func (s *soak) nothingLost(t *testing.T, n node) {
	t.Helper()
	names := n.names(t)
	for _, g := range s.good {
		if names[g.Name] != 1 {
			t.Errorf("%s is in the inventory %d times", g.Name, names[g.Name])
		}
		n.expectValue(t, g.object, temperature, lwm2m.Float(g.last))
		update(t, g.Device)
		if strays := g.Strays(); len(strays) > 0 {
			t.Errorf("%s: strays: %q", g.Name, strays)
		}
	}
	for _, h := range s.bad {
		update(t, h.Device)
		if strays := h.Strays(); len(strays) > 0 {
			t.Errorf("%s: strays: %q", h.Name, strays)
		}
	}
	for _, f := range s.floods {
		if f.bad.Load() > 0 {
			t.Errorf("%d answers to random datagrams were no answers, such as %x", f.bad.Load(), f.example)
		}
	}
	c := dial(t, n.CoAP()[0])
	if a := ask(t, c, c.Registration("newcomer")); a.Code != coap.Created {
		t.Errorf("Register of a newcomer: %s", a.Code)
	}
}
