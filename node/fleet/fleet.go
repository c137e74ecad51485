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
// and is not run ends with failed.
type Gate interface {
	Post(id ids.Endpoint, ev endpoint.Event) error
	Do(shard ids.Shard, f func(now time.Time, s *endpoint.Shard, fx *endpoint.Effects), failed func(error)) error
}

// Fleet implements admin.Backend. Its methods may be called concurrently.
type Fleet struct {
	env    *endpoint.Env
	gate   Gate
	logger *slog.Logger

	credentials *credentials.Store

	// objects orders the changes of managed objects that are no devices: a
	// change holds the lock of its object from reading to commit.
	objects locks
	// keys holds a client's Idempotency-Key while its first use is under way.
	keys locks
}

var _ admin.Backend = (*Fleet)(nil)

// New joins the API to the shell and to the credentials of endpoints.
func New(env *endpoint.Env, gate Gate, c *credentials.Store, logger *slog.Logger) *Fleet {
	return &Fleet{env: env, gate: gate, credentials: c, logger: logger}
}

// Credentials implements admin.Backend.
func (f *Fleet) Credentials() admin.Credentials { return f.credentials }

func (f *Fleet) get(shard ids.Shard, class wire.Class, key []byte) (value []byte, found bool, err error) {
	value, found, err = f.env.State.Get(shard, class, key, nil)
	if err != nil {
		return nil, false, fmt.Errorf("fleet: read %c record of shard %d: %w", class, shard, err)
	}
	return value, found, nil
}

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

// translate turns the errors of endpoints into those of the API.
func translate(err error) error {
	for _, t := range []struct{ from, to error }{
		{endpoint.ErrNotFound, admin.ErrNotFound}, {endpoint.ErrQueue, admin.ErrLimit},
		{endpoint.ErrFull, admin.ErrFull}, {endpoint.ErrBusy, admin.ErrBusy}, {endpoint.ErrClosed, admin.ErrBusy},
		{endpoint.ErrElsewhere, admin.ErrBusy},
		{endpoint.ErrCommand, admin.ErrUnprocessable}, {endpoint.ErrFragment, admin.ErrUnprocessable},
		{endpoint.ErrStatus, admin.ErrConflict},
	} {
		if errors.Is(err, t.from) {
			return admin.Refuse(t.to, "%s", sentence(err, t.from))
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
	sync.Mutex
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
		h = new(held)
		l.held[key] = h
	}
	h.users++
	l.mu.Unlock()
	h.Lock()
	return func() {
		h.Unlock()
		l.mu.Lock()
		if h.users--; h.users == 0 {
			delete(l.held, key)
		}
		l.mu.Unlock()
	}
}
