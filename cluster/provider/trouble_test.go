package provider

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dormouse/codec/ids"
)

// threeLives are a node A, and three lives of a node B at one address, of which
// the wire leads to the first.
func threeLives(t *testing.T, patience time.Duration, serve func(life int) Serve) (a *Node, b [3]*Node, w *wire) {
	w = newWire(t)
	for i := range b {
		o := behind(t, options(nodeB, serve(i)), w)
		o.Incarnation = uint64(i + 1)
		b[i] = start(t, o)
	}
	o := options(nodeA, echo)
	o.Patience = patience
	a = start(t, o)
	w.lead(b[0].o.Listen)
	meet(a, b[0])
	return a, b, w
}

func sayLife(life int) Serve {
	return func(context.Context, ids.Node, byte, []byte) ([]byte, error) {
		return fmt.Append(nil, "life ", life), nil
	}
}

// A peer that could not be reached for long is answered all the same when it can
// be: it asked over a stream of its own.
func TestAnswersWaitForTheirWay(t *testing.T) {
	way := newWire(t)
	ob := options(nodeB, echo)
	ob.Patience = 20 * time.Millisecond
	a, b := start(t, behind(t, options(nodeA, nil), way)), start(t, ob)
	meet(a, b)
	until(t, "patience to end", func() bool { // the wire leads nowhere
		_, err := b.Call(within(t), nodeA, 1, nil)
		return errors.Is(err, ErrNotSent) && b.peers.of(nodeA).unreached()
	})
	end := make(chan string, 1)
	go func() { end <- ask(t, a, nodeB, "x") }()
	until(t, "the call", func() bool { return b.Stats().Served == 1 })
	way.lead(a.o.Listen)
	if got := <-end; got != nodeA.String()+" 7 x" {
		t.Error(got)
	}
	if s := b.Stats(); s.DroppedAnswers != 0 || s.Served != 1 {
		t.Errorf("%+v", s)
	}
}

func (p *peer) unreached() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost()
}

func TestDeathAndReturn(t *testing.T) {
	a, b, w := threeLives(t, time.Minute, sayLife)
	for i, life := range b {
		if i > 0 {
			w.lead(life.o.Listen)
			meet(a, life)
		}
		if got, want := ask(t, a, nodeB, ""), fmt.Sprint("life ", i); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if got := ask(t, life, nodeA, "x"); got != nodeB.String()+" 7 x" {
			t.Errorf("life %d is answered %q", i, got)
		}
	}
}

// The new life calls before the membership told of it, and is answered; then its
// node is called in the new life, and the old one is not let in any more.
func TestNewLifeComesByItself(t *testing.T) {
	a, b, w := threeLives(t, time.Minute, sayLife)
	if got := ask(t, a, nodeB, ""); got != "life 0" {
		t.Fatal(got)
	}
	w.lead(b[1].o.Listen)
	b[1].SetMembers([]Member{a.Self()})
	if got := ask(t, b[1], nodeA, "x"); got != nodeB.String()+" 7 x" {
		t.Fatal(got)
	}
	if got := ask(t, a, nodeB, ""); got != "life 1" {
		t.Fatal(got)
	}
	b[0].SetMembers([]Member{a.Self()})
	ctx, cancel := context.WithTimeout(within(t), 200*time.Millisecond)
	defer cancel()
	if _, err := b[0].Call(ctx, nodeA, 7, nil); err == nil {
		t.Error("the old life is answered")
	}
	until(t, "the refusal", func() bool { return a.Stats().Refused > 0 })
	// A list that is older than what a knows changes nothing.
	a.SetMembers([]Member{b[0].Self()})
	if got := ask(t, a, nodeB, ""); got != "life 1" {
		t.Fatal(got)
	}
}

// A call that was written to a life that is no more ends at once, and is not
// served by the next.
func TestCallToALifeThatEnds(t *testing.T) {
	h := hold()
	var second atomic.Int64
	a, b, w := threeLives(t, time.Minute, func(life int) Serve {
		if life == 0 {
			return h.serve
		}
		return func(context.Context, ids.Node, byte, []byte) ([]byte, error) { second.Add(1); return nil, nil }
	})
	result := make(chan error, 1)
	go func() {
		_, err := a.Call(within(t), nodeB, 1, nil)
		result <- err
	}()
	<-h.came
	w.lead(b[1].o.Listen)
	meet(a, b[1])
	if err := <-result; !errors.Is(err, ErrUnknownOutcome) {
		t.Error(err)
	}
	if _, err := a.Call(within(t), nodeB, 1, nil); err != nil || second.Load() != 1 {
		t.Errorf("%v, %d served", err, second.Load())
	}
	close(h.free)
}

