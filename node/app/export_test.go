package app

import (
	"dormouse/cluster/shards"
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

// ID is that of the node.
func (a *App) ID() ids.Node { return a.self.ID }

// Leads reports that the node takes events of a shard.
func (a *App) Leads(shard ids.Shard) bool { return a.shell.Leads(shard) }

// Transfer begins to hand a shard over to another node, where this one leads it.
func (a *App) Transfer(shard ids.Shard, to ids.Node) error {
	done := make(chan error, 1)
	a.engine.Change(shard, shards.Transfer, to, func(err error) { done <- err })
	return <-done
}
