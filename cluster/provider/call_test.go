package provider

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"dormouse/codec/ids"
)

func TestCallBothWays(t *testing.T) {
	a, b, c := start(t, options(nodeA, echo)), start(t, options(nodeB, echo)), start(t, options(nodeC, echo))
	meet(a, b, c)
	for _, from := range []*Node{a, b, c} {
		for _, to := range []*Node{a, b, c} {
			want := from.o.Node.String() + " 7 hello"
			if got := ask(t, from, to.o.Node, "hello"); got != want {
				t.Errorf("%s asks %s: %q, want %q", from.o.Node, to.o.Node, got, want)
			}
		}
	}
}

type refusedError struct{}

func (refusedError) Error() string { return "it is refused" }
func (refusedError) Code() uint16  { return 403 }

func TestErrorsTravel(t *testing.T) {
	b := start(t, options(nodeB, func(_ context.Context, _ ids.Node, kind byte, _ []byte) ([]byte, error) {
		switch kind {
		case 1:
			return nil, fmt.Errorf("trying it: %w", refusedError{})
		case 2:
			return nil, errors.New("a secretless reason")
		case 3:
			panic("at the disco")
		case 4:
			return make([]byte, MaxPayload+1), nil
		}
		return nil, nil
	}))
	a := start(t, options(nodeA, nil))
	meet(a, b)
	for kind, want := range map[byte]RemoteError{
		1: {403, "trying it: it is refused"},
		2: {1, "a secretless reason"},
		3: {1, "provider: the peer panics at it"},
	} {
		for _, n := range []*Node{a, b} {
			_, err := n.Call(within(t), nodeB, kind, nil)
			if got, ok := errors.AsType[*RemoteError](err); !ok || *got != want {
				t.Errorf("kind %d: %v, want %+v", kind, err, want)
			}
		}
	}
	for _, n := range []*Node{a, b} {
		if _, err := n.Call(within(t), nodeB, 4, nil); !errors.Is(err, ErrTooLong) || errors.Is(err, ErrNotSent) {
			t.Error(err)
		}
		if answer, err := n.Call(within(t), nodeB, 5, nil); err != nil || len(answer) != 0 {
			t.Error(answer, err)
		}
	}
	if _, err := a.Call(within(t), nodeB, 5, make([]byte, MaxPayload+1)); !errors.Is(err, ErrTooLong) || !errors.Is(err, ErrNotSent) {
		t.Error(err)
	}
	if _, err := a.Call(within(t), nodeC, 5, nil); !errors.Is(err, ErrNoNode) || !errors.Is(err, ErrNotSent) {
		t.Error(err)
	}
	if _, err := b.Call(within(t), nodeA, 5, nil); err == nil {
		t.Error("a node without Serve answers")
	}
}

// Many calls of the largest size at once make batches that are longer than what
// a peer takes, had they not been split.
func TestLargeCallsTogether(t *testing.T) {
	oa, ob := options(nodeA, nil), options(nodeB, func(_ context.Context, _ ids.Node, _ byte, request []byte) ([]byte, error) { return request, nil })
	oa.Pending, ob.Pending = 16*MaxPayload, 16*MaxPayload
	oa.WindowBytes, ob.WindowBytes = 16*MaxPayload, 16*MaxPayload // so that no answer is forgotten before it is asked for again
	a, b := start(t, oa), start(t, ob)
	meet(a, b)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			request := bytes.Repeat([]byte{byte(i)}, MaxPayload-i)
			if answer, err := a.Call(within(t), nodeB, 0, request); err != nil || !bytes.Equal(answer, request) {
				t.Errorf("%d bytes back: %v", len(answer), err)
			}
		})
	}
	group.Wait()
	if lost := a.Stats().LostLines + b.Stats().LostLines; lost != 0 {
		t.Errorf("%d streams were lost", lost)
	}
}

// What waits is bounded in bytes, too: one call always fits, and an answer that
// does not is told of.
func TestBytesAreBounded(t *testing.T) {
	h := hold()
	oa, ob := options(nodeA, nil), options(nodeB, h.serve)
	oa.Pending = 10 << 10
	a, b := start(t, oa), start(t, ob)
	meet(a, b)
	end := make(chan error, 1)
	go func() {
		_, err := a.Call(within(t), nodeB, 1, make([]byte, 20<<10))
		end <- err
	}()
	<-h.came
	if _, err := a.Call(within(t), nodeB, 1, nil); !errors.Is(err, ErrBusy) || !errors.Is(err, ErrNotSent) {
		t.Error(err)
	}
	close(h.free)
	if err := <-end; err != nil {
		t.Error(err)
	}
	if _, err := a.Call(within(t), nodeB, 1, nil); err != nil {
		t.Error(err)
	}

	p := newPeer(context.Background(), Member{Node: nodeC, Host: "127.0.0.1", Port: 1}, &Options{InFlight: 10, Pending: 10 << 10})
	for i, c := range []struct {
		size int
		room bool
	}{{20 << 10, true}, {2 << 10, false}, {small, true}} {
		if got := p.send(parcel{data: make([]byte, c.size)}); got != c.room {
			t.Errorf("message %d of %d bytes: %v", i, c.size, got)
		}
	}
}

