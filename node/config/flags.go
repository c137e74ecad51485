package config

import (
	"fmt"
	"io"
	"strings"
)

// arguments are the flags, read but not applied.
type arguments struct {
	given []given
	file  string
}

// parseFlags reads --name value, --name=value, and for a Boolean --name.
func parseFlags(args []string) (a arguments, err error) {
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		name, ok := strings.CutPrefix(arg, "--")
		if !ok {
			name, ok = strings.CutPrefix(arg, "-")
		}
		if !ok || name == "" {
			return a, fmt.Errorf("%q is no flag, and nothing else is expected here", arg)
		}
		name, text, assigned := strings.Cut(name, "=")
		if name == "help" || name == "h" {
			return a, ErrHelp
		}
		s := find(name)
		if s == nil && name != fileName {
			dashed := func(s string) string { return "--" + s }
			return a, fmt.Errorf("unknown flag --%s%s", name, suggestion(name, append(names(), fileName), dashed))
		}
		switch {
		case assigned:
		case s != nil && s.form == "":
			text = "true"
		case len(args) == 0:
			return a, fmt.Errorf("--%s needs a value", name)
		default:
			text, args = args[0], args[1:]
		}
		if s == nil {
			a.file = text
			continue
		}
		a.given = append(a.given, given{s, text})
	}
	return a, nil
}

// Usage writes the help text of all flags.
func Usage(w io.Writer) {
	defaults := Default()
	fmt.Fprintf(w, "  --config FILE\n    \tread settings from a YAML file (%s)\n", variable(fileName))
	for _, s := range settings {
		value := s.show(&defaults)
		if value == "" {
			value = "none"
		}
		fmt.Fprintf(w, "  %s\n    \t%s (%s, default %s)\n", strings.TrimSpace("--"+s.name+" "+s.form), s.help, variable(s.name), value)
	}
}
