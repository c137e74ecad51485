package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// reseal seals again, under the first key of the ring, what older ones sealed.
// When nothing is left it says so: then the older keys may go.
func (a *App) reseal(ctx context.Context) {
	a.logger.Info("stored secrets are sealed under a new key: the old one is needed until all are sealed again")
	count := 0
	for shard := range ids.Shard(a.env.Shards) {
		for _, class := range []wire.Class{wire.ClassContact, wire.ClassCredentials} {
			n, err := a.resealClass(ctx, shard, class)
			count += n
			if err != nil {
				a.logger.Error("sealing stored secrets again: the next start tries once more", "shard", int(shard), "error", err)
				return
			}
		}
	}
	if err := a.writeSealCheck([][]byte{a.ring.Seal(nil, nil, sealCheck)}); err != nil {
		a.logger.Error("sealing stored secrets again", "error", err)
		return
	}
	a.logger.Info("all stored secrets are sealed under the new key: the old one may be removed", "sealed", count)
}

// resealClass asks the owners one after the other: this is no hurry.
func (a *App) resealClass(ctx context.Context, shard ids.Shard, class wire.Class) (count int, err error) {
	for {
		old, err := a.sealedBefore(shard, class)
		if err != nil || len(old) == 0 {
			return count, err
		}
		for _, id := range old {
			if err := a.resealOne(ctx, id); err != nil {
				return count, fmt.Errorf("endpoint %016x: %w", uint64(id), err)
			}
			count++
		}
	}
}

// resealAhead is how many endpoints are collected before they are asked.
const resealAhead = 1000

// sealedBefore are endpoints with secrets under an older key.
func (a *App) sealedBefore(shard ids.Shard, class wire.Class) (old []ids.Endpoint, err error) {
	scanErr := a.store.Scan(shard, class, nil, nil, false, func(key, value []byte) bool {
		var sealed []byte
		if sealed, err = endpoint.Sealed(class, value); err != nil {
			return false
		}
		if sealed == nil || a.ring.Current(sealed) {
			return true
		}
		var id ids.Endpoint
		if id, err = ids.ParseEndpoint(key); err == nil {
			old = append(old, id)
		}
		return err == nil && len(old) < resealAhead
	})
	return old, errors.Join(err, scanErr)
}

// resealPause is what a node that has no room for the event is given.
const resealPause = 100 * time.Millisecond

func (a *App) resealOne(ctx context.Context, id ids.Endpoint) error {
	for {
		done := make(chan error, 1)
		err := a.shell.Post(id, &endpoint.Reseal{Reply: func(err error) { done <- err }})
		if err == nil {
			select {
			case err = <-done:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if !errors.Is(err, endpoint.ErrBusy) {
			return err
		}
		select {
		case <-time.After(resealPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
