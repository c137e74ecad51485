package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Sources is where a configuration comes from.
type Sources struct {
	Args     []string // behind the program's and the subcommand's name
	Environ  []string // NAME=value
	ReadFile func(name string) ([]byte, error)
}

// System is the process's own environment and files.
func System(args []string) Sources {
	return Sources{Args: args, Environ: os.Environ(), ReadFile: os.ReadFile}
}

// ErrHelp is returned where the arguments ask for the help text.
var ErrHelp = errors.New("config: help is wanted")

// Load reads all sources and validates the result. Its error names every key
// that is wrong, a line each.
func Load(s Sources) (*Loaded, error) {
	flags, err := parseFlags(s.Args)
	if err != nil {
		return nil, err
	}
	l := &Loaded{Config: Default(), origins: map[string]Origin{}}
	var faults []error
	for _, f := range flags.given {
		faults = append(faults, l.put(f.setting, f.text, Origin{rank: byFlag}))
	}
	variables, warnings := parseEnvironment(s.Environ)
	l.Warnings = warnings
	l.File = flags.file
	for _, v := range variables {
		if v.setting == nil && l.File == "" {
			l.File = v.text
		}
		if v.setting != nil {
			faults = append(faults, l.put(v.setting, v.text, Origin{rank: byEnvironment}))
		}
	}
	faults = append(faults, l.readFile(s.ReadFile))
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	if err := l.validate(); err != nil {
		return nil, err
	}
	return l, nil
}

// given is a setting with the text that a source has for it. The configuration
// file's own name has no setting.
type given struct {
	setting *setting
	text    string
}

// fileName is the flag and, in capitals, the variable of the file.
const fileName = "config"

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

// prefix of the variables that are ours.
const prefix = "DORMOUSE_"

// variable is the environment's name of a setting.
func variable(name string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// parseEnvironment finds our variables. An empty one counts as not set.
func parseEnvironment(environ []string) (list []given, warnings []string) {
	for _, entry := range environ {
		key, text, _ := strings.Cut(entry, "=")
		name, ok := strings.CutPrefix(key, prefix)
		if !ok || text == "" {
			continue
		}
		name = strings.ToLower(strings.ReplaceAll(name, "_", "-"))
		s := find(name)
		switch {
		case variable(name) != key:
			warnings = append(warnings, fmt.Sprintf("the variable %s is ignored: ours are in capitals, such as %s", key, variable(name)))
		case s != nil || name == fileName:
			list = append(list, given{s, text})
		default:
			warnings = append(warnings, fmt.Sprintf("the variable %s is unknown%s", key, suggestion(name, append(names(), fileName), variable)))
		}
	}
	return list, warnings
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
