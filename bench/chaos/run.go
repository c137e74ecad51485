package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"dormouse/bench/api"
	"dormouse/bench/chaos/history"
	"dormouse/bench/chaos/swarm"
	"dormouse/bench/device/secure"
	"dormouse/bench/provision"
	"dormouse/codec/platform"
)

const (
	setupPatience = 10 * time.Minute // until all devices are registered
	rollPatience  = 2 * time.Minute  // until all devices were known
	hotTargets    = 64
)

// run is one run while it goes on.
type run struct {
	options Options
	random  *rand.Rand
	cluster *cluster
	swarm   *swarm.Swarm
	log     *history.Log
	began   time.Time
	report  Report
}

// Run runs chaos and judges it. An error means that there is no verdict: the
// machine, or a node that does not come back.
func Run(ctx context.Context, o Options) (report *Report, err error) {
	if o, err = o.withDefaults(); err != nil {
		return nil, err
	}
	if o.Seed == 0 {
		o.Seed = rand.Uint64()
	}
	r := &run{options: o, random: rand.New(rand.NewPCG(o.Seed, 1)), began: time.Now()}
	r.report = Report{Seed: o.Seed, Nodes: o.Nodes, Devices: o.Devices}
	r.log = history.NewLog(r.began, history.DefaultMost, o.History)
	r.say("seed %d", o.Seed)
	r.cluster, err = start(ctx, o)
	defer func() { err = errors.Join(err, r.cluster.close()) }()
	if err != nil {
		return nil, err
	}
	r.say("%d nodes serve", o.Nodes)
	if err := r.drive(ctx); err != nil {
		return nil, fmt.Errorf("seed %d: %w", o.Seed, err)
	}
	return &r.report, nil
}

// drive is the run from nodes that serve to the verdict.
func (r *run) drive(ctx context.Context) (err error) {
	o := r.options
	coap, coaps := r.cluster.addresses()
	r.swarm, err = swarm.Open(swarm.Options{
		CoAP: coap, CoAPS: coaps, Nodes: r.cluster, Log: r.log, Devices: o.Devices, Secure: o.Secure, Late: o.Late, Loss: o.Loss,
		Rate: o.Rate, AckTimeout: o.AckTimeout, Seed: o.Seed,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.swarm.Close()) }()
	targets, err := r.setup(ctx)
	if err != nil {
		return err
	}
	kept, err := r.trouble(ctx, targets)
	if err != nil {
		return err
	}
	return r.judge(ctx, kept)
}

// setup has the devices known and registered.
func (r *run) setup(ctx context.Context) (targets []target, err error) {
	ctx, cancel := context.WithTimeout(ctx, setupPatience)
	defer cancel()
	list := r.swarm.Credentials()
	if err := provision.Post(ctx, r.cluster.api(0), len(list), func(i int) secure.Credential { return list[i] }); err != nil {
		return nil, err
	}
	if err := r.swarm.Setup(ctx); err != nil {
		return nil, fmt.Errorf("chaos: registering %d devices: %w", r.options.Devices, err)
	}
	wanted := map[string]bool{}
	early := r.swarm.Early()
	for _, i := range early {
		wanted[r.swarm.Endpoint(i)] = true
	}
	objects, err := api.Objects(ctx, r.cluster.api(0), wanted)
	if err != nil {
		return nil, err
	}
	for _, i := range early {
		if id, found := objects[r.swarm.Endpoint(i)]; found {
			targets = append(targets, target{uint32(i), id})
		}
	}
	if len(targets) < len(early) {
		return nil, fmt.Errorf("chaos: the inventory has %d of %d devices that were registered", len(targets), len(early))
	}
	r.random.Shuffle(len(targets), func(i, j int) { targets[i], targets[j] = targets[j], targets[i] })
	r.say("%d devices are registered, %d of all with DTLS", len(targets), len(list))
	return targets, nil
}

