package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"dormouse/codec/platform"
	"dormouse/node/app"
	"dormouse/node/app/apptest"
	"dormouse/node/config"
)

// memberOf is the configuration of a node of a cluster in this process.
func memberOf(data, name string, join ...string) config.Config {
	c := settings(data)
	c.Node, c.Cluster, c.Join, c.CoAPS = name, "127.0.0.1:0", join, nil
	c.SealKey = config.Secret(strings.Repeat("5e", 32))
	c.Shards = 8
	return c
}

// settled waits until a node says that it is ready.
func (n node) settled(t *testing.T) {
	t.Helper()
	check(t, apptest.Eventually(func() error {
		_, err := n.api.Expect(http.StatusOK, http.MethodGet, "/readyz", "")
		return err
	}))
}

// Three nodes in one process: whatever node is asked, the change is made where the
// device is led; and so it is when one of them has started again.
func TestThreeNodesInOneProcess(t *testing.T) {
	t.Parallel() // it waits more than it works
	a := memberOf(t.TempDir(), "a")
	first := start(t, a, app.Options{})
	join := first.ClusterAddress().String()
	nodes := []node{first}
	for _, name := range []string{"b", "c"} {
		nodes = append(nodes, start(t, memberOf(t.TempDir(), name, join), app.Options{}))
	}
	for _, n := range nodes {
		n.settled(t)
	}
	everyToEvery(t, nodes, "young")
	sameInventory(t, nodes, "young")

	// What it led goes to both others, and stays there for now.
	check(t, first.Stop())
	a.Cluster = join
	nodes[0] = start(t, a, app.Options{})
	for _, n := range nodes {
		n.settled(t)
	}
	everyToEvery(t, nodes, "old")
	sameInventory(t, nodes, "old")
	for i, n := range nodes {
		all := must[map[string]float64](t)(n.api.Metrics())
		asked, served := metric(all, "node_commands_total"), metric(all, "node_commands_served_total")
		if asked <= 0 || i > 0 && served <= 0 {
			t.Errorf("node %d asked %v and served %v: changes do not travel by protoactor", i, asked, served)
		}
	}
}

// metric is the value of a metric, whatever is put before its name.
func metric(all map[string]float64, name string) float64 {
	for key, value := range all {
		if strings.HasSuffix(key, name) {
			return value
		}
	}
	return -1
}

// everyToEvery registers devices at each node, and changes each of them by the API
// of every node.
func everyToEvery(t *testing.T, nodes []node, age string) {
	t.Helper()
	for i, at := range nodes {
		for k := range 4 { // so that more than one node leads some
			d := at.device(t, fmt.Sprintf("%s-%d-%d", age, i, k))
			m := at.object(t, d)
			for j, by := range nodes {
				body := fmt.Sprintf(`{"by%d":{"text":"x"}}`, j)
				must[apptest.Reply](t)(by.api.Expect(http.StatusOK, http.MethodPut, platform.ObjectsPath+"/"+m.ID.String(), body))
			}
			for _, by := range nodes {
				r := must[apptest.Reply](t)(by.api.Expect(http.StatusOK, http.MethodGet, platform.ObjectsPath+"/"+m.ID.String(), ""))
				for j := range nodes {
					if !strings.Contains(string(r.Body), fmt.Sprintf(`"by%d"`, j)) {
						t.Errorf("%s at node %d: the change by node %d is not there: %s", d.Name, i, j, r.Body)
					}
				}
			}
		}
	}
}
