package device

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"sync"
	"time"

	"dormouse/bench/device/secure"
	"dormouse/bench/provision"
)

// FleetOptions say which devices to run and where.
type FleetOptions struct {
	Options               // Listen belongs to the fleet
	Address string        // host and port of the server; of several, between commas, each device has one
	N       int           // devices; 0: one
	Prefix  string        // of their names, which go on with a number from 0
	Ramp    time.Duration // over which their first Registers are spread; 0: 2 ms each
	Seed    uint64        // of all random choices; 0: another one each time
	Verbose bool          // tell of each event, not of their numbers alone
	Grace   time.Duration // for de-registration at the end; 0: 10 s

	Security  *Security // nil: no DTLS
	Provision string    // API of the server, which is told the devices' keys first; "": it knows them
}

// Fleet runs devices over UDP, or DTLS over it: each has a socket of its own, as
// servers know them by their addresses, and belongs to one of a few workers, which owns its state.
type Fleet struct {
	options FleetOptions
	workers []*worker
	readers sync.WaitGroup
	guard   *guard // nil: no DTLS
	tally   *tally
}

// RunFleet runs devices until the context ends, and de-registers them then. What
// happens is written to out.
func RunFleet(ctx context.Context, o FleetOptions, out io.Writer) error {
	o.N, o.Grace = max(o.N, 1), max(o.Grace, 0)
	if o.Grace == 0 {
		o.Grace = 10 * time.Second
	}
	if o.Ramp == 0 {
		o.Ramp = time.Duration(o.N) * 2 * time.Millisecond
	}
	if o.Seed == 0 {
		o.Seed = rand.Uint64()
	}
	if o.Security != nil && o.Provision != "" {
		of := func(i int) secure.Credential { return o.Security.Of(o.endpoint(i)) }
		if err := provision.Post(ctx, o.Provision, o.N, of); err != nil {
			return err
		}
	}
	f := &Fleet{options: o, tally: newTally(out, o.Verbose)}
	if err := f.open(); err != nil {
		return errors.Join(err, f.close())
	}
	f.run(ctx)
	return f.close()
}

// endpoint is the name of device i.
func (o *FleetOptions) endpoint(i int) string { return fmt.Sprintf("%s%d", o.Prefix, i) }

// open makes the devices and their sockets.
func (f *Fleet) open() error {
	o := f.options
	o.Listen = f.tally.listen
	first, _, _ := strings.Cut(o.Address, ",")
	o.Server = "coap://" + first
	if o.Security != nil {
		o.Server = secureScheme + first
	}
	product, err := NewProduct(o.Options)
	if err != nil {
		return err
	}
	servers, err := resolve(o.Address)
	if err != nil {
		return err
	}
	if o.Security != nil {
		f.guard = newGuard(*o.Security, &f.readers, f.tally.listen)
	}
	for range min(runtime.GOMAXPROCS(0), o.N) {
		w := newWorker()
		w.guard = f.guard
		f.workers = append(f.workers, w)
	}
	start := time.Now()
	for i := range o.N {
		conn, err := net.DialUDP("udp", nil, servers[i%len(servers)])
		if err != nil {
			return fmt.Errorf("device: open socket %d of %d: %w", i+1, o.N, err)
		}
		at := start.Add(o.Ramp * time.Duration(i) / time.Duration(o.N))
		client := product.Client(o.endpoint(i), o.Seed+uint64(i)*0x9e3779b97f4a7c15, at)
		f.workers[i%len(f.workers)].add(client, conn)
	}
	return nil
}

// resolve finds the servers of a list.
func resolve(list string) (servers []*net.UDPAddr, err error) {
	for address := range strings.SplitSeq(list, ",") {
		server, err := net.ResolveUDPAddr("udp", address)
		if err == nil && server.Port == 0 {
			err = errors.New("it has no port")
		}
		if err != nil {
			return nil, fmt.Errorf("device: find server %s: %w", address, err)
		}
		servers = append(servers, server)
	}
	return servers, nil
}

// run lets the workers work until the context has ended and all devices have
// de-registered, or the grace is over.
func (f *Fleet) run(ctx context.Context) {
	for _, w := range f.workers {
		for _, m := range w.members {
			conn := m.conn // the worker may give it another one
			f.readers.Go(func() { m.read(conn, w.in) })
		}
	}
	stopTally := f.tally.start(f.options.N)
	defer stopTally()
	var workers sync.WaitGroup
	for _, w := range f.workers {
		workers.Go(func() { w.run(ctx, f.options.Grace) })
	}
	workers.Wait()
}

// close gives the sockets back and waits for their readers, which the workers no
// longer hear.
func (f *Fleet) close() (err error) {
	for _, w := range f.workers {
		close(w.stopped)
		for _, m := range w.members {
			err = errors.Join(err, m.conn.Close())
		}
	}
	if f.guard != nil {
		f.guard.close()
	}
	f.readers.Wait()
	return err
}