// trouble has devices, clients and faults at the same time, and then waits until
// what was acknowledged has ended.
func (r *run) trouble(ctx context.Context, targets []target) (kept []acknowledged, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	noDevices, devices := make(chan struct{}), make(chan error, 1)
	go func() { devices <- r.swarm.Run(ctx, noDevices) }()
	defer func() {
		close(noDevices)
		err = errors.Join(err, <-devices)
	}()
	if err := r.observe(ctx, targets); err != nil {
		return nil, err
	}
	c := &clients{
		cluster: r.cluster, log: r.log, targets: targets, run: fmt.Sprintf("chaos-%x", r.options.Seed),
		hot: max(hotTargets, 2*r.options.Orders), random: rand.New(rand.NewPCG(r.options.Seed, 3)),
	}
	noOrders, ordered := make(chan struct{}), make(chan struct{})
	settling, giveUp := context.WithCancel(ctx)
	defer giveUp()
	go func() {
		defer close(ordered)
		c.submit(settling, r.options.Orders, noOrders)
	}()
	err = r.inject(ctx)
	close(noOrders)
	if err != nil {
		giveUp()
	}
	timer := time.AfterFunc(r.options.Settle, giveUp)
	defer timer.Stop()
	<-ordered
	if err != nil {
		return nil, err
	}
	r.say("the faults are over: %d operations were acknowledged", len(c.kept))
	left := r.cluster.settled(settling, c.kept)
	r.say("%d of them have not ended", left)
	return c.kept, ctx.Err()
}

func (r *run) inject(ctx context.Context) (err error) {
	list, skipped := r.cluster.possible(r.options.Faults)
	for _, s := range skipped {
		r.say("%s", s)
	}
	t := &trouble{cluster: r.cluster, log: r.log, random: rand.New(rand.NewPCG(r.options.Seed, 2))}
	r.report.Skipped = skipped
	r.report.Faults, err = t.inject(ctx, list, r.options.Every, r.options.For)
	return err
}

// observe has some devices observed. They answer meanwhile.
func (r *run) observe(ctx context.Context, targets []target) error {
	var failed atomic.Pointer[error]
	each(targets[:min(r.options.Observe, len(targets))], func(t target) {
		body := platform.NewOperation{Device: t.object, Text: "observe " + swarm.Sensor.String()}.Append(nil)
		if _, err := api.Call(ctx, http.MethodPost, r.cluster.api(int(t.device)%len(r.cluster.nodes))+platform.OperationsPath, body); err != nil {
			failed.Store(&err)
		}
	})
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// judge asks nodes and devices for what they know, and has the history checked.
func (r *run) judge(ctx context.Context, kept []acknowledged) error {
	(&trouble{cluster: r.cluster, log: r.log}).dead()
	r.cluster.audit(ctx, r.log, kept)
	rolling, cancel := context.WithTimeout(ctx, rollPatience)
	defer cancel()
	if err := r.swarm.RollCall(rolling); err != nil {
		return err
	}
	events, err := r.log.Events()
	if err != nil {
		return err
	}
	r.report.Took = time.Since(r.began)
	r.report.Counts = r.swarm.Counts()
	r.report.Verdict = history.Check(events, history.Rules{
		Nodes: r.options.Nodes, Recovery: r.options.Recovery, Tries: r.report.Counts.Tries,
	})
	return r.measure()
}

// measure reads what the nodes took.
func (r *run) measure() error {
	for _, n := range r.cluster.nodes {
		m := n.process.Meter()
		rss, err := m.Memory()
		if err != nil {
			return err
		}
		disk, err := m.Disk()
		if err != nil {
			return err
		}
		r.report.RSS, r.report.Disk = max(r.report.RSS, rss), max(r.report.Disk, disk)
	}
	return nil
}

// say prints a line of progress.
func (r *run) say(format string, args ...any) {
	if r.options.Progress == nil {
		return
	}
	line := fmt.Sprintf(format, args...)
	fmt.Fprintf(r.options.Progress, "%7.1f s  %s\n", time.Since(r.began).Seconds(), strings.TrimSpace(line))
}
