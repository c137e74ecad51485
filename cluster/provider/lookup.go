package provider

import (
	"fmt"
	"reflect"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"
)

// Lookup implements cluster.IdentityLookup by arithmetic: an identity belongs to
// the gate that Owner names. Nothing is activated, nothing is kept.
type Lookup struct{ owner Owner }

// Get is the PID of the gate that owns the identity, nil where nobody does.
func (l *Lookup) Get(id *cluster.ClusterIdentity) *actor.PID {
	address, gate, ok := l.owner(id.Identity)
	if !ok {
		return nil
	}
	return actor.NewPID(address, gate)
}

// RemovePid has nothing to forget.
func (l *Lookup) RemovePid(*cluster.ClusterIdentity, *actor.PID) {}

// Setup has nothing to start.
func (l *Lookup) Setup(*cluster.Cluster, []string, bool) {}

// Shutdown has nothing to stop.
func (l *Lookup) Shutdown() {}

// router implements cluster.Context, behind Cluster.Request. protoactor's own
// keeps PIDs in a cache that knows nothing of a shard that moved, and asks again
// after an error, by which a request is served twice; this one does neither.
type router struct{ cluster *cluster.Cluster }

func newRouter(c *cluster.Cluster) cluster.Context { return &router{c} }

func (r *router) Request(identity, kind string, message any, opts ...cluster.GrainCallOption) (any, error) {
	future, err := r.RequestFuture(identity, kind, message, opts...)
	if err != nil {
		return nil, err
	}
	answer, err := future.Result()
	if err != nil {
		return nil, fmt.Errorf("provider: asking the owner of %s %q a %v: %w", kind, identity, reflect.TypeOf(message), err)
	}
	return answer, nil
}

func (r *router) RequestFuture(identity, kind string, message any, opts ...cluster.GrainCallOption) (*actor.Future, error) {
	pid := r.cluster.Get(identity, kind)
	if pid == nil {
		return nil, fmt.Errorf("%w: %s %q", ErrNoOwner, kind, identity)
	}
	call := cluster.NewGrainCallOptions(r.cluster)
	for _, option := range opts {
		option(call)
	}
	return call.Context.RequestFuture(pid, message, call.Timeout), nil
}
