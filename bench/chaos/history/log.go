package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// ErrFull is the fault of a log that had no room for an event: such a history
// cannot be judged.
var ErrFull = errors.New("history: there is no room for more events")

// Log takes events from several goroutines. Its memory is bounded.
type Log struct {
	origin time.Time
	most   int

	mu     sync.Mutex
	events []Event
	out    *json.Encoder // nil: events are kept in memory alone
	fault  error         // the first one
}

// DefaultMost is how many events a log keeps, 72 bytes each and their texts: those
// of hours.
const DefaultMost = 2 << 20

// NewLog makes a log whose times count from origin. Events also go to out, a
// JSON object a line, unless that is nil.
func NewLog(origin time.Time, most int, out io.Writer) *Log {
	l := &Log{origin: origin, most: most}
	if out != nil {
		l.out = json.NewEncoder(out)
	}
	return l
}

// Add adds an event that happens now.
func (l *Log) Add(e Event) { l.AddAt(time.Now(), e) }

// AddAt adds an event that happened at a time.
func (l *Log) AddAt(at time.Time, e Event) {
	e.At = at.Sub(l.origin)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.events) >= l.most {
		l.failed(ErrFull)
		return
	}
	l.events = append(l.events, e)
	if l.out != nil {
		if err := l.out.Encode(e); err != nil {
			l.failed(fmt.Errorf("history: writing an event: %w", err))
			l.out = nil
		}
	}
}

// Since is a time as events have it.
func (l *Log) Since(t time.Time) time.Duration { return t.Sub(l.origin) }

func (l *Log) failed(err error) {
	if l.fault == nil {
		l.fault = err
	}
}

// Events are all events so far, in the order of Add, and why some are missing.
// They must not be changed.
func (l *Log) Events() ([]Event, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.events[:len(l.events):len(l.events)], l.fault
}
