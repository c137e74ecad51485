package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"dormouse/bench/echo"
)

var echoCommand = command{
	name:    "echo",
	summary: "the CPU that a bare UDP echo costs here and now, as a yardstick",
	details: `Starts a plain UDP echo server as a process of its own, exchanges datagrams with
it over loopback, and prints what CPU (user and system) the server used for each.
Figures of a server are worth something only against this one, taken in the same
minute on the same machine: clocks, neighbours and kernels differ.`,
	define: defineEcho,
}

func defineEcho(flags *flag.FlagSet) func(context.Context, io.Writer) error {
	var o echo.Options
	flags.DurationVar(&o.Duration, "duration", 5*time.Second, "how long to measure, after a warm-up of a tenth")
	flags.IntVar(&o.InFlight, "in-flight", 256, "datagrams under way at any time")
	flags.IntVar(&o.Rate, "rate", 0, "send so many a second instead, answered or not; 0: as --in-flight says")
	flags.IntVar(&o.PayloadBytes, "payload", 40, fmt.Sprintf("bytes of each datagram, %d to %d", echo.MinPayload, echo.MaxPayload))
	serve := flags.Bool("serve", false, "be the server: reads its orders from standard input (the command calls itself so)")
	return func(ctx context.Context, stdout io.Writer) error {
		if *serve {
			return echo.Serve(os.Stdin, stdout)
		}
		report, err := echo.Run(ctx, o)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(stdout, "echo: %v\n", report)
		return err
	}
}
