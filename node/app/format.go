package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"dormouse/codec/format"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
	"dormouse/node/admin"
	"dormouse/node/formats"
	"dormouse/node/peers"
)

// openFormats refuses data that this program does not read, before anything is
// written. New data of a node that founds a cluster begin at the newest level.
func (a *App) openFormats(Options) (err error) {
	var told format.Level
	if a.welcome != nil {
		told = a.welcome.Level
	} else if err := a.foundFormat(); err != nil {
		return err
	}
	if a.formats, err = formats.Open(format.Program(), a.store, told); err != nil {
		return fmt.Errorf("app: open %s: %w", a.config.Data, err)
	}
	a.logger.Info("format", "writes", int(a.formats.Level()), "reads", a.formats.Program().String())
	return nil
}

func (a *App) foundFormat() error {
	newest := format.Program().Newest
	if newest == format.First {
		return nil // it needs no record
	}
	_, known, err := a.store.Get(ids.System, wire.ClassNode, selfKey, nil)
	if err != nil || known {
		return err
	}
	checks, err := a.readSealCheck() // of data from before nodes had names
	if err != nil || len(checks) > 0 {
		return err
	}
	b := new(wire.Batch)
	formats.Raise(b, newest)
	return a.writeNode(b)
}

// Format implements admin.Cluster.
func (o alone) Format(context.Context) (admin.Format, error) {
	f := admin.Format{Level: int(o.a.formats.Level())}
	if newest := int(o.a.formats.Program().Newest); newest > f.Level {
		f.Next = newest
	} else {
		f.Waits = "This program knows no newer level."
	}
	return f, nil
}

// Finalize implements admin.Cluster.
func (o alone) Finalize(ctx context.Context) (admin.Format, error) {
	f, err := o.Format(ctx)
	if err != nil || f.Next == 0 {
		return f, errors.Join(err, admin.Refuse(admin.ErrConflict, "Format level %d is in force, and this program knows no other.", f.Level))
	}
	b := new(wire.Batch)
	formats.Raise(b, format.Level(f.Next))
	done := make(chan error, 1)
	o.a.engine.Propose(ids.System, b, func(err error) { done <- err })
	select {
	case err = <-done:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err == nil {
		_, err = o.a.formats.Refresh()
	}
	if err != nil {
		return f, fmt.Errorf("%w: %w", admin.ErrBusy, err)
	}
	return admin.Format{Level: int(o.a.formats.Level()), Waits: "This program knows no newer level."}, nil
}

// Format implements admin.Cluster.
func (o among) Format(context.Context) (admin.Format, error) {
	f := admin.Format{Level: int(o.a.formats.Level())}
	next, err := o.a.peers.NextFormat()
	switch {
	case errors.Is(err, peers.ErrFormat):
		f.Waits = reason(err)
	case err != nil:
		return f, err
	}
	f.Next = int(next)
	return f, nil
}

// Finalize implements admin.Cluster.
func (o among) Finalize(ctx context.Context) (admin.Format, error) {
	level, err := o.a.peers.Finalize(ctx)
	switch {
	case errors.Is(err, peers.ErrFormat):
		return admin.Format{}, admin.Refuse(admin.ErrConflict, "Not yet: %s.", reason(err))
	case err != nil:
		return admin.Format{}, fmt.Errorf("%w: %w", admin.ErrBusy, err)
	}
	return admin.Format{Level: int(level)}, nil
}

// reason is what an ErrFormat says, for people.
func reason(err error) string {
	if _, text, found := strings.Cut(err.Error(), peers.ErrFormat.Error()+": "); found {
		return text
	}
	return err.Error()
}

// levels is a range as the API shows it: "1" or "1-2".
func levels(r format.Range) string {
	if r.Oldest == r.Newest {
		return fmt.Sprint(r.Oldest)
	}
	return fmt.Sprintf("%d-%d", r.Oldest, r.Newest)
}
