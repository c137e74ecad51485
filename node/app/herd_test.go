package app_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/ids"
	"dormouse/codec/lwm2m"
	"dormouse/codec/platform"
	"dormouse/node/app/apptest"
)

// herd is devices that work all the time, each behind one node of a cluster, with
// operations that are posted at another one. It knows all that was acknowledged.
type herd struct {
	t     *testing.T
	mates []*mate // those that serve; guarded by mu
	all   []*sheep

	mu      sync.Mutex
	stopped bool
	work    sync.WaitGroup
	rounds  chan struct{} // a token: somebody made a round
}

// sheep is one device. Its worker alone touches what has no guard.
type sheep struct {
	name   string
	object ids.Object
	posted []ids.Operation // that were answered 201, oldest first
	last   float64         // value that was acknowledged
	known  *apptest.Device // whose address the cluster knows

	mu     sync.Mutex // guards what follows
	device *apptest.Device
	at     *mate
	made   int // rounds
	done   []string
	moved  bool
	closed bool
	strays []string
}

// newHerd registers devices, as many behind each node.
func newHerd(t *testing.T, each int, mates ...*mate) *herd {
	h := &herd{t: t, mates: mates, rounds: make(chan struct{}, 1)}
	for i := range each * len(mates) {
		s := &sheep{name: fmt.Sprintf("sheep-%02d", i), at: mates[i%len(mates)]}
		s.device = must[*apptest.Device](t)(apptest.NewDevice(s.at.coap(), s.name))
		check(t, s.device.Register())
		s.object = must[ids.Endpoint](t)(apptest.EndpointOf(s.device.Location)).Object()
		h.all = append(h.all, s)
	}
	t.Cleanup(h.stop)
	return h
}

// graze lets all work until stop.
func (h *herd) graze() {
	for i, s := range h.all {
		h.work.Go(func() {
			for n := 1; !h.over(); n++ {
				if err := h.round(s, i, n); err != nil {
					if !h.over() {
						h.t.Errorf("%s, behind %s, round %d: %v", s.name, s.where().name, n, err)
					}
					return
				}
				s.mu.Lock()
				s.made = n
				s.mu.Unlock()
				select {
				case h.rounds <- struct{}{}:
				default: // the token is there
				}
			}
		})
	}
}

func (h *herd) over() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.stopped
}

// stop ends the work, and waits for that.
func (h *herd) stop() {
	h.mu.Lock()
	h.stopped = true
	h.mu.Unlock()
	if h.t.Failed() { // nothing is worth waiting for
		for _, s := range h.all {
			s.close()
		}
	}
	h.work.Wait()
	for _, s := range h.all {
		s.close()
	}
}

func (s *sheep) where() *mate {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at
}

// close keeps what the device did at the address that it gives up.
func (s *sheep) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	_ = s.device.Close()
	s.done = append(s.done, s.device.Executed()...)
	s.strays = append(s.strays, s.device.Strays()...)
}

// round is one of each: an Update, a Send, an operation.
func (h *herd) round(s *sheep, i, n int) error {
	err := s.exchange(s.update)
	if err != nil {
		return fmt.Errorf("update: %w", err)
	}
	value := float64(n)
	err = s.exchange(func(d *apptest.Device) error {
		code, err := d.Send(lwm2m.Node{Path: temperature, Value: lwm2m.Float(value)})
		return expected(code, coap.Changed, err)
	})
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	s.last = value
	var op platform.Operation
	text, key := fmt.Sprintf("execute /3/0/4 0='%d'", n), fmt.Sprintf("%s %d", s.name, n)
	err = h.eventually(i+n, func(api *apptest.API) (err error) {
		op, err = api.Submit(s.object, text, key)
		return err
	})
	if err != nil {
		return fmt.Errorf("submit: %w", err)
	}
	s.posted = append(s.posted, op.ID)
	return h.ended(s, i+n+1, s.posted[n-1])
}

// ended waits for the end of an operation. Now and then the device says that it is
// there: an operation whose request went with a node waits for that.
func (h *herd) ended(s *sheep, from int, id ids.Operation) error {
	looks := 0
	return h.eventually(from, func(api *apptest.API) error {
		op, err := api.Operation(id)
		if err == nil && op.Status != platform.Successful && op.Status != platform.Failed {
			err = fmt.Errorf("operation %v is %s", id, op.Status)
		}
		if looks++; err != nil && looks%looksPerUpdate == 0 {
			err = errors.Join(err, s.exchange(s.update))
		}
		return err
	})
}

// looksPerUpdate is how often one looks at an operation before the device, which
// has nothing else to do, sends an Update.
const looksPerUpdate = 40

func expected(code, want coap.Code, err error) error {
	if err == nil && code != want {
		err = fmt.Errorf("answered %s", code)
	}
	return err
}

