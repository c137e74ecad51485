package config

import (
	"errors"
	"os"
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
