package endpoint

import (
	"encoding/binary"
	"errors"
	"sync/atomic"
	"time"

	"dormouse/actors/operations"
	"dormouse/actors/session"
	"dormouse/codec/format"
	"dormouse/codec/ids"
	"dormouse/codec/link"
	"dormouse/codec/model"
	"dormouse/codec/wire"
)

// Errors that events are answered with.
var (
	ErrNotFound = errors.New("endpoint: no such device or operation")
	ErrQueue    = errors.New("endpoint: the device's operation queue is full")
	ErrFull     = errors.New("endpoint: the disk is full")
	ErrBusy     = errors.New("endpoint: the node is overloaded")
	ErrClosed   = errors.New("endpoint: the node is stopping")
	ErrCommand  = errors.New("endpoint: malformed command")
	ErrFragment = errors.New("endpoint: malformed fragment")
	ErrStatus   = errors.New("endpoint: status cannot be changed so")

	// ErrElsewhere is the answer where this node does not lead the shard. To an
	// event that was admitted it leaves open whether the effect is committed.
	ErrElsewhere = errors.New("endpoint: the shard belongs to another node")
	// ErrMoved is the answer where that became so before anything was written:
	// nothing was done, and another node may be asked.
	ErrMoved = errors.New("endpoint: the shard has moved to another node")
)

// Config is what all endpoints of a node obey.
type Config struct {
	// AcceptUnknown lets devices register that nobody announced.
	AcceptUnknown bool
	// AwakeTime is how long a device listens after its last message, where
	// neither its settings nor its registration say: negative means 93 s in
	// queue mode and for ever otherwise; 0 means for ever.
	AwakeTime time.Duration
	// RequestTimeout is how long an answer may take; a device's own setting
	// counts up to MaxRequestTimeout.
	RequestTimeout, MaxRequestTimeout time.Duration
	// LifetimeGrace is added to a registration's lifetime.
	LifetimeGrace time.Duration
	// MaxPending caps the operations per wake-up that were delivered once
	// and are back in PENDING.
	MaxPending int
	// MaxQueued bounds the active operations of a device.
	MaxQueued int
	// StarvedAfter fails operations that are EXECUTING for longer; 0 never.
	StarvedAfter time.Duration
	// Profiles are the object lists that a 1.2 device may name by `pid`.
	Profiles map[string]link.ObjectList
}

// State reads what is committed. Keys are without class and shard.
type State interface {
	Get(shard ids.Shard, class wire.Class, key, dst []byte) (value []byte, found bool, err error)
	Scan(shard ids.Shard, class wire.Class, from, to []byte, reverse bool, f func(key, value []byte) bool) error
}

// Env is what the endpoints of a node share. It is not changed after start, but by
// Change.
type Env struct {
	Config Config // at the start
	State  State
	Key    ids.Key
	Shards ids.Shards
	Model  *model.Registry
	Random func() uint32 // safe for concurrent use, unpredictable
	Full   func() bool   // the disk's watermark is passed: refuse what is new
	Seal   Sealer        // of keys that are stored; nil where no endpoint has credentials
	Audit  session.Audit // of sealed records; nil: none

	// Level is the format level to write at, which may rise; nil: the first one.
	Level func() format.Level

	changed atomic.Pointer[Config]
}

// Settings are those in force; they must not be changed.
func (e *Env) Settings() *Config {
	if c := e.changed.Load(); c != nil {
		return c
	}
	return &e.Config
}

// Change puts other settings into force, for what endpoints do from then on. It may
// be called at any time.
func (e *Env) Change(c Config) { e.changed.Store(&c) }

func (e *Env) level() format.Level {
	if e.Level == nil {
		return format.First
	}
	return e.Level()
}

// SignShard is the shard that holds a signpost.
func (e *Env) SignShard(s wire.Sign) ids.Shard { return s.Shard(e.Key, e.Shards) }

// Shard is what the endpoints of one shard share; one goroutine owns it.
type Shard struct {
	Env *Env
	ID  ids.Shard

	// Served is kept by whoever runs the shard: Resume, Note and Mark.
	Served Served

	lastOperation ids.Operation
	scratch       []byte // of save
	plain         []byte // of transmit: the message that is sealed next
	uploads       int    // bytes of bodies that are not whole
}

// NewShard reads the highest operation ID of the shard.
func NewShard(env *Env, id ids.Shard) (*Shard, error) {
	s := &Shard{Env: env, ID: id}
	err := env.State.Scan(id, wire.ClassOperation, nil, nil, true, func(key, _ []byte) bool {
		if len(key) == 8 {
			s.lastOperation = ids.Operation(binary.BigEndian.Uint64(key))
		}
		return false
	})
	return s, err
}

func (s *Shard) nextOperation(now time.Time) ids.Operation {
	s.lastOperation = ids.NextOperation(s.ID, now, s.lastOperation)
	return s.lastOperation
}

// OperationView is an operation as it stands; it is a copy.
type OperationView = operations.Operation
