package metrics

import (
	"context"
	"log/slog"
)

// Logger is the listener that writes log lines: what a device or a client did
// at debug level, a failed write to the store as an error. Datagrams and good
// commits, of which there are thousands a second, are not logged at all.
func Logger(l *slog.Logger) Listener {
	return Listener{
		Fault: debug(l, "refused", func(f Fault) []slog.Attr {
			return []slog.Attr{slog.String("kind", f.Kind), slog.Int("count", max(f.Count, 1)), errorAttr(f.Detail)}
		}),
		Registration: debug(l, "registration", func(r Registration) []slog.Attr {
			return []slog.Attr{slog.String("kind", string(r.Kind)), slog.String("endpoint", r.Endpoint)}
		}),
		Operation: debug(l, "operation", func(o Operation) []slog.Attr {
			return []slog.Attr{slog.String("status", o.Status), slog.String("endpoint", o.Endpoint)}
		}),
		Request: debug(l, "request", func(q Request) []slog.Attr {
			return []slog.Attr{slog.String("method", q.Method), slog.String("route", q.Route),
				slog.Int("status", q.Status), slog.Duration("took", q.Duration)}
		}),
		Commit: func(c Commit) {
			if c.Err != nil {
				l.Error("the store refused a write", slog.Int("batches", c.Batches), errorAttr(c.Err))
			}
		},
	}
}

// debug logs an event; where debug lines are not wanted, which is the rule, it
// costs no more than asking.
func debug[E any](l *slog.Logger, message string, attrs func(E) []slog.Attr) func(E) {
	return func(e E) {
		if l.Enabled(context.Background(), slog.LevelDebug) {
			l.LogAttrs(context.Background(), slog.LevelDebug, message, attrs(e)...)
		}
	}
}

// errorAttr is an empty attribute, which slog leaves out, for no error.
func errorAttr(err error) slog.Attr {
	if err == nil {
		return slog.Attr{}
	}
	return slog.String("err", err.Error())
}
