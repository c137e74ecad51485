package config

import (
	"fmt"
	"maps"
	"slices"
)

// Live are the settings that a node takes over while it runs, and Profiles; all
// others need a restart.
var Live = []string{
	"log-level", "accept-unknown", "awake-time", "request-timeout", "max-request-timeout", "lifetime-grace",
	"max-pending-operations", "max-queued-operations", "starved-after", "max-awake", "max-handshakes", "low-space", "full-space", profilesKey,
}

// Change is a setting that differs between two configurations, as Print shows its
// values: a secret is not shown.
type Change struct {
	Name, From, To string
	Live           bool
}

// Changes are all that differ, in the order of Print.
func Changes(from, to Config) (list []Change) {
	add := func(name, was, is string) {
		list = append(list, Change{name, was, is, slices.Contains(Live, name)})
	}
	for i := range settings {
		s := &settings[i]
		was, is := s.show(&from), s.show(&to)
		if was != is || s.secret != nil && *s.secret(&from) != *s.secret(&to) {
			add(s.name, was, is)
		}
	}
	if !maps.Equal(from.Profiles, to.Profiles) {
		add(profilesKey, fmt.Sprintf("%d of them", len(from.Profiles)), fmt.Sprintf("%d of them", len(to.Profiles)))
	}
	return list
}

// TakeLive is c with the live settings of another one.
func (c Config) TakeLive(other Config) Config {
	c.LogLevel, c.AcceptUnknown, c.AwakeTime = other.LogLevel, other.AcceptUnknown, other.AwakeTime
	c.RequestTimeout, c.MaxRequestTimeout, c.LifetimeGrace = other.RequestTimeout, other.MaxRequestTimeout, other.LifetimeGrace
	c.MaxPendingOperations, c.MaxQueuedOperations, c.StarvedAfter = other.MaxPendingOperations, other.MaxQueuedOperations, other.StarvedAfter
	c.MaxAwake, c.MaxHandshakes = other.MaxAwake, other.MaxHandshakes
	c.LowSpace, c.FullSpace, c.Profiles = other.LowSpace, other.FullSpace, other.Profiles
	return c
}
