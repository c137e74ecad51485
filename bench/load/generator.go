package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dormouse/codec/coap"
)

// Generator is devices and the socket that they share. Its methods must not be
// called concurrently.
type Generator struct {
	options Options
	fleet   *fleet
	writer  *writer
	socket  *socket
	began   time.Time // what lines of progress count from

	runs       uint16
	unobserved int // all devices before it are observed
}

// Open makes devices that are not registered yet.
func Open(o Options) (*Generator, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	s, err := openSocket(o.Target)
	if err != nil {
		return nil, err
	}
	f := newFleet(o)
	return &Generator{options: o, fleet: f, writer: newWriter(f, o), socket: s, began: time.Now()}, nil
}

// Close gives the socket back; the registrations stay with the server.
func (g *Generator) Close() error { return g.socket.close() }

// Watch changes whose figures are taken: a server that was started again is
// another process.
func (g *Generator) Watch(w Watch) { g.options.Watch = w }

// ErrRefused is wrapped where the server will not register a device.
var ErrRefused = errors.New("load: the server does not register devices")

// Register registers the devices from one number up to (without) another, with
// inFlight at any time. It returns once all are; its Result has no warm-up.
func (g *Generator) Register(ctx context.Context, from, to, inFlight int) (Result, error) {
	if from < 0 || to > g.options.Devices || from >= to || inFlight < 1 || inFlight > MaxInFlight {
		return Result{}, fmt.Errorf("load: registering devices %d to %d of %d, %d in flight", from, to, g.options.Devices, inFlight)
	}
	list := once(uint32(from), uint32(to))
	l := g.newLoop(Register, inFlight)
	l.work = list
	patience := 1000 + (to-from)/2 // failures that are tried again
	l.exchanges.failed = func(device uint32, code coap.Code) {
		if patience--; patience < 0 || code.Class() == 4 {
			l.exchanges.fail(fmt.Errorf("%w: %s to %s (does it accept unknown ones?)", ErrRefused, shown(code), g.options.endpoint(device)))
		}
		list.again = append(list.again, device)
	}
	m, err := newMeasurement(l.began, g.options.Watch, l.tally)
	if err != nil {
		return Result{}, err
	}
	if err := l.run(ctx, func(time.Time) (time.Time, bool) {
		return time.Time{}, list.done() && l.exchanges.inFlight() == 0
	}); err != nil {
		return Result{}, err
	}
	return m.result(time.Now(), Register, l.tally)
}

// Run has registered devices do what t says, and measures.
func (g *Generator) Run(ctx context.Context, t Traffic) (Result, error) {
	t, err := t.withDefaults(g.options.Devices)
	if err != nil {
		return Result{}, err
	}
	if err := g.able(t); err != nil {
		return Result{}, err
	}
	l := g.newLoop(t.Kind, t.InFlight)
	l.work = inTurn(uint32(t.Hot))
	if t.Rate > 0 {
		l.pace = &pace{began: l.began, rate: t.Rate}
	}
	var m *measurement
	start := l.began.Add(min(t.Duration/10, maxWarmUp))
	err = l.run(ctx, func(now time.Time) (time.Time, bool) {
		if m == nil && !now.Before(start) {
			if m, err = newMeasurement(now, g.options.Watch, l.tally); err != nil {
				l.exchanges.fail(err)
			}
		}
		if m == nil {
			return start, false
		}
		end := m.at.Add(t.Duration)
		return end, !now.Before(end)
	})
	if err != nil {
		return Result{}, err
	}
	r, err := m.result(time.Now(), t.Kind, l.tally)
	l.drain()
	return r, err
}

const maxWarmUp = 2 * time.Second

// able says that the devices are in the state for it.
func (g *Generator) able(t Traffic) error {
	if t.Kind != Update && (!g.fleet.local || g.fleet.perAddress > 1) {
		return fmt.Errorf("load: %v needs an address for each device", t.Kind)
	}
	for i := range g.fleet.devices[:t.Hot] {
		switch d := &g.fleet.devices[i]; {
		case d.locationSize == 0:
			return fmt.Errorf("load: device %d is not registered", i)
		case t.Kind == Notify && !d.observed:
			return fmt.Errorf("load: device %d is not observed", i)
		}
	}
	return nil
}

// Probe is an Update of the first device, which must be registered, as a
// datagram: what a server is asked that has just been started.
func (g *Generator) Probe() ([]byte, error) {
	out, _, err := g.writer.append(nil, Update, 0, []byte("probe"))
	return out, err
}

func shown(code coap.Code) string {
	if code == coap.Empty {
		return "no answer, or a Reset,"
	}
	return code.String()
}
