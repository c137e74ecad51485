package store

import (
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
)

// Events is told what happens to a store. Functions may be nil. They are called
// from the store's and Pebble's own goroutines, also concurrently, and must
// neither block nor call the store.
type Events struct {
	// SpaceChanged follows each change of Space. Available is what the last
	// measurement found, -1 where the file system cannot tell.
	SpaceChanged func(from, to Space, available int64)

	// Stalled and Resumed frame the times in which Pebble makes writers wait
	// for a flush or a compaction.
	Stalled func(reason string)
	Resumed func()

	// Background is told of failed flushes and compactions; Pebble repeats them.
	Background func(err error)

	// Fatal is called once, when the store cannot go on: a log that could not
	// be synced, a manifest that could not be written. It should say why and
	// end the process: all that was acknowledged is on the disk, and the next
	// Open finds it. Where it returns the store stays frozen: the write under
	// way never ends, all others answer a *FatalError, reads go on. Default:
	// log and exit with status 1.
	Fatal func(err error)
}

// FatalError is the answer of a store that has met a fatal error before. What
// got it was not applied.
type FatalError struct{ Err error }

func (e *FatalError) Error() string { return "store: frozen: " + e.Err.Error() }

// Unwrap is the reason.
func (e *FatalError) Unwrap() error { return e.Err }

// Fatal reports that repeating is of no use.
func (e *FatalError) Fatal() bool { return true }

// listener translates Pebble's events.
func (s *Store) listener() *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: func(err error) {
			s.log.Error("store: background work failed", "err", err)
			if s.events.Background != nil {
				s.events.Background(err)
			}
		},
		WriteStallBegin: func(info pebble.WriteStallBeginInfo) {
			s.stalls.Add(1)
			if s.events.Stalled != nil {
				s.events.Stalled(info.Reason)
			}
		},
		WriteStallEnd: func() {
			if s.events.Resumed != nil {
				s.events.Resumed()
			}
		},
	}
}

// pebbleLogger is where Pebble's sentences go.
type pebbleLogger struct {
	log   *slog.Logger
	fatal func(error) // does not return
}

func (l pebbleLogger) Infof(format string, args ...interface{}) {
	l.log.Debug("pebble: " + fmt.Sprintf(format, args...))
}

func (l pebbleLogger) Errorf(format string, args ...interface{}) {
	l.log.Error("pebble: " + fmt.Sprintf(format, args...))
}

// Fatalf must not return: Pebble would answer nil to the commit that failed.
func (l pebbleLogger) Fatalf(format string, args ...interface{}) {
	l.fatal(fmt.Errorf("pebble: "+format, args...))
}
