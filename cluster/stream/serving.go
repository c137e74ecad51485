package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"dormouse/codec/wire"
)

// Serve answers a request of a node. It is called concurrently. The request is
// its own, the answer belongs to the mesh from then on. ctx ends when nobody waits
// for the answer any more, and has what Certificate reads. An error travels as RemoteError; one with a method
// Code() uint16 takes its code along, and ErrBusy comes out as ErrBusy.
type Serve func(ctx context.Context, from wire.Node, kind byte, request []byte) ([]byte, error)

// serving is what a connection of calls that was accepted has under way.
type serving struct {
	pipe  *pipe
	serve Serve
	slots *slots
	count *counters

	mu      sync.Mutex // guards cancels
	cancels map[uint64]context.CancelFunc
	running sync.WaitGroup
}

// slots bound what one node has under way here.
type slots struct {
	mu          sync.Mutex
	calls       int
	bytes       int // of their requests
	most, limit int
}

// take reserves room for a request; one always finds room where there is no other.
func (s *slots) take(length int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls >= s.most || s.calls > 0 && s.bytes+length > s.limit {
		return false
	}
	s.calls++
	s.bytes += length
	return true
}

func (s *slots) free(length int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls--
	s.bytes -= length
}

// run serves until the connection breaks, and what is under way has returned.
func (s *serving) run() {
	ctx := context.WithValue(context.Background(), certificateKey{}, certificateOf(s.pipe.conn))
	ctx, cancel := context.WithCancel(ctx)
	s.pipe.fail(s.read(ctx))
	cancel()
	s.running.Wait()
}

func (s *serving) read(ctx context.Context) error {
	for last := uint64(0); ; {
		m, err := s.pipe.readMessage()
		if err != nil {
			return err
		}
		switch m.about {
		case aboutLife:
		case aboutCancel:
			s.cancel(m.call)
		case aboutRequest:
			if m.call <= last {
				return fmt.Errorf("%w: call %d behind call %d", ErrFormat, m.call, last)
			}
			last = m.call
			if err := s.request(ctx, m); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%w: a request about %d", ErrFormat, m.about)
		}
	}
}

// request starts what a request asks for, or says that there is no room. The
// latter waits until the answer has room: who asks for more reads answers, too.
func (s *serving) request(ctx context.Context, m message) error {
	if !s.slots.take(m.length) {
		s.count.busy.Add(1)
		if err := s.pipe.skipBody(m); err != nil {
			return err
		}
		return s.answer(message{about: aboutBusy, call: m.call}, nil)
	}
	body, err := s.pipe.readBody(m)
	if err != nil {
		s.slots.free(m.length)
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	s.cancels[m.call] = cancel
	s.mu.Unlock()
	s.running.Go(func() {
		defer s.slots.free(m.length)
		defer s.cancel(m.call)
		s.one(ctx, m, body)
	})
	return nil
}

// one answers a request. Its slot is held until the answer has room in the queue.
func (s *serving) one(ctx context.Context, m message, request []byte) {
	answer, err := s.serve(ctx, s.pipe.peer, m.kind, request)
	s.count.served.Add(1)
	if err == nil && len(answer) > s.pipe.longest {
		err = fmt.Errorf("the answer has %d bytes, at most %d are taken", len(answer), s.pipe.longest)
	}
	// That the connection broke meanwhile is no news.
	switch {
	case err == nil:
		_ = s.answer(message{about: aboutAnswer, call: m.call}, answer)
	case errors.Is(err, ErrBusy):
		_ = s.answer(message{about: aboutBusy, call: m.call}, nil)
	default:
		failure := remote(err)
		_ = s.answer(message{about: aboutFailure, call: m.call}, failure.appendFailure(nil))
	}
}

func (s *serving) answer(m message, body []byte) error {
	m.length = len(body)
	var head [messageHeader]byte
	return s.pipe.out.addWaiting(m.append(head[:0]), body)
}

// cancel ends the context of a request; it may be over already.
func (s *serving) cancel(call uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel := s.cancels[call]; cancel != nil {
		delete(s.cancels, call)
		cancel()
	}
}
