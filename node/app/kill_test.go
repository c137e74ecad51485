package app_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"dormouse/codec/platform"
	"dormouse/node/app/apptest"
)

// TestKill registers 10 000 devices at a node in a process of its own, queues
// operations for some, and lets others be served, all at the same time. The
// process is killed at random moments in the middle of it and restarted at the
// same addresses; the clients notice nothing but a delay, since they repeat
// what was not answered. In the end nothing that was acknowledged is missing.
func TestKill(t *testing.T) {
	devices, kills := 10_000, 3
	if testing.Short() || raced {
		devices = 1_000
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))

	data := t.TempDir()
	p := must[*process](t)(launch(t, data))
	addresses := p.addresses()
	api := apptest.NewAPI(p.http)
	defer api.Close()
	fleet := newFleet(t, p.coap, api, devices)
	done := make(chan error, 1)
	go func() { done <- fleet.work() }()
	for k := range kills {
		share := devices / kills
		after := int64(k*share + 1 + random.IntN(share))
		check(t, fleet.registered(after))
		check(t, p.kill())
		t.Logf("killed at %d Registers and %d operations", fleet.registers.Load(), fleet.posts.Load())
		p = relaunch(t, data, addresses)
	}
	check(t, <-done)
	check(t, p.kill())
	p = relaunch(t, data, addresses)
	fleet.verify(t)
	check(t, p.stop())
}

// relaunch starts a process where the last one was killed. A port may be taken
// for a moment: by a client that dials it, and gets it as its own.
func relaunch(t *testing.T, data string, addresses []string) (p *process) {
	t.Helper()
	check(t, apptest.Eventually(func() (err error) {
		p, err = launch(t, data, addresses...)
		var exit *exec.ExitError
		if errors.As(err, &exit) && !strings.Contains(string(exit.Stderr), "address already in use") {
			t.Fatalf("%v: %s", err, exit.Stderr)
		}
		return err
	}))
	return p
}

// submit posts an operation until it is answered: by another node if need be.
// The key makes it one operation however often it is sent.
func submit(api *apptest.API, device platform.ManagedObject, text, key string) (op platform.Operation, err error) {
	err = apptest.Eventually(func() error {
		op, err = api.Submit(device.ID, text, key)
		return err
	})
	return op, err
}

// settle waits until every operation has ended, and returns them by ID.
func settle(api *apptest.API) (all map[string]platform.Operation, err error) {
	const page = platform.OperationsPath + "?pageSize=2000"
	err = apptest.Eventually(func() error {
		for _, status := range []platform.Status{platform.Pending, platform.Executing} {
			r, err := api.Expect(http.StatusOK, http.MethodGet, platform.OperationsPath+"?pageSize=1&status="+string(status), "")
			if err != nil {
				return err
			}
			list, err := platform.ParseCollection(r.Body, platform.Operations)
			if err != nil || len(list.Items) > 0 {
				return errors.Join(err, fmt.Errorf("some operations are %s: %s", status, list.Items))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	all = map[string]platform.Operation{}
	err = api.Each(page, platform.Operations, func(item []byte) error {
		op, err := platform.ParseOperation(item)
		all[op.ID.String()] = op
		return err
	})
	return all, err
}

// within fails a test whose work takes too long; it is the bound of last resort.
const within = 4 * time.Minute
