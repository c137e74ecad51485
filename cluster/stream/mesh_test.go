package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"dormouse/codec/wire"
)

// both runs a test over plain TCP and over TLS.
func both(t *testing.T, f func(t *testing.T, start func(wire.Node, func(*Options)) *node)) {
	t.Run("plain", func(t *testing.T) {
		f(t, func(self wire.Node, change func(*Options)) *node { return start(t, self, change) })
	})
	t.Run("tls", func(t *testing.T) {
		ca := newAuthority(t)
		f(t, func(self wire.Node, change func(*Options)) *node {
			return start(t, self, func(o *Options) {
				o.Identity = ca.identity(t, self.ID.String())
				if change != nil {
					change(o)
				}
			})
		})
	})
}

// TestFramesInOrder: from each to each of three, whatever their length.
func TestFramesInOrder(t *testing.T) {
	both(t, func(t *testing.T, start func(wire.Node, func(*Options)) *node) {
		nodes := []*node{start(nodeA, nil), start(nodeB, nil), start(nodeC, nil)}
		meet(t, nodes...)
		frame := func(i int) string { return fmt.Sprint(i, " ", strings.Repeat("x", i*i/4)) }
		const many = 200
		for i := range many {
			for _, from := range nodes {
				for _, to := range nodes {
					if sent := from.Send(to.peer.Node.ID, []byte(frame(i))); sent != (from != to) {
						t.Fatalf("frame %d of %v to %v: sent %v; %v", i, from.peer.Node, to.peer.Node, sent, from.Stats())
					}
				}
			}
		}
		for _, n := range nodes {
			seen := map[string]int{}
			for range 2 * many {
				from, got, _ := strings.Cut(next(t, n.frames), " ")
				if want := frame(seen[from]); got != want {
					t.Fatalf("%v got %.20q of %s, want %.20q", n.peer.Node, got, from, want)
				}
				seen[from]++
			}
			if seen[fmt.Sprintf("%x/%d", uint64(n.peer.Node.ID), n.peer.Node.Incarnation)] > 0 || len(seen) != 2 {
				t.Errorf("%v heard of %v", n.peer.Node, seen)
			}
			until(t, func() bool { return n.Stats().Sent == 2*many }, n.Stats)
			if s := n.Stats(); s.Received != 2*many || s.DroppedAway != many || s.DroppedFull+s.DroppedBroken+s.DroppedLength > 0 {
				t.Errorf("%+v", s)
			}
		}
	})
}

func TestLongFrames(t *testing.T) {
	both(t, func(t *testing.T, start func(wire.Node, func(*Options)) *node) {
		a := start(nodeA, nil)
		b := start(nodeB, func(o *Options) { o.MaxFrame = 1 << 20 })
		meet(t, a, b)
		long := strings.Repeat("x", 1<<20)
		for _, tc := range []struct {
			frame string
			sent  bool
		}{{"", false}, {long, true}, {long + "x", false}, {"the end", true}} {
			if got := a.Send(nodeB.ID, []byte(tc.frame)); got != tc.sent {
				t.Errorf("%d bytes: sent %v", len(tc.frame), got)
			}
		}
		if got := next(t, b.frames); got != "a/1 "+long {
			t.Errorf("%d bytes came, %.20q", len(got), got)
		}
		if got := next(t, b.frames); got != "a/1 the end" {
			t.Errorf("%.20q came", got)
		}
		if _, err := a.Call(t.Context(), nodeB.ID, 1, []byte(long+"x")); !errors.Is(err, ErrTooLong) || !errors.Is(err, ErrNotSent) {
			t.Error(err)
		}
	})
}

func TestCalls(t *testing.T) {
	both(t, func(t *testing.T, start func(wire.Node, func(*Options)) *node) {
		a, b := start(nodeA, nil), start(nodeB, nil)
		meet(t, a, b)
		var all sync.WaitGroup
		for i := range 30 {
			all.Go(func() {
				request := strings.Repeat("r", i*i*100)
				answer, err := a.Call(t.Context(), nodeB.ID, byte(i), []byte(request))
				if want := fmt.Sprintf("a/1 %d %s", i, request); err != nil || string(answer) != want {
					t.Errorf("%.30q, %v", answer, err)
				}
				if answer, err := b.Call(t.Context(), nodeA.ID, 0, nil); err != nil || string(answer) != "b/2 0 " {
					t.Errorf("%q, %v", answer, err)
				}
			})
		}
		all.Wait()
	})
}

