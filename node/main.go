// Command dormouse is one node of the LwM2M server.
package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"dormouse/node/app"
	"dormouse/node/cli"
	"dormouse/node/config"
)

const usage = `Usage:
  dormouse [FLAGS]           serve devices until a signal
  dormouse config [FLAGS]    print the settings in force and where each comes from
  dormouse credentials ...   pre-shared keys of endpoints, at a node that is running
  dormouse certs ...         a private CA, and certificates of the nodes of a cluster
  dormouse members ...       the nodes of a cluster: list, drain, keep, remove
  dormouse drain NODE ...    move all data off a node that is to go
  dormouse shards            who leads each shard, and who has copies
  dormouse reload            let all nodes read their keys and certificates anew
  dormouse unsafe-recover .. give up what a lost majority of a shard had

Flags; each is a variable, and a key of the YAML file, too:

`

func main() {
	if len(os.Args) > 1 && cli.Commands[os.Args[1]] != nil {
		system := cli.System{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv}
		os.Exit(cli.Commands[os.Args[1]](os.Args[2:], system))
	}
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "dormouse:", err)
		os.Exit(1)
	}
}

// run serves until a signal, or prints the configuration for `config`.
func run(args []string) error {
	show := len(args) > 0 && args[0] == "config"
	if show {
		args = args[1:]
	}
	loaded, err := config.Load(config.System(args))
	switch {
	case errors.Is(err, config.ErrHelp):
		fmt.Print(usage)
		config.Usage(os.Stdout)
		return nil
	case err != nil:
		return err
	}
	level := new(slog.LevelVar)
	level.Set(loaded.Config.LogLevel)
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	for _, w := range loaded.Warnings {
		logger.Warn(w)
	}
	if show {
		return loaded.Print(os.Stdout)
	}
	return serve(loaded.Config, app.Options{Logger: logger, Level: level}, args)
}

func serve(c config.Config, o app.Options, args []string) error {
	logger := o.Logger
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	again := make(chan os.Signal, 1)
	signal.Notify(again, syscall.SIGHUP)
	node, err := app.New(c, o)
	if err != nil {
		return err
	}
	if err := node.Start(); err != nil {
		return errors.Join(err, node.Stop())
	}
	for running := true; running; {
		select {
		case <-again:
			reload(node, logger, args)
		case s := <-signals:
			logger.Info("stopping", "signal", s.String())
			running = false
		case err := <-node.Failed():
			logger.Error("the node cannot go on", "error", err)
			return errors.Join(err, node.Stop())
		}
	}
	go func() {
		<-signals // a second signal does not wait
		os.Exit(1)
	}()
	return node.Stop()
}

// reload reads the settings anew, and what they name; the node goes on with the old
// ones where that fails.
func reload(node *app.App, logger *slog.Logger, args []string) {
	loaded, err := config.Load(config.System(args))
	if err == nil {
		err = node.Reload(loaded.Config)
	}
	if err != nil {
		logger.Error("not all could be read anew", "error", err)
	}
}
