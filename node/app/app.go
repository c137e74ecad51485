package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/actors/session"
	"dormouse/actors/shell"
	"dormouse/cluster/shards"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
	"dormouse/node/admin"
	"dormouse/node/certs"
	"dormouse/node/config"
	"dormouse/node/credentials"
	"dormouse/node/dtlsfront"
	"dormouse/node/fleet"
	"dormouse/node/formats"
	"dormouse/node/ingress"
	"dormouse/node/metrics"
	"dormouse/node/peers"
	"dormouse/node/remote"
	"dormouse/node/waiting"
	"dormouse/persistence/seal"
	"dormouse/persistence/store"
	"dormouse/persistence/timers"
)

// Options are what a node takes besides its configuration.
type Options struct {
	Logger  *slog.Logger // nil discards
	Version string
	Level   *slog.LevelVar // of Logger, to be set by Reload; nil: it stays

	// Settings reads the configuration anew, for Reload; nil: it stays as it is.
	Settings func() (config.Config, error)

	Idle time.Duration // a cell without events leaves the memory after it; 0 is 10 s

	// Store, where set, may change what the store is opened with.
	Store func(*store.Options)

	// Audit, where set, is told of every record that is sealed (session.Audit),
	// and Sending of every datagram of DTLS before it is sent. They are for tests,
	// and called concurrently.
	Audit   session.Audit
	Sending func(datagram []byte)
}

// App is one node. New opens the data and binds the CoAP sockets; Start serves;
// Stop gives all back and may be called again.
type App struct {
	config  config.Config // as it was at the start
	logger  *slog.Logger
	metrics *metrics.Registry
	listen  metrics.Listener
	counts  counts

	store       *store.Store
	formats     *formats.Formats
	self        wire.Node
	founder     bool // its data began a cluster: it makes groups that are not there
	engine      *shards.Engine
	leading     chan error     // an answer for each shard that is led
	peers       *peers.Peers   // nil: the node is alone
	router      *remote.Router // likewise
	room        *waiting.Room  // likewise
	identity    *certs.Identity
	welcome     *peers.Welcome // what the cluster told new data, nil for old
	ring        *seal.Ring
	resealing   bool // secrets are stored under a key that does not seal any more
	env         *endpoint.Env
	shell       *shell.Shell
	fleet       *fleet.Fleet
	credentials *credentials.Store
	front       *dtlsfront.Front // nil: no DTLS listener
	sockets     *ingress.Sockets // nil: no CoAP listener
	links       *links           // of forwarded
	admin       *admin.Server    // nil: no HTTP listener

	version  string
	level    *slog.LevelVar
	again    reloading
	sending  func([]byte) // of Options
	failed   chan error   // gets the first fault that ends the node
	sweeping sync.WaitGroup
	cancel   context.CancelFunc // ends the sweeper
	starting sync.Once
	started  error
	stopping sync.Once
	stopped  error
}

// New opens the data and binds the CoAP sockets. Where it fails, what was
// acquired before is given back.
func New(c config.Config, o Options) (a *App, err error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	a = &App{
		config: c, logger: o.Logger, version: o.Version, level: o.Level, sending: o.Sending, metrics: metrics.New(),
		again:  reloading{read: o.Settings, inForce: c},
		failed: make(chan error, 1), leading: make(chan error, ids.MaxShards), cancel: func() {},
	}
	a.listen = metrics.Tee(a.metrics.Listener(), metrics.Logger(o.Logger)).Complete()
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close())
			a = nil
		}
	}()
	for _, open := range []func(Options) error{a.openStore, a.openFormats, a.openSelf, a.openSeal, a.openPeers, a.openEngine, a.openShell, a.openFleet, a.openFront, a.openSockets} {
		if err := open(o); err != nil {
			return a, err
		}
	}
	a.measure()
	return a, nil
}

// openShell joins the endpoints to the committer, the store and the sockets.
func (a *App) openShell(o Options) (err error) {
	if a.env, err = a.environment(); err != nil {
		return err
	}
	a.env.Audit = o.Audit
	options := shell.Options{
		Env:      a.env,
		Load:     func(s *endpoint.Shard, id ids.Endpoint) (shell.Cell, error) { return endpoint.LoadFrom(s, id) },
		Propose:  a.propose,
		Send:     a.send,
		Stray:    a.stray,
		Timers:   func(id ids.Shard) shell.Timers { return queue{timers.New(a.store, id)} },
		Notify:   a.notify,
		Events:   a.shellEvents(),
		MaxAwake: a.config.MaxAwake,
		Idle:     o.Idle,
	}
	if a.peers != nil {
		a.router = remote.New(remote.Options{Cluster: others{a}, Env: a.env, Logger: a.logger})
		a.room = a.newRoom()
		options.Elsewhere, options.Disowned, options.RemoteSign = a.elsewhere, a.disowned, a.router.RemoteSign
		options.System, options.Gate = a.peers.System(), a.peers.Gate()
	}
	a.shell, err = shell.New(options)
	return err
}

