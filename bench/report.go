package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"dormouse/bench/report"
)

var reportCommand = command{
	name:    "report",
	summary: "the server's CPU per exchange as multiples of the bare echo, and more",
	details: `Measures a server in one go and prints a table: what one Register, Update, Send
and notification costs the server's CPU, durably, as a multiple of what a bare
UDP echo costs in the same minute, with the number of devices, the cache and the
load. "woken" is how many of the exchanges found their device asleep. Every row
starts the server on fresh data, and is measured between echoes several times;
medians count. Rows over DTLS have a Connection ID and AES-128-CCM-8; below the
table is what they take beyond those in the clear. They count for nothing where
the server used a nonce twice.

--sessions makes a hundred thousand DTLS sessions, lets them sleep, and prints the
memory and disk that each takes, then those of a registration each.
--nodes N starts a cluster on this machine and prints the CPU of all nodes together
per exchange, where datagrams come to the node that owns the device, to any, or to
another one, and the bytes that nodes send one another.
--million registers a million devices (some minutes, 1 GiB of disk) and prints
memory, disk per device, time to the first answer after a kill and after a stop,
and updates from sleep. --long runs 12 000 updates a second for ten minutes and
prints the memory every 30 s.`,
	define: defineReport,
}

func defineReport(flags *flag.FlagSet) func(context.Context, io.Writer) error {
	var o report.Options
	spawn := flags.String("spawn", "bin/dormouse", "the server: program and flags, separated by blanks")
	flags.DurationVar(&o.Duration, "duration", 5*time.Second, "of each measurement")
	flags.IntVar(&o.Rounds, "rounds", 3, "of each row")
	flags.StringVar(&o.Dir, "dir", "", "where data directories are made; must be a disk that syncs; default that of temporary files")
	flags.BoolVar(&o.Rows, "rows", true, "the table")
	flags.IntVar(&o.Population, "devices", 20_000, "registered ones in each row of the table")
	flags.IntVar(&o.Registrations, "registrations", 150_000, "devices of the row that registers them")
	flags.BoolVar(&o.DTLS, "dtls", true, "rows over DTLS in the table, too")
	flags.IntVar(&o.Nodes, "nodes", 0, "a cluster of so many nodes, 2 to 9; 0: none")
	flags.BoolVar(&o.Sessions, "sessions", false, "sleeping DTLS sessions")
	flags.IntVar(&o.SessionDevices, "session-devices", 100_000, "how many they are")
	flags.BoolVar(&o.Million, "million", false, "a million sleeping devices")
	flags.IntVar(&o.MillionDevices, "million-devices", 1_000_000, "how many they are")
	flags.BoolVar(&o.Long, "long", false, "a steady rate for minutes")
	flags.IntVar(&o.LongDevices, "long-devices", 100_000, "devices of --long")
	flags.IntVar(&o.LongRate, "long-rate", 12_000, "updates a second of --long")
	flags.DurationVar(&o.LongDuration, "long-duration", 10*time.Minute, "how long --long is")
	quiet := flags.Bool("quiet", false, "no lines of progress on standard error")
	file := flags.String("json", "", "write all figures to this file, too")
	return func(ctx context.Context, stdout io.Writer) error {
		words := strings.Fields(*spawn)
		if len(words) == 0 {
			return fmt.Errorf("--spawn names no program")
		}
		o.Program, o.Flags = words[0], words[1:]
		if !*quiet {
			o.Progress = os.Stderr
		}
		r, err := report.Run(ctx, o)
		return errors.Join(err, r.WriteText(stdout), writeFile(*file, &r))
	}
}

// writeFile writes a report's figures, where a file is named.
func writeFile(name string, r *report.Report) (err error) {
	if name == "" {
		return nil
	}
	f, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("writing the figures: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return r.WriteJSON(f)
}
