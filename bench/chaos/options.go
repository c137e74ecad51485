package chaos

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"dormouse/bench/chaos/swarm"
	"dormouse/bench/nodes"
)

// Options of a Run. Program is needed.
type Options struct {
	Program string   // of the nodes
	Flags   []string // for every node, beside those that a run gives
	Dir     string   // for temporary files; "": the system's

	Nodes   int           // default 3; one runs without a cluster
	Devices int           // default 20 000
	Secure  float64       // share of the devices that speak DTLS, 0 to 1
	Late    float64       // share of the devices that come amid the faults
	Rate    int           // exchanges of the devices per second; default Devices/20
	Orders  int           // operations per second; default Rate/20
	Loss    float64       // share of the devices' answers to operations that are lost
	Observe int           // devices that are observed; default Devices/10, 1000 at most; negative: none
	For     time.Duration // how long there are faults; default 10 min
	Every   time.Duration // from one fault to the next; default 20 s
	Faults  []string      // names of FaultNames; nil: kill and stop
	Settle  time.Duration // how long operations may take to end afterwards; default 3 min

	AckTimeout time.Duration // of the devices; 0: 2 s
	Recovery   time.Duration // from a fault until all is well; 0: 5 s

	Seed     uint64    // 0: another one each time
	History  io.Writer // gets every event, a JSON object a line; nil: nobody
	Progress io.Writer // nil: none
	Log      io.Writer // gets what the nodes print; nil: nobody
}

func (o Options) withDefaults() (Options, error) {
	o.Nodes = orDefault(o.Nodes, 3)
	o.Devices = orDefault(o.Devices, 20_000)
	o.Rate = orDefault(o.Rate, max(o.Devices/20, 1))
	o.Orders = orDefault(o.Orders, max(o.Rate/20, 1))
	o.Observe = min(max(orDefault(o.Observe, min(o.Devices/10, 1000)), 0), o.Devices)
	o.For = orDefault(o.For, 10*time.Minute)
	o.Every = orDefault(o.Every, 20*time.Second)
	o.Settle = orDefault(o.Settle, 3*time.Minute)
	o.Recovery = orDefault(o.Recovery, 5*time.Second)
	if o.Faults == nil {
		o.Faults = []string{"kill", "stop"}
	}
	for _, name := range o.Faults {
		if !slices.Contains(FaultNames(), name) {
			return o, fmt.Errorf("chaos: fault %q is none of %s", name, strings.Join(FaultNames(), ", "))
		}
	}
	switch {
	case o.Program == "":
		return o, fmt.Errorf("chaos: which program?")
	case o.Nodes < 1 || o.Nodes > nodes.Most:
		return o, fmt.Errorf("chaos: %d nodes, want 1 to %d", o.Nodes, nodes.Most)
	case o.Devices < 1 || o.Devices > swarm.MaxDevices:
		return o, fmt.Errorf("chaos: %d devices, want 1 to %d", o.Devices, swarm.MaxDevices)
	case o.Orders < 0 || o.Orders > 10_000:
		return o, fmt.Errorf("chaos: %d operations per second, want up to 10000", o.Orders)
	case o.For < 0 || o.Every <= 0 || o.Settle < 0 || o.AckTimeout < 0:
		return o, fmt.Errorf("chaos: faults for %v, every %v, settling for %v, repetition after %v", o.For, o.Every, o.Settle, o.AckTimeout)
	}
	return o, nil
}

func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}
