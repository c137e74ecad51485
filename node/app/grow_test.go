package app_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"dormouse/codec/ids"
	"dormouse/codec/platform"
	"dormouse/node/app/apptest"
)

// TestOneBecomesThree starts with a node that is alone and knows nothing of
// clusters. Its data, with devices, operations that wait and credentials, becomes
// that of a cluster while devices work. Then the node that all came from goes.
func TestOneBecomesThree(t *testing.T) {
	t.Parallel() // it waits more than it works
	one, two, three := newMate(t, "one"), newMate(t, "two"), newMate(t, "three")
	one.startWith()
	one.serves()
	h := newHerd(t, 4, one)
	asleep := device(t, one.coap(), "asleep")
	object := must[ids.Endpoint](t)(apptest.EndpointOf(asleep.Location)).Object()
	node{api: one.api}.setAwake(t, object, "1")
	var waiting []ids.Operation
	for n := range 3 {
		op := must[platform.Operation](t)(one.api.Submit(object, fmt.Sprintf("execute /3/0/4 0='%d'", n), ""))
		waiting = append(waiting, op.ID)
	}
	one.tell("credentials", "add", "secret", "identity", "00112233")
	listed := one.tell("credentials", "list")
	one.terminate()

	key := filepath.Join(one.data, "seal.key") // made by the node that was alone
	for _, m := range []*mate{two, three} {
		m.flags = append(m.flags, "--seal-key-file", key)
	}
	one.start()
	formed(t, 1, one)
	h.graze()
	h.progress("a cluster of one")
	two.start(one)
	three.start(one)
	formed(t, 3, one, two, three)
	h.serving(one, two, three)
	h.progress("a cluster of three")

	one.terminate()
	check(t, os.RemoveAll(one.data)) // and nobody needs what was its
	h.serving(two, three)
	h.progress("the first one has gone")
	if got := three.tell("credentials", "list"); got != listed {
		t.Errorf("credentials were\n%sand are\n%s", listed, got)
	}
	h.stop()
	two.wakes(asleep, waiting)
	for _, m := range []*mate{two, three} {
		h.verify(m)
	}
	h.once()
}

// wakes lets a device come at this node, and do what waited for it, in order.
func (m *mate) wakes(d *apptest.Device, waiting []ids.Operation) {
	m.t.Helper()
	awake := must[*apptest.Device](m.t)(apptest.NewDevice(m.coap(), d.Name))
	m.t.Cleanup(func() { check(m.t, awake.Close()) })
	awake.Location = d.Location
	for n, id := range waiting {
		check(m.t, apptest.Eventually(func() error {
			update(m.t, awake)
			op, err := m.api.Operation(id)
			if err == nil && op.Status != platform.Successful {
				err = fmt.Errorf("operation %d of a device that slept is %s %s", n, op.Status, op.Failure)
			}
			return err
		}))
	}
	if did := fmt.Sprint(awake.Executed()); did != "[/3/0/4 0='0' /3/0/4 0='1' /3/0/4 0='2']" {
		m.t.Errorf("it did %s", did)
	}
}
