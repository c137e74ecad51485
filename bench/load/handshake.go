package load

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"dormouse/bench/crowd"
	"dormouse/bench/device/secure"
	"dormouse/codec/coap"
)

const (
	// shakePoll is how late a handshake that is over is noticed while nothing
	// comes.
	shakePoll = time.Millisecond
	// shakeQueue is how many datagrams may wait for a handshake; more are lost.
	shakeQueue = 16
)

// MaxHandshakes bounds those under way; each takes about 60 kB.
const MaxHandshakes = 4096

// shaker is handshakes under way. They have goroutines; all else is on one.
type shaker struct {
	g       *Generator
	tally   *tally
	running map[uint32]chan []byte // by device
	over    chan shaken            // has room for all of them
	wait    sync.WaitGroup
}

// shaken is what came of a handshake.
type shaken struct {
	device uint32
	link   *secure.Link
	err    error
	took   time.Duration
}

// Handshake has the devices from one number up to (without) another make new
// sessions, with inFlight at any time, up to MaxHandshakes. Sessions that they
// have are forgotten without a word to the server. It returns once all are done,
// or with the first error; its Result has no warm-up.
func (g *Generator) Handshake(ctx context.Context, from, to, inFlight int) (Result, error) {
	if g.sessions == nil || from < 0 || to > g.options.Devices || from >= to || inFlight < 1 || inFlight > MaxHandshakes {
		return Result{}, fmt.Errorf("load: handshakes of devices %d to %d of %d, %d in flight, with DTLS: %t", from, to, g.options.Devices, inFlight, g.sessions != nil)
	}
	now := time.Now()
	s := &shaker{g: g, tally: newTally(), running: map[uint32]chan []byte{}, over: make(chan shaken, inFlight)}
	m, err := g.newMeasurement(now, s.tally)
	if err != nil {
		return Result{}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	err = s.run(ctx, once(uint32(from), uint32(to)), inFlight, newProgress(now, g.options, g.began))
	cancel()
	s.wait.Wait()
	if err != nil {
		return Result{}, err
	}
	return m.result(time.Now(), Handshake, s.tally)
}

func (s *shaker) run(ctx context.Context, list *work, inFlight int, p *progress) error {
	for !list.done() || len(s.running) > 0 {
		for len(s.running) < inFlight {
			device, ok := list.take(func(uint32) bool { return false })
			if !ok {
				break
			}
			s.begin(ctx, device)
		}
		if err := s.g.socket.Receive(shakePoll, s.take); err != nil {
			return err
		}
		if err := s.settle(); err != nil {
			return err
		}
		if err := p.line(time.Now(), s.g.options.Watch, state{Handshake, s.tally, len(s.running)}); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// begin starts the handshake of a device, which is the goroutine's until it is
// over.
func (s *shaker) begin(ctx context.Context, device uint32) {
	in := make(chan []byte, shakeQueue)
	s.running[device] = in
	s.g.sessions.links[device] = nil
	s.tally.begun++
	from, options, socket := s.g.fleet.source(device), s.g.options.handshakeOf(device), s.g.socket
	to := s.g.route.home(device)
	s.wait.Go(func() {
		began := time.Now()
		ctx, cancel := context.WithTimeout(ctx, secure.HandshakeTime)
		defer cancel()
		link, err := secure.Handshake(ctx, func(b []byte) { socket.SendOne(datagram{From: from, To: to, Payload: b}) }, in, options)
		s.over <- shaken{device, link, err, time.Since(began)}
	})
}

// take hands a datagram to the handshake of its address.
func (s *shaker) take(_ crowd.Server, to source, payload []byte) {
	device, _ := s.g.fleet.alone(to)
	in := s.running[device]
	if in == nil {
		s.tally.strays++
		return
	}
	select {
	case in <- bytes.Clone(payload):
	default:
	}
}

// settle keeps the sessions of what is over.
func (s *shaker) settle() error {
	for {
		select {
		case done := <-s.over:
			delete(s.running, done.device)
			if done.err != nil {
				return fmt.Errorf("load: device %d: %w", done.device, done.err)
			}
			s.g.sessions.settle(done.device, done.link)
			s.tally.answered(coap.Valid, done.took)
		default:
			return nil
		}
	}
}
