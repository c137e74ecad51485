package access

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"log/slog"
	"sync"
	"time"

	"dormouse/actors/access"
)

// Options of a Service. Zero values are the defaults.
type Options struct {
	Store Store // required
	Log   *slog.Logger
	// Cost of a new password's hash; access.DefaultCost.
	Cost access.Cost
	// Hashing bounds the passwords that are hashed at a time, each in Cost.Memory; 2.
	Hashing int
	// AuditFor is how long audit entries are kept; 400 days.
	AuditFor time.Duration
	// AuditMost bounds the entries of a tenant; 100 000. The oldest go.
	AuditMost int
	// Bearer verifies bearer tokens of others; nil: there are none.
	Bearer Verifier
	// Now is the clock; time.Now.
	Now func() time.Time
}

// Verifier says whose a bearer token is that this server did not make (OpenID
// Connect, say). The user must exist: his roles are those of his record.
// access.ErrUnauthorized refuses; another error is a failure of the verifier.
type Verifier interface {
	Verify(ctx context.Context, token access.Secret, now time.Time) (tenant, user string, err error)
}

// Bounds of what is stored.
const (
	MaxTenants       = 4096
	MaxUsers         = 10_000 // of a tenant
	MaxTokens        = 32     // of a user
	MaxTokensTenant  = 1024   // of a tenant: they go in one batch with it
	MaxTokenLifetime = 366 * 24 * time.Hour
	MaxLocks         = 1 << 16
)

// Service is the logins and what they lead to. Its methods may be called
// concurrently.
type Service struct {
	o      Options
	leader Leader
	decoy  access.Secret
	hasher hasher

	turns   chan struct{} // holds one: whose turn it is
	waiting chan struct{} // bounds who waits for it

	mu       sync.Mutex       // guards what follows; held for a look only
	verified *access.Verified // passwords
	known    *access.Verified // who was let in from where
	limiter  *access.Limiter
	flights  map[access.Proof]*flight
	buckets  map[string]*access.Bucket // by tenant, of which there are at most MaxTenants
	sharing  access.Bucket
	locks    int // records of class lock, as far as the leader counted
}

// New makes the service. The store must be there when its first method is called.
func New(o Options) *Service {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Cost == (access.Cost{}) {
		o.Cost = access.DefaultCost
	}
	if o.Hashing == 0 {
		o.Hashing = 2
	}
	if o.AuditFor == 0 {
		o.AuditFor = 400 * 24 * time.Hour
	}
	if o.AuditMost == 0 {
		o.AuditMost = 100_000
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Service{
		o: o, hasher: newHasher(o.Hashing), turns: make(chan struct{}, 1), waiting: make(chan struct{}, maxWaiting),
		verified: access.NewVerified(random[[32]byte](), access.VerifiedFor, access.MaxVerified),
		known:    access.NewVerified(random[[32]byte](), access.KnownFor, access.MaxVerified), limiter: access.NewLimiter(access.MaxSubjects),
		flights: map[access.Proof]*flight{}, buckets: map[string]*access.Bucket{},
		decoy: access.Decoy(random[[48]byte](), o.Cost),
	}
	s.leader = s
	return s
}

// Route lets others take what logins find out to the leader of the system group: those
// who know where that is. It is called before the first login.
func (s *Service) Route(l Leader) { s.leader = l }

// random is random bytes. crypto/rand does not fail.
func random[T [16]byte | [32]byte | [48]byte | uint64]() (v T) {
	if _, err := binary.Decode(randomBytes(binary.Size(v)), binary.BigEndian, &v); err != nil {
		panic(err) // the sizes are those of v
	}
	return v
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}