// A broken stream alone is no reason to fail: the call is written again, and
// answered once more without being served once more.
func TestBrokenStream(t *testing.T) {
	h := hold()
	a, b, w := threeLives(t, time.Minute, func(int) Serve { return h.serve })
	var group sync.WaitGroup
	for i := range 100 {
		group.Go(func() {
			want := fmt.Sprint("call ", i)
			if answer, err := a.Call(within(t), nodeB, 1, []byte(want)); err != nil || string(answer) != want {
				t.Errorf("%q, %v, want %q", answer, err, want)
			}
		})
	}
	for range 100 {
		<-h.came
	}
	w.lead(b[0].o.Listen) // breaks what there is
	until(t, "the repeats", func() bool { return b[0].Stats().Repeats == 100 })
	close(h.free)
	group.Wait()
	if s := b[0].Stats(); s.Served != 100 {
		t.Errorf("%+v", s)
	}
}

// Streams break all the time, in both directions, and no call is served twice
// or lost.
func TestBreakingStreams(t *testing.T) {
	wa, wb := newWire(t), newWire(t)
	var mu sync.Mutex
	times := map[string]int{}
	var calls atomic.Int64
	a := start(t, behind(t, options(nodeA, nil), wa))
	b := start(t, behind(t, options(nodeB, func(_ context.Context, _ ids.Node, _ byte, request []byte) ([]byte, error) {
		mu.Lock()
		defer mu.Unlock()
		times[string(request)]++
		return request, nil
	}), wb))
	wa.lead(a.o.Listen)
	wb.lead(b.o.Listen)
	meet(a, b)
	done := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		defer close(done)
		for i := range 20 {
			<-time.After(10 * time.Millisecond)
			if i%2 == 0 {
				wa.lead(a.o.Listen)
			} else {
				wb.lead(b.o.Listen)
			}
		}
	})
	for i := range 8 {
		group.Go(func() {
			for j := 0; ; j++ {
				select {
				case <-done:
					calls.Add(int64(j))
					return
				default:
				}
				request := fmt.Sprint(i, "/", j)
				if answer, err := a.Call(within(t), nodeB, 1, []byte(request)); err != nil || string(answer) != request {
					t.Errorf("%q, %v, want %q", answer, err, request)
				}
			}
		})
	}
	group.Wait()
	for request, n := range times {
		if n != 1 {
			t.Errorf("%s is served %d times", request, n)
		}
	}
	if len(times) != int(calls.Load()) {
		t.Errorf("%d of %d calls were served", len(times), calls.Load())
	}
	if lost := a.Stats().LostLines + b.Stats().LostLines; lost < 2 {
		t.Errorf("%d streams were lost", lost)
	}
}

// A peer that cannot be reached fails calls when Patience is over, and the next
// ones at once, until it can be reached.
func TestPeerThatCannotBeReached(t *testing.T) {
	a, b, w := threeLives(t, 100*time.Millisecond, sayLife)
	w.lead("")
	if _, err := a.Call(within(t), nodeB, 1, nil); !errors.Is(err, ErrNotSent) {
		t.Error(err)
	}
	if _, err := a.Call(within(t), nodeB, 1, nil); !errors.Is(err, ErrNotSent) {
		t.Error(err)
	}
	w.lead(b[0].o.Listen)
	a.SetMembers([]Member{b[0].Self()}) // tries again at once
	until(t, "the line", func() bool {
		_, err := a.Call(within(t), nodeB, 1, nil)
		return err == nil
	})
}

// A call whose caller gave up before there was a line is never written.
func TestCallThatWasNotWritten(t *testing.T) {
	a, b, w := threeLives(t, time.Minute, sayLife)
	w.lead("")
	ctx, cancel := context.WithTimeout(within(t), 20*time.Millisecond)
	defer cancel()
	if _, err := a.Call(ctx, nodeB, 1, nil); !errors.Is(err, ErrNotSent) || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	w.lead(b[0].o.Listen)
	ask(t, a, nodeB, "")
	if s := b[0].Stats(); s.Served != 1 {
		t.Errorf("%+v", s)
	}
}

// A peer that is cut off, so that nothing tells of it, holds a call no longer
// than its context, or the membership, wants.
func TestPeerThatIsCutOff(t *testing.T) {
	a, b, w := threeLives(t, time.Minute, sayLife)
	ask(t, a, nodeB, "")
	w.setCut(true)
	ctx, cancel := context.WithTimeout(within(t), 50*time.Millisecond)
	defer cancel()
	if _, err := a.Call(ctx, nodeB, 1, nil); !errors.Is(err, ErrUnknownOutcome) || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	result := make(chan error, 1)
	go func() {
		_, err := a.Call(within(t), nodeB, 1, nil)
		result <- err
	}()
	until(t, "the call", func() bool { return a.Stats().Calls == 3 })
	until(t, "its being written", func() bool { _, waiting := a.peers.of(nodeB).current(); return !waiting })
	a.SetMembers(nil)
	if err := <-result; !errors.Is(err, ErrUnknownOutcome) {
		t.Error(err)
	}
	if _, err := a.Call(within(t), nodeB, 1, nil); !errors.Is(err, ErrNoNode) {
		t.Error(err)
	}
	w.setCut(false)
	meet(a, b[0])
	ask(t, a, nodeB, "") // the same life, suspected falsely
}
