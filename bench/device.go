package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"dormouse/codec/lwm2m"

	"dormouse/bench/device"
)

var deviceCommand = command{
	name:    "device",
	summary: "simulated LwM2M devices that register, answer and report",
	details: `Runs LwM2M clients in one process, each with a socket of its own: they register,
update before their lifetime ends, answer all operations on some twenty objects,
notify, and de-register at the end (interrupt). Up to twenty of them tell of every
event; more are summed up every ten seconds.

  dormouse-bench device -n 10 --dtls --provision http://127.0.0.1:8080 --rebind-every 1

With --dtls a device makes a handshake when it has something to say and no session,
and keeps its session, across restarts of the server, too: a new one is made when
the server ends the last one by an alert or does not even acknowledge a request.
Without Connection ID a device stays with its port. "nonce used twice" must never
be seen: it is a record of the server that breaks the cipher.`,
	define: defineDevice,
}

// deviceFlags are flags that become something else before they are Options.
type deviceFlags struct {
	version, formats, objects, send string
	lifetime                        int64
	dtls                            dtlsFlags
}

func defineDevice(flags *flag.FlagSet) func(context.Context, io.Writer) error {
	var o device.FleetOptions
	var f deviceFlags
	flags.IntVar(&o.N, "n", 1, "how many devices")
	flags.StringVar(&o.Address, "server", "", "host:port of the server's listener; of the nodes of a cluster, between commas: each device has one of them (default "+defaultCoAP+", with --dtls "+defaultCoAPS+")")
	f.dtls.define(flags)
	flags.StringVar(&o.Provision, "provision", "", `the server's API, like "http://127.0.0.1:8080": post the devices' keys to it first`)
	flags.StringVar(&o.Prefix, "prefix", "device-", "names of the devices, before their numbers")
	flags.StringVar(&f.version, "version", "1.1", "LwM2M version, 1.0 to 1.2")
	flags.Int64Var(&f.lifetime, "lifetime", device.DefaultLifetime, "lifetime of the registrations in seconds, 0: for ever")
	flags.BoolVar(&o.Queue, "queue", false, "queue mode: the devices sleep between their updates")
	flags.DurationVar(&o.Awake, "awake", device.DefaultAwake, "how long a device in queue mode stays awake after a message")
	flags.StringVar(&o.Root, "root", "", `alternate path before all objects, like "/lwm2m"`)
	flags.StringVar(&f.formats, "formats", "", "content formats to support and list, best first, like 112,11542 (default: those of the version, unlisted)")
	flags.StringVar(&o.Binding, "binding", "U", "transport binding, without Q")
	flags.StringVar(&f.objects, "objects", "", "objects beside 1 and 3, like 4,3303 (default: all that are simulated)")
	flags.DurationVar(&o.Every, "notify-every", device.DefaultEvery, "time between two samples of what the devices measure")
	flags.BoolVar(&o.Confirmable, "con", false, "notifications are Confirmable")
	flags.StringVar(&f.send, "send", "", "paths to send by themselves, like /3/0/9,/3303/0/5700")
	flags.DurationVar(&o.Send.Every, "send-every", time.Minute, "time between two of these")
	flags.IntVar(&o.Send.History, "send-samples", 1, "samples in each of these, with their times")
	flags.DurationVar(&o.Ramp, "ramp", 0, "time over which the devices start (default: 2ms each)")
	flags.Uint64Var(&o.Seed, "seed", 0, "repeat the random choices of this seed (default: others each time)")
	return func(ctx context.Context, stdout io.Writer) error {
		if err := f.apply(&o); err != nil {
			return err
		}
		return device.RunFleet(ctx, o, stdout)
	}
}

func (f *deviceFlags) apply(o *device.FleetOptions) (err error) {
	const talkative = 20 // devices of which each event is told
	if o.Version, err = lwm2m.ParseVersion(f.version); err != nil {
		return err
	}
	if o.Lifetime = f.lifetime; o.Lifetime == 0 {
		o.Lifetime = -1
	}
	if err := parseNumbers("format", f.formats, func(n uint16) { o.Formats = append(o.Formats, lwm2m.Format(n)) }); err != nil {
		return err
	}
	if err := parseNumbers("object", f.objects, func(n uint16) { o.Objects = append(o.Objects, n) }); err != nil {
		return err
	}
	for _, s := range split(f.send) {
		p, err := lwm2m.ParsePath(s)
		if err != nil {
			return err
		}
		o.Send.Paths = append(o.Send.Paths, p)
	}
	if len(o.Send.Paths) == 0 {
		o.Send = device.Report{}
	}
	o.Verbose = o.N <= talkative
	return f.secure(o)
}

// secure makes options of the flags of DTLS.
func (f *deviceFlags) secure(o *device.FleetOptions) error {
	if !f.dtls.on {
		if o.Address == "" {
			o.Address = defaultCoAP
		}
		if o.Provision != "" || f.dtls.rebind > 0 {
			return errNoDTLS
		}
		return nil
	}
	if o.Address == "" {
		o.Address = defaultCoAPS
	}
	credentials, suites, err := f.dtls.read()
	o.Security = &device.Security{Credentials: credentials, Suites: suites, NoCID: !f.dtls.cid, RebindEvery: f.dtls.rebind}
	return err
}

// parseNumbers reads a list of 16-bit numbers between commas.
func parseNumbers(what, list string, add func(uint16)) error {
	for _, s := range split(list) {
		n, err := strconv.ParseUint(s, 10, 16)
		if err != nil {
			return fmt.Errorf("%q is no %s", s, what)
		}
		add(uint16(n))
	}
	return nil
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}
