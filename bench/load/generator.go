package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dormouse/bench/crowd"
	"dormouse/codec/coap"
)

// Generator is devices and the socket that they share. Its methods must not be
// called concurrently.
type Generator struct {
	options Options
	fleet   *fleet
	writer  *writer
	socket  *crowd.Socket
	route   *route
	began   time.Time // what lines of progress count from

	sessions *sessions // nil: no DTLS

	runs       uint16
	unobserved int // all devices before it are observed
}

// Open makes devices that are not registered yet.
func Open(o Options) (*Generator, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	s, err := crowd.Open(o.servers())
	if err != nil {
		return nil, err
	}
	f := newFleet(o)
	g := &Generator{options: o, fleet: f, writer: newWriter(f, o), socket: s, route: newRoute(o), began: time.Now()}
	if o.Security != nil {
		g.sessions = newSessions(f, o.Security)
	}
	return g, nil
}

// Close gives the socket back; the registrations stay with the server.
func (g *Generator) Close() error { return g.socket.Close() }

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
	if err := g.able(Register, from, to); err != nil {
		return Result{}, err
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
	return l.through(ctx, list)
}

// Once has the registered devices from one number up to (without) another do
// one thing each, Update, Send or Notify, with inFlight at any time. It returns
// when all were answered or given up, which the Result says.
func (g *Generator) Once(ctx context.Context, kind Kind, from, to, inFlight int) (Result, error) {
	if kind == Register || kind >= Handshake || from < 0 || to > g.options.Devices || from >= to || inFlight < 1 || inFlight > MaxInFlight {
		return Result{}, fmt.Errorf("load: %v of devices %d to %d of %d, %d in flight", kind, from, to, g.options.Devices, inFlight)
	}
	if err := g.able(kind, from, to); err != nil {
		return Result{}, err
	}
	list := once(uint32(from), uint32(to))
	l := g.newLoop(kind, inFlight)
	l.work = list
	return l.through(ctx, list)
}

// through works through a list, and measures from the beginning to the end.
func (l *loop) through(ctx context.Context, list *work) (Result, error) {
	m, err := l.g.newMeasurement(l.began, l.tally)
	if err != nil {
		return Result{}, err
	}
	if err := l.run(ctx, func(time.Time) (time.Time, bool) {
		return time.Time{}, list.done() && l.exchanges.inFlight() == 0
	}); err != nil {
		return Result{}, err
	}
	return m.result(time.Now(), l.exchanges.kind, l.tally)
}

// Run has registered devices do what t says, and measures.
func (g *Generator) Run(ctx context.Context, t Traffic) (Result, error) {
	t, err := t.withDefaults(g.options.Devices)
	if err != nil {
		return Result{}, err
	}
	if err := g.able(t.Kind, 0, t.Hot); err != nil {
		return Result{}, err
	}
	if t.Aim != AsOptions && (g.options.Owner == nil || g.route.servers == 1) {
		return Result{}, errors.New("load: to the owner or to another one, and nobody knows which of several servers that is")
	}
	l := g.newLoop(t.Kind, t.InFlight)
	l.work = inTurn(uint32(t.Hot))
	l.exchanges.route.aim, l.exchanges.route.owner = t.Aim, g.owner
	if t.Rate > 0 {
		l.pace = &pace{began: l.began, rate: t.Rate}
	}
	var m *measurement
	start := l.began.Add(min(t.Duration/10, maxWarmUp))
	err = l.run(ctx, func(now time.Time) (time.Time, bool) {
		if m == nil && !now.Before(start) {
			if m, err = g.newMeasurement(now, l.tally); err != nil {
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

// owner is the server that owns a device.
func (g *Generator) owner(device uint32) (server int, ok bool) {
	e, ok := g.fleet.devices[device].endpoint()
	if !ok {
		return 0, false
	}
	server = g.options.Owner(e)
	return server, server >= 0 && server < g.route.servers
}

const maxWarmUp = 2 * time.Second

// able says that devices are in the state for it.
func (g *Generator) able(kind Kind, from, to int) error {
	if kind != Register && kind != Update && (!g.fleet.local || g.fleet.perAddress > 1) {
		return fmt.Errorf("load: %v needs an address for each device", kind)
	}
	for i := from; i < to; i++ {
		switch d := &g.fleet.devices[i]; {
		case g.sessions != nil && g.sessions.link(uint32(i), true) == nil:
			return fmt.Errorf("load: device %d has no session", i)
		case kind == Register:
		case d.locationSize == 0:
			return fmt.Errorf("load: device %d is not registered", i)
		case kind == Notify && !d.observed:
			return fmt.Errorf("load: device %d is not observed", i)
		}
	}
	return nil
}

// Probe is an Update of the first device, which must be registered, as a
// datagram: what a server is asked that has just been started. Over DTLS it is a
// record, which a server takes once.
func (g *Generator) Probe() ([]byte, error) {
	out, _, err := g.writer.append(nil, Update, 0, []byte("probe"))
	if err == nil && g.sessions != nil {
		if err = g.able(Update, 0, 1); err == nil {
			out = g.sessions.links[0].Seal(nil, out)
		}
	}
	return out, err
}

func shown(code coap.Code) string {
	if code == coap.Empty {
		return "no answer, or a Reset,"
	}
	return code.String()
}
