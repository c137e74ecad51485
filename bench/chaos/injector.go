package chaos

import (
	"context"
	"fmt"
	"time"
)

// possible are the faults that this machine can have, and in words those that
// it cannot.
func possible(names []string) (list []fault, skipped []string) {
	for _, name := range names {
		for _, f := range faults {
			if f.name != name {
				continue
			}
			if why := f.missing(); why != "" {
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
		if !pause(ctx, time.Until(next)) {
			return counts, ctx.Err()
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
	if !pause(ctx, time.Until(end)) {
		return counts, ctx.Err()
	}
	return counts, nil
}
