package swarm

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"dormouse/bench/chaos/history"
	"dormouse/bench/crowd"
	"dormouse/bench/device/secure"
	"dormouse/bench/wheel"
)

// Counts is what happened beside the history. Counts only grow.
type Counts struct {
	Exchanges   uint64 `json:"exchanges"`   // that were answered with success
	Busy        uint64 `json:"busy"`        // answered 5.xx
	Tries       uint64 `json:"tries"`       // datagrams of exchanges
	Repeated    uint64 `json:"repeated"`    // of these, beyond the first of each
	Hopeless    uint64 `json:"hopeless"`    // exchanges given up of which no try went to a node that lived
	Moves       uint64 `json:"moves"`       // of devices to other addresses
	Astray      uint64 `json:"astray"`      // answers from a node that was not asked, dropped
	Strays      uint64 `json:"strays"`      // other datagrams that nobody waited for
	Elsewhere   uint64 `json:"elsewhere"`   // requests to an address that was left, or by strangers
	Lost        uint64 `json:"lost"`        // answers to requests of the server, on purpose
	HeldBack    uint64 `json:"heldBack"`    // turns that were due while no device was free, or no room
	Undecrypted uint64 `json:"undecrypted"` // datagrams with a record that was no good
}

// Swarm is the devices. Its methods must not be called concurrently.
type Swarm struct {
	options Options
	nodes   int
	log     *history.Log
	socket  *crowd.Socket
	random  *rand.Rand
	devices []device
	counts  Counts

	exchanges
	mode  mode
	next  uint32 // whose turn it is
	began time.Time
	taken int64 // turns that were taken since began

	shaker
	out   []crowd.Datagram
	arena []byte // the sealed payloads of out
	awake []uint32
	old   int
	fault error
}

// mode is what the devices do when it is their turn.
type mode uint8

const (
	settingUp mode = iota // make sessions and register, and nothing else
	running
	rollCall // an Update of each
)

// Open makes devices that nobody has heard of. Close must be called.
func Open(o Options) (*Swarm, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	socket, err := crowd.Open(append(slices.Clone(o.CoAP), o.CoAPS...))
	if err != nil {
		return nil, err
	}
	s := &Swarm{
		options: o, nodes: len(o.CoAP), log: o.Log, socket: socket,
		random: rand.New(rand.NewPCG(o.Seed, 7)), devices: make([]device, o.Devices),
	}
	for i := range s.devices {
		s.devices[i].slot, s.devices[i].mid = free, uint16(s.random.Uint32())
	}
	s.exchanges = newExchanges(wheel.New(time.Now()))
	s.shaker = newShaker()
	return s, nil
}

// Close ends handshakes under way and gives the socket back.
func (s *Swarm) Close() error {
	s.shaker.close()
	return s.socket.Close()
}

// Counts are those until now.
func (s *Swarm) Counts() Counts { return s.counts }

// Early are the devices that Setup registers.
func (s *Swarm) Early() (list []int) {
	for i := range s.devices {
		if !s.options.late(uint32(i)) {
			list = append(list, i)
		}
	}
	return list
}

// Credentials are those of the devices with DTLS, to be posted before Setup.
func (s *Swarm) Credentials() (list []secure.Credential) {
	for i := range s.devices {
		if s.options.secured(uint32(i)) {
			list = append(list, s.options.credential(i))
		}
	}
	return list
}

// Endpoint is the name of device i.
func (s *Swarm) Endpoint(i int) string { return s.options.Endpoint(i) }

// Setup has all devices but the late ones make their sessions and register.
func (s *Swarm) Setup(ctx context.Context) error {
	missing := func() bool {
		for i := range uint32(len(s.devices)) {
			if !s.options.late(i) && !s.ready(i) {
				return true
			}
		}
		return false
	}
	return s.drive(ctx, settingUp, missing)
}

// Run has the devices do what they do until stop is closed.
func (s *Swarm) Run(ctx context.Context, stop <-chan struct{}) error {
	return s.drive(ctx, running, func() bool {
		select {
		case <-stop:
			return false
		default:
			return true
		}
	})
}

