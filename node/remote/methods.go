package remote

import (
	"context"

	"dormouse/codec/ids"
	"dormouse/codec/platform"
	"dormouse/node/admin"
)

var updateObject = &method[objectArgs, objectShape]{
	name:   "updateObject",
	shard:  func(r *Router, a *objectArgs) ids.Shard { return r.env.Shards.OfObject(a.ID) },
	repeat: always[objectArgs], // merged twice is merged
	run: func(ctx context.Context, p *Parts, a *objectArgs) (objectShape, error) {
		m, err := p.Fleet.UpdateObject(ctx, a.ID, platform.ObjectChange(a.Change))
		return objectShape(m), err
	},
}

var deleteObject = &method[objectArgs, nothing]{
	name:   "deleteObject",
	shard:  updateObject.shard,
	repeat: always[objectArgs],
	gone:   true,
	run: func(ctx context.Context, p *Parts, a *objectArgs) (nothing, error) {
		return nothing{}, p.Fleet.DeleteObject(ctx, a.ID, admin.Cascade(a.Cascade))
	},
}

var createObject = &method[createObjectArgs, objectShape]{
	name:   "createObject",
	shard:  func(_ *Router, a *createObjectArgs) ids.Shard { return a.Shard },
	repeat: func(a *createObjectArgs) bool { return a.Key != nil },
	run: func(ctx context.Context, p *Parts, a *createObjectArgs) (objectShape, error) {
		m, err := p.Fleet.CreateObjectIn(ctx, a.Shard, platform.ObjectChange(a.Change), a.Key.key())
		return objectShape(m), err
	},
}

var createOperation = &method[createOperationArgs, operationShape]{
	name:   "createOperation",
	shard:  func(r *Router, a *createOperationArgs) ids.Shard { return r.env.Shards.OfObject(a.Operation.Device) },
	repeat: func(a *createOperationArgs) bool { return a.Key != nil },
	run: func(ctx context.Context, p *Parts, a *createOperationArgs) (operationShape, error) {
		op, err := p.Fleet.CreateOperation(ctx, platform.NewOperation(a.Operation), a.Key.key())
		return operationShape(op), err
	},
}

var updateOperation = &method[operationArgs, operationShape]{
	name:   "updateOperation",
	shard:  func(_ *Router, a *operationArgs) ids.Shard { return a.ID.Shard() },
	repeat: always[operationArgs], // the status that it has already is no change
	run: func(ctx context.Context, p *Parts, a *operationArgs) (operationShape, error) {
		op, err := p.Fleet.UpdateOperation(ctx, a.ID, platform.OperationChange(a.Change))
		return operationShape(op), err
	},
}

var deleteOperation = &method[operationArgs, nothing]{
	name:   "deleteOperation",
	shard:  updateOperation.shard,
	repeat: always[operationArgs],
	gone:   true,
	run: func(ctx context.Context, p *Parts, a *operationArgs) (nothing, error) {
		return nothing{}, p.Fleet.DeleteOperation(ctx, a.ID)
	},
}

var deleteOperations = &method[deleteOperationsArgs, nothing]{
	name:   "deleteOperations",
	shard:  func(_ *Router, a *deleteOperationsArgs) ids.Shard { return a.Shard },
	repeat: always[deleteOperationsArgs],
	run: func(ctx context.Context, p *Parts, a *deleteOperationsArgs) (nothing, error) {
		return nothing{}, p.Fleet.DeleteOperationsOf(ctx, a.Shard, admin.OperationFilter(a.Filter))
	},
}

var addCredentials = &method[credentialsArgs, addedResult]{
	name: "addCredentials",
	shard: func(r *Router, a *credentialsArgs) ids.Shard {
		return r.env.Shards.Of(r.env.Key.Endpoint(a.Credentials.Endpoint))
	},
	repeat: always[credentialsArgs], // those that it has already are no change
	run: func(ctx context.Context, p *Parts, a *credentialsArgs) (addedResult, error) {
		c, created, err := p.Credentials.Add(ctx, platform.NewCredentials(a.Credentials), a.Replace)
		return addedResult{credentialsShape(c), created}, err
	},
}

var removeCredentials = &method[nameArgs, nothing]{
	name:   "removeCredentials",
	shard:  func(r *Router, a *nameArgs) ids.Shard { return r.env.Shards.Of(r.env.Key.Endpoint(a.Endpoint)) },
	repeat: always[nameArgs],
	gone:   true,
	run: func(ctx context.Context, p *Parts, a *nameArgs) (nothing, error) {
		return nothing{}, p.Credentials.Remove(ctx, a.Endpoint)
	},
}

var reserveClaim = &method[claimArgs, reservationShape]{
	name: "reserveClaim",
	shard: func(r *Router, a *claimArgs) ids.Shard {
		return r.env.Shards.OfIdentity(r.env.Key.Identity(a.Identity))
	},
	repeat: always[claimArgs], // the older reservation is nobody's then, and the newer one the endpoint's
	run: func(ctx context.Context, p *Parts, a *claimArgs) (reservationShape, error) {
		got, err := p.Credentials.Reserve(ctx, string(a.Identity), a.Endpoint)
		return reservationShape(got), err
	},
}

var settleClaim = &method[claimArgs, nothing]{
	name:   "settleClaim",
	shard:  reserveClaim.shard,
	repeat: always[claimArgs],
	run: func(ctx context.Context, p *Parts, a *claimArgs) (nothing, error) {
		return nothing{}, p.Credentials.Settle(ctx, string(a.Identity), a.Endpoint, a.Until)
	},
}

// methods are what other nodes may ask for.
var methods = map[string]served{
	updateObject.name: updateObject, deleteObject.name: deleteObject, createObject.name: createObject,
	createOperation.name: createOperation, updateOperation.name: updateOperation,
	deleteOperation.name: deleteOperation, deleteOperations.name: deleteOperations,
	addCredentials.name: addCredentials, removeCredentials.name: removeCredentials,
	reserveClaim.name: reserveClaim, settleClaim.name: settleClaim,
}
