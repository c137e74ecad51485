package app_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"dormouse/codec/coap"
	"dormouse/codec/exchange"
	"dormouse/codec/lwm2m"
	"dormouse/codec/platform"
	"dormouse/node/app/apptest"
)

// fleet is many devices behind few sockets, each socket worked by some
// goroutines. Of every ten devices one gets operations while it sleeps, and of
// every hundred one comes again and again while operations are posted.
type fleet struct {
	t         testing.TB
	api       *apptest.API
	names     int
	clients   []*apptest.Client
	registers atomic.Int64
	posts     atomic.Int64
	next      atomic.Int64
	passed    chan struct{} // a token: one more Register was acknowledged

	mu       sync.Mutex // guards all below
	devices  map[string]*member
	byHandle map[uint32]*member
}

// member is one device.
type member struct {
	name     string
	client   *apptest.Client
	register *coap.Message
	location string
	talked   bool // it sent more than its Register

	posted   []string // operations that were answered 201, oldest first
	executed []int    // what the device was asked to do, in order
}

const (
	sockets       = 8
	perSocket     = 16
	ofSleeper     = 4 // operations
	ofTalker      = 20
	sleeperOneIn  = 10
	talkerOneIn   = 100
	talkerPerPost = 2 // Updates
)

func newFleet(t testing.TB, server netip.AddrPort, api *apptest.API, names int) *fleet {
	f := &fleet{t: t, api: api, names: names, devices: map[string]*member{}, byHandle: map[uint32]*member{}, passed: make(chan struct{}, 1)}
	for range sockets {
		c := must[*apptest.Client](t)(apptest.Dial(server, f.answer))
		f.clients = append(f.clients, c)
		t.Cleanup(func() { check(t, c.Close()) })
	}
	return f
}

// answer is what a device does on `execute /3/0/4 0='n'`: it takes note of n.
// The token tells the device, since many share a socket.
func (f *fleet) answer(m *coap.Message) exchange.Answer {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.byHandle[binary.BigEndian.Uint32(m.Token)]
	var n int
	_, err := fmt.Sscanf(string(m.Payload), "0='%d'", &n)
	if d == nil || err != nil || m.Code != coap.POST || m.Path() != "3/0/4" {
		return exchange.Answer{Code: coap.BadRequest, Format: lwm2m.FormatNone}
	}
	d.executed = append(d.executed, n)
	return exchange.Answer{Code: coap.Changed, Format: lwm2m.FormatNone}
}

// work registers all devices and posts all operations.
func (f *fleet) work() error {
	faults := make(chan error, len(f.clients)*perSocket)
	for _, c := range f.clients {
		for range perSocket {
			go func() { faults <- f.worker(c) }()
		}
	}
	var all []error
	for range cap(faults) {
		all = append(all, <-faults)
	}
	return errors.Join(all...)
}

