package peers

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"net/netip"
	"time"

	"dormouse/cluster/shards"
	"dormouse/cluster/stream"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
	"dormouse/node/formats"
)

// State reads what is committed, and here.
type State interface {
	Get(shard ids.Shard, class wire.Class, key, dst []byte) (value []byte, found bool, err error)
	Scan(shard ids.Shard, class wire.Class, from, to []byte, reverse bool, f func(key, value []byte) bool) error
}

// Engine is cluster/shards.
type Engine interface {
	Propose(shard ids.Shard, b *wire.Batch, done func(error))
	Receive(from ids.Node, frame []byte) error
	Serve(ctx context.Context, from ids.Node, request []byte) ([]byte, error)
	Status(shard ids.Shard) (shards.Status, bool)
	Change(shard ids.Shard, c shards.Change, n ids.Node, done func(error))
	Forget(n ids.Node)
	Recover(shard ids.Shard, done func(error))
}

// Options of a node among others.
type Options struct {
	Self    wire.Node
	Name    string // unique in the cluster
	Replace bool   // takes the place of a node of this name that is not there
	Zone    string
	Cluster string // name of the cluster

	// Bind is where gossip listens, UDP and TCP; streams and datagrams use the
	// next port, TCP and UDP, and protoactor the one behind it, TCP. Port 0 takes
	// three free ones. Advertise is what the others are told; default Bind. Its
	// port may differ, those behind it may not.
	Bind, Advertise netip.AddrPort
	Join            []string

	// Keys are those of gossip and datagrams; none: whoever reaches the loopback
	// address may join. Identity is that of streams, likewise.
	Keys     [][]byte
	Identity stream.Identity
	// AnyName lets every certificate of the CA speak as any node. Else it must have
	// the name of the node (certs.MayBe), so that a stolen one speaks as no other.
	AnyName bool

	HTTP     uint16 // port of the API, 0 for none
	Replicas int    // of each shard; default 3
	Shards   ids.Shards
	State    State

	// Formats is the format level that the cluster agreed on, as far as is known here.
	Formats *formats.Formats
	// Unfit is told, once or more, that this node's program does not fit to what the
	// others write: the node must end. It does not wait.
	Unfit func(error)

	// Welcome tells a node that joins what it must know; Peers adds the level.
	Welcome func() Welcome
	// Reload reads the node's files of keys and certificates anew.
	Reload func() error
	// Serve answers calls of other nodes, of kinds from FirstKind on.
	Serve func(ctx context.Context, from ids.Node, kind byte, request []byte) ([]byte, error)
	// Full says that the disk has no room for anything new: others lead then, where
	// one of them has. It must not wait. nil: never.
	Full func() bool
	// Heard says that another node was heard to lead something that it was not known
	// to lead. It must not wait. nil: nobody listens.
	Heard func()
	// Datagrams takes what other nodes forward; see cluster/link.
	Datagrams func(from wire.Node, batch []wire.Forward)

	Log *slog.Logger
}

// FirstKind of call is the first that is not of this package.
const FirstKind = 16

// Kinds of calls.
const (
	kindFetch   = 1 // a part of a state
	kindWelcome = 2 // from a node that wants to join, with the format levels that it reads: what it must know
	kindHello   = 3 // a node's record, to be written by the leader of the system group
	kindLed     = 5 // the groups that a node leads
	kindReload  = 6 // a node reads its keys and certificates anew
	kindAct     = 4 // something that the leader of a shard, or of the system group, is asked to do
)

// Intervals of what is done again and again.
const (
	placeEvery = 200 * time.Millisecond
	leadsEvery = 5 * time.Second
	helloEvery = 2 * time.Second
	// settled is how long a node must be there before it leads again what
	// another leads meanwhile.
	settledAfter = 8 * time.Second
)

// openKeys is what nodes on loopback without a key use: no secret.
func openKeys(cluster string) []byte {
	sum := sha256.Sum256([]byte("dormouse, no key: " + cluster))
	return sum[:]
}
