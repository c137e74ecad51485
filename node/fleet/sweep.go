package fleet

import (
	"context"
	"errors"
	"slices"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/actors/operations"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

const (
	// sweepEvery is the period of the sweep (platform 18).
	sweepEvery = 24 * time.Hour
	// lookEvery is how often it is looked for shards whose sweep is due.
	lookEvery = 10 * time.Second
	// A sweep looks at sweepChunk operations that have not ended, and pauses: who
	// begins to lead very many at once has other work too, and each that was
	// EXECUTING may be a datagram to a device. That is 20 000 a second at most.
	sweepChunk = 1024
	sweepPause = 50 * time.Millisecond
)

// Led says that the shard is led here from now on: it is swept soon. It does not wait.
func (f *Fleet) Led(shard ids.Shard) {
	f.mu.Lock()
	f.led = append(f.led, shard)
	f.mu.Unlock()
	select {
	case f.news <- struct{}{}:
	default:
	}
}

// Sweep looks in the shards that are led here, as soon as they are and then every
// 24 h until ctx is done, for operations that a crash left EXECUTING or that
// starved, for keys to forget, and for claims on PSK identities that a crash left.
// The first round lets requests that went down with another leader, or before a
// restart, go out again where the device listens, and shows the rest as PENDING.
func (f *Fleet) Sweep(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	swept := make(map[ids.Shard]time.Time)
	for {
		due := f.sweepsDue(swept)
		for _, sweep := range []func(context.Context, ids.Shard) error{f.sweepOperations, f.sweepRest} {
			for _, shard := range due {
				err := sweep(ctx, shard)
				if err != nil && ctx.Err() == nil && !errors.Is(err, endpoint.ErrElsewhere) {
					f.logger.Warn("sweep", "shard", shard, "error", err)
				}
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-f.news:
		case <-ticker.C:
		}
	}
}

// sweepsDue are the shards that were not swept for sweepEvery under this leadership.
func (f *Fleet) sweepsDue(swept map[ids.Shard]time.Time) (due []ids.Shard) {
	f.mu.Lock()
	for _, shard := range f.led {
		delete(swept, shard) // it may have been another's since
	}
	f.led = nil
	f.mu.Unlock()
	now := time.Now()
	for shard := range ids.Shard(f.env.Shards) {
		last, found := swept[shard]
		switch {
		case !f.gate.Leads(shard):
			delete(swept, shard) // its leader sweeps it
		case !found || now.Sub(last) >= sweepEvery:
			swept[shard] = now
			due = append(due, shard)
		}
	}
	return due
}

func (f *Fleet) sweepRest(ctx context.Context, shard ids.Shard) error {
	if ctx.Err() != nil {
		return nil
	}
	return errors.Join(f.expireKeys(shard, time.Now()), f.credentials.Sweep(ctx, shard))
}

// sweepOperations lets the endpoints look after their operations of which one is
// EXECUTING. Others need not come into memory for it.
func (f *Fleet) sweepOperations(ctx context.Context, shard ids.Shard) error {
	for from := []byte(nil); ctx.Err() == nil && f.gate.Leads(shard); {
		owners, next, err := f.executing(shard, from)
		if err != nil {
			return err
		}
		for _, id := range owners {
			for f.gate.Post(id, endpoint.Sweep{}) == endpoint.ErrBusy && pause(ctx, time.Second) {
			}
		}
		if next == nil {
			return nil
		}
		from = next
		pause(ctx, sweepPause)
	}
	return nil
}

// executing are the endpoints with an operation EXECUTING among the next sweepChunk
// that have not ended, and where those behind begin: nil, there are none. What is
// stored here is enough: the shard is led, and what is changed meanwhile is in memory.
func (f *Fleet) executing(shard ids.Shard, from []byte) (owners []ids.Endpoint, next []byte, err error) {
	state, looked := f.env.State, 0
	var failed error
	err = state.Scan(shard, wire.ClassActive, from, nil, false, func(key, _ []byte) bool {
		if looked++; looked > sweepChunk {
			next = slices.Clone(key)
			return false
		}
		id, bad := ids.ParseEndpoint(key)
		if bad != nil || len(owners) > 0 && owners[len(owners)-1] == id {
			return true
		}
		var raw []byte
		var found bool
		if raw, found, failed = state.Get(shard, wire.ClassOperation, key[8:], nil); failed != nil {
			return false
		}
		if op, err := operations.Parse(raw); found && err == nil && op.Status == operations.Executing {
			owners = append(owners, id)
		}
		return true
	})
	return owners, next, errors.Join(err, failed)
}

// pause waits, and reports false when ctx is done.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
