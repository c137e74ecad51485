package app

import (
	"fmt"
	"math/rand/v2"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/actors/shell"
	"dormouse/codec/ids"
	"dormouse/codec/link"
	"dormouse/codec/model"
	"dormouse/node/config"
	"dormouse/persistence/store"
	"dormouse/persistence/timers"
)

// openStore opens the data within the memory that the node may use.
func (a *App) openStore(o Options) error {
	memory, err := config.ApplyMemory(a.config.Cache, a.logger)
	if err != nil {
		return err
	}
	options := store.Options{
		Dir: a.config.Data, CacheBytes: memory.Cache, MemTableBytes: memory.MemTable,
		Shards: ids.Shards(a.config.Shards), LowSpace: int64(a.config.LowSpace), FullSpace: int64(a.config.FullSpace),
		Logger: a.logger, Events: a.storeEvents(),
	}
	if a.config.Cluster != "" && len(a.config.Join) > 0 {
		options.Create = a.join
	}
	if o.Store != nil {
		o.Store(&options)
	}
	if a.store, err = store.Open(options); err != nil {
		return err
	}
	a.logger.Info("data is open", "dir", a.config.Data, "shards", int(a.store.Shards()), "cache", memory.Cache, "memtable", memory.MemTable)
	return nil
}

// obeyed is what endpoints obey of a configuration.
func obeyed(c config.Config) (endpoint.Config, error) {
	profiles := make(map[string]link.ObjectList, len(c.Profiles))
	for id, text := range c.Profiles {
		list, err := link.ParseObjects([]byte(text))
		if err != nil {
			return endpoint.Config{}, fmt.Errorf("app: profile %q: %w", id, err)
		}
		profiles[id] = list
	}
	return endpoint.Config{
		AcceptUnknown: c.AcceptUnknown, AwakeTime: c.AwakeTime,
		RequestTimeout: c.RequestTimeout, MaxRequestTimeout: c.MaxRequestTimeout,
		LifetimeGrace: c.LifetimeGrace, MaxPending: c.MaxPendingOperations, MaxQueued: c.MaxQueuedOperations,
		StarvedAfter: c.StarvedAfter, Profiles: profiles,
	}, nil
}

// environment is what all endpoints share.
func (a *App) environment() (*endpoint.Env, error) {
	c, err := obeyed(a.config)
	if err != nil {
		return nil, err
	}
	return &endpoint.Env{
		Config: c, State: a.store, Key: a.store.Key(), Shards: a.store.Shards(), Model: model.Core(),
		Random: unpredictable, Full: func() bool { return a.store.Space() == store.Full },
		Seal: a.ring, Level: a.formats.Level,
	}, nil
}

// unpredictable draws from the runtime's ChaCha8 generators, one a thread,
// seeded by the operating system.
func unpredictable() uint32 { return rand.Uint32() }

// queue is a timer queue in the shell's words.
type queue struct{ *timers.Queue }

func (q queue) Due(now time.Time, limit int) ([]shell.Due, time.Time, error) {
	due, next, err := q.Queue.Due(now, limit)
	if len(due) == 0 {
		return nil, next, err
	}
	list := make([]shell.Due, len(due))
	for i, d := range due {
		list[i] = shell.Due(d)
	}
	return list, next, err
}

func (q queue) Armed(d shell.Due) bool { return q.Queue.Armed(timers.Due(d)) }
func (q queue) Handled(d shell.Due)    { q.Queue.Handled(timers.Due(d)) }
