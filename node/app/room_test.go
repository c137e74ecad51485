package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"dormouse/codec/coap"
	"dormouse/node/app"
	"dormouse/persistence/store"
)

// A node whose disk is full leads nothing while others have room, so that new devices
// are taken; when it has room again, it leads what it should.
func TestWhoHasRoomLeads(t *testing.T) {
	t.Parallel() // it waits more than it works
	d := &disk{FS: vfs.NewMem()}
	d.available.Store(1 << 30)
	c := memberOf(t.TempDir(), "a")
	c.LowSpace, c.FullSpace = lowMark, fullMark
	nodes := []node{start(t, c, app.Options{Store: func(o *store.Options) {
		small(o)
		o.FS = d
	}})}
	join := nodes[0].ClusterAddress().String()
	for _, name := range []string{"b", "c"} {
		nodes = append(nodes, start(t, memberOf(t.TempDir(), name, join), app.Options{}))
	}
	for _, n := range nodes {
		n.settled(t)
	}
	leads := func(by node) (leads int, state string) {
		r, err := by.api.Expect(http.StatusOK, http.MethodGet, "/cluster/nodes/a", "")
		if err != nil {
			return -1, ""
		}
		var n struct {
			Leads int    `json:"leads"`
			State string `json:"state"`
		}
		check(t, json.Unmarshal(r.Body, &n))
		return n.Leads, n.State
	}
	asks := func(what string, f func(leads int, state string) bool) {
		t.Helper()
		if !pollFor(func() bool { return f(leads(nodes[1])) }) {
			n, state := leads(nodes[1])
			t.Fatalf("%s: it is %s, and leads %d", what, state, n)
		}
	}
	asks("with room", func(n int, state string) bool { return n > 0 && state == "up" })
	d.available.Store(fullMark - 1)
	asks("full", func(n int, state string) bool { return n == 0 && state == "full" })
	for i, n := range nodes { // every shard takes what is new, whoever hears of it
		for k := range 4 {
			stranger := dial(t, n.CoAP()[0])
			if m := ask(t, stranger, stranger.Registration(fmt.Sprintf("new-%d-%d", i, k))); m.Code != coap.Created {
				t.Errorf("a Register at node %d: %v %s", i, m.Code, m.Payload)
			}
		}
	}
	d.available.Store(1 << 30)
	asks("with room again", func(n int, state string) bool { return n > 0 && state == "up" })
}
