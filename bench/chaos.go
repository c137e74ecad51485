package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"dormouse/bench/chaos"
	"dormouse/bench/chaos/lab"
)

var chaosCommand = command{
	name:    "chaos",
	summary: "nodes are killed and stopped under load, and nothing may be lost",
	details: `Starts --nodes nodes of a cluster (one runs alone), registers --devices devices, a
share of them over DTLS with Connection ID, and then for --for kills, stops and
troubles one node after another, while devices send any datagram to any node and
clients submit operations to any node. At the end every node is asked for every
operation, and every device for its registration. All that happened is a history,
which is judged: the report says what was broken, and the exit status is 1 then.

  dormouse-bench chaos --spawn bin/dormouse --nodes 3 --devices 20000 --for 10m
  dormouse-bench chaos --spawn bin/dormouse --nodes 1 --devices 200 --for 30s --every 5s
  dormouse-bench chaos --spawn bin/dormouse --nodes 3 --faults kill,stop,cut,slow,full,disk

Faults:
  kill  kill -9, and a start after 1 s to 4 s
  stop  SIGSTOP for 5 s
  cut   the network loses, in one direction and for 6 s to 12 s, what a node says to
        all others, or to one, or should hear of them
  slow  each sync of a node takes 20 ms to 2 s more, for as long
  full  the disk of a node has 192 MiB left, or nothing, for as long
  disk  a write of a node ends in the middle, and the node with it

For cut and full the whole run goes into a network and a mount table of its own,
where nodes are 127.0.1.1, 127.0.1.2 and so on, each on a disk in memory; it takes
ip (iproute2), and root or user namespaces. slow takes Linux 5.5. What the machine
cannot have is skipped, and said.

While a disk is slow or full, or one node does not hear one other, devices may wait;
of a node that is cut off from all others it is asked that the rest goes on.

"Until all is well" is the time from a fault, or its end, to the sending of the
last datagram that a node which lived all the time did not answer; --recovery
bounds it. "Wait of a device" has the repetitions of CoAP in it, which come after
2 s to 3 s and then twice as long each.`,
	define: defineChaos,
}

// chaosFlags are flags that become something else before they are Options.
type chaosFlags struct {
	options                       chaos.Options
	spawn, faults, report, events string
	quiet, json                   bool
}

func defineChaos(flags *flag.FlagSet) func(context.Context, io.Writer) error {
	var f chaosFlags
	o := &f.options
	flags.StringVar(&f.spawn, "spawn", "bin/dormouse", "the nodes: program and further flags, separated by blanks")
	flags.IntVar(&o.Nodes, "nodes", 3, "nodes of the cluster")
	flags.IntVar(&o.Devices, "devices", 20_000, "devices that register")
	flags.Float64Var(&o.Secure, "secure", 0.5, "share of the devices that speak DTLS, 0 to 1")
	flags.Float64Var(&o.Late, "late", 0.02, "share of the devices that come amid the faults")
	flags.Float64Var(&o.Loss, "loss", 0.1, "share of the devices' answers to operations that are lost, 0 to 0.5")
	flags.IntVar(&o.Rate, "rate", 0, "exchanges of the devices per second; 0: a twentieth of --devices")
	flags.IntVar(&o.Orders, "operations", 0, "operations per second; 0: a twentieth of --rate")
	flags.IntVar(&o.Observe, "observe", 0, "devices that are observed and notify; 0: a tenth, 1000 at most; negative: none")
	flags.DurationVar(&o.For, "for", 10*time.Minute, "how long there are faults")
	flags.DurationVar(&o.Every, "every", 20*time.Second, "from one fault to the next")
	flags.DurationVar(&o.Every, "kill-every", 20*time.Second, "the same")
	flags.StringVar(&f.faults, "faults", "kill,stop", "kinds of faults: "+strings.Join(chaos.FaultNames(), ", "))
	flags.DurationVar(&o.Settle, "settle", 3*time.Minute, "how long operations may take to end afterwards")
	flags.DurationVar(&o.AckTimeout, "ack-timeout", 2*time.Second, "of the devices, until the first repetition at the earliest")
	flags.DurationVar(&o.Recovery, "recovery", 5*time.Second, "from a fault until all is well, at most")
	flags.Uint64Var(&o.Seed, "seed", 0, "repeat the plan of this seed (default: another one each time)")
	flags.StringVar(&f.report, "report", "", "write the report to a file, too, as JSON")
	flags.StringVar(&f.events, "history", "", "write every event to a file, a JSON object a line")
	flags.BoolVar(&f.quiet, "quiet", false, "no lines of progress")
	flags.BoolVar(&f.json, "json", false, "print the report as JSON")
	return f.run
}

// errBroken is the end of a run that found something.
var errBroken = errors.New("something was broken: see the report")

func (f *chaosFlags) run(ctx context.Context, stdout io.Writer) (err error) {
	words := strings.Fields(f.spawn)
	if len(words) == 0 {
		return errors.New("--spawn names no program")
	}
	o := f.options
	o.Program, o.Flags, o.Faults = words[0], words[1:], split(f.faults)
	if !f.quiet {
		o.Progress, o.Log = os.Stderr, os.Stderr
	}
	if chaos.NeedsLab(o.Faults) && !lab.Inside() {
		status, err := lab.Enter(ctx, os.Args[1:], func(c *exec.Cmd) { c.Stdout = stdout })
		switch {
		case errors.Is(err, lab.ErrForbidden):
			fmt.Fprintf(os.Stderr, "dormouse-bench chaos: %v\n", err) // those faults are skipped
		case err != nil || status == 0:
			return err
		default:
			return errWithin(status)
		}
	}
	if f.events != "" {
		file, err := os.Create(f.events)
		if err != nil {
			return fmt.Errorf("writing --history: %w", err)
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		o.History = file
	}
	r, err := chaos.Run(ctx, o)
	if err != nil {
		return err
	}
	return f.print(stdout, r)
}

// errWithin is the status of a run in namespaces, which has said what it found.
type errWithin int

func (e errWithin) Error() string { return fmt.Sprintf("the run ended with status %d", int(e)) }

func (f *chaosFlags) print(stdout io.Writer, r *chaos.Report) error {
	write := r.WriteText
	if f.json {
		write = r.WriteJSON
	}
	err := write(stdout)
	if f.report != "" {
		err = errors.Join(err, writeReport(f.report, r))
	}
	if err == nil && !r.OK() {
		return errBroken
	}
	return err
}

func writeReport(name string, r *chaos.Report) error {
	file, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("writing --report: %w", err)
	}
	return errors.Join(r.WriteJSON(file), file.Close())
}
