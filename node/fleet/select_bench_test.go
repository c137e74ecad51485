package fleet

import (
	"context"
	"fmt"
	"testing"
	"time"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
	"dormouse/node/admin"
	"dormouse/persistence/store"
)

// BenchmarkList is a list that looks at every device of a store, of which it shows
// one: ns/device.
func BenchmarkList(b *testing.B) {
	const devices = 50_000
	n := newNode()
	s, err := store.Open(store.Options{Dir: b.TempDir(), Shards: shards})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	var batches []wire.ShardBatch
	for i := range devices {
		id := n.device(fmt.Sprintf("urn:imei:%06d", i), nil)
		shard, key := n.env.Shards.Of(id), wire.EndpointKey(id)
		var batch wire.Batch
		for _, class := range []wire.Class{wire.ClassRegistration, wire.ClassContact} {
			batch.Put(class, key, n.records[recordKey(shard, class, key)])
		}
		if batches = append(batches, wire.ShardBatch{Shard: shard, Batch: &batch}); len(batches) == 1000 || i == devices-1 {
			if err := s.Commit(batches, false); err != nil {
				b.Fatal(err)
			}
			batches = nil
		}
	}
	n.state, n.env.State = s, s
	for name, parameters := range map[string]string{
		"all": "", "name": "query=name+eq+'urn:imei:000007'", "made": "query=c8y_LwM2MRegistration.lifetime+eq+5+or+name+eq+'urn:imei:000007'", "order": "query=$orderby%3Dname",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				list, err := n.Objects(context.Background(), selected(b, parameters), admin.Page{Size: 1, Total: true})
				if err != nil || len(list.Items) != 1 {
					b.Fatal(len(list.Items), err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/devices, "ns/device")
		})
	}
}

// BenchmarkCandidate is what a list costs for each device that it looks at, beside
// the store: a query of what is at hand, one of what has to be made, and the object.
func BenchmarkCandidate(b *testing.B) {
	n := newNode()
	var all []ids.Object
	for i := range 1000 {
		all = append(all, n.device(fmt.Sprint("urn:imei:", i), nil).Object())
	}
	for name, parameters := range map[string]string{
		"name": "query=name+eq+'x*'", "made": "query=c8y_Availability.status+eq+'x'", "text": "text=x", "order": "query=$orderby%3Dname", "shown": "q=",
	} {
		b.Run(name, func(b *testing.B) {
			t := &turn{view: n.view, q: Select{What: selected(b, parameters)}, now: time.Now()}
			t.q.What.IDs = all
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				c, found, err := t.candidate(all[i%len(all)])
				if err != nil || !found {
					b.Fatal(found, err)
				}
				if c.matches(&t.q.What) {
					if t.q.What.Query.SortKey(c) == nil {
						c.shown()
					}
				}
			}
		})
	}
}