// RollCall has every device that was registered update once, until all were
// answered or the context ends, which is no error: the history lacks a Known then.
func (s *Swarm) RollCall(ctx context.Context) error {
	missing := func() bool {
		for i := range s.devices {
			if d := &s.devices[i]; d.location != nil && !d.known {
				return true
			}
		}
		return false
	}
	err := s.drive(ctx, rollCall, missing)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

// longestWait is how late the end is noticed.
const longestWait = 20 * time.Millisecond

// checkEvery many turns of the loop it is asked whether to go on: the answer may
// take a look at each device.
const checkEvery = 16

// drive goes on while more says so.
func (s *Swarm) drive(ctx context.Context, m mode, more func() bool) error {
	s.mode, s.began, s.taken = m, time.Now(), 0
	for turn := 0; turn%checkEvery != 0 || more(); turn++ {
		now := time.Now()
		s.tick(now)
		s.begin(now)
		if err := s.flush(); err != nil {
			return err
		}
		if err := s.socket.Receive(s.wait(now), s.take); err != nil {
			return fmt.Errorf("swarm: %w", err)
		}
		s.settle()
		if s.fault != nil {
			return s.fault
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return s.flush()
}

// wait is until the next thing that is due.
func (s *Swarm) wait(now time.Time) time.Duration {
	wait := longestWait
	if at := s.wheel.Next(); !at.IsZero() {
		wait = min(wait, at.Sub(now))
	}
	if s.mode == running {
		wait = min(wait, time.Millisecond)
	}
	return max(wait, 0)
}

// begin gives turns: at a rate in a run, else as many as are in flight.
func (s *Swarm) begin(now time.Time) {
	if s.mode != running {
		for range s.devices {
			if s.busy() >= inSetup || !s.turn(now) {
				return
			}
		}
		return
	}
	due := int64(now.Sub(s.began).Seconds() * float64(s.options.Rate))
	for ; s.taken < due; s.taken++ {
		if !s.turn(now) {
			s.counts.HeldBack++
		}
	}
}

// turn has the next device that is free do something; false: none can.
func (s *Swarm) turn(now time.Time) bool {
	for range s.devices {
		i := s.next
		if s.next++; s.next == uint32(len(s.devices)) {
			s.next = 0
		}
		if s.wants(i) {
			return s.act(now, i)
		}
	}
	return false
}

// wants reports a device that is free and has something to do.
func (s *Swarm) wants(i uint32) bool {
	d := &s.devices[i]
	switch {
	case d.slot != free || d.shaking != nil:
		return false
	case s.mode == settingUp:
		return !s.options.late(i) && !s.ready(i)
	case s.mode == rollCall:
		return d.location != nil && !d.known && s.session(i)
	}
	return true
}

// act has a device do what is next for it.
func (s *Swarm) act(now time.Time, i uint32) bool {
	d := &s.devices[i]
	switch {
	case !s.session(i):
		return s.shake(i)
	case !s.room():
		return false
	case d.location == nil:
		s.ask(now, i, register)
		return true
	case s.mode == running && s.options.MoveEvery > 0 && s.random.IntN(s.options.MoveEvery) == 0:
		s.move(i)
	}
	s.ask(now, i, s.choose(d))
	return true
}

// choose says what a registered device tells the server. One that has moved in
// the clear is known by its location alone.
func (s *Swarm) choose(d *device) kind {
	if s.mode == rollCall || d.moved {
		return update
	}
	switch n := s.random.IntN(10); {
	case n < 2 && d.token != "":
		return notify
	case n < 4:
		return send
	}
	return update
}

// node picks one at random.
func (s *Swarm) node() int { return s.random.IntN(s.nodes) }

// server is a node's listener for a device.
func (s *Swarm) server(i uint32, node int) crowd.Server {
	if s.options.secured(i) {
		return crowd.Server(s.nodes + node)
	}
	return crowd.Server(node)
}