// A Serve that does not take a request now says so: nothing was done.
func TestServeIsBusy(t *testing.T) {
	busy := func(context.Context, ids.Node, byte, []byte) ([]byte, error) {
		return nil, fmt.Errorf("%w: starting", ErrBusy)
	}
	a, b := start(t, options(nodeA, nil)), start(t, options(nodeB, busy))
	meet(a, b)
	for _, n := range []*Node{a, b} {
		if _, err := n.Call(within(t), nodeB, 1, nil); !errors.Is(err, ErrBusy) || !errors.Is(err, ErrNotSent) {
			t.Error(err)
		}
	}
}

// held is a Serve that waits until it is let go.
type held struct {
	came chan byte
	free chan struct{}
}

func hold() *held { return &held{make(chan byte, 4096), make(chan struct{})} }

func (h *held) serve(ctx context.Context, _ ids.Node, kind byte, request []byte) ([]byte, error) {
	h.came <- kind
	select {
	case <-h.free:
		return request, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func TestBusyAtThePeer(t *testing.T) {
	h := hold()
	o := options(nodeB, h.serve)
	o.Serving = 2
	a, b := start(t, options(nodeA, nil)), start(t, o)
	meet(a, b)
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			if _, err := a.Call(within(t), nodeB, 1, nil); err != nil {
				t.Error(err)
			}
		})
		<-h.came
	}
	for _, n := range []*Node{a, b} {
		if _, err := n.Call(within(t), nodeB, 1, nil); !errors.Is(err, ErrBusy) || !errors.Is(err, ErrNotSent) {
			t.Errorf("the third: %v", err)
		}
	}
	close(h.free)
	group.Wait()
	if _, err := a.Call(within(t), nodeB, 1, nil); err != nil {
		t.Error(err)
	}
}

func TestBusyHere(t *testing.T) {
	h := hold()
	o := options(nodeA, nil)
	o.InFlight = 2
	a, b := start(t, o), start(t, options(nodeB, h.serve))
	meet(a, b)
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			if _, err := a.Call(within(t), nodeB, 1, nil); err != nil {
				t.Error(err)
			}
		})
		<-h.came
	}
	if _, err := a.Call(within(t), nodeB, 1, nil); !errors.Is(err, ErrBusy) || !errors.Is(err, ErrNotSent) {
		t.Errorf("the third: %v", err)
	}
	close(h.free)
	group.Wait()
}

func TestCallEndsWithItsContext(t *testing.T) {
	h := hold()
	a, b := start(t, options(nodeA, nil)), start(t, options(nodeB, h.serve))
	meet(a, b)
	ctx, cancel := context.WithCancel(within(t))
	go func() {
		<-h.came
		cancel()
	}()
	if _, err := a.Call(ctx, nodeB, 1, nil); !errors.Is(err, ErrUnknownOutcome) || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(h.free)
	until(t, "the late answer", func() bool { return a.Stats().LateAnswers == 1 })
	if _, err := a.Call(ctx, nodeB, 1, nil); !errors.Is(err, ErrNotSent) || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// The caller's deadline ends what is served for it.
func TestDeadlineTravels(t *testing.T) {
	ended := make(chan error, 1)
	a := start(t, options(nodeA, nil))
	b := start(t, options(nodeB, func(ctx context.Context, _ ids.Node, _ byte, _ []byte) ([]byte, error) {
		if _, ok := ctx.Deadline(); !ok {
			return nil, errors.New("no deadline")
		}
		<-ctx.Done()
		ended <- ctx.Err()
		return nil, ctx.Err()
	}))
	meet(a, b)
	ctx, cancel := context.WithTimeout(within(t), 50*time.Millisecond)
	defer cancel()
	if _, err := a.Call(ctx, nodeB, 1, nil); err == nil {
		t.Error("it was answered")
	}
	if err := <-ended; !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestManyInFlight(t *testing.T) {
	a, b := start(t, options(nodeA, echo)), start(t, options(nodeB, echo))
	meet(a, b)
	ask(t, a, nodeB, "the streams are there")
	var group sync.WaitGroup
	for i := range 64 {
		for _, pair := range [][2]*Node{{a, b}, {b, a}} {
			group.Go(func() {
				for j := range 50 {
					text := fmt.Sprint(i, "/", j)
					if got, want := ask(t, pair[0], pair[1].o.Node, text), pair[0].o.Node.String()+" 7 "+text; got != want {
						t.Errorf("%q, want %q", got, want)
					}
				}
			})
		}
	}
	group.Wait()
	for _, n := range []*Node{a, b} {
		if s := n.Stats(); s.Calls+s.Served < 6400 || s.Calls+s.Served > 6401 || s.DroppedAnswers != 0 {
			t.Errorf("%+v", s)
		}
	}
}
