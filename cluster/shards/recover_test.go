package shards_test

import (
	"errors"
	"testing"
	"time"

	"dormouse/cluster/shards"
	"dormouse/cluster/sim/disk"
)

func (m *member) recover() error {
	done := make(chan error, 1)
	m.engine.Recover(0, func(err error) { done <- err })
	return <-done
}

// TestOneOfThreeIsLeft: nothing goes on by itself, and does when somebody says so.
func TestOneOfThreeIsLeft(t *testing.T) {
	in(t, 1, func(w *net) {
		w.start(1, disk.New(), true)
		w.start(2, disk.New(), false)
		c := w.start(3, disk.New(), false)
		w.grow(2)
		w.grow(3)
		if err := w.leader(0).propose(0, put("a", "v")); err != nil {
			t.Fatal(err)
		}
		w.until("all have it", func() bool { return c.get(0, "a") == "v" })
		if err := c.recover(); !errors.Is(err, shards.ErrMove) {
			t.Errorf("with a majority: %v", err)
		}
		w.crash(w.nodes[1], 0)
		w.crash(w.nodes[2], 0)
		<-time.After(30 * time.Second)
		if w.leader(0) != nil {
			t.Fatal("one of three leads")
		}
		if err := c.recover(); err != nil {
			t.Fatal(err)
		}
		w.until("it leads", func() bool { return w.leader(0) == c })
		if err := c.propose(0, put("b", "v")); err != nil || c.get(0, "a") != "v" {
			t.Error(err)
		}
		// It is so after a restart, and others can join again.
		c = w.start(3, w.crash(c, 0), false)
		w.until("it leads again", func() bool { return w.leader(0) == c })
		d := w.start(4, disk.New(), false)
		w.until("another learns", func() bool { return c.change(0, shards.AddLearner, 4) == nil })
		w.until("it has the state", func() bool { return d.get(0, "b") == "v" })
	})
}
