package load

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"dormouse/bench/api"
	"dormouse/codec/ids"
	"dormouse/codec/platform"
)

const (
	apiWorkers = 8 // requests at the same time

	// observeFor is how long devices wait after the last operation was taken.
	observeFor = 60 * time.Second
)

// Observe has the server observe the first n devices, which must be registered
// and awake: it orders that through the API at base ("http://127.0.0.1:8080"),
// and answers as the devices do, until each of them is observed.
func (g *Generator) Observe(ctx context.Context, base string, n int) error {
	if n < 1 || n > g.options.Devices {
		return fmt.Errorf("load: observing %d of %d devices", n, g.options.Devices)
	}
	ctx, cancel := context.WithCancel(ctx)
	orders := make(chan error, 1)
	go func() { orders <- g.order(ctx, strings.TrimSuffix(base, "/"), n) }()
	waiting, err := g.answerObserves(ctx, n, orders)
	cancel()
	if waiting {
		<-orders // what is not ordered yet is not needed
	}
	if err == nil && !g.observed(n) {
		err = fmt.Errorf("load: not all of %d devices were observed within %v", n, observeFor)
	}
	return err
}

// answerObserves has the devices answer until the first n are observed, an
// order fails, or nothing more comes. waiting says that orders was not read.
func (g *Generator) answerObserves(ctx context.Context, n int, orders <-chan error) (waiting bool, err error) {
	l := g.newLoop(Notify, 1)
	l.work = once(0, 0) // they answer and ask nothing
	waiting = true
	var deadline time.Time
	runErr := l.run(ctx, func(now time.Time) (time.Time, bool) {
		select {
		case err = <-orders:
			waiting, deadline = false, now.Add(observeFor)
		default:
		}
		return time.Time{}, g.observed(n) || err != nil || !waiting && now.After(deadline)
	})
	return waiting, errors.Join(runErr, err, l.flush())
}

// observed says that all of the first n are; the first that is not is found by
// the last look.
func (g *Generator) observed(n int) bool {
	for g.unobserved < n && g.fleet.devices[g.unobserved].observed {
		g.unobserved++
	}
	return g.unobserved >= n
}

// order posts an operation for each of the first n devices.
func (g *Generator) order(ctx context.Context, base string, n int) error {
	wanted := make(map[string]bool, n)
	for i := range n {
		wanted[g.options.endpoint(uint32(i))] = true
	}
	found, err := api.Objects(ctx, base, wanted)
	if err != nil {
		return err
	}
	if len(found) < n {
		return fmt.Errorf("load: the inventory at %s has %d of %d devices", base, len(found), n)
	}
	return postAll(ctx, base, slices.Collect(maps.Values(found)))
}

// postAll posts the operations, a few at a time; the first error ends it.
func postAll(ctx context.Context, base string, devices []ids.Object) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan ids.Object)
	var workers sync.WaitGroup
	for range apiWorkers {
		workers.Go(func() {
			for id := range next {
				body := platform.NewOperation{Device: id, Text: "observe " + sensor.String()}.Append(nil)
				if _, err := api.Call(ctx, http.MethodPost, base+"/devicecontrol/operations", body); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, id := range devices {
		if ctx.Err() != nil {
			break
		}
		next <- id
	}
	close(next)
	workers.Wait()
	return context.Cause(ctx)
}
