package fleet

import (
	"sync"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
)

// outagesFor is how long what a shard says of its outages is believed: it changes
// with leaderships, and each device of a list asks.
const outagesFor = 10 * time.Second

// outages is what shards said last. It has a place for each shard that was asked.
type outages struct {
	mu sync.Mutex // guards of
	of map[ids.Shard]said
}

func newOutages() *outages { return &outages{of: make(map[ids.Shard]said)} }

type said struct {
	outages endpoint.Outages
	at      time.Time
}

// expires is when a registration ends unless it is updated, outages included as
// far as they can be read; zero for never.
func (v view) expires(r records, now time.Time) time.Time {
	end := endpoint.Expiry(&r.contact, v.env.Settings().LifetimeGrace)
	if end.IsZero() {
		return end
	}
	return v.outagesOf(v.env.Shards.Of(r.id), now).Defer(r.contact.LastUpdate, end)
}

func (v view) outagesOf(shard ids.Shard, now time.Time) endpoint.Outages {
	v.outages.mu.Lock()
	last, found := v.outages.of[shard]
	v.outages.mu.Unlock()
	if age := now.Sub(last.at); found && age >= 0 && age < outagesFor {
		return last.outages
	}
	// The state may be another node's: the lock must not wait for it. Where it
	// cannot be read, what was said before is as good as any.
	if served, err := endpoint.ReadServed(v.state, shard); err == nil {
		served.Note(now) // a leader stores what it finds with its first mark
		last.outages = served.Outages
	}
	last.at = now
	v.outages.mu.Lock()
	defer v.outages.mu.Unlock()
	v.outages.of[shard] = last
	return last.outages
}
