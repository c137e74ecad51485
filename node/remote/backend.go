package remote

import (
	"context"
	"time"

	"dormouse/codec/ids"
	"dormouse/codec/platform"
	"dormouse/node/admin"
	"dormouse/node/credentials"
	"dormouse/node/fleet"
)

// backend is admin.Backend over all nodes. What it reads, the fleet reads here,
// through State.
type backend struct {
	*fleet.Fleet
	r           *Router
	credentials admin.Credentials
}

// Backend is the API of the whole cluster, on this node. It wants Join first.
func (r *Router) Backend() admin.Backend {
	p := r.parts.Load()
	return &backend{p.Fleet, r, &credentialsOf{p.Credentials, r}}
}

func (b *backend) Credentials() admin.Credentials { return b.credentials }

func (b *backend) CreateObject(ctx context.Context, c platform.ObjectChange, once admin.IdempotencyKey) (platform.ManagedObject, error) {
	m, err := call(ctx, b.r, createObject, createObjectArgs{b.Home(once), objectChangeShape(c), shapeOf(once)})
	return platform.ManagedObject(m), err
}

func (b *backend) UpdateObject(ctx context.Context, id ids.Object, c platform.ObjectChange) (platform.ManagedObject, error) {
	m, err := call(ctx, b.r, updateObject, objectArgs{ID: id, Change: objectChangeShape(c)})
	return platform.ManagedObject(m), err
}

func (b *backend) DeleteObject(ctx context.Context, id ids.Object, c admin.Cascade) error {
	_, err := call(ctx, b.r, deleteObject, objectArgs{ID: id, Cascade: cascadeShape(c)})
	return err
}

func (b *backend) CreateOperation(ctx context.Context, n platform.NewOperation, once admin.IdempotencyKey) (platform.Operation, error) {
	op, err := call(ctx, b.r, createOperation, createOperationArgs{newOperationShape(n), shapeOf(once)})
	return platform.Operation(op), err
}

func (b *backend) UpdateOperation(ctx context.Context, id ids.Operation, c platform.OperationChange) (platform.Operation, error) {
	if !b.r.exists(id.Shard()) {
		return b.Fleet.UpdateOperation(ctx, id, c) // which finds nothing
	}
	op, err := call(ctx, b.r, updateOperation, operationArgs{id, operationChangeShape(c)})
	return platform.Operation(op), err
}

func (b *backend) DeleteOperation(ctx context.Context, id ids.Operation) error {
	if !b.r.exists(id.Shard()) {
		return b.Fleet.DeleteOperation(ctx, id)
	}
	_, err := call(ctx, b.r, deleteOperation, operationArgs{ID: id})
	return err
}

// DeleteOperations asks the owner of each shard in turn. A failure in the middle
// leaves those of the shards before deleted, in part those of the shard that it
// comes from, and all behind as they were; the same call again deletes the rest.
func (b *backend) DeleteOperations(ctx context.Context, f admin.OperationFilter) error {
	first, end := ids.Shard(0), ids.Shard(b.r.env.Shards)
	if f.HasDevice {
		first = b.r.env.Shards.OfObject(f.Device)
		end = first + 1
	}
	for shard := first; shard < end; shard++ {
		if _, err := call(ctx, b.r, deleteOperations, deleteOperationsArgs{shard, filterShape(f)}); err != nil {
			return err
		}
	}
	return nil
}

// credentialsOf is admin.Credentials over all nodes.
type credentialsOf struct {
	*credentials.Store
	r *Router
}

func (c *credentialsOf) Add(ctx context.Context, n platform.NewCredentials, replace bool) (platform.Credentials, bool, error) {
	added, err := call(ctx, c.r, addCredentials, credentialsArgs{newCredentialsShape(n), replace})
	return platform.Credentials(added.Credentials), added.Created, err
}

func (c *credentialsOf) Remove(ctx context.Context, endpoint string) error {
	_, err := call(ctx, c.r, removeCredentials, nameArgs{endpoint})
	return err
}

// claims is credentials.Claims over all nodes.
type claims struct{ r *Router }

// Claims changes claims where they are led. It is for credentials.Store.Route.
func (r *Router) Claims() credentials.Claims { return claims{r} }

func (c claims) Reserve(ctx context.Context, identity, endpoint string) (credentials.Reservation, error) {
	got, err := call(ctx, c.r, reserveClaim, claimArgs{Identity: []byte(identity), Endpoint: endpoint})
	return credentials.Reservation(got), err
}

func (c claims) Settle(ctx context.Context, identity, endpoint string, until time.Time) error {
	_, err := call(ctx, c.r, settleClaim, claimArgs{[]byte(identity), endpoint, until})
	return err
}
