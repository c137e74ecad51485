package device

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"dormouse/codec/coap"
)

// tellEvery is how often a tally tells what has changed.
const tellEvery = 10 * time.Second

// tally counts and tells what the devices of a fleet do.
type tally struct {
	out     io.Writer
	verbose bool

	mu     sync.Mutex // guards what follows and the order of lines
	counts [len(eventNames)]uint64
	told   [len(eventNames)]uint64
}

func newTally(out io.Writer, verbose bool) *tally { return &tally{out: out, verbose: verbose} }

// listen takes an event of any device, from any goroutine.
func (t *tally) listen(e Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts[e.Kind]++
	if t.verbose {
		fmt.Fprintln(t.out, e)
	}
}

// start tells every ten seconds what has changed, until stop, which tells the
// last of it.
func (t *tally) start(n int) (stop func()) {
	fmt.Fprintf(t.out, "device: %d started\n", n)
	done := make(chan struct{})
	var teller sync.WaitGroup
	teller.Go(func() {
		ticker := time.NewTicker(tellEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				t.tell()
			case <-done:
				t.tell()
				return
			}
		}
	})
	return func() {
		close(done)
		teller.Wait()
	}
}

// tell writes the counts if one has changed.
func (t *tally) tell() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == t.told {
		return
	}
	t.told = t.counts
	var parts []string
	for kind, n := range t.counts {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", EventKind(kind), n))
		}
	}
	fmt.Fprintf(t.out, "device: %s\n", strings.Join(parts, ", "))
}

// String is the event in a line.
func (e Event) String() string {
	switch e.Kind {
	case Registered, Updated:
		return fmt.Sprintf("%s: %s at /%s", e.Endpoint, e.Kind, e.Path)
	case Served:
		return fmt.Sprintf("%s: %s %s %s answered %s", e.Endpoint, e.Kind, methodName(e.Method), e.Path, e.Code)
	case Shaken, ShakeFailed:
		return fmt.Sprintf("%s: %s: %s", e.Endpoint, e.Kind, e.Path)
	case Notified:
		return fmt.Sprintf("%s: %s of %s", e.Endpoint, e.Kind, e.Path)
	case Refused:
		if e.Code == coap.Empty {
			return fmt.Sprintf("%s: no answer", e.Endpoint)
		}
		return fmt.Sprintf("%s: %s with %s", e.Endpoint, e.Kind, e.Code)
	}
	return fmt.Sprintf("%s: %s", e.Endpoint, e.Kind)
}

var methodNames = [...]string{coap.GET: "GET", coap.POST: "POST", coap.PUT: "PUT", coap.DELETE: "DELETE", coap.FETCH: "FETCH", coap.PATCH: "PATCH", coap.IPATCH: "iPATCH"}

// methodName is the name of a method, its number where it has none.
func methodName(m coap.Code) string {
	if int(m) < len(methodNames) && methodNames[m] != "" {
		return methodNames[m]
	}
	return m.String()
}
