package report

import (
	"fmt"
	"io"
	"time"

	"dormouse/bench/load"
)

// Options of Run. Program is mandatory.
type Options struct {
	Program string   // of the server
	Flags   []string // added to those of every row
	Dir     string   // where data directories are made; "": that of temporary files

	Duration time.Duration // of each measurement, default 5 s
	Rounds   int           // of each row, default 3

	Rows     bool // the rows of the table
	DTLS     bool // and those over DTLS with Connection ID
	Sessions bool // sleeping DTLS sessions: memory and disk
	Million  bool // a million sleeping devices: memory, disk, restart, updates
	Nodes    int  // a cluster of so many: the cost of a replica and of a wrong node; 0: none
	Long     bool // 12 000 updates a second for ten minutes

	Population     int           // devices of each row of the table, default 20 000
	Registrations  int           // devices of the row that registers many, default 150 000
	SessionDevices int           // default 100 000
	MillionDevices int           // default 1 000 000
	LongDevices    int           // default 100 000
	LongRate       int           // per second, default 12 000
	LongDuration   time.Duration // default 10 min
	Settle         time.Duration // how long memory and disk may take to come to rest, default 2 min

	Echo     Echo      // nil: package echo
	Progress io.Writer // gets a line for each thing that is begun; nil: none
}

// row is one line of the table: what the server is started with, how many
// devices are registered, and what they do.
type row struct {
	name       string
	population int
	flags      []string // of the server
	cache      string   // as shown
	traffic    load.Traffic
	goal       float64 // multiple of the echo, 0: none
	dtls       bool
	beyond     float64 // µs that a row over DTLS may take beyond the same one in the clear, 0: any
}

const (
	awakeDevices = 1000
	inFlight     = 256

	// sleepyAwake is the room for awake endpoints in rows "from sleep": little
	// more than what is in flight, so that nobody is met awake.
	sleepyAwake = "600"
	cache       = "256MiB"
)

// rows of the table, in order.
func rows(o Options) []row {
	population, awake := o.Population, min(awakeDevices, o.Population)
	closed := func(kind load.Kind, hot int) load.Traffic {
		return load.Traffic{Kind: kind, Hot: hot, InFlight: inFlight}
	}
	cached := []string{"--cache", cache}
	sleepy := append([]string{"--max-awake", sleepyAwake}, cached...)
	register := row{name: "Register", population: population, flags: cached, cache: cache, traffic: closed(load.Register, 0), goal: 6}
	update := row{name: "Update, awake", population: population, flags: cached, cache: cache, traffic: closed(load.Update, awake), goal: 3}
	woken := row{name: "Update, from sleep", population: population, flags: sleepy, cache: cache, traffic: closed(load.Update, 0), goal: 5}
	list := []row{
		register,
		{name: "Register", population: o.Registrations, flags: cached, cache: cache, traffic: closed(load.Register, 0)},
		update, woken,
		{name: "Update, awake", population: population, flags: cached, cache: cache, traffic: load.Traffic{Kind: load.Update, Hot: awake, Rate: 2000}, goal: 4},
		{name: "Send, awake", population: population, flags: cached, cache: cache, traffic: closed(load.Send, awake)},
		{name: "Notify, awake", population: population, flags: cached, cache: cache, traffic: closed(load.Notify, awake)},
	}
	if o.DTLS {
		handshake := row{name: "Handshake", population: population, flags: cached, cache: cache,
			traffic: load.Traffic{Kind: load.Handshake, InFlight: shakesInFlight}}
		list = append(list, handshake.secured(0), register.secured(0), update.secured(mostBeyond), woken.secured(mostBeyond))
	}
	return list
}

// secured is the row over DTLS.
func (r row) secured(beyond float64) row {
	r.name, r.dtls, r.goal, r.beyond = r.name+overDTLS, true, 0, beyond
	return r
}

const (
	overDTLS   = ", DTLS"
	mostBeyond = 5 // µs that DTLS may add to an Update
	// shakesInFlight: each takes some 60 kB on both sides.
	shakesInFlight = 64
)

// millionRow is measured on the server of the million.
func millionRow(devices int) row {
	return row{
		name: "Update, from sleep", population: devices, flags: []string{"--max-awake", sleepyAwake, "--cache", cache}, cache: cache,
		traffic: load.Traffic{Kind: load.Update, InFlight: inFlight}, goal: 8,
	}
}

// load in words.
func (r *row) load() string {
	if r.traffic.Rate > 0 {
		return fmt.Sprintf("%d/s", r.traffic.Rate)
	}
	return fmt.Sprintf("%d in flight", r.traffic.InFlight)
}

func (o Options) withDefaults() (Options, error) {
	orDefault(&o.Duration, 5*time.Second)
	orDefault(&o.Rounds, 3)
	orDefault(&o.Population, 20_000)
	orDefault(&o.Registrations, 150_000)
	orDefault(&o.SessionDevices, 100_000)
	orDefault(&o.MillionDevices, 1_000_000)
	orDefault(&o.LongDevices, 100_000)
	orDefault(&o.LongRate, 12_000)
	orDefault(&o.LongDuration, 10*time.Minute)
	orDefault(&o.Settle, 2*time.Minute)
	if o.Echo == nil {
		o.Echo = bareEcho
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	switch {
	case o.Program == "":
		return o, fmt.Errorf("report: which program is the server?")
	case o.Nodes != 0 && (o.Nodes < 2 || o.Nodes > 9):
		return o, fmt.Errorf("report: a cluster of %d nodes, want 2 to 9", o.Nodes)
	case o.Duration < 0 || o.Rounds < 1 || o.LongDuration < 0 || o.Settle < 0:
		return o, fmt.Errorf("report: %d rounds of %v, %v long, %v to settle", o.Rounds, o.Duration, o.LongDuration, o.Settle)
	}
	return o, nil
}

func orDefault[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}
