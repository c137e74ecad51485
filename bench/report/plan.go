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

	Rows    bool // the rows of the table
	Million bool // a million sleeping devices: memory, disk, restart, updates
	Long    bool // 12 000 updates a second for ten minutes

	Population     int           // devices of each row of the table, default 20 000
	Registrations  int           // devices of the row that registers many, default 150 000
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
	return []row{
		{"Register", population, cached, cache, closed(load.Register, 0), 6},
		{"Register", o.Registrations, cached, cache, closed(load.Register, 0), 0},
		{"Update, awake", population, cached, cache, closed(load.Update, awake), 3},
		{"Update, from sleep", population, sleepy, cache, closed(load.Update, 0), 5},
		{"Update, awake", population, cached, cache, load.Traffic{Kind: load.Update, Hot: awake, Rate: 2000}, 4},
		{"Send, awake", population, cached, cache, closed(load.Send, awake), 0},
		{"Notify, awake", population, cached, cache, closed(load.Notify, awake), 0},
	}
}

// millionRow is measured on the server of the million.
func millionRow(devices int) row {
	return row{
		"Update, from sleep", devices, []string{"--max-awake", sleepyAwake, "--cache", cache}, cache,
		load.Traffic{Kind: load.Update, InFlight: inFlight}, 8,
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
