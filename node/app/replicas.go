package app

import (
	"errors"
	"fmt"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/cluster/shards"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
	"dormouse/node/metrics"
	"dormouse/persistence/store"
)

// openEngine opens the replicas of the shards; they stand still until Start.
func (a *App) openEngine(Options) (err error) {
	o := shards.Options{
		Self: a.self.ID, Shards: a.store.Shards(), Found: a.founder,
		Storage: timed{a.store, a.listen.Commit},
		Events:  shards.Events{Led: a.ledShard, Yielded: a.yieldedShard, Fatal: a.fail},
		Log:     a.logger,
	}
	if a.peers != nil {
		o.Send, o.Fetch, o.Others = a.peers.SendFrame, a.peers.Fetch, a.peers.Others
		o.Linger = clusterLinger
	}
	a.engine, err = shards.Open(o)
	return err
}

// clusterLinger is less than that of a node that is alone: an answer waits for the
// others, too.
const clusterLinger = 2 * time.Millisecond

// ledShard lets the shell take what is for a shard.
func (a *App) ledShard(id ids.Shard, _ uint64) {
	if a.peers != nil {
		a.peers.LeadsChanged()
	}
	if id == ids.System {
		return
	}
	a.shell.Lead(id, func(err error) {
		if err != nil && !errors.Is(err, endpoint.ErrClosed) {
			a.fail(fmt.Errorf("app: lead shard %d: %w", id, err))
		}
		if err == nil {
			a.fleet.Led(id)
		}
		a.heard()
		select {
		case a.leading <- err:
		default: // nobody waits any more
		}
	})
}

// heard says that this node or another one leads another shard.
func (a *App) heard() {
	if a.room != nil {
		a.room.News()
	}
}

func (a *App) yieldedShard(id ids.Shard) {
	if id != ids.System {
		a.shell.Yield(id, func() {})
	}
}

// lead waits until the node leads all shards, where it is alone.
func (a *App) lead() error {
	if a.peers != nil {
		a.room.Start()
		if err := a.peers.Start(a.engine); err != nil {
			return err
		}
		a.engine.Start()
		return nil
	}
	a.engine.Start()
	var faults []error
	for range int(a.env.Shards) {
		select {
		case err := <-a.leading:
			faults = append(faults, err)
		case err := <-a.failed:
			a.fail(err) // for who waits for the node's end
			return err
		}
	}
	return errors.Join(faults...)
}

// propose turns refusals into those that endpoints' callers know.
func (a *App) propose(id ids.Shard, b *wire.Batch, done func(error)) {
	a.engine.Propose(id, b, func(err error) {
		switch {
		case err == nil:
		case errors.Is(err, store.ErrFull):
			err = fmt.Errorf("%w: %w", endpoint.ErrFull, err)
		case errors.Is(err, shards.ErrBusy):
			err = fmt.Errorf("%w: %w", endpoint.ErrBusy, err)
		case errors.Is(err, shards.ErrClosed):
			err = fmt.Errorf("%w: %w", endpoint.ErrClosed, err)
		case errors.Is(err, shards.ErrNotLeader):
			err = fmt.Errorf("%w: %w", endpoint.ErrMoved, err)
		case errors.Is(err, shards.ErrLeadershipLost):
			err = fmt.Errorf("%w: %w", endpoint.ErrElsewhere, err)
		}
		done(err)
	})
}

// timed is the store as replicas use it; it tells of every synced commit.
type timed struct {
	*store.Store
	tell func(metrics.Commit)
}

// Commit implements shards.Storage.
func (t timed) Commit(batches []wire.ShardBatch, sync bool) error {
	start := time.Now()
	err := t.Store.Commit(batches, sync)
	if !sync {
		return err
	}
	bytes := 0
	for _, b := range batches {
		bytes += len(b.Batch.Bytes())
	}
	t.tell(metrics.Commit{Batches: len(batches), Bytes: bytes, Duration: time.Since(start), Err: err})
	return err
}

// Moment implements shards.Storage.
func (t timed) Moment() (shards.Moment, error) { return t.Store.Moment() }
