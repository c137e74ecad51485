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
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: loaded.Config.LogLevel}))
	for _, w := range loaded.Warnings {
		logger.Warn(w)
	}
	if show {
		return loaded.Print(os.Stdout)
	}
	return serve(loaded.Config, logger)
}

func serve(c config.Config, logger *slog.Logger) error {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	node, err := app.New(c, app.Options{Logger: logger})
	if err != nil {
		return err
	}
	if err := node.Start(); err != nil {
		return errors.Join(err, node.Stop())
	}
	select {
	case s := <-signals:
		logger.Info("stopping", "signal", s.String())
	case err := <-node.Failed():
		logger.Error("the node cannot go on", "error", err)
		return errors.Join(err, node.Stop())
	}
	go func() {
		<-signals // a second signal does not wait
		os.Exit(1)
	}()
	return node.Stop()
}
