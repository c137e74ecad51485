package app_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"dormouse/codec/coap"
	"dormouse/codec/platform"
	"dormouse/node/app"
	"dormouse/node/app/apptest"
	"dormouse/persistence/store"
)

// acknowledged is what clients were told: Registers and operations.
type acknowledged struct {
	mu         sync.Mutex // guards all below
	devices    []*registered
	operations []string
	faults     []error
}

// registered is a device whose Register was answered.
type registered struct {
	client   *apptest.Client
	name     string
	register *coap.Message
	location string
}

func (a *acknowledged) device(d *registered) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.devices = append(a.devices, d)
	return len(a.devices)
}

func (a *acknowledged) operation(op platform.Operation, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil {
		a.operations = append(a.operations, op.ID.String())
	}
}

// fault keeps what should not have happened.
func (a *acknowledged) fault(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil {
		a.faults = append(a.faults, err)
	}
}

// snapshot is what was acknowledged up to now.
func (a *acknowledged) snapshot() *acknowledged {
	a.mu.Lock()
	defer a.mu.Unlock()
	return &acknowledged{devices: slices.Clone(a.devices), operations: slices.Clone(a.operations)}
}

// TestCrash pulls the plug of a node on a file system that forgets what was
// not synced, or any part of it, at a random moment amid Registers and
// operations. What was acknowledged before is there when another node opens
// what is left. (TestKill is the same with a real process and disk, where the
// kernel keeps what was not synced.)
func TestCrash(t *testing.T) {
	crashes := 3
	if raced {
		crashes = 1
	}
	for range crashes {
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			crash(t, rand.New(rand.NewPCG(seed, 0)))
		})
	}
}

// on opens the store on another file system.
func on(fs vfs.FS) app.Options {
	return app.Options{Store: func(o *store.Options) {
		small(o)
		o.FS, o.MemTableBytes = fs, 256<<10 // tables are made, and compacted
	}}
}

func crash(t *testing.T, r *rand.Rand) {
	fs := vfs.NewCrashableMem()
	data := t.TempDir() // for seal.key alone, which is not the store's
	n := start(t, settings(data), on(fs))
	var told acknowledged
	enough, stop := make(chan struct{}), make(chan struct{})
	limit := 100 + r.IntN(900)
	var workers sync.WaitGroup
	for i := range 8 {
		c := dial(t, n.CoAP()[0])
		for k := range 8 {
			workers.Go(func() { n.burden(c, fmt.Sprintf("device-%d-%d", i, k), &told, limit, enough, stop) })
		}
	}
	<-enough
	before := told.snapshot()
	left := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50 * r.IntN(3), RNG: r})
	close(stop)
	workers.Wait()
	check(t, errors.Join(told.faults...))
	n.api.Close() // else the node waits 5 s for connections without a request
	check(t, n.Stop())
	again := settings(data)
	again.CoAP = []string{n.CoAP()[0].String()}
	examine(t, start(t, again, on(left)), before)
}

// burden registers devices and posts an operation for each until it is told to
// stop. The one that makes the count reach limit says so.
func (n node) burden(c *apptest.Client, name string, told *acknowledged, limit int, enough chan<- struct{}, stop <-chan struct{}) {
	for k := 0; ; k++ {
		select {
		case <-stop:
			return
		default:
		}
		d := &registered{client: c, name: fmt.Sprintf("%s-%d", name, k)}
		d.register = c.Registration(d.name, "at=1")
		a, err := c.Exchange(d.register)
		if err != nil || a.Code != coap.Created {
			told.fault(fmt.Errorf("register of %s: %v %w", d.name, a, err))
			return
		}
		d.location = a.LocationPath()
		if told.device(d) == limit {
			close(enough)
		}
		m, err := n.api.DeviceAt(d.location, d.name)
		if err == nil {
			var op platform.Operation
			op, err = n.api.Submit(m.ID, "read /3/0/0", "")
			told.operation(op, err)
		}
		told.fault(err)
	}
}

// examine looks for everything that was acknowledged.
func examine(t *testing.T, n node, told *acknowledged) {
	found := n.names(t)
	for _, d := range told.devices {
		if found[d.name] != 1 {
			t.Errorf("%s is there %d times", d.name, found[d.name])
		}
		if a := ask(t, d.client, d.register); a.LocationPath() != d.location {
			t.Errorf("%s is at %s; the repeated Register was answered %s %s", d.name, d.location, a.Code, a.LocationPath())
		}
		if a := ask(t, d.client, d.client.New(coap.Confirmable, coap.POST, d.location)); a.Code != coap.Changed {
			t.Errorf("Update of %s: %s", d.name, a.Code)
		}
	}
	operations := map[string]platform.Operation{}
	check(t, n.api.Each(platform.OperationsPath+"?pageSize=2000", platform.Operations, func(item []byte) error {
		op, err := platform.ParseOperation(item)
		operations[op.ID.String()] = op
		return err
	}))
	for _, id := range told.operations {
		if op, found := operations[id]; !found || op.Text != "read /3/0/0" {
			t.Errorf("operation %s was answered 201 and is lost", id)
		}
	}
	t.Logf("%d devices and %d operations were acknowledged", len(told.devices), len(told.operations))
}
