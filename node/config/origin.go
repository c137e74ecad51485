package config

import (
	"fmt"
	"strconv"
)

// Origin is where a value comes from. Those of higher rank win.
type Origin struct {
	rank rank
	line int // in the file
}

type rank uint8

const (
	byDefault rank = iota
	byFile
	byEnvironment
	byFlag
)

// of names the place in which the setting was found.
func (o Origin) of(s *setting) string {
	switch o.rank {
	case byFile:
		return "file, line " + strconv.Itoa(o.line)
	case byEnvironment:
		return variable(s.name)
	case byFlag:
		return "--" + s.name
	}
	return "default"
}

// Loaded is a configuration with where each of its values comes from.
type Loaded struct {
	Config   Config
	File     string            // the file that was read, "" for none
	Warnings []string          // sentences for the log
	origins  map[string]Origin // by setting; absent: default
	profiles Origin
}

// put sets one value, unless one of higher rank is there. The sources are read
// from the highest rank to the lowest.
func (l *Loaded) put(s *setting, text string, from Origin) error {
	old, given := l.origins[s.name]
	if given && old.rank > from.rank {
		return nil
	}
	if s.reset != nil && !given {
		s.reset(&l.Config)
	}
	if err := s.set(&l.Config, text); err != nil {
		return fmt.Errorf("%s (%s): %w", s.name, from.of(s), err)
	}
	l.origins[s.name] = from
	return nil
}
