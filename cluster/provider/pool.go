package provider

import (
	"sync"
	"time"
)

// pool runs work on at most so many goroutines. It has no queue: what finds no
// goroutine is refused. Goroutines stay a while, since a new one pays for
// growing its stack.
type pool struct {
	idle chan func() // to a goroutine that has nothing to do
	most int

	mu      sync.Mutex
	running int
	closed  bool
	ended   chan struct{} // closed when closed and none is running
	stop    chan struct{} // closed: goroutines that are idle end
}

// lingering is how long a goroutine without work stays.
const lingering = 10 * time.Second

func newPool(most int) *pool {
	return &pool{idle: make(chan func()), most: most, ended: make(chan struct{}), stop: make(chan struct{})}
}

// put runs f, or says why not: ErrBusy or ErrClosed.
func (p *pool) put(f func()) error {
	select {
	case <-p.stop:
		return ErrClosed
	default:
	}
	select {
	case p.idle <- f:
		return nil
	default:
	}
	if err := p.enter(); err != nil {
		return err
	}
	go p.work(f)
	return nil
}

// enter takes a place for the caller's goroutine, or one to be started.
func (p *pool) enter() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return ErrClosed
	case p.running >= p.most:
		return ErrBusy
	}
	p.running++
	return nil
}

func (p *pool) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running--; p.running == 0 && p.closed {
		close(p.ended)
	}
}

func (p *pool) work(f func()) {
	defer p.leave()
	timer := time.NewTimer(lingering)
	defer timer.Stop()
	for {
		f()
		timer.Reset(lingering)
		select {
		case f = <-p.idle:
		case <-timer.C:
			return
		case <-p.stop:
			return
		}
	}
}

// close refuses further work; ended is closed when all is done.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.closed = true
	close(p.stop)
	if p.running == 0 {
		close(p.ended)
	}
}
