package metrics

import (
	"context"
	"log/slog"
)

// Logger is the listener that writes log lines: what a device or a client did
// at debug level, a failed write to the store as an error. Datagrams and good
// commits, of which there are thousands a second, are not logged at all.
func Logger(l *slog.Logger) Listener {
	debug := func(message string, attrs ...slog.Attr) {
		l.LogAttrs(context.Background(), slog.LevelDebug, message, attrs...)
	}
	return Listener{
		Fault: func(f Fault) {
			debug("refused", slog.String("kind", f.Kind), slog.Int("count", max(f.Count, 1)), errorAttr(f.Detail))
		},
		Registration: func(r Registration) {
			debug("registration", slog.String("kind", string(r.Kind)), slog.String("endpoint", r.Endpoint))
		},
		Operation: func(o Operation) {
			debug("operation", slog.String("status", o.Status), slog.String("endpoint", o.Endpoint))
		},
		Commit: func(c Commit) {
			if c.Err != nil {
				l.Error("the store refused a write", slog.Int("batches", c.Batches), errorAttr(c.Err))
			}
		},
		Request: func(q Request) {
			debug("request", slog.String("method", q.Method), slog.String("route", q.Route),
				slog.Int("status", q.Status), slog.Duration("took", q.Duration))
		},
	}
}

// errorAttr is an empty attribute, which slog leaves out, for no error.
func errorAttr(err error) slog.Attr {
	if err == nil {
		return slog.Attr{}
	}
	return slog.String("err", err.Error())
}
