package fleet

import (
	"fmt"
	"testing"
	"time"

	"dormouse/codec/ids"
)

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
