package provider

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"dormouse/codec/ids"
)

// Serve answers a request of another node, or of this one. It may block; ctx
// ends a second after the caller gives up, as far as it said so, and when the node closes.
// ErrBusy says that nothing was done: the caller gets it with ErrNotSent. An error
// with a method Code() uint16 of at least FirstCode keeps its code. The
// request must not be changed.
type Serve func(ctx context.Context, from ids.Node, kind byte, request []byte) ([]byte, error)

// Owner tells where an identity is: the address of the node that leads its
// shard, and the name of the gate there. False: nobody does.
type Owner func(identity string) (address, gate string, ok bool)

// Options of a Node. System, Cluster, Node, Incarnation and Listen are needed.
type Options struct {
	System      *actor.ActorSystem
	Cluster     string   // name of the cluster: nodes of another are refused
	Node        ids.Node // this node
	Incarnation uint64   // of this node: durable, higher with every start

	Listen    string // address and port; port 0 takes a free one
	Advertise string // address and port under which peers reach it, port 0: that of Listen; empty: Listen

	// ServerTLS and ClientTLS are both sides of mutual TLS; they are read once.
	// What changes while the node runs (certificates) comes from GetCertificate and
	// GetClientCertificate, other CAs from GetConfigForClient and VerifyConnection.
	// Both nil is allowed on a loopback address alone.
	ServerTLS, ClientTLS *tls.Config

	// Claim says whether a node may be who it says it is, by its certificate; it is
	// asked for each stream, at both ends. nil: every certificate that TLS lets in may
	// speak as any node.
	Claim func(node ids.Node, certificate *x509.Certificate) error

	Serve Serve // nil: nothing is served
	Owner Owner // nil: the Lookup knows nobody

	InFlight    int           // calls to one node; 0: 1024
	Pending     int           // bytes of those calls, and of the answers that wait for it; 0: 32 MiB each
	Serving     int           // requests that are served at a time; 0: 1024
	Window      int           // answered calls that are remembered; 0: 4096
	WindowBytes int           // of their answers; 0: 16 MiB
	Connections int           // of peers to this node; 0: 1024
	Patience    time.Duration // how long a call waits for a node that cannot be reached; 0: 5s

	Log *slog.Logger // nil: nothing is logged
}

// withDefaults fills in what may be left out.
func (o Options) withDefaults() Options {
	for field, value := range map[*int]int{
		&o.InFlight: 1024, &o.Pending: 32 << 20, &o.Serving: 1024, &o.Window: 4096, &o.WindowBytes: 16 << 20, &o.Connections: 1024,
	} {
		if *field == 0 {
			*field = value
		}
	}
	if o.Patience == 0 {
		o.Patience = 5 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Owner == nil {
		o.Owner = func(string) (string, string, bool) { return "", "", false }
	}
	return o
}

func (o *Options) check() error {
	switch {
	case o.System == nil:
		return errors.New("provider: no actor system")
	case o.Cluster == "" || o.Node == 0 || o.Incarnation == 0:
		return errors.New("provider: no name of the cluster, no node or no incarnation")
	case min(o.InFlight, o.Pending, o.Serving, o.Window, o.WindowBytes, o.Connections, int(o.Patience)) < 0:
		return errors.New("provider: a bound is below 0")
	}
	for _, r := range o.Cluster {
		if r <= ' ' || r > '~' {
			return fmt.Errorf("provider: the cluster's name %q cannot travel: printable ASCII alone", o.Cluster)
		}
	}
	listen, err := netip.ParseAddrPort(o.Listen)
	if err != nil {
		return fmt.Errorf("provider: reading the address %q: %w", o.Listen, err)
	}
	if o.Advertise == "" && listen.Addr().IsUnspecified() {
		return fmt.Errorf("provider: %s is reachable under no address that is known here: set Advertise", o.Listen)
	}
	return o.checkTLS(listen.Addr())
}

// address is what peers are told, of a node that listens at bound.
func (o *Options) address(bound string) string {
	if o.Advertise == "" {
		return bound
	}
	host, port, err := net.SplitHostPort(o.Advertise)
	_, chosen, _ := net.SplitHostPort(bound)
	if err != nil || port != "0" {
		return o.Advertise
	}
	return net.JoinHostPort(host, chosen)
}

func (o *Options) checkTLS(listen netip.Addr) error {
	if o.ServerTLS == nil && o.ClientTLS == nil {
		if !listen.IsLoopback() {
			return fmt.Errorf("provider: without TLS on %s: only a loopback address is private", listen)
		}
		return nil
	}
	switch s, c := o.ServerTLS, o.ClientTLS; {
	case s == nil || c == nil:
		return errors.New("provider: TLS of one side alone")
	case s.GetConfigForClient == nil && (s.ClientAuth != tls.RequireAndVerifyClientCert || s.ClientCAs == nil):
		return errors.New("provider: the server's TLS lets in clients without a certificate of the cluster's CA")
	case c.InsecureSkipVerify && c.VerifyConnection == nil:
		return errors.New("provider: the client's TLS trusts any server")
	case c.RootCAs == nil && c.VerifyConnection == nil:
		return errors.New("provider: the client's TLS trusts every public CA")
	}
	return nil
}
