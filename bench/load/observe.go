package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"dormouse/codec/ids"
	"dormouse/codec/platform"
)

const (
	apiPage    = 2000 // objects per page, the most there may be
	apiWorkers = 8    // requests at the same time
	apiTimeout = 30 * time.Second

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
	found, err := inventory(ctx, base, wanted)
	if err != nil {
		return err
	}
	if len(found) < n {
		return fmt.Errorf("load: the inventory at %s has %d of %d devices", base, len(found), n)
	}
	return postAll(ctx, base, found)
}

// inventory pages through all devices and keeps the wanted ones.
func inventory(ctx context.Context, base string, wanted map[string]bool) (found []ids.Object, err error) {
	for page := 1; ; page++ {
		body, err := call(ctx, http.MethodGet, fmt.Sprintf("%s/inventory/managedObjects?pageSize=%d&currentPage=%d", base, apiPage, page), nil)
		if err != nil {
			return nil, err
		}
		c, err := platform.ParseCollection(body, platform.ManagedObjects)
		if err != nil {
			return nil, fmt.Errorf("load: reading the inventory: %w", err)
		}
		for _, item := range c.Items {
			m, err := platform.ParseManagedObject(item)
			if err != nil {
				return nil, fmt.Errorf("load: reading the inventory: %w", err)
			}
			if wanted[m.Name] {
				found = append(found, m.ID)
			}
		}
		if len(c.Items) < apiPage || len(found) == len(wanted) {
			return found, nil
		}
	}
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
				if _, err := call(ctx, http.MethodPost, base+"/devicecontrol/operations", body); err != nil {
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

var api = &http.Client{Timeout: apiTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: apiWorkers}}

// call is one request of the API, whose answer must be a success.
func call(ctx context.Context, method, url string, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("load: %s %s: %w", method, url, err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := api.Do(r)
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(io.LimitReader(answer.Body, platform.MaxCollection))
	if err != nil {
		return nil, fmt.Errorf("load: %s %s: %w", method, url, err)
	}
	if answer.StatusCode/100 != 2 {
		return nil, fmt.Errorf("load: %s %s: %s %.200s", method, url, answer.Status, b)
	}
	return b, nil
}
