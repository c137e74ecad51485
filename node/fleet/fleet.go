package fleet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
	"dormouse/node/admin"
	"dormouse/node/credentials"
)

// Gate takes changes to their owners (actors/shell). A turn of Do that was taken
// and is not run ends with failed. Leads reports that changes of a shard are taken.
type Gate interface {
	Leads(shard ids.Shard) bool
	Post(id ids.Endpoint, ev endpoint.Event) error
	Do(shard ids.Shard, f func(now time.Time, s *endpoint.Shard, fx *endpoint.Effects), failed func(error)) error
}

// Finder is a State that looks for a key in many shards at once.
type Finder interface {
	// Find visits what there is of a key in those of the shards that can be read
	// now, in any order.
	Find(ctx context.Context, class wire.Class, key []byte, in []ids.Shard, visit func(value []byte))
}

// Fleet implements admin.Backend. Methods that change something must be called
// where the shard of what they change is led; else the error is an
// endpoint.ErrElsewhere, and nothing was done. The methods may be called
// concurrently.
type Fleet struct {
	view
	gate   Gate
	logger *slog.Logger

	credentials *credentials.Store

	// objects orders the changes of managed objects that are no devices: a
	// change holds the lock of its object from reading to commit.
	objects locks
	// keys holds a client's Idempotency-Key while its first use is under way.
	keys locks

	sorting chan struct{} // a place for each list that is being sorted

	news chan struct{} // one token: shards were added to led
	mu   sync.Mutex    // guards what follows
	led  []ids.Shard   // since the sweep looked last
}

var _ admin.Backend = (*Fleet)(nil)

// New joins the API to the shell and to the credentials of endpoints. state reads
// all shards, wherever they are.
func New(env *endpoint.Env, state endpoint.State, gate Gate, c *credentials.Store, logger *slog.Logger) *Fleet {
	return &Fleet{view: view{env, state, newOutages()}, gate: gate, credentials: c, logger: logger, sorting: make(chan struct{}, maxOrdered), news: make(chan struct{}, 1)}
}

// Credentials implements admin.Backend.
func (f *Fleet) Credentials() admin.Credentials { return f.credentials }

// wait gives up waiting when ctx is done; what was asked goes on.
func wait[T any](ctx context.Context, answer <-chan T) (T, error) {
	select {
	case a := <-answer:
		return a, nil
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// answered translates the error of what was taken: where the shard was lost, or
// the node stops, it may still be done.
func answered(err error) error {
	if errors.Is(err, endpoint.ErrElsewhere) || errors.Is(err, endpoint.ErrClosed) {
		return fmt.Errorf("%w: %v", admin.ErrUnknown, err)
	}
	return translate(err)
}

// notRun marks the error of a turn that was taken and not run: nothing was done.
type notRun struct{ error }

func (e notRun) Unwrap() error { return e.error }

// translate turns the errors of endpoints into those of the API. That nothing was
// done because the shard is another node's, or will be as this one stops, can be
// told from the error.
func translate(err error) error {
	for _, t := range []struct{ from, to error }{
		{endpoint.ErrNotFound, admin.ErrNotFound}, {endpoint.ErrQueue, admin.ErrLimit},
		{endpoint.ErrFull, admin.ErrFull}, {endpoint.ErrBusy, admin.ErrBusy},
		{endpoint.ErrCommand, admin.ErrUnprocessable}, {endpoint.ErrFragment, admin.ErrUnprocessable},
		{endpoint.ErrStatus, admin.ErrConflict},
	} {
		if errors.Is(err, t.from) {
			return admin.Refuse(t.to, "%s", sentence(err, t.from))
		}
	}
	for _, t := range []struct{ from, to error }{
		{endpoint.ErrElsewhere, endpoint.ErrElsewhere}, {endpoint.ErrMoved, endpoint.ErrElsewhere}, {endpoint.ErrClosed, endpoint.ErrClosed},
	} {
		if errors.Is(err, t.from) {
			return fmt.Errorf("%w (%w)", admin.Refuse(admin.ErrBusy, "%s", sentence(err, t.from)), t.to)
		}
	}
	return err
}

// sentence leaves the package's name out of what a client reads.
func sentence(err, kind error) string {
	text := err.Error()
	if prefix := kind.Error() + ": "; len(text) > len(prefix) && text[:len(prefix)] == prefix {
		return text[len(prefix):]
	}
	return text[len("endpoint: "):]
}

// locks are mutexes by key, made when used.
type locks struct {
	mu   sync.Mutex
	held map[[16]byte]*held
}

type held struct {
	taken chan struct{} // of one
	users int
}

// lock waits for the key and returns its release.
func (l *locks) lock(key [16]byte) (unlock func()) {
	l.mu.Lock()
	if l.held == nil {
		l.held = map[[16]byte]*held{}
	}
	h := l.held[key]
	if h == nil {
		h = &held{taken: make(chan struct{}, 1)}
		l.held[key] = h
	}
	h.users++
	l.mu.Unlock()
	h.taken <- struct{}{}
	return func() {
		<-h.taken
		l.mu.Lock()
		if h.users--; h.users == 0 {
			delete(l.held, key)
		}
		l.mu.Unlock()
	}
}
