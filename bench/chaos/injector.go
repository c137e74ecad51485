package chaos

import (
	"context"
	"fmt"
	"time"

	"dormouse/bench/chaos/history"
)

// possible are the faults that there can be, and in words those that there
// cannot.
func (c *cluster) possible(names []string) (list []fault, skipped []string) {
	for _, name := range names {
		for _, f := range faults {
			if f.name != name {
				continue
			}
			if why := c.lacks[name]; why != "" {
				skipped = append(skipped, fmt.Sprintf("%s: skipped, %s", name, why))
				continue
			}
			list = append(list, f)
		}
	}
	return list, skipped
}

// inject makes one fault after another until the time is over. It returns when
// all nodes serve again, or with what kept one from it.
func (t *trouble) inject(ctx context.Context, list []fault, every, during time.Duration) (counts map[string]int, err error) {
	counts = map[string]int{}
	end := time.Now().Add(during)
	for next := time.Now().Add(every); next.Before(end); next = next.Add(every) {
		if err := t.watch(ctx, next); err != nil {
			return counts, err
		}
		if len(list) == 0 {
			continue
		}
		f, node := list[t.random.IntN(len(list))], t.random.IntN(len(t.cluster.nodes))
		if err := f.do(t, ctx, node); err != nil {
			return counts, fmt.Errorf("chaos: %s of node %d: %w", f.name, node, err)
		}
		counts[f.name]++
		if now := time.Now(); next.Before(now.Add(-every)) {
			next = now // it took longer: no hail of faults afterwards
		}
	}
	return counts, t.watch(ctx, end)
}

// watchEvery is how late a node that ended by itself is noticed.
const watchEvery = 200 * time.Millisecond

// watch waits until a time, and starts nodes again that ended by themselves.
func (t *trouble) watch(ctx context.Context, until time.Time) error {
	for {
		for _, i := range t.dead() {
			if err := t.restart(ctx, i); err != nil {
				return fmt.Errorf("chaos: node %d, which ended by itself: %w", i, err)
			}
		}
		left := time.Until(until)
		if left <= 0 {
			return nil
		}
		if !pause(ctx, min(left, watchEvery)) {
			return ctx.Err()
		}
	}
}

// dead takes note of nodes that ended by themselves.
func (t *trouble) dead() (list []int) {
	for i, n := range t.cluster.nodes {
		select {
		case <-n.process.Ended():
			t.cluster.down(i)
			t.note(history.Died, i, n.process.Said())
			list = append(list, i)
		default:
		}
	}
	return list
}
