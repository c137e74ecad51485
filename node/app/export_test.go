package app

import (
	"dormouse/codec/ids"
	"dormouse/codec/wire"
	"dormouse/persistence/store"
)

// Amend changes what is stored in a shard, by way of its log, when no endpoint
// runs any more. Stop comes next.
func (a *App) Amend(shard ids.Shard, change func(*store.Store, *wire.Batch) error) error {
	a.shell.Stop()
	var b wire.Batch
	if err := change(a.store, &b); err != nil {
		return err
	}
	done := make(chan error, 1)
	a.engine.Propose(shard, &b, func(err error) { done <- err })
	return <-done
}
