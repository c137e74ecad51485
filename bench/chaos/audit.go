package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"dormouse/bench/chaos/history"
	"dormouse/codec/platform"
)

// auditWorkers ask at the same time.
const auditWorkers = 16

// errMissing is the answer 404.
var errMissing = errors.New("chaos: the node does not know it")

// look asks a node for an operation.
func (c *cluster) look(ctx context.Context, node int, a acknowledged) (p platform.Operation, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.api(node)+platform.OperationsPath+"/"+a.id.String(), nil)
	if err != nil {
		return p, err
	}
	answer, err := client.Do(r)
	if err != nil {
		return p, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, mostAnswer))
	switch {
	case err != nil:
		return p, err
	case answer.StatusCode == http.StatusNotFound:
		return p, errMissing
	case answer.StatusCode != http.StatusOK:
		return p, fmt.Errorf("chaos: operation %s: %s %.200s", a.id, answer.Status, body)
	}
	return platform.ParseOperation(body)
}

// settled waits until all operations have ended, or the context does, and
// returns how many have not.
func (c *cluster) settled(ctx context.Context, list []acknowledged) (left int) {
	list = slices.Clone(list)
	for round := 0; ; round++ {
		var mu sync.Mutex
		var open []acknowledged
		each(list, func(a acknowledged) {
			p, err := c.look(ctx, round%len(c.nodes), a)
			if errors.Is(err, errMissing) || err == nil && (p.Status == platform.Successful || p.Status == platform.Failed) {
				return // what is missing does not come back: the audit finds it
			}
			mu.Lock()
			defer mu.Unlock()
			open = append(open, a)
		})
		if list = open; len(list) == 0 || !pause(ctx, time.Second) {
			return len(list)
		}
	}
}

// audit asks every node for every operation.
func (c *cluster) audit(ctx context.Context, log *history.Log, list []acknowledged) {
	each(list, func(a acknowledged) {
		for node := range c.nodes {
			e := history.Event{Kind: history.Seen, Op: a.op, Device: a.to.device, ID: uint64(a.id), Node: int16(node)}
			p, err := c.insist(ctx, node, a)
			switch {
			case errors.Is(err, errMissing):
				e.Kind = history.Missing
			case err != nil:
				e.Text = err.Error()
			default:
				e.Text, e.Reason, e.Since = string(p.Status), p.Failure, log.Since(p.Updated)
			}
			log.Add(e)
		}
	})
}

// insist asks a node that lives until it answers, some times.
func (c *cluster) insist(ctx context.Context, node int, a acknowledged) (p platform.Operation, err error) {
	const times = 10
	for range times {
		if p, err = c.look(ctx, node, a); err == nil || errors.Is(err, errMissing) || !pause(ctx, time.Second) {
			break
		}
	}
	return p, err
}

// each calls f for all, a few at a time.
func each[T any](list []T, f func(T)) {
	next := make(chan T)
	var workers sync.WaitGroup
	for range auditWorkers {
		workers.Go(func() {
			for v := range next {
				f(v)
			}
		})
	}
	for _, v := range list {
		next <- v
	}
	close(next)
	workers.Wait()
}
