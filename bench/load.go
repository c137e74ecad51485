package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"time"

	"dormouse/bench/load"
	"dormouse/bench/provision"
	"dormouse/bench/server"
)

var loadCommand = command{
	name:    "load",
	summary: "many devices that register, update, send or notify as fast as asked",
	details: `Registers -n devices at a server, then has them update their registrations, send
values, or notify, in turn: --in-flight exchanges at any time, or --rate of them
each second whatever the server does; latencies then count from when each was
due. Prints the latencies, the answers by code, and, of a server on this
machine, its CPU per exchange, memory and disk.

  dormouse-bench load --spawn bin/dormouse -n 20000 --kind update
  dormouse-bench load --spawn "bin/dormouse --max-awake 1000" -n 20000
  dormouse-bench load --target 127.0.0.1:5783 --pid $(pidof dormouse) -n 1000 --kind send --rate 2000
  dormouse-bench load --spawn bin/dormouse -n 20000 --dtls --rebind-every 1

Each device has an address of its own, in 127.1.0.1 to 127.255.255.254, and all
of them share one port: so many devices need one socket. A server elsewhere is
reached from one address, by --kind register and update alone. --kind notify has
the devices observed through the server's API first. Devices that are more than
--max-awake of the server wake from sleep with every update; --hot N keeps to
the first N of them, which stay awake.

With several --server the devices are spread over the nodes of a cluster, and with
--spray each exchange goes to any of them, its second repetition to another one; a
session without Connection ID stays where it was made.

  dormouse-bench load --server 10.0.0.1:5783,10.0.0.2:5783 --spray -n 20000

With --dtls the devices make their handshakes first, which is measured, too, and
register then; --kind handshake ends there. Their keys are posted to the server
with --spawn and with --provision. A session that the server ends or loses is
not made anew: what it was asked goes unanswered, and is counted.`,
	define: defineLoad,
}

// loadFlags is what `load` is called with.
type loadFlags struct {
	options load.Options
	traffic load.Traffic

	target, api, kind, spawn string
	servers                  []netip.AddrPort
	pid                      int
	data                     string
	registering, shaking     int
	dtls                     dtlsFlags
	provision                bool
	before                   int64 // bytes of the data directory before anything happened
	quiet, json              bool
}

func defineLoad(flags *flag.FlagSet) func(context.Context, io.Writer) error {
	var f loadFlags
	flags.IntVar(&f.options.Devices, "n", 1000, "devices to register")
	flags.StringVar(&f.kind, "kind", "update", "what they do then: register (nothing more), update, send, notify; handshake (not even that)")
	flags.IntVar(&f.traffic.Hot, "hot", 0, "the first so many of them do it; 0: all")
	flags.IntVar(&f.traffic.InFlight, "in-flight", 0, "exchanges under way; 0: 256, or with --rate as many as it takes")
	flags.IntVar(&f.traffic.Rate, "rate", 0, "begin so many exchanges a second; 0: as --in-flight says")
	flags.DurationVar(&f.traffic.Duration, "duration", 10*time.Second, "how long to measure, after a warm-up of a tenth")
	flags.IntVar(&f.registering, "register-in-flight", 256, "registrations under way")
	flags.IntVar(&f.options.DevicesPerAddress, "devices-per-address", 1, "devices that share an address, as behind a NAT (register and update only)")
	flags.StringVar(&f.options.Prefix, "prefix", "urn:dev:load-", "of endpoint names")
	flags.DurationVar(&f.options.Lifetime, "lifetime", 24*time.Hour, "of the registrations")
	flags.BoolVar(&f.options.Awake, "always-awake", false, "register without queue mode")
	f.dtls.define(flags)
	flags.BoolVar(&f.provision, "provision", false, "post the devices' keys to --api first")
	flags.IntVar(&f.shaking, "handshakes-in-flight", 64, "handshakes under way")
	flags.Func("server", "CoAP addresses of the nodes of a cluster, between commas, or repeated: the devices are spread over them (instead of --target)", f.addServers)
	flags.BoolVar(&f.options.Spray, "spray", false, "with several --server: each exchange goes to any of them")
	flags.StringVar(&f.target, "target", "", "the server's CoAP address, without --spawn (default "+defaultCoAP+", with --dtls "+defaultCoAPS+")")
	flags.StringVar(&f.api, "api", "http://127.0.0.1:8080", "the server's API for --kind notify and --provision, without --spawn")
	flags.IntVar(&f.pid, "pid", 0, "the server's process, to be watched, without --spawn")
	flags.StringVar(&f.data, "data", "", "the server's data directory; with --spawn a temporary one where it is not given")
	flags.StringVar(&f.spawn, "spawn", "", "start the server: program and flags, separated by blanks")
	flags.DurationVar(&f.options.Every, "every", time.Second, "between lines of progress")
	flags.BoolVar(&f.quiet, "quiet", false, "no lines of progress")
	flags.BoolVar(&f.json, "json", false, "print the results as JSON")
	return f.run
}

