package admin

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"dormouse/codec/filter"
	"dormouse/codec/ids"
	"dormouse/codec/lwm2m"
	"dormouse/codec/platform"
)

// Backend is the node behind the API. All methods may be called concurrently,
// and may block until ctx is done; a write that is given up may still become
// durable. A method that returns nil as error has made its effect durable. What
// it is given it may keep; what it returns is the caller's. Errors are made
// with Refuse or wrap one of the sentinels; any other is an internal error
// whose text no client sees.
type Backend interface {
	Inventory
	Identity
	Control
	// Values lists the last values of a device in order of path; ErrNotFound
	// where there is no such device.
	Values(ctx context.Context, device ids.Object, below lwm2m.Path, p Page) (List[platform.LastValue], error)
	// Credentials are always the same ones.
	Credentials() Credentials
}

// Credentials are the pre-shared keys of endpoints. No key comes out again, in
// no error either.
type Credentials interface {
	// List lists in the order of the endpoints' managed objects.
	List(ctx context.Context, p Page) (List[platform.Credentials], error)
	// Get shows those of an endpoint; ErrNotFound where it has none.
	Get(ctx context.Context, endpoint string) (platform.Credentials, error)
	// Add gives an endpoint credentials; it need not have registered. The same
	// ones again change nothing. Others than it has are ErrConflict without
	// replace, and so is an identity of another endpoint; the sentence begins
	// with the member that is meant. created says that it had none.
	Add(ctx context.Context, n platform.NewCredentials, replace bool) (c platform.Credentials, created bool, err error)
	// Remove takes them away, and ends the endpoint's session and registration;
	// ErrNotFound where it has none.
	Remove(ctx context.Context, endpoint string) error
}

// Inventory is the managed objects. The order of a list is that of the selection's
// query or, where it has none, the backend's, and the same for every call as long as
// objects neither come nor go nor change.
type Inventory interface {
	// Objects lists those that are selected; there are no relations between objects
	// yet, so s.Parents is NoRelation and every object is a root. A page too far down
	// a sorted list is ErrUnprocessable.
	Objects(ctx context.Context, s filter.Selection, p Page) (List[platform.ManagedObject], error)
	Object(ctx context.Context, id ids.Object) (platform.ManagedObject, error)
	// CreateObject makes an object; see IdempotencyKey for once.
	CreateObject(ctx context.Context, c platform.ObjectChange, once IdempotencyKey) (platform.ManagedObject, error)
	// UpdateObject merges c into the object, as one step: of two calls one
	// sees what the other left.
	UpdateObject(ctx context.Context, id ids.Object, c platform.ObjectChange) (platform.ManagedObject, error)
	// DeleteObject removes a device with its registration, values and
	// operations; the device's own requests are then those of a stranger.
	DeleteObject(ctx context.Context, id ids.Object, c Cascade) error
}

// Identity is the external IDs of managed objects: a device has its endpoint name as
// platform.Serial, and no object has others.
type Identity interface {
	// ExternalID finds what an external ID names; ErrNotFound where it is nobody's.
	ExternalID(ctx context.Context, kind, id string) (platform.ExternalID, error)
	// ExternalIDs lists those of an object; ErrNotFound where there is none.
	ExternalIDs(ctx context.Context, object ids.Object) ([]platform.ExternalID, error)
}

// Control is the operations, listed from the oldest to the newest unless the
// filter says Revert.
type Control interface {
	Operations(ctx context.Context, f OperationFilter, p Page) (List[platform.Operation], error)
	Operation(ctx context.Context, id ids.Operation) (platform.Operation, error)
	// CreateOperation queues an operation. A text that is no command, and a
	// device that is none, are ErrUnprocessable; a full queue is ErrLimit.
	CreateOperation(ctx context.Context, n platform.NewOperation, once IdempotencyKey) (platform.Operation, error)
	// UpdateOperation changes the status as platform 10 allows: a PENDING
	// operation is cancelled by FAILED. Any other change is ErrConflict.
	UpdateOperation(ctx context.Context, id ids.Operation, c platform.OperationChange) (platform.Operation, error)
	// DeleteOperation ends an operation that is active and removes it.
	DeleteOperation(ctx context.Context, id ids.Operation) error
	// DeleteOperations does so for all that match. The filter is not empty.
	// An error may leave some of them deleted.
	DeleteOperations(ctx context.Context, f OperationFilter) error
}

// OperationFilter chooses operations; every field that is set must match.
type OperationFilter struct {
	Device       ids.Object // HasDevice tells 0 from none
	HasDevice    bool
	Status       platform.Status
	FragmentType string
	From, To     time.Time // of creation: From ≤ t < To; zero for open
	Revert       bool      // newest first
}

// Empty reports a filter that every operation passes.
func (f OperationFilter) Empty() bool {
	f.Revert = false
	return f == OperationFilter{}
}

// Page is the part of a list that is wanted: Size items behind Cursor or,
// where Cursor is "", behind Skip items.
type Page struct {
	Size   int    // 1 to platform.MaxPageSize
	Skip   int64  // ≥ 0
	Cursor string // from List.Cursor of the same filter; a strange one is ErrBadRequest
	Total  bool   // List.Total is wanted, at the price of a whole scan
}

// List is one page. Cursor is "" behind the last item; else it is made of
// letters, digits, - and _, and stays good when items come or go.
type List[T any] struct {
	Items  []T
	Cursor string
	Total  int64 // of all pages, meaningful where Page.Total was set
}

// Cascade says what goes with a managed object.
type Cascade struct {
	Children   bool // cascade: child devices and assets (there are none yet)
	DeviceUser bool // withDeviceUser (there is none yet)
}

// IdempotencyKey makes a POST safe to repeat. The zero key asks for nothing.
// With any other the backend keeps, in the same commit as the effect, Name
// with Body and the ID that it made, for 24 h at least. A call with a Name
// that it has kept answers as the first one did where Body is the same, and
// with ErrKeyReused where it is not; while the first is under way the second
// waits for it or is ErrBusy.
type IdempotencyKey struct {
	Name [16]byte // hash of the collection and the client's key
	Body [16]byte // hash of the request's body
}

// NewIdempotencyKey hashes a client's key for one collection, and the body.
func NewIdempotencyKey(collection, key string, body []byte) (k IdempotencyKey) {
	named := binary.AppendUvarint(nil, uint64(len(collection)))
	name := sha256.Sum256(append(append(named, collection...), key...))
	content := sha256.Sum256(body)
	copy(k.Name[:], name[:])
	copy(k.Body[:], content[:])
	return k
}

// IsZero reports that the client sent no key.
func (k IdempotencyKey) IsZero() bool { return k == IdempotencyKey{} }
