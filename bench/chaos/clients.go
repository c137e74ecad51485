package chaos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"dormouse/bench/chaos/history"
	"dormouse/bench/chaos/swarm"
	"dormouse/codec/ids"
	"dormouse/codec/platform"
)

const (
	clientWorkers = 16
	retryAfter    = 100 * time.Millisecond // an unclear submission
	mostAnswer    = 1 << 20                // bytes of an answer
)

// target is a device that gets operations.
type target struct {
	device uint32
	object ids.Object
}

// order is one operation.
type order struct {
	op    uint32
	to    target
	twice bool // it may run twice
}

// acknowledged is an operation that the cluster has promised to keep.
type acknowledged struct {
	order
	id ids.Operation
}

// clients submit operations, each again and again with the same Idempotency-Key
// until it is acknowledged or refused.
type clients struct {
	cluster *cluster
	log     *history.Log
	targets []target
	run     string // in all keys

	hot    int // the first so many targets get half of all operations
	random *rand.Rand
	orders chan order
	left   atomic.Int64 // orders that are not settled

	mu   sync.Mutex
	kept []acknowledged
}

// submit orders so many operations a second until stop is closed, and returns
// when all are acknowledged or refused, or the context ends.
func (c *clients) submit(ctx context.Context, rate int, stop <-chan struct{}) {
	c.orders = make(chan order, clientWorkers)
	var workers sync.WaitGroup
	for range clientWorkers {
		workers.Go(func() {
			for o := range c.orders {
				c.settle(ctx, o)
				c.left.Add(-1)
			}
		})
	}
	c.pace(rate, stop)
	close(c.orders)
	workers.Wait()
}

// pace hands out orders. While all workers are busy with nodes that do not
// answer there are fewer.
func (c *clients) pace(rate int, stop <-chan struct{}) {
	if rate < 1 {
		<-stop
		return
	}
	ticker := time.NewTicker(time.Second / time.Duration(rate))
	defer ticker.Stop()
	for op := uint32(1); ; {
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
		select {
		case c.orders <- c.order(op):
			c.left.Add(1)
			op++
		default:
		}
	}
}

func (c *clients) order(op uint32) order {
	to := c.targets[c.random.IntN(len(c.targets))]
	if c.random.IntN(2) == 0 {
		to = c.targets[c.random.IntN(min(c.hot, len(c.targets)))]
	}
	return order{op: op, to: to, twice: c.random.IntN(10) < 3}
}

// text is the command: an Execute must not run twice, a Write may.
func (o order) text() string {
	if o.twice {
		return `write /3/0/15 "` + swarm.Mark(o.op) + `"`
	}
	return "execute /3/0/4 0='" + swarm.Mark(o.op) + "'"
}

// settle submits an operation until somebody answers clearly.
func (c *clients) settle(ctx context.Context, o order) {
	e := history.Event{Op: o.op, Device: o.to.device, Twice: o.twice}
	random := rand.New(rand.NewPCG(uint64(o.op), 11))
	for first := true; ; first = false {
		node := random.IntN(len(c.cluster.nodes))
		e.Node = int16(node)
		if first {
			c.note(e, history.Submitted)
		}
		id, refusal, err := c.post(ctx, node, o)
		switch {
		case err == nil && refusal == "":
			e.ID = uint64(id)
			c.note(e, history.Acknowledged)
			c.mu.Lock()
			c.kept = append(c.kept, acknowledged{o, id})
			c.mu.Unlock()
			return
		case err == nil:
			e.Text = refusal
			c.note(e, history.Declined)
			return
		}
		c.note(e, history.Unclear)
		if !pause(ctx, retryAfter) {
			return
		}
	}
}

func (c *clients) note(e history.Event, k history.Kind) {
	e.Kind = k
	c.log.Add(e)
}

// errUnclear is an answer that does not say whether anything was done, or that
// says to come again.
var errUnclear = errors.New("chaos: unclear")

// post submits once. An error means that nobody knows.
func (c *clients) post(ctx context.Context, node int, o order) (id ids.Operation, refusal string, err error) {
	body := platform.NewOperation{Device: o.to.object, Text: o.text()}.Append(nil)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.cluster.api(node)+platform.OperationsPath, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", fmt.Sprintf("%s-%d", c.run, o.op))
	answer, err := client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, mostAnswer))
	switch {
	case err != nil:
		return 0, "", err
	case answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode == http.StatusRequestTimeout || answer.StatusCode/100 == 5:
		return 0, "", fmt.Errorf("%w: %s", errUnclear, answer.Status)
	case answer.StatusCode != http.StatusCreated:
		return 0, fmt.Sprintf("%s %.200s", answer.Status, text), nil
	}
	p, err := platform.ParseOperation(text)
	if err != nil {
		return 0, "201 with a body that is no operation: " + err.Error(), nil
	}
	return p.ID, "", nil
}
