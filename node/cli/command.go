package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
)

// Statuses of a command.
const (
	Done   = 0
	Failed = 1
	Usage  = 2
)

// System is what a command has of the process that runs it.
type System struct {
	In       io.Reader
	Out, Err io.Writer
	Getenv   func(string) string
}

// Commands are all, by the name behind `dormouse`.
var Commands = map[string]func(args []string, system System) int{
	"credentials": Credentials, "certs": Certs, "members": Members, "drain": Drain, "shards": Shards,
	"unsafe-recover": UnsafeRecover, "reload": Reload,
}

// errUsage is wrapped where a command cannot be carried out as it stands.
var errUsage = errors.New("usage")

// misuse is an errUsage whose text is the sentence alone.
type misuse struct{ sentence string }

func (m misuse) Error() string { return m.sentence }
func (m misuse) Unwrap() error { return errUsage }

func wrong(format string, args ...any) error { return misuse{fmt.Sprintf(format, args...)} }

// parse takes flags and arguments in any order; behind -- all are arguments.
func parse(flags *flag.FlagSet, args []string) (arguments []string, err error) {
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	var rest []string
	if i := slices.Index(args, "--"); i >= 0 {
		args, rest = args[:i], args[i+1:]
	}
	for len(args) > 0 {
		if err := flags.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, wrong("%v", err)
		}
		if args = flags.Args(); len(args) > 0 {
			arguments, args = append(arguments, args[0]), args[1:]
		}
	}
	return append(arguments, rest...), nil
}

// status tells of an error and returns what the process ends with.
func (s System) status(name, usage string, err error) int {
	switch {
	case err == nil:
		return Done
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(s.Out, usage)
		return Done
	case errors.Is(err, errUsage):
		fmt.Fprintf(s.Err, "dormouse %s: %v\n\n%s", name, err, usage)
		return Usage
	}
	fmt.Fprintf(s.Err, "dormouse %s: %v\n", name, err)
	return Failed
}
