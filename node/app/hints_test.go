package app_test

import (
	"fmt"
	"testing"

	"dormouse/bench/device/secure"
	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
	"dormouse/node/app"
	"dormouse/node/app/apptest"
)

// crossed is how many datagrams the nodes have sent one another so far.
func crossed(t *testing.T, nodes []node) (sum int) {
	t.Helper()
	for _, n := range nodes {
		sum += int(n.counter(t, "dormouse_link_datagrams_sent_total"))
	}
	return sum
}

// TestTheSecondDatagramTakesOneLink: of a session that was made at one node, and
// goes on at a second one though a third one has the endpoint, the first datagram
// takes two links and its answer one; from then on it is one and one. So it is
// with Sends of plain CoAP, which are found by their address.
func TestTheSecondDatagramTakesOneLink(t *testing.T) {
	t.Parallel() // it waits more than it works
	a := memberOf(t.TempDir(), "a")
	a.CoAPS = []string{"127.0.0.1:0"}
	nodes := []node{start(t, a, app.Options{})}
	for _, name := range []string{"b", "c"} {
		c := memberOf(t.TempDir(), name, nodes[0].ClusterAddress().String())
		c.CoAPS = a.CoAPS
		nodes = append(nodes, start(t, c, app.Options{}))
	}
	for _, n := range nodes {
		n.settled(t)
	}
	// costs is what each of two exchanges makes the nodes send. Leaders move in a
	// young cluster, and a device repeats on a busy machine: not every try counts.
	costs := func(exchange func() error) (list [2]int) {
		for i := range list {
			before := crossed(t, nodes)
			check(t, exchange())
			list[i] = crossed(t, nodes) - before
		}
		return list
	}
	tries := 0
	check(t, apptest.Eventually(func() error {
		tries++
		m := newMouse(t, nodes[1].api, nodes[1].CoAPS()[0], fmt.Sprintf("mouse-%d", tries), secure.Options{})
		m.server = nodes[0].CoAPS()[0]
		m.rebind()
		if got := costs(m.update); got != [2]int{3, 2} {
			return fmt.Errorf("Updates of a session took %d links", got)
		}
		return nil
	}))
	check(t, apptest.Eventually(func() error {
		tries++
		d := must[*apptest.Device](t)(apptest.NewDevice(nodes[0].CoAP()[0], fmt.Sprintf("device-%d", tries)))
		t.Cleanup(func() { _ = d.Close() })
		check(t, d.Register())
		if got := costs(func() error { return sent(d) }); got != [2]int{3, 2} {
			return fmt.Errorf("Sends took %d links", got)
		}
		return nil
	}))
	if n := nodes[0].counter(t, "dormouse_shell_hinted_total"); n < 2 {
		t.Errorf("%v datagrams went by a hint", n)
	}
}

// sent is a Send that must be taken.
func sent(d *apptest.Device) error {
	code, err := d.Send(lwm2m.Node{Path: temperature, Value: lwm2m.Float(21)})
	if err == nil && code != coap.Changed {
		err = fmt.Errorf("a Send was answered %s", code)
	}
	return err
}
