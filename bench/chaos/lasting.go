package chaos

import (
	"context"
	"fmt"
	"time"

	"dormouse/bench/chaos/history"
	"dormouse/bench/chaos/lab"
)

// Faults that last for a while, in which the process goes on. How long and how
// bad, the seed says.
const (
	lastLeast = 6 * time.Second // longer than all may take to be well, so that a cut is judged while it lasts
	lastMost  = 12 * time.Second

	slowLeast = 20 * time.Millisecond // a sync, on top of what it takes
	slowMost  = 2 * time.Second

	// Of a disk: between the marks at which a node refuses what is new and at
	// which it refuses all; or nothing to speak of, when writes fail.
	leftRefusing = 192 << 20
	leftNothing  = 64 << 10
)

// last is how long one lasts.
func (t *trouble) last() time.Duration {
	if t.lasting > 0 {
		return t.lasting
	}
	return lastLeast + time.Duration(t.random.Int64N(int64(lastMost-lastLeast)))
}

func (t *trouble) begins(i int, name, how string, args ...any) {
	t.log.Add(history.Event{Kind: history.Troubled, Node: int16(i), Text: name, Reason: fmt.Sprintf(how, args...)})
}

// over takes note of the end of a fault, from which on nodes are to serve, and
// waits until they do.
func (t *trouble) over(ctx context.Context, nodes ...int) error {
	for _, i := range nodes {
		t.cluster.up(i)
		t.note(history.Continued, i, "")
	}
	for _, i := range nodes {
		if err := t.cluster.ready(context.WithoutCancel(ctx), i); err != nil {
			return err
		}
	}
	return nil
}

// cut swallows for a while what a node says to another one or to all others, or
// what it should hear of them; the other way all arrives. Devices and clients
// reach both all the time, and may wait for their answers.
func (t *trouble) cut(ctx context.Context, i int) error {
	from, to := i, lab.Everybody
	nodes, what, whom := []int{i}, cutName, "all others"
	if t.random.IntN(2) == 0 {
		to = (i + 1 + t.random.IntN(len(t.cluster.nodes)-1)) % len(t.cluster.nodes)
		nodes, what, whom = append(nodes, to), history.LostWay, fmt.Sprintf("node %d", to)
	}
	how := "is not heard by"
	if t.random.IntN(2) == 0 {
		from, to, how = to, from, "does not hear"
	}
	for _, node := range nodes {
		t.cluster.down(node) // devices cannot ask more of it than of one that is gone
	}
	t.begins(i, what, "%s %s", how, whom)
	heal, err := t.cluster.lab.Cut(from, to)
	if err != nil {
		return err
	}
	pause(ctx, t.last())
	if err := heal(); err != nil {
		return err
	}
	return t.over(ctx, nodes...)
}

// slow has each sync of a node take long for a while.
func (t *trouble) slow(ctx context.Context, i int) error {
	delay := slowLeast + time.Duration(t.random.Int64N(int64(slowMost-slowLeast)))
	t.begins(i, slowName, "each sync takes %v more", delay.Round(time.Millisecond))
	gate := t.cluster.nodes[i].gate
	gate.Delay(delay)
	pause(ctx, t.last())
	gate.Delay(0)
	return t.over(ctx, i)
}

// full leaves a node little room for a while, or none. A node that ends by
// itself, because it cannot know what is durable, starts again once there is room.
func (t *trouble) full(ctx context.Context, i int) error {
	left := uint64(leftRefusing)
	if t.random.IntN(2) == 0 {
		left = leftNothing
	}
	p := t.cluster.nodes[i].process
	t.begins(i, fullName, "%d bytes are left", left)
	if err := t.cluster.lab.Fill(p.Data(), left); err != nil {
		return err
	}
	timer := time.NewTimer(t.last())
	defer timer.Stop()
	ended := false
	select {
	case <-p.Ended():
		t.cluster.down(i)
		t.begins(i, fullName, "it ended: %s", p.Said())
		ended = true
	case <-timer.C:
	}
	if err := t.cluster.lab.Empty(p.Data()); err != nil {
		return err
	}
	if ended {
		return t.restart(ctx, i)
	}
	return t.over(ctx, i)
}
