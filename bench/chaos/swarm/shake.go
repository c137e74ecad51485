package swarm

import (
	"context"
	"sync"
	"time"

	"dormouse/bench/chaos/history"
	"dormouse/bench/crowd"
	"dormouse/bench/device/secure"
)

const (
	// shakeTime is how long a device tries one node; then it tries another one.
	shakeTime = 10 * time.Second
	// shakeQueue is how many datagrams may wait for a handshake; more are lost.
	shakeQueue = 16
)

// shaker is the handshakes under way. They have goroutines; all else is on one.
type shaker struct {
	shaking map[uint32]int // by device: its node
	over    chan shaken    // has room for all of them
	wait    sync.WaitGroup
	ctx     context.Context
	cancel  context.CancelFunc
}

// shaken is what came of a handshake.
type shaken struct {
	device uint32
	link   *secure.Link
}

func newShaker() shaker {
	ctx, cancel := context.WithCancel(context.Background())
	return shaker{shaking: map[uint32]int{}, over: make(chan shaken, shakes), ctx: ctx, cancel: cancel}
}

func (h *shaker) close() {
	h.cancel()
	h.wait.Wait()
}

// shake begins the handshake of a device with one node; false: too many are
// under way.
func (s *Swarm) shake(i uint32) bool {
	if len(s.shaking) >= shakes {
		return false
	}
	node := s.node()
	in := make(chan []byte, shakeQueue)
	d := &s.devices[i]
	d.link, d.shaking = nil, in
	s.shaking[i] = node
	c := s.options.credential(int(i))
	from, to, socket, over, ctx := s.source(i), s.server(i, node), s.socket, s.over, s.ctx
	s.shaker.wait.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, shakeTime)
		defer cancel()
		send := func(b []byte) { socket.SendOne(crowd.Datagram{From: from, To: to, Payload: b}) }
		link, _ := secure.Handshake(ctx, send, in, secure.Options{Identity: c.Identity, Key: c.Key}) // nil where it failed
		over <- shaken{i, link}
	})
	return true
}

// settle takes the sessions of handshakes that are over.
func (s *Swarm) settle() {
	for {
		select {
		case done := <-s.over:
			d := &s.devices[done.device]
			e := history.Event{Kind: history.Shaken, Device: done.device, Node: int16(s.shaking[done.device])}
			delete(s.shaking, done.device)
			d.link, d.shaking = done.link, nil
			if done.link == nil {
				e.Kind = history.ShakeFailed
			} else {
				done.link.Sleep()
			}
			s.log.Add(e)
		default:
			return
		}
	}
}
