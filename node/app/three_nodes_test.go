package app_test

import (
	"testing"
)

// TestThreeNodes is the life of a cluster, each node a process, with devices and
// clients at all of them: it grows, a node is killed, one stops and comes again,
// one is drained and goes for good, and another one takes its place. Nothing that
// was acknowledged is lost, and everything goes on meanwhile.
func TestThreeNodes(t *testing.T) {
	t.Parallel() // it waits more than it works
	one, two, three, four := newMate(t, "one"), newMate(t, "two"), newMate(t, "three"), newMate(t, "four")
	shareSeal(t, one, two, three, four)
	one.start()
	two.start(one)
	three.start(one, two)
	formed(t, 3, one, two, three)

	each := 4
	if testing.Short() || raced {
		each = 2
	}
	h := newHerd(t, each, one, two, three)
	h.graze()
	one.settled()
	h.progress("three nodes")

	two.kill()
	h.serving(one, three)
	h.progress("the second one was killed")
	two.start()
	formed(t, 3, one, two, three)
	h.serving(one, two, three)
	h.progress("it is back")

	one.terminate()
	h.serving(two, three)
	h.progress("the first one was stopped")
	one.start()
	formed(t, 3, one, two, three)
	h.serving(one, two, three)

	two.tell("drain", "three", "--wait")
	h.progress("the third one is drained")
	three.terminate()
	h.serving(one, two)
	one.tell("members", "remove", "three")
	h.progress("it is removed")
	four.start(two)
	formed(t, 3, one, two, four)
	h.serving(one, two, four)
	h.progress("a fourth one took its place")

	h.stop()
	for _, m := range []*mate{one, two, four} {
		h.verify(m)
	}
	h.once()
}