func (f *loadFlags) run(ctx context.Context, stdout io.Writer) (err error) {
	kind, err := load.ParseKind(f.kind)
	if err != nil {
		return err
	}
	f.traffic.Kind = kind
	if len(f.servers) > 0 && (f.target != "" || f.spawn != "") {
		return errors.New("--server goes with neither --target nor --spawn")
	}
	if err := f.secure(); err != nil {
		return err
	}
	meter, done, err := f.server(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	if !f.quiet {
		f.options.Progress = os.Stderr
	}
	if err := f.address(); err != nil {
		return err
	}
	if meter.PID != 0 {
		f.options.Watch = meter
	}
	g, err := load.Open(f.options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	return f.drive(ctx, g, meter, stdout)
}

// addServers reads one --server.
func (f *loadFlags) addServers(list string) error {
	for _, s := range split(list) {
		a, err := netip.ParseAddrPort(s)
		if err != nil {
			return fmt.Errorf("want addresses like 127.0.0.1:5783: %w", err)
		}
		f.servers = append(f.servers, a)
	}
	return nil
}

// address makes options of where the servers are.
func (f *loadFlags) address() (err error) {
	if len(f.servers) > 0 {
		f.options.Target, f.options.Others = f.servers[0], f.servers[1:]
		return nil
	}
	if f.options.Target, err = netip.ParseAddrPort(f.target); err != nil {
		return fmt.Errorf("reading --target: %w", err)
	}
	return nil
}

// secure makes options of the flags of DTLS.
func (f *loadFlags) secure() error {
	if !f.dtls.on {
		if f.provision || f.dtls.rebind > 0 || f.traffic.Kind == load.Handshake {
			return fmt.Errorf("%w, as --kind handshake does", errNoDTLS)
		}
		return nil
	}
	credentials, suites, err := f.dtls.read()
	if err != nil {
		return err
	}
	f.options.Security = &load.Security{Credentials: credentials, Suites: suites, RebindEvery: f.dtls.rebind}
	if !f.dtls.cid {
		f.options.Security.ClassicEvery = 1
	}
	return nil
}

// server starts one, or takes that which was named.
func (f *loadFlags) server(ctx context.Context) (meter server.Meter, done func() error, err error) {
	words := strings.Fields(f.spawn)
	if len(words) == 0 {
		if f.target == "" {
			f.target = defaultCoAP
			if f.dtls.on {
				f.target = defaultCoAPS
			}
		}
		return server.Meter{PID: f.pid, Data: f.data}, func() error { return nil }, nil
	}
	p, err := server.Start(ctx, server.Options{Program: words[0], Flags: words[1:], Data: f.data, Log: os.Stderr})
	if err != nil {
		return meter, nil, err
	}
	f.target, f.api = p.CoAP().String(), p.API()
	if f.dtls.on {
		f.target, f.provision = p.CoAPS().String(), true
	}
	return p.Meter(), p.Close, nil
}

func (f *loadFlags) drive(ctx context.Context, g *load.Generator, meter server.Meter, stdout io.Writer) error {
	var err error
	if f.before, err = meter.Disk(); err != nil {
		return err
	}
	if err := f.shake(ctx, g, meter, stdout); err != nil || f.traffic.Kind == load.Handshake {
		return err
	}
	r, err := g.Register(ctx, 0, f.options.Devices, f.registering)
	if err != nil {
		return err
	}
	if err := f.print(stdout, r, meter); err != nil || f.traffic.Kind == load.Register {
		return err
	}
	if f.traffic.Kind == load.Notify {
		hot := f.traffic.Hot
		if hot == 0 {
			hot = f.options.Devices
		}
		if err := g.Observe(ctx, f.api, hot); err != nil {
			return err
		}
	}
	if r, err = g.Run(ctx, f.traffic); err != nil {
		return err
	}
	return f.print(stdout, r, meter)
}

// shake makes sessions, where there are to be some.
func (f *loadFlags) shake(ctx context.Context, g *load.Generator, meter server.Meter, stdout io.Writer) error {
	if !f.dtls.on {
		return nil
	}
	if f.provision {
		if err := provision.Post(ctx, f.api, f.options.Devices, g.Credential); err != nil {
			return err
		}
	}
	r, err := g.Handshake(ctx, 0, f.options.Devices, f.shaking)
	if err != nil {
		return err
	}
	return f.print(stdout, r, meter)
}

func (f *loadFlags) print(w io.Writer, r load.Result, meter server.Meter) error {
	disk, err := meter.Disk()
	if err != nil {
		return err
	}
	if f.json {
		return json.NewEncoder(w).Encode(struct {
			load.Result
			Disk int64 `json:"serverDisk,omitempty"` // bytes
		}{r, disk})
	}
	text := r.String()
	if disk > 0 {
		text += fmt.Sprintf("\n  data directory %.1f MiB, %.1f MiB more than before", float64(disk)/(1<<20), float64(disk-f.before)/(1<<20))
	}
	_, err = fmt.Fprintln(w, text)
	return err
}