type codedError struct{ error }

func (codedError) Code() uint16 { return 409 }

func TestErrorsOfServe(t *testing.T) {
	a, b := start(t, nodeA, nil), start(t, nodeB, func(o *Options) {
		o.Serve = func(_ context.Context, _ wire.Node, kind byte, request []byte) ([]byte, error) {
			switch kind {
			case 1:
				return nil, errors.New(string(request))
			case 2:
				return []byte("not told"), fmt.Errorf("wrapped: %w", codedError{errors.New("taken")})
			case 3:
				return nil, fmt.Errorf("later: %w", ErrBusy)
			case 4:
				return make([]byte, MinFrame+1), nil
			}
			return nil, nil
		}
		o.MaxFrame = MinFrame
	})
	meet(t, a, b)
	for _, tc := range []struct {
		kind    byte
		request string
		want    RemoteError
	}{
		{1, "no", RemoteError{0, "no"}},
		{1, strings.Repeat("n", maxText+1), RemoteError{0, strings.Repeat("n", maxText)}},
		{2, "", RemoteError{409, "wrapped: taken"}},
		{4, "", RemoteError{0, "the answer has 65537 bytes, at most 65536 are taken"}},
	} {
		answer, err := a.Call(t.Context(), nodeB.ID, tc.kind, []byte(tc.request))
		var got *RemoteError
		if answer != nil || !errors.As(err, &got) || *got != tc.want || errors.Is(err, ErrNotSent) || errors.Is(err, ErrUnknownOutcome) {
			t.Errorf("kind %d: %v", tc.kind, err)
		}
	}
	if _, err := a.Call(t.Context(), nodeB.ID, 3, nil); !errors.Is(err, ErrBusy) || !errors.Is(err, ErrNotSent) {
		t.Error(err)
	}
	if answer, err := a.Call(t.Context(), nodeB.ID, 0, nil); err != nil || len(answer) != 0 {
		t.Errorf("%q, %v", answer, err)
	}
	if _, err := a.Call(t.Context(), nodeC.ID, 0, nil); !errors.Is(err, ErrNoPeer) || !errors.Is(err, ErrNotSent) {
		t.Error(err)
	}
}

// held is a Serve that waits to be let go.
type held struct {
	began, ended chan string
	let          chan struct{}
}

func newHeld() *held {
	return &held{make(chan string, 1000), make(chan string, 1000), make(chan struct{})}
}

func (h *held) serve(ctx context.Context, _ wire.Node, _ byte, request []byte) ([]byte, error) {
	h.began <- string(request)
	select {
	case <-h.let:
		return request, nil
	case <-ctx.Done():
		h.ended <- string(request)
		return nil, ctx.Err()
	}
}

// TestBusy: the peer takes so many calls at a time of each, and so many bytes.
func TestBusy(t *testing.T) {
	h := newHeld()
	a, c := start(t, nodeA, nil), start(t, nodeC, nil)
	b := start(t, nodeB, func(o *Options) { o.Serve, o.MaxServe, o.MaxFrame = h.serve, 8, MinFrame })
	meet(t, a, b, c)
	results := make(chan error, 100)
	call := func(from *node, size int) {
		go func() {
			_, err := from.Call(t.Context(), nodeB.ID, 1, make([]byte, size))
			results <- err
		}()
	}
	for range 8 {
		call(a, 1)
		next(t, h.began)
	}
	for range 3 {
		if _, err := a.Call(t.Context(), nodeB.ID, 1, make([]byte, 1000)); !errors.Is(err, ErrBusy) {
			t.Error(err)
		}
	}
	for range 4 { // another node has room of its own, of four long requests
		call(c, MinFrame)
		next(t, h.began)
	}
	if _, err := c.Call(t.Context(), nodeB.ID, 1, make([]byte, MinFrame)); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	if s := b.Stats(); s.Busy != 4 {
		t.Errorf("%+v", s)
	}
	close(h.let)
	for range 12 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if _, err := a.Call(t.Context(), nodeB.ID, 1, nil); err != nil {
		t.Error(err)
	}
}

