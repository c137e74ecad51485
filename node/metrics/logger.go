package metrics

import (
	"context"
	"log/slog"
)

// Logger is the listener that writes log lines: what a client asked at debug
// level, a failed write to the store as an error. Good commits, of which there
// are thousands a second, are not logged at all.
func Logger(l *slog.Logger) Listener {
	return Listener{
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
