// Package main is dormouse-bench: what one needs to try and to measure a
// dormouse from outside. Each sub-command is a file of this package with an
// entry in the table below; what it does is a package of its own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"dormouse/bench/chaos/syncs"
)

// command is one sub-command.
type command struct {
	name    string
	summary string // what it does, in one line
	details string // for its --help: what it measures and how to read the figures

	// define registers the flags and returns what is run once they are parsed.
	// Its results go to stdout; an error is printed and ends with status 1.
	define func(flags *flag.FlagSet) func(ctx context.Context, stdout io.Writer) error
}

// commands in the order of the help. A sub-command is added here.
var commands = []command{
	echoCommand,
	loadCommand,
	reportCommand,
	deviceCommand,
	chaosCommand,
}

func main() {
	if syncs.Called(os.Args) {
		os.Exit(syncs.Main(os.Args, os.Stderr))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run returns the exit status: 0 done, 1 failed, 2 called wrongly.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		printHelp(stderr)
		return 2
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		if len(args) == 1 {
			printHelp(stdout)
			return 0
		}
		args = []string{args[1], "--help"}
	}
	for _, c := range commands {
		if c.name == args[0] {
			return c.run(ctx, args[1:], stdout, stderr)
		}
	}
	fmt.Fprintf(stderr, "dormouse-bench: there is no command %q\n\n", args[0])
	printHelp(stderr)
	return 2
}

func (c command) run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors and help are printed here, to where they belong
	do := c.define(flags)
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		c.printHelp(stdout, flags)
		return 0
	case err == nil && flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if err != nil {
		fmt.Fprintf(stderr, "dormouse-bench %s: %v (see dormouse-bench %s --help)\n", c.name, err, c.name)
		return 2
	}
	if err := do(ctx, stdout); err != nil {
		fmt.Fprintf(stderr, "dormouse-bench %s: %v\n", c.name, err)
		return 1
	}
	return 0
}

func printHelp(w io.Writer) {
	fmt.Fprint(w, "dormouse-bench tries and measures a dormouse from outside.\n\nusage: dormouse-bench COMMAND [flags]\n\n")
	for _, c := range commands {
		fmt.Fprintf(w, "  %-8s %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, "\ndormouse-bench COMMAND --help explains a command and its flags.\n")
}

func (c command) printHelp(w io.Writer, flags *flag.FlagSet) {
	fmt.Fprintf(w, "usage: dormouse-bench %s [flags]\n\n%s\n\nflags:\n", c.name, c.details)
	flags.SetOutput(w)
	flags.PrintDefaults()
}
