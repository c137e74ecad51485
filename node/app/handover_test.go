package app_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/ids"
	"dormouse/codec/lwm2m"
	"dormouse/node/app"
	"dormouse/node/app/apptest"
)

// trio is three nodes in this process, of which each holds all shards.
func trio(t *testing.T) (nodes []node) {
	t.Helper()
	a := memberOf(t.TempDir(), "a")
	nodes = append(nodes, start(t, a, app.Options{}))
	join := nodes[0].ClusterAddress().String()
	for _, name := range []string{"b", "c"} {
		nodes = append(nodes, start(t, memberOf(t.TempDir(), name, join), app.Options{}))
	}
	for _, n := range nodes {
		n.settled(t)
	}
	return nodes
}

// shardsOfATrio is how many memberOf makes.
const shardsOfATrio = 8

// pollFor waits until f is content, and reports whether it was within a minute.
func pollFor(f func() bool) bool {
	for end := time.Now().Add(time.Minute); !f(); <-time.After(2 * time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

// handOver lets another node lead a shard, whoever does now. A node that is no voter
// yet, or lags behind, is asked again.
func handOver(t *testing.T, nodes []node, shard ids.Shard, to node) {
	t.Helper()
	if !pollFor(func() bool {
		if to.Leads(shard) {
			return true
		}
		for _, n := range nodes {
			if n.Leads(shard) {
				_ = n.Transfer(shard, to.ID())
			}
		}
		return false
	}) {
		t.Fatalf("shard %d does not move", shard)
	}
}

// restless devices say something again and again, each once: an answer that does not
// come is a datagram that was lost.
type restless struct {
	over atomic.Bool
	work sync.WaitGroup
	said atomic.Int64
}

func (r *restless) begin(t *testing.T, d *apptest.Device) {
	r.work.Go(func() {
		for n := 0; !r.over.Load() && !t.Failed(); n++ {
			m := d.New(coap.Confirmable, coap.POST, d.Location)
			if n%2 == 1 { // by the signpost of its address
				m = d.New(coap.Confirmable, coap.POST, "dp")
				m.AddUint(coap.OptContentFormat, uint32(lwm2m.FormatSenMLJSON))
				m.Payload = []byte(`[{"n":"/3303/0/5700","v":20}]`)
			}
			a, err := d.ExchangeOnce(m)
			if err != nil || a.Code != coap.Changed {
				t.Errorf("%s, message %d: %v, %v", d.Name, n, a, err)
				return
			}
			r.said.Add(1)
		}
	})
}

func (r *restless) end() {
	r.over.Store(true)
	r.work.Wait()
}

// nothingDropped asks the nodes for every counter of datagrams that were dropped, and
// returns how many had to wait.
func nothingDropped(t *testing.T, nodes []node) (held float64) {
	t.Helper()
	for i, n := range nodes {
		all := must[map[string]float64](t)(n.api.Metrics())
		for key, value := range all {
			dropped := strings.Contains(key, "shell_dropped_total") || strings.Contains(key, "datagrams_held_expired_total") ||
				strings.Contains(key, "datagrams_held_full_total") || strings.Contains(key, `kind="overload"`) ||
				strings.Contains(key, "link_dropped_total")
			if dropped && value != 0 {
				t.Errorf("node %d: %s %v", i, key, value)
			}
		}
		held += metric(all, "datagrams_held_total")
	}
	return held
}

// TestHandingOverLosesNothing: while the leaders of all shards move from node to node,
// whatever devices send at any node is answered, without a repetition, and so it is
// when one of the nodes is stopped.
func TestHandingOverLosesNothing(t *testing.T) {
	nodes := trio(t)
	for shard := range ids.Shard(shardsOfATrio) {
		handOver(t, nodes, shard, nodes[int(shard)%3])
	}
	here, others := new(restless), new(restless)
	for i, n := range nodes {
		for k := range 3 {
			d := n.device(t, fmt.Sprintf("restless-%d-%d", i, k))
			if i == 0 {
				here.begin(t, d)
			} else {
				others.begin(t, d)
			}
		}
	}
	rounds := 10
	if testing.Short() || raced {
		rounds = 4
	}
	for round := range rounds {
		for shard := range ids.Shard(shardsOfATrio) {
			handOver(t, nodes, shard, nodes[(int(shard)+round+1)%3])
		}
	}
	here.end()
	for shard := range ids.Shard(shardsOfATrio) {
		handOver(t, nodes, shard, nodes[0])
	}
	held := nothingDropped(t, nodes)
	check(t, nodes[0].Stop())
	said := others.said.Load()
	if !pollFor(func() bool { return others.said.Load() > said+20 || t.Failed() }) {
		t.Error("nothing goes on without the first node")
	}
	others.end()
	held += nothingDropped(t, nodes[1:])
	t.Logf("%d exchanges, %v datagrams waited", here.said.Load()+others.said.Load(), held)
}
