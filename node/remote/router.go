package remote

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
	"dormouse/node/credentials"
	"dormouse/node/fleet"
)

// Cluster is the other nodes. Its methods are called concurrently.
type Cluster interface {
	// Owner is who leads a shard as far as this node knows. self: this node does.
	// It does not block.
	Owner(shard ids.Shard) (node ids.Node, self, known bool)
	// Read calls done once, from any goroutine, when what the local store has of
	// the shard includes all that was committed anywhere before the call; with an
	// error where this node cannot know, since it does not lead the shard.
	Read(shard ids.Shard, done func(error))
	// Call asks the Serve of another node. An error with a method NotSent() that
	// returns true says that it was not begun and will not be; one with a method
	// Code() is what Serve returned; after any other it may have been carried out.
	Call(ctx context.Context, to ids.Node, kind byte, request []byte) ([]byte, error)
}

// Shell is what actors/shell is asked for.
type Shell interface {
	Post(id ids.Endpoint, ev endpoint.Event) error
	SetSign(sign wire.Sign, id ids.Endpoint, done func(error)) error
	ClearSign(sign wire.Sign, id ids.Endpoint) error
}

// Options are all mandatory. Env.State is the local store.
type Options struct {
	Cluster Cluster
	Env     *endpoint.Env
	Logger  *slog.Logger
}

// Parts are what requests are carried out by. Fleet and Credentials read State,
// and Credentials change claims through Claims.
type Parts struct {
	Shell       Shell
	Fleet       *fleet.Fleet
	Credentials *credentials.Store
}

// maxErrands bounds the sessions and signposts that are on their way to other
// nodes; beyond it the answer is endpoint.ErrBusy.
const maxErrands = 4096

// Router takes requests to their owners. Its methods may be called concurrently.
type Router struct {
	cluster Cluster
	env     *endpoint.Env
	logger  *slog.Logger
	parts   atomic.Pointer[Parts]

	life    context.Context // ends with Close
	end     context.CancelFunc
	mu      sync.Mutex // guards what follows
	closed  bool
	errands int // under way
	most    int // maxErrands
	running sync.WaitGroup
}

// New makes a router that reads. All else needs Join.
func New(o Options) *Router {
	r := &Router{cluster: o.Cluster, env: o.Env, logger: o.Logger, most: maxErrands}
	r.life, r.end = context.WithCancel(context.Background())
	return r
}

// Join gives the router what it carries requests out by. Serve refuses all of them
// before, and nothing else but State may be used.
func (r *Router) Join(p Parts) { r.parts.Store(&p) }

// Close ends what is on its way to other nodes, and waits for that.
func (r *Router) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.end()
	r.running.Wait()
}

// errand runs f in a goroutine of its own.
func (r *Router) errand(f func(ctx context.Context)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return endpoint.ErrClosed
	case r.errands >= r.most:
		return endpoint.ErrBusy
	}
	r.errands++
	r.running.Go(func() {
		defer func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.errands--
		}()
		ctx, cancel := context.WithTimeout(r.life, patience)
		defer cancel()
		f(ctx)
	})
	return nil
}