// TestCallerIsBusy: a node has so many calls under way, and no more.
func TestCallerIsBusy(t *testing.T) {
	h := newHeld()
	a, b := start(t, nodeA, func(o *Options) { o.MaxCalls = 2 }), start(t, nodeB, func(o *Options) { o.Serve = h.serve })
	meet(t, a, b)
	results := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := a.Call(t.Context(), nodeB.ID, 1, nil)
			results <- err
		}()
		next(t, h.began)
	}
	if _, err := a.Call(t.Context(), nodeB.ID, 1, nil); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	close(h.let)
	for range 2 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

// TestCancel: a call that is given up is so at the peer, too, and its late answer
// is nobody's.
func TestCancel(t *testing.T) {
	h := newHeld()
	a, b := start(t, nodeA, nil), start(t, nodeB, func(o *Options) { o.Serve = h.serve })
	meet(t, a, b)
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() {
		_, err := a.Call(ctx, nodeB.ID, 1, []byte("gone"))
		failed <- err
	}()
	next(t, h.began)
	cancel()
	if err := <-failed; !errors.Is(err, ErrUnknownOutcome) || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if got := next(t, h.ended); got != "gone" {
		t.Error(got)
	}
	if _, err := a.Call(ctx, nodeB.ID, 1, nil); !errors.Is(err, ErrNotSent) || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(h.let)
	if answer, err := a.Call(t.Context(), nodeB.ID, 1, []byte("here")); err != nil || string(answer) != "here" {
		t.Errorf("%q, %v", answer, err)
	}
}

// TestFullQueue: of a peer that does not read, frames are dropped, others' are not.
func TestFullQueue(t *testing.T) {
	let := make(chan struct{})
	a, c := start(t, nodeA, func(o *Options) { o.QueueBytes = 100 << 10 }), start(t, nodeC, nil)
	b := start(t, nodeB, func(o *Options) {
		o.Frame = func(wire.Node, []byte) { <-let }
	})
	meet(t, a, b, c)
	frame := make([]byte, 10<<10)
	sent := uint64(0)
	for a.Stats().DroppedFull == 0 {
		if a.Send(nodeB.ID, frame) {
			sent++
		}
	}
	if !a.Send(nodeC.ID, []byte("passes by")) {
		t.Error("a slow peer held up another")
	}
	if got := next(t, c.frames); got != "a/1 passes by" {
		t.Error(got)
	}
	// Calls of the slow peer have a connection of their own.
	if _, err := a.Call(t.Context(), nodeB.ID, 1, bytes.Clone(frame)); err != nil {
		t.Error(err)
	}
	close(let)
	until(t, func() bool { return b.Stats().Received == sent }, b.Stats)
}

// TestLongAnswersAndFrames: both have connections of their own.
func TestLongAnswersAndFrames(t *testing.T) {
	both(t, func(t *testing.T, start func(wire.Node, func(*Options)) *node) {
		answer := make([]byte, 4<<20)
		a, b := start(nodeA, nil), start(nodeB, func(o *Options) {
			o.Serve = func(context.Context, wire.Node, byte, []byte) ([]byte, error) { return answer, nil }
		})
		meet(t, a, b)
		var calls sync.WaitGroup
		for range 4 {
			calls.Go(func() {
				got, err := a.Call(t.Context(), nodeB.ID, 1, nil)
				if err != nil || !bytes.Equal(got, answer) {
					t.Errorf("%d bytes, %v", len(got), err)
				}
			})
		}
		for i := range 100 {
			want := fmt.Sprint(i)
			b.Send(nodeA.ID, []byte(want))
			if got := next(t, a.frames); got != "b/2 "+want {
				t.Fatal(got)
			}
		}
		calls.Wait()
	})
}
