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
  dormouse reload            let all nodes read their settings, keys and certificates anew
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
	return serve(loaded.Config, app.Options{Logger: logger, Level: level, Settings: func() (config.Config, error) { return again(args, logger) }})
}

// again reads the settings anew: file and environment; flags are what they were.
func again(args []string, logger *slog.Logger) (config.Config, error) {
	loaded, err := config.Load(config.System(args))
	if err != nil {
		return config.Config{}, err
	}
	for _, w := range loaded.Warnings {
		logger.Warn(w)
	}
	return loaded.Config, nil
}

func serve(c config.Config, o app.Options) error {
	logger := o.Logger
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	node, err := app.New(c, o)
	if err != nil {
		return err
	}
	if err := node.Start(); err != nil {
		return errors.Join(err, node.Stop())
	}
	for running := true; running; {
		select {
		case <-hangups:
			_ = node.Reload() // it logs what it could not read, and goes on
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
