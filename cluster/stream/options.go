package stream

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// Peer is another node, and where its Mesh listens.
type Peer struct {
	Node wire.Node
	Addr netip.AddrPort
}

// Frame is given what a peer sent, in order, by one goroutine for each peer. The
// frame belongs to the Mesh again when it returns. While it does not, the peer's
// next frames wait, and in the end the peer's connection breaks.
type Frame func(from wire.Node, frame []byte)

// Claim judges a node that said who it is by the certificate that it has shown.
type Claim func(node wire.Node, certificate *x509.Certificate) error

// Defaults of Options.
const (
	DefaultQueueBytes   = 8 << 20
	DefaultServe        = 64
	DefaultCalls        = 1024
	DefaultMaxSkew      = time.Minute
	DefaultMaxStrangers = 16
	DefaultMaxPeers     = 256
)

// Options of a Mesh.
type Options struct {
	// Self is this node, in this life.
	Self wire.Node
	// Cluster is the name that all nodes have in common, 1 to MaxCluster bytes. It
	// is no secret.
	Cluster string
	// Listener is bound to TCP. It belongs to the Mesh from New on.
	Listener net.Listener
	// Identity proves this node, and tells who may talk. It may be nil where
	// Listener is on loopback, and connections are plain TCP then.
	Identity Identity
	// Claim says whether a node may be who it says it is, by its certificate: an
	// error is a sentence that both sides are told. It is asked for each connection,
	// at both ends, and may be called concurrently. nil: every certificate of the CA
	// may speak as any node.
	Claim Claim
	// Frame takes frames, Serve answers calls. Neither may call Close.
	Frame Frame
	Serve Serve
	// Refused is told when this side or the other refused a connection, at most
	// refusalBurst times a second. It must be quick. May be nil.
	Refused func(remote string, err error)
	// Log is told which connections come and go. Default: nowhere.
	Log *slog.Logger

	// MaxFrame bounds a frame, a request and an answer, in bytes: MinFrame to
	// MaxFrame. The smaller bound of both sides counts. Default DefaultFrame.
	MaxFrame int
	// QueueBytes bounds what waits on each connection, headers included; beyond
	// it frames are dropped, and calls fail. One message always fits into an
	// empty queue. Default DefaultQueueBytes.
	QueueBytes int
	// MaxServe bounds the calls of one node that are served at a time; beyond it,
	// or where their requests take more than four times MaxFrame, callers get
	// ErrBusy. Default DefaultServe.
	MaxServe int
	// MaxCalls bounds the calls to one node under way; beyond it they fail with
	// ErrBusy. Default DefaultCalls.
	MaxCalls int
	// MaxSkew is how far the clocks of two nodes may be apart. Default
	// DefaultMaxSkew.
	MaxSkew time.Duration
	// MaxStrangers bounds the nodes that are no peers and are connected to call;
	// more are refused. Default DefaultMaxStrangers.
	MaxStrangers int
	// MaxPeers bounds the peers; SetPeers passes over more. Default
	// DefaultMaxPeers.
	MaxPeers int
	// Now is the clock that is compared with those of peers and with
	// certificates. Default time.Now.
	Now func() time.Time

	// Tests have a network of their own, and faster beats.
	dial func(ctx context.Context, address string) (net.Conn, error)
	beat time.Duration
}

func otherwise[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}

func (o Options) withDefaults() (Options, error) {
	otherwise(&o.MaxFrame, DefaultFrame)
	otherwise(&o.QueueBytes, DefaultQueueBytes)
	otherwise(&o.MaxServe, DefaultServe)
	otherwise(&o.MaxCalls, DefaultCalls)
	otherwise(&o.MaxSkew, DefaultMaxSkew)
	otherwise(&o.MaxStrangers, DefaultMaxStrangers)
	otherwise(&o.MaxPeers, DefaultMaxPeers)
	otherwise(&o.Log, slog.New(slog.DiscardHandler))
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Refused == nil {
		o.Refused = func(string, error) {}
	}
	return o, o.validate()
}

func (o *Options) validate() error {
	switch {
	case o.Frame == nil || o.Serve == nil:
		return fmt.Errorf("%w: nobody takes frames or serves calls", ErrOptions)
	case o.Listener == nil:
		return fmt.Errorf("%w: no listener", ErrOptions)
	case o.Identity == nil && !isLoopback(o.Listener.Addr()):
		return fmt.Errorf("%w: no certificate, and %s is no loopback address: whoever reaches it could join", ErrOptions, o.Listener.Addr())
	case o.QueueBytes < 0 || o.MaxServe < 0 || o.MaxCalls < 0 || o.MaxStrangers < 0 || o.MaxPeers < 0:
		return fmt.Errorf("%w: a bound below 0", ErrOptions)
	}
	return o.terms().validate()
}

func (o *Options) terms() *terms {
	return terms{
		self: o.Self, cluster: o.Cluster, identity: o.Identity, claim: o.Claim, now: o.Now, maxSkew: o.MaxSkew,
		maxFrame: o.MaxFrame, queueBytes: o.QueueBytes, dial: o.dial, beat: o.beat,
	}.lived()
}

func (t *terms) validate() error {
	switch {
	case t.self.ID == 0:
		return fmt.Errorf("%w: node ID 0", ErrOptions)
	case t.cluster == "" || len(t.cluster) > MaxCluster:
		return fmt.Errorf("%w: the cluster's name has %d bytes, want 1 to %d", ErrOptions, len(t.cluster), MaxCluster)
	case t.maxFrame < MinFrame || t.maxFrame > MaxFrame:
		return fmt.Errorf("%w: frames of %d bytes, want %d to %d", ErrOptions, t.maxFrame, MinFrame, MaxFrame)
	case t.maxSkew < 0:
		return fmt.Errorf("%w: clocks %v apart", ErrOptions, t.maxSkew)
	}
	if t.identity == nil {
		return nil
	}
	_, err := t.identity().config(t.now)
	return err
}

// peersOf are the peers of a list: not this node, none twice, none beyond the
// bound.
func (o *Options) peersOf(list []Peer) map[ids.Node]Peer {
	peers := make(map[ids.Node]Peer, len(list))
	for _, p := range list {
		if p.Node.ID == o.Self.ID || p.Node.ID == 0 || len(peers) >= o.MaxPeers {
			continue
		}
		if was, twice := peers[p.Node.ID]; !twice || was.Node.Incarnation < p.Node.Incarnation {
			peers[p.Node.ID] = p
		}
	}
	return peers
}
