package app

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/actors/intake"
	"dormouse/actors/shell"
	"dormouse/codec/ids"
	"dormouse/node/admin"
	"dormouse/node/dtlsfront"
	"dormouse/node/ingress"
	"dormouse/node/metrics"
	"dormouse/persistence/store"
)

// counts are the counters of what happens with every datagram.
type counts struct {
	faults  [intake.Faults]atomic.Uint64
	notices [endpoint.NoticeKinds]atomic.Uint64

	direct atomic.Uint64 // datagrams for devices that spoke to another node, sent from here

	handshakes  atomic.Uint64 // done
	handshaking atomic.Int64  // nanoseconds from the ClientHello with a cookie to the end of those
	failed      [dtlsfront.Failures]atomic.Uint64
	refused     [dtlsfront.Refusals]atomic.Uint64
}

func (c *counts) fault(f intake.Fault) { c.faults[f].Add(1) }

// notify counts and, at debug level, logs what happened to endpoints.
func (a *App) notify(list []endpoint.Notice) {
	debug := a.logger.Enabled(context.Background(), slog.LevelDebug)
	for _, n := range list {
		a.counts.notices[n.Kind].Add(1)
		if debug {
			a.logger.Debug("endpoint", "event", n.Kind.String(), "name", n.Name, "detail", n.Detail)
		}
	}
}

func (a *App) shellEvents() shell.Events {
	return shell.Events{
		Panicked: func(p shell.Panic) {
			a.logger.Error("an endpoint failed and was stopped", "endpoint", uint64(p.Endpoint), "reason", p.Reason, "stack", string(p.Stack))
		},
		LoadFailed: func(id ids.Endpoint, err error) {
			a.logger.Error("an endpoint cannot be loaded", "endpoint", uint64(id), "error", err)
		},
		CommitFailed: func(id ids.Shard, err error) {
			level := slog.LevelWarn
			if errors.Is(err, endpoint.ErrElsewhere) || errors.Is(err, endpoint.ErrMoved) { // as with every move of a shard
				level = slog.LevelDebug
			}
			a.logger.Log(context.Background(), level, "a commit failed", "shard", int(id), "error", err)
		},
		Unserved: func(id ids.Shard, gap time.Duration) {
			a.logger.Info("nobody served a shard: lifetimes are put off", "shard", int(id), "for", gap)
		},
		TimersFailed: func(id ids.Shard, err error) { a.logger.Error("timers cannot be read", "shard", int(id), "error", err) },
	}
}

func (a *App) socketEvents() ingress.Events {
	return ingress.Events{
		BufferShort: func(b ingress.BufferShort) {
			a.logger.Warn("the kernel granted a smaller receive buffer: raise net.core.rmem_max", "address", b.Address.String(), "asked", b.Asked, "granted", b.Granted)
		},
		KernelDrops: func(d ingress.KernelDrops) {
			a.logger.Warn("the kernel dropped datagrams", "address", d.Address.String(), "count", d.New)
		},
		ReadFailed: func(f ingress.ReadFailed) {
			a.logger.Error("reading a socket failed", "address", f.Address.String(), "error", f.Err)
		},
	}
}

func (a *App) storeEvents() store.Events {
	return store.Events{
		SpaceChanged: func(from, to store.Space, available int64) {
			a.logger.Warn("disk space", "was", from.String(), "is", to.String(), "available", available)
		},
		Stalled: func(reason string) { a.logger.Warn("the store makes writers wait", "reason", reason) },
	}
}

func (a *App) served(s admin.Served) {
	a.listen.Request(metrics.Request{Method: s.Method, Route: s.Route, Status: s.Status, Duration: s.Duration})
}
