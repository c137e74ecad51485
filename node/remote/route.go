package remote

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/node/admin"
)

const (
	// patience is how long an owner is looked for: a failover takes 1 to 2 s.
	patience = 5 * time.Second
	// The pause between two tries begins with firstPause and doubles up to lastPause.
	firstPause = 10 * time.Millisecond
	lastPause  = 200 * time.Millisecond
)

// errNoOwner: nobody is known to lead the shard.
var errNoOwner = errors.New("remote: no leader is known")

// elsewhere says that whoever was asked does not lead the shard, and did nothing.
type elsewhere struct {
	by   string   // who says so
	hint ids.Node // whom they take for the leader, 0 for none
}

func (e *elsewhere) Error() string { return "remote: " + e.by + " does not lead the shard" }
func (e *elsewhere) Unwrap() error { return endpoint.ErrElsewhere }

// notSent is the error of a call that was not begun.
type notSent struct{ error }

func (e notSent) Unwrap() error { return e.error }

// trip is a request on its way to the owner of a shard.
type trip struct {
	here   func(ctx context.Context) error
	there  func(ctx context.Context, to ids.Node) error
	repeat bool // it does no harm to be carried out twice
}

// route makes a trip. doubtful: an earlier try may have been carried out already.
func (r *Router) route(ctx context.Context, shard ids.Shard, t trip) (doubtful bool, err error) {
	end := time.Now().Add(patience)
	var hint ids.Node
	for pause := firstPause; ; {
		err = r.try(ctx, shard, t, hint)
		followed := hint != 0
		hint = 0
		var away *elsewhere
		switch {
		case err == nil:
			return doubtful, nil
		case errors.Is(err, admin.ErrUnknown):
			if !t.repeat {
				return true, err
			}
			doubtful = true
		case errors.As(err, &away):
			if !followed { // else two nodes that point at each other are asked without end
				hint = away.hint
			}
		case !passing(err):
			return doubtful, err
		}
		if hint == 0 {
			if !time.Now().Add(pause).Before(end) || !wait(ctx, pause) {
				return doubtful, gaveUp(shard, doubtful, err)
			}
			pause = min(2*pause, lastPause)
		}
	}
}

func (r *Router) try(ctx context.Context, shard ids.Shard, t trip, hint ids.Node) error {
	owner, self, known := r.cluster.Owner(shard)
	switch {
	case self:
		return t.here(ctx)
	case hint != 0:
		return t.there(ctx, hint)
	case known:
		return t.there(ctx, owner)
	}
	return errNoOwner
}

// passing reports an error after which the next try may fare better, and that
// nothing was done.
func passing(err error) bool {
	var unsent notSent
	return errors.Is(err, errNoOwner) || errors.Is(err, endpoint.ErrElsewhere) || errors.As(err, &unsent)
}

// gaveUp is the answer to the client. It wraps none of what led to it: that is of
// one shard, and who asked may be at work for another.
func gaveUp(shard ids.Shard, doubtful bool, last error) error {
	if doubtful {
		return fmt.Errorf("%w: shard %d: %v", admin.ErrUnknown, shard, last)
	}
	return fmt.Errorf("%w (shard %d: %v)", admin.Refuse(admin.ErrBusy, "No node that answers leads the shard of this at the moment: try again."), shard, last)
}

// wait reports false when ctx is done.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// barrier waits until the local store has all that was committed of a shard.
func (r *Router) barrier(ctx context.Context, shard ids.Shard) error {
	done := make(chan error, 1)
	r.cluster.Read(shard, func(err error) { done <- err })
	select {
	case err := <-done:
		if err != nil {
			return &elsewhere{by: "this node (" + err.Error() + ")"}
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", errNoOwner, ctx.Err())
	}
}

// leads is nil where this node leads the shard, as far as it knows.
func (r *Router) leads(shard ids.Shard) error {
	owner, self, known := r.cluster.Owner(shard)
	if self {
		return nil
	}
	e := &elsewhere{by: "this node"}
	if known {
		e.hint = owner
	}
	return e
}