func (f *fleet) worker(c *apptest.Client) error {
	for {
		n := int(f.next.Add(1)) - 1
		if n >= f.names {
			return nil
		}
		d, err := f.register(c, fmt.Sprintf("device-%05d", n))
		if err != nil {
			return err
		}
		switch {
		case n%talkerOneIn == 1:
			err = f.talk(d)
		case n%sleeperOneIn == 0:
			err = f.queue(d, 1, ofSleeper)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
	}
}

func (f *fleet) register(c *apptest.Client, name string) (*member, error) {
	d := &member{name: name, client: c, register: c.Registration(name)}
	a, err := c.Exchange(d.register)
	if err != nil {
		return nil, err
	}
	if a.Code != coap.Created {
		return nil, fmt.Errorf("register of %s: %s %s", name, a.Code, a.Payload)
	}
	d.location = a.LocationPath()
	e, err := apptest.EndpointOf(d.location)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.devices[name] = d
	f.byHandle[e.Handle()] = d
	f.registers.Add(1)
	select {
	case f.passed <- struct{}{}:
	default: // the token is there
	}
	return d, nil
}

// registered waits until n Registers are acknowledged.
func (f *fleet) registered(n int64) error {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	for f.registers.Load() < n {
		select {
		case <-f.passed:
		case <-ctx.Done():
			return fmt.Errorf("waiting for %d Registers: %w", n, ctx.Err())
		}
	}
	return nil
}

// queue posts operations numbered from first on.
func (f *fleet) queue(d *member, first, count int) error {
	var m platform.ManagedObject
	err := apptest.Eventually(func() (err error) {
		m, err = f.api.DeviceAt(d.location, d.name)
		return err
	})
	if err != nil {
		return err
	}
	for n := first; n < first+count; n++ {
		op, err := submit(f.api, m, fmt.Sprintf("execute /3/0/4 0='%d'", n), fmt.Sprintf("%s %d", d.name, n))
		if err != nil {
			return err
		}
		d.posted = append(d.posted, op.ID.String())
		f.posts.Add(1)
	}
	return nil
}

// talk posts operations for a device that wakes up all the time.
func (f *fleet) talk(d *member) error {
	d.talked = true
	for n := range ofTalker {
		if err := f.queue(d, 1+n, 1); err != nil {
			return err
		}
		for range talkerPerPost {
			if err := f.update(d); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *fleet) update(d *member) error {
	a, err := d.client.Exchange(d.client.New(coap.Confirmable, coap.POST, d.location))
	if err == nil && a.Code != coap.Changed {
		err = fmt.Errorf("update of %s: %s %s", d.name, a.Code, a.Payload)
	}
	return err
}

// verify checks that nothing is lost and nothing doubled.
func (f *fleet) verify(t *testing.T) {
	found := node{api: f.api}.names(t)
	for name := range f.devices {
		if found[name] != 1 {
			t.Errorf("%s is in the inventory %d times", name, found[name])
		}
	}
	if len(found) != len(f.devices) || len(f.devices) != f.names {
		t.Errorf("%d devices in the inventory, %d registered", len(found), len(f.devices))
	}
	f.comeBack(t)
	all := must[map[string]platform.Operation](t)(settle(f.api))
	posted := 0
	for _, d := range f.devices {
		posted += len(d.posted)
		f.verifyOperations(t, d, all)
	}
	if len(all) != posted {
		t.Errorf("%d operations, %d were answered 201", len(all), posted)
	}
}

// comeBack lets every device send its Register again, as one that did not hear
// the answer, and then an Update.
func (f *fleet) comeBack(t *testing.T) {
	waiting := make(chan *member, len(f.devices))
	for _, d := range f.devices {
		waiting <- d
	}
	close(waiting)
	var workers sync.WaitGroup
	for range sockets * perSocket {
		workers.Go(func() {
			for d := range waiting {
				if err := f.again(d); err != nil {
					t.Error(err)
				}
			}
		})
	}
	workers.Wait()
}

func (f *fleet) again(d *member) error {
	if !d.talked { // a talker's Register is older than what the node keeps for duplicates
		a, err := d.client.Exchange(d.register)
		if err != nil {
			return err
		}
		if a.Code != coap.Created || a.LocationPath() != d.location {
			return fmt.Errorf("%s registered as %s; the repeated message was answered %s %s", d.name, d.location, a.Code, a.LocationPath())
		}
	}
	return f.update(d)
}

// verifyOperations checks that a device did what it was asked, in order, once.
func (f *fleet) verifyOperations(t *testing.T, d *member, all map[string]platform.Operation) {
	for n, id := range d.posted {
		op, found := all[id]
		if !found || op.Status != platform.Successful {
			t.Errorf("%s: operation %d, %s: found %t, %s %s", d.name, n+1, id, found, op.Status, op.Failure)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	want := make([]int, len(d.posted))
	for n := range want {
		want[n] = n + 1
	}
	if !slices.Equal(d.executed, want) {
		t.Errorf("%s was asked for %d operations and did %v", d.name, len(d.posted), d.executed)
	}
}