// openFleet joins the API to the endpoints.
func (a *App) openFleet(Options) error {
	if a.peers == nil {
		a.credentials = credentials.New(a.env, a.store, a.shell, a.logger)
		a.fleet = fleet.New(a.env, a.store, a.shell, a.credentials, a.logger)
		return nil
	}
	a.credentials = credentials.New(a.env, a.router.State(), a.shell, a.logger)
	a.credentials.Route(a.router.Claims())
	a.fleet = fleet.New(a.env, a.router.State(), a.shell, a.credentials, a.logger)
	a.router.Join(remote.Parts{Shell: a.shell, Fleet: a.fleet, Credentials: a.credentials})
	return nil
}

// openSockets binds the CoAP and DTLS listeners; nothing is read yet.
func (a *App) openSockets(Options) (err error) {
	if len(a.config.CoAP)+len(a.config.CoAPS) == 0 {
		return nil
	}
	a.sockets, err = ingress.Listen(ingress.Options{Addresses: a.config.CoAP, Secure: a.config.CoAPS, Events: a.socketEvents()})
	if err != nil {
		return fmt.Errorf("app: listen for CoAP: %w", err)
	}
	return nil
}

// backend is what answers the API.
func (a *App) backend() admin.Backend {
	if a.router != nil {
		return a.router.Backend()
	}
	return a.fleet
}

// ErrStopped is returned by Start after Stop.
var ErrStopped = errors.New("app: the node was stopped")

// Start leads the shards and serves HTTP and CoAP. Called again it returns what
// it returned. It must not be called while Stop runs.
func (a *App) Start() error {
	a.starting.Do(func() { a.started = a.serve() })
	return a.started
}

func (a *App) serve() error {
	a.shell.Start()
	if err := a.lead(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	a.cancel = cancel
	a.sweeping.Go(func() { a.fleet.Sweep(ctx) })
	if a.resealing {
		a.sweeping.Go(func() { a.reseal(ctx) })
	}
	if a.config.HTTP != "" {
		server, err := admin.Start(admin.Options{
			Address: a.config.HTTP, Backend: a.backend(), Cluster: a.cluster(), Ready: a.ready, Metrics: a.metrics.Handler(),
			Logger: a.logger, Served: a.served, Version: a.version,
		})
		if err != nil {
			return err
		}
		a.admin = server
		a.watch(server)
		a.logger.Info("serving HTTP", "address", server.Address().String())
	}
	if a.sockets != nil {
		if err := a.sockets.Serve(a.receiver()); err != nil {
			return err
		}
		for _, address := range a.CoAP() {
			a.logger.Info("serving CoAP", "address", address.String())
		}
		for _, address := range a.CoAPS() {
			a.logger.Info("serving CoAP over DTLS", "address", address.String())
		}
	}
	return nil
}

// watch ends the node if HTTP is served no more though nobody asked for that.
func (a *App) watch(server *admin.Server) {
	go func() {
		<-server.Done()
		a.fail(errors.New("app: HTTP is served no more")) // read by nobody when the node is stopping
	}()
}

// CoAP are the addresses that are listened on; ports are those of the kernel.
func (a *App) CoAP() []netip.AddrPort {
	if a.sockets == nil {
		return nil
	}
	return a.sockets.Addresses()
}

// CoAPS are those of DTLS, likewise.
func (a *App) CoAPS() []netip.AddrPort {
	if a.sockets == nil {
		return nil
	}
	return a.sockets.Secure()
}

// ClusterAddress is what other nodes join, not valid where the node is alone.
func (a *App) ClusterAddress() netip.AddrPort {
	if a.peers == nil {
		return netip.AddrPort{}
	}
	return a.peers.Addr()
}

// HTTP is the address of the API, nil for none.
func (a *App) HTTP() net.Addr {
	if a.admin == nil {
		return nil
	}
	return a.admin.Address()
}

// Failed gets the fault after which the node must end: all that was
// acknowledged is on the disk.
func (a *App) Failed() <-chan error { return a.failed }

func (a *App) fail(err error) {
	select {
	case a.failed <- err:
	default: // the first one counts
	}
}

// stopTimeout bounds what Stop waits for HTTP requests.
const stopTimeout = 10 * time.Second

// Stop takes no more work, commits what was taken, and closes the store.
func (a *App) Stop() error {
	a.stopping.Do(func() {
		a.starting.Do(func() { a.started = ErrStopped })
		a.stopped = a.close()
	})
	return a.stopped
}

func (a *App) close() error {
	var faults []error
	if a.admin != nil {
		a.admin.Drain()
	}
	a.handOver()
	if a.sockets != nil {
		faults = append(faults, a.sockets.StopReading())
	}
	if a.front != nil {
		a.front.Close()
	}
	a.cancel()
	a.sweeping.Wait()
	if a.admin != nil {
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		faults = append(faults, a.admin.Shutdown(ctx))
		cancel()
	}
	if a.shell != nil {
		a.shell.Stop()
	}
	if a.router != nil {
		a.room.Close()
		a.router.Close()
	}
	if a.engine != nil {
		a.engine.Close()
	}
	if a.peers != nil {
		faults = append(faults, a.peers.Close())
	}
	if a.sockets != nil {
		faults = append(faults, a.sockets.Close())
	}
	if a.store != nil {
		faults = append(faults, a.store.Close())
	}
	return errors.Join(faults...)
}
