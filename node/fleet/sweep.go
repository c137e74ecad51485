package fleet

import (
	"context"
	"errors"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

const (
	// sweepEvery is the period of the sweep (platform 18).
	sweepEvery = 24 * time.Hour
	// lookEvery is how often it is looked for shards that are led here of late.
	lookEvery = 10 * time.Second
)

// Sweep looks in the shards that are led here, as soon as they are and then every
// 24 h until ctx is done, for operations that a crash left EXECUTING or that
// starved, for keys to forget, and for claims on PSK identities that a crash left.
// The first round shows what a crash interrupted as PENDING again.
func (f *Fleet) Sweep(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	swept := make(map[ids.Shard]time.Time)
	for {
		for shard := range ids.Shard(f.env.Shards) {
			f.sweepDue(ctx, shard, swept)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// sweepDue sweeps a shard that was not swept for sweepEvery under this leadership.
func (f *Fleet) sweepDue(ctx context.Context, shard ids.Shard, swept map[ids.Shard]time.Time) {
	if !f.gate.Leads(shard) {
		delete(swept, shard) // its leader sweeps it
		return
	}
	now := time.Now()
	if last, found := swept[shard]; found && now.Sub(last) < sweepEvery || ctx.Err() != nil {
		return
	}
	swept[shard] = now
	if err := f.sweepShard(ctx, shard); err != nil && !errors.Is(err, endpoint.ErrElsewhere) {
		f.logger.Warn("sweep", "shard", shard, "error", err)
	}
}

func (f *Fleet) sweepShard(ctx context.Context, shard ids.Shard) error {
	return errors.Join(f.expireKeys(shard, time.Now()), f.credentials.Sweep(ctx, shard), f.sweepOperations(ctx, shard))
}

func (f *Fleet) sweepOperations(ctx context.Context, shard ids.Shard) error {
	var last ids.Endpoint
	return f.state.Scan(shard, wire.ClassActive, nil, nil, false, func(key, _ []byte) bool {
		id, err := ids.ParseEndpoint(key)
		if err != nil || id == last {
			return ctx.Err() == nil
		}
		last = id
		for f.gate.Post(id, endpoint.Sweep{}) == endpoint.ErrBusy && pause(ctx, time.Second) {
		}
		return ctx.Err() == nil
	})
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