// update makes the address known.
func (s *sheep) update(d *apptest.Device) error {
	code, err := d.Update()
	if err = expected(code, coap.Changed, err); err == nil {
		s.known = d
	}
	return err
}

// exchange repeats what was cut off because the device went to another node. There
// it says first who it is: a Send does not.
func (s *sheep) exchange(f func(*apptest.Device) error) error {
	for {
		s.mu.Lock()
		d := s.device
		s.mu.Unlock()
		var err error
		if d != s.known {
			err = s.update(d)
		}
		if err == nil {
			err = f(d)
		}
		s.mu.Lock()
		again := errors.Is(err, apptest.ErrClosed) && d != s.device
		s.mu.Unlock()
		if !again {
			return err
		}
	}
}

// eventually asks one node after another, the n-th first, until one is content.
func (h *herd) eventually(n int, f func(*apptest.API) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), patienceOfHerd)
	defer cancel()
	for {
		h.mu.Lock()
		m := h.mates[n%len(h.mates)]
		h.mu.Unlock()
		err := f(m.api)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(lookEvery / 4):
		case <-ctx.Done():
			return fmt.Errorf("the last answer, of %s: %w", m.name, err)
		}
		if h.t.Failed() {
			return err // the others need not wait
		}
		n++
	}
}

// patienceOfHerd bounds what a client of the API waits for.
const patienceOfHerd = time.Minute

// serving says which nodes are asked from now on. Devices behind others go to one of
// these: they come from another port with the registration that they have.
func (h *herd) serving(mates ...*mate) {
	h.mu.Lock()
	h.mates = mates
	h.mu.Unlock()
	for i, s := range h.all {
		if at := s.where(); !slices.Contains(mates, at) {
			check(h.t, s.move(mates[i%len(mates)]))
		}
	}
}

func (s *sheep) move(to *mate) error {
	next, err := apptest.NewDevice(to.coap(), s.name)
	if err != nil {
		return err
	}
	s.mu.Lock()
	before := s.device
	next.Location = before.Location
	s.device, s.at, s.moved = next, to, true
	s.mu.Unlock()
	_ = before.Close()
	s.mu.Lock()
	s.done = append(s.done, before.Executed()...)
	s.mu.Unlock()
	return nil
}

// progress waits until every device has made more rounds, and says how long it took.
func (h *herd) progress(what string) {
	h.t.Helper()
	start := time.Now()
	want := make([]int, len(h.all))
	for i, s := range h.all {
		want[i] = s.count() + roundsOfProgress
	}
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	for i, s := range h.all {
		for s.count() < want[i] {
			select {
			case <-h.rounds:
			case <-time.After(lookEvery):
			case <-ctx.Done():
				h.t.Fatalf("%s: %s, behind %s, made %d of %d rounds", what, s.name, s.where().name, s.count(), want[i])
			}
			if h.t.Failed() {
				h.t.FailNow()
			}
		}
	}
	h.t.Logf("%s: %d rounds of each in %v", what, roundsOfProgress, time.Since(start).Round(time.Millisecond))
}

// roundsOfProgress: one may have been finished before what is looked at.
const roundsOfProgress = 2

func (s *sheep) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.made
}

// verify holds what was acknowledged against what a node knows.
func (h *herd) verify(m *mate) {
	h.t.Helper()
	n := node{api: m.api}
	names := n.names(h.t)
	ended := must[map[string]platform.Operation](h.t)(settle(m.api))
	for _, s := range h.all {
		if names[s.name] != 1 {
			h.t.Errorf("%s: %s is in the inventory %d times", m.name, s.name, names[s.name])
		}
		n.expectValue(h.t, s.object, temperature, lwm2m.Float(s.last))
		for i, id := range s.posted {
			op, found := ended[id.String()]
			if !found || op.Status != platform.Successful && !s.moved {
				h.t.Errorf("%s: operation %d of %s: found %t, %s %s", m.name, i+1, s.name, found, op.Status, op.Failure)
			}
		}
	}
}

// once checks that every device did what it was told, once and in order. One that
// moved may have got its last request of the old address again: its memory of
// message IDs did not move with it.
func (h *herd) once() {
	for _, s := range h.all {
		var want []string
		for n := range s.posted {
			want = append(want, fmt.Sprintf("/3/0/4 0='%d'", n+1))
		}
		done := s.done
		if s.moved {
			done = slices.Compact(slices.Clone(done))
		}
		if !slices.Equal(done, want) {
			h.t.Errorf("%s (moved: %t) was told %d things and did %q", s.name, s.moved, len(want), s.done)
		}
		if len(s.strays) > 0 && !s.moved {
			h.t.Errorf("%s: strays: %q", s.name, s.strays)
		}
	}
}
