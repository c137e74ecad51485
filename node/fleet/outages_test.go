package fleet

import (
	"errors"
	"testing"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// TestExpiresIsPutOffByOutages: and each shard is asked once in a while.
func TestExpiresIsPutOffByOutages(t *testing.T) {
	n := newNode()
	now := time.UnixMilli(1_793_534_400_000)
	r := records{id: ids.Endpoint(1), contact: endpoint.Contact{Registered: true, Lifetime: 3600, LastUpdate: now}}
	shard := n.env.Shards.Of(r.id)
	wants := func(at time.Time, want time.Duration) {
		t.Helper()
		if got := n.expires(r, at).Sub(now); got != want {
			t.Errorf("expires after %s, want %s", got, want)
		}
	}
	wants(now, 2*time.Hour) // with the grace
	served := endpoint.Served{Until: now.Add(time.Minute)}
	served.Note(now.Add(time.Hour))
	n.put(shard, wire.ClassMeta, endpoint.ServedKey, served.Append(nil))
	wants(now.Add(outagesFor-1), 2*time.Hour)
	wants(now.Add(outagesFor), 2*time.Hour+59*time.Minute)
	served.Mark(now.Add(2 * time.Hour)) // and nobody has led it for an hour since
	n.put(shard, wire.ClassMeta, endpoint.ServedKey, served.Append(nil))
	wants(now.Add(3*time.Hour), 3*time.Hour+59*time.Minute)
	served.Mark(now.Add(3 * time.Hour))
	n.put(shard, wire.ClassMeta, endpoint.ServedKey, served.Append(nil))
	wants(now.Add(3*time.Hour+outagesFor), 2*time.Hour+59*time.Minute)
	n.broken = errors.New("no node leads it")
	wants(now.Add(4*time.Hour), 2*time.Hour+59*time.Minute)
	r.contact.Lifetime = 0
	if end := n.expires(r, now); !end.IsZero() {
		t.Errorf("without a lifetime: %s", end)
	}
}
