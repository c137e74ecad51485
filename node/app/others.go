package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/cluster/shards"
	"dormouse/cluster/stream"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
	"dormouse/node/certs"
	"dormouse/node/peers"
	"dormouse/node/remote"
)

// joinTimeout is how long a node with empty data looks for somebody who knows the
// cluster.
const joinTimeout = 5 * time.Minute

// join asks the cluster what new data is made with.
func (a *App) join() (ids.Shards, ids.Key, error) {
	a.self.ID = newNodeID()
	identity, _, err := a.secrets()
	if err != nil {
		return 0, ids.Key{}, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), joinTimeout)
	defer cancel()
	a.logger.Info("joining a cluster", "node", a.self.ID.String(), "join", a.config.Join)
	w, err := peers.Ask(ctx, a.config.Join, stream.DialOptions{
		Self: wire.Node{ID: a.self.ID, Incarnation: 1}, Cluster: a.config.ClusterName, Identity: identity,
	}, func(reason error) {
		a.logger.Warn("nobody of the join list answers yet", "reason", reason)
	})
	if err != nil {
		return 0, ids.Key{}, err
	}
	if n := ids.Shards(a.config.Shards); n != defaultShards && n != w.Shards {
		return 0, ids.Key{}, fmt.Errorf("app: the cluster has %d shards, %d are asked for", w.Shards, n)
	}
	a.welcome = &w
	return w.Shards, w.Key, nil
}

// defaultShards is the number of shards that says nothing: a node that joins takes
// those of the cluster.
const defaultShards = 32

// secrets are what nodes know one another by: nil where nothing is configured,
// which is for loopback alone.
func (a *App) secrets() (identity stream.Identity, keys [][]byte, err error) {
	if a.config.ClusterCert != "" {
		i, err := certs.LoadIdentity(a.config.ClusterCert, a.config.ClusterKey, a.config.ClusterCA)
		if err != nil {
			return nil, nil, err
		}
		if a.config.ClusterCertNames {
			if err := i.Bind(a.name()); err != nil {
				return nil, nil, err
			}
		}
		a.identity, identity = i, i.Credentials
	}
	if a.config.ClusterKeyFile != "" {
		if keys, err = certs.LoadClusterKeys(a.config.ClusterKeyFile); err != nil {
			return nil, nil, err
		}
	}
	return identity, keys, nil
}

// openPeers binds the addresses for other nodes.
func (a *App) openPeers(Options) error {
	if a.config.Cluster == "" {
		return nil
	}
	identity, keys, err := a.secrets()
	if err != nil {
		return err
	}
	bind, err := netip.ParseAddrPort(a.config.Cluster)
	if err != nil {
		return fmt.Errorf("app: cluster: %w", err)
	}
	advertise := bind
	if a.config.Advertise != "" {
		if advertise, err = netip.ParseAddrPort(a.config.Advertise); err != nil {
			return fmt.Errorf("app: advertise: %w", err)
		}
	}
	a.peers, err = peers.New(peers.Options{
		Self: a.self, Name: a.name(), Zone: a.config.Zone, Replace: a.config.Replace, Cluster: a.config.ClusterName,
		Bind: bind, Advertise: advertise, Join: a.config.Join, Keys: keys, Identity: identity, AnyName: !a.config.ClusterCertNames,
		HTTP: httpPort(a.config.HTTP), Shards: a.store.Shards(), State: a.store,
		Formats: a.formats, Unfit: a.fail,
		Welcome: a.welcomed, Serve: a.serveOther, Reload: a.Reload, Datagrams: a.forwarded, Heard: a.heard, Full: a.full, Log: a.logger,
	})
	return err
}

func httpPort(address string) uint16 {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return 0
	}
	return uint16(n)
}

// welcomed is what a node that joins must know.
func (a *App) welcomed() peers.Welcome {
	return peers.Welcome{Shards: a.store.Shards(), Key: a.store.Key(), Check: a.ring.Seal(nil, nil, sealCheck)}
}

func (a *App) serveOther(ctx context.Context, from ids.Node, kind byte, request []byte) ([]byte, error) {
	if a.router == nil {
		return nil, errors.New("app: the node is starting")
	}
	return a.router.Serve(ctx, from, kind-peers.FirstKind, request)
}

// others is the cluster as requests see it (remote.Cluster).
type others struct{ a *App }

// Owner implements remote.Cluster.
func (o others) Owner(shard ids.Shard) (n ids.Node, self, known bool) {
	if o.a.shell != nil && o.a.shell.Leads(shard) {
		return o.a.self.ID, true, true
	}
	n, known = o.a.peers.Owner(shard)
	if known && n == o.a.self.ID {
		return 0, false, false // it was elected just now, and the shell does not lead yet
	}
	return n, false, known
}

// Read implements remote.Cluster.
func (o others) Read(shard ids.Shard, done func(error)) {
	o.a.engine.Read(shard, func(err error) {
		if errors.Is(err, shards.ErrNotLeader) || errors.Is(err, shards.ErrLeadershipLost) {
			err = fmt.Errorf("%w: %w", endpoint.ErrElsewhere, err)
		}
		done(err)
	})
}

// Call implements remote.Cluster.
func (o others) Call(ctx context.Context, to ids.Node, kind byte, request []byte) ([]byte, error) {
	ask := o.a.peers.Call
	if remote.Command(kind) {
		ask = o.a.peers.Command
	}
	return ask(ctx, to, kind+peers.FirstKind, request)
}

// handOverTimeout bounds how long a node that stops waits until others lead what
// it led.
const handOverTimeout = 10 * time.Second

// handOver lets others lead before the node takes nothing more.
func (a *App) handOver() {
	if a.peers == nil || a.engine == nil || a.started != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), handOverTimeout)
	defer cancel()
	a.peers.StepDown(ctx)
	if err := a.peers.Leave(); err != nil {
		a.logger.Warn("the other nodes may not know that this one goes", "error", err)
	}
}
