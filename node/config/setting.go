package config

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"time"
)

// setting is one line of the table below: a name that is the flag, the key of
// the file and, in capitals, the variable, with how its text is read and shown.
type setting struct {
	name string
	form string // of the value, for the help text; "" for a Boolean
	help string
	set  func(c *Config, text string) error
	show func(c *Config) string
	// secret is the field, where what show says does not tell one value from another.
	secret func(c *Config) *Secret
	// reset is called before the first value of an origin, where the values of
	// one origin add up; nil where the last one wins.
	reset func(c *Config)
}

// settings is all that flags, environment and file share.
var settings = []setting{
	texts("data", "DIR", "directory of everything that outlives the process", func(c *Config) *string { return &c.Data }),
	{name: "http", form: "ADDR", help: "listener of the HTTP API, on loopback; off for none",
		set: func(c *Config, s string) error { c.HTTP = unlessOff(s); return nil }, show: func(c *Config) string { return orOff(c.HTTP) }},
	listeners("coap", "CoAP listener, repeated or a comma list; off for none", func(c *Config) *[]string { return &c.CoAP }),
	listeners("coaps", "CoAP over DTLS listener, likewise", func(c *Config) *[]string { return &c.CoAPS }),
	{name: "dtls-cid", form: "on|off", help: "give devices that offer it a DTLS Connection ID",
		set: func(c *Config, s string) error { return parseSwitch(&c.ConnectionIDs, s) }, show: func(c *Config) string { return showSwitch(c.ConnectionIDs) }},
	texts("seal-key-file", "FILE", "keys that stored secrets are sealed under, 64 hex digits a line, the first one seals; none: seal.key in the data directory", func(c *Config) *string { return &c.SealKeyFile }),
	secrets("seal-key", "the same keys without a file, between commas; better by the variable", func(c *Config) *Secret { return &c.SealKey }),
	numbers("max-handshakes", "DTLS handshakes under way at the same time", func(c *Config) *int { return &c.MaxHandshakes }),
	{name: "accept-unknown", help: "let devices register that nobody announced",
		set: func(c *Config, s string) error { return parseBool(&c.AcceptUnknown, s) }, show: func(c *Config) string { return strconv.FormatBool(c.AcceptUnknown) }},
	{name: "awake-time", form: "DUR", help: "how long a device listens after a message; auto: 93s in queue mode, else always; 0: always",
		set: setAwakeTime, show: showAwakeTime},
	durations("request-timeout", "how long the answer of a device may take", func(c *Config) *time.Duration { return &c.RequestTimeout }),
	durations("max-request-timeout", "what a device's own request timeout may be at most", func(c *Config) *time.Duration { return &c.MaxRequestTimeout }),
	durations("lifetime-grace", "how long a registration outlives its lifetime", func(c *Config) *time.Duration { return &c.LifetimeGrace }),
	numbers("max-pending-operations", "operations delivered again per wake-up of a device", func(c *Config) *int { return &c.MaxPendingOperations }),
	numbers("max-queued-operations", "active operations of a device", func(c *Config) *int { return &c.MaxQueuedOperations }),
	durations("starved-after", "age at which an EXECUTING operation is failed; 0: never", func(c *Config) *time.Duration { return &c.StarvedAfter }),
	secrets("admin-password", "first administrator's password", func(c *Config) *Secret { return &c.AdminPassword }),
	{name: "log-level", form: "L", help: "debug, info, warn or error", set: setLevel,
		show: func(c *Config) string { return strings.ToLower(c.LogLevel.String()) }},
	{name: "cache", form: "SIZE", help: "memory for stored blocks; auto: from the memory limit", set: setCache, show: showCache},
	numbers("max-awake", "endpoints in memory at the same time", func(c *Config) *int { return &c.MaxAwake }),
	numbers("shards", "units of ownership, fixed when the data is made", func(c *Config) *int { return &c.Shards }),
	texts("cluster", "ADDR", "where to speak with other nodes: gossip on the port, streams and datagrams on the next, commands on the one behind; none: the node is alone", func(c *Config) *string { return &c.Cluster }),
	texts("node", "NAME", "name of the node, unique in the cluster", func(c *Config) *string { return &c.Node }),
	texts("advertise", "ADDR", "what other nodes are told of --cluster, where that is no address that they reach", func(c *Config) *string { return &c.Advertise }),
	{name: "join", form: "ADDR", help: "cluster address of another node, repeated or a comma list; with data of a cluster a help only; off for none",
		set: func(c *Config, s string) error { addAddresses(&c.Join, s); return nil }, reset: func(c *Config) { c.Join = nil }, show: func(c *Config) string { return orOff(strings.Join(c.Join, ",")) }},
	texts("cluster-name", "NAME", "nodes of another name are strangers", func(c *Config) *string { return &c.ClusterName }),
	texts("cluster-key-file", "FILE", "keys of gossip and datagrams between nodes, 64 hex digits a line, the first one seals", func(c *Config) *string { return &c.ClusterKeyFile }),
	texts("cluster-cert", "FILE", "certificate of the node, PEM", func(c *Config) *string { return &c.ClusterCert }),
	texts("cluster-key", "FILE", "its private key, PEM", func(c *Config) *string { return &c.ClusterKey }),
	texts("cluster-ca", "FILE", "certificate of who issues those of the nodes, PEM", func(c *Config) *string { return &c.ClusterCA }),
	{name: "cluster-cert-names", form: "on|off", help: "a certificate speaks for the node alone that it names; off: for any, where the certificates cannot be had so",
		set: func(c *Config, s string) error { return parseSwitch(&c.ClusterCertNames, s) }, show: func(c *Config) string { return showSwitch(c.ClusterCertNames) }},
	texts("zone", "NAME", "what fails as one with the node, such as a rack or a data centre", func(c *Config) *string { return &c.Zone }),
	{name: "egress", form: "via-ingress|direct", help: "which node answers a device: the one that it spoke to, or any that has the address that it asked, where that is an address of every node",
		set: setEgress, show: showEgress},
	{name: "replace", help: "take the place of a node of this name whose data is lost",
		set: func(c *Config, s string) error { return parseBool(&c.Replace, s) }, show: func(c *Config) string { return strconv.FormatBool(c.Replace) }},
	sizes("low-space", "free disk space below which the node warns", func(c *Config) *Size { return &c.LowSpace }),
	sizes("full-space", "free disk space below which new data is refused", func(c *Config) *Size { return &c.FullSpace }),
}

// find is the setting of that name, nil for none.
func find(name string) *setting {
	for i := range settings {
		if settings[i].name == name {
			return &settings[i]
		}
	}
	return nil
}

func texts(name, form, help string, field func(*Config) *string) setting {
	return setting{name: name, form: form, help: help,
		set:  func(c *Config, s string) error { *field(c) = s; return nil },
		show: func(c *Config) string { return *field(c) }}
}

func durations(name, help string, field func(*Config) *time.Duration) setting {
	return setting{name: name, form: "DUR", help: help,
		set:  func(c *Config, s string) error { return parseDuration(field(c), s) },
		show: func(c *Config) string { return showDuration(*field(c)) }}
}

func numbers(name, help string, field func(*Config) *int) setting {
	return setting{name: name, form: "N", help: help,
		set:  func(c *Config, s string) error { return parseNumber(field(c), s) },
		show: func(c *Config) string { return strconv.Itoa(*field(c)) }}
}

func sizes(name, help string, field func(*Config) *Size) setting {
	return setting{name: name, form: "SIZE", help: help,
		set:  func(c *Config, s string) (err error) { *field(c), err = ParseSize(s); return err },
		show: func(c *Config) string { return field(c).String() }}
}

const (
	off  = "off"
	auto = "auto"
)

func unlessOff(s string) string {
	if s == off {
		return ""
	}
	return s
}

func orOff(s string) string {
	if s == "" {
		return off
	}
	return s
}

// listeners are addresses, of which those of one origin add up.
func listeners(name, help string, field func(*Config) *[]string) setting {
	return setting{name: name, form: "ADDR", help: help,
		set:   func(c *Config, s string) error { addAddresses(field(c), s); return nil },
		reset: func(c *Config) { *field(c) = nil },
		show:  func(c *Config) string { return orOff(strings.Join(*field(c), ",")) }}
}

// addAddresses adds those of a comma list.
func addAddresses(list *[]string, text string) {
	if text == off {
		*list = nil
		return
	}
	for _, s := range strings.Split(text, ",") {
		*list = append(*list, strings.TrimSpace(s))
	}
}

func parseSwitch(to *bool, s string) error {
	switch s {
	case "on", "true":
		*to = true
	case off, "false":
		*to = false
	default:
		return fmt.Errorf("%q is neither on nor off", s)
	}
	return nil
}

func showSwitch(on bool) string {
	if on {
		return "on"
	}
	return off
}

// The nodes that answers leave from.
const (
	viaIngress = "via-ingress"
	direct     = "direct"
)

func setEgress(c *Config, s string) error {
	if s != viaIngress && s != direct {
		return fmt.Errorf("%q is neither %s nor %s", s, viaIngress, direct)
	}
	c.DirectEgress = s == direct
	return nil
}

func showEgress(c *Config) string {
	if c.DirectEgress {
		return direct
	}
	return viaIngress
}

func parseBool(to *bool, s string) error {
	switch s {
	case "true", "false":
		*to = s == "true"
		return nil
	}
	return fmt.Errorf("%q is neither true nor false", s)
}

// parseDuration reads 3m or 1h30m; 0 needs no unit.
func parseDuration(to *time.Duration, s string) error {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return fmt.Errorf("%q is no duration such as 90s, 3m or 1h30m", s)
	}
	*to = d
	return nil
}

// showDuration leaves out the parts that are zero: 3m rather than 3m0s.
func showDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func parseNumber(to *int, s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > math.MaxInt32 {
		return fmt.Errorf("%q is no number from 0 to %d", s, math.MaxInt32)
	}
	*to = n
	return nil
}

func setAwakeTime(c *Config, s string) error {
	if s == auto {
		c.AwakeTime = AwakeByBinding
		return nil
	}
	return parseDuration(&c.AwakeTime, s)
}

func showAwakeTime(c *Config) string {
	if c.AwakeTime < 0 {
		return auto
	}
	return showDuration(c.AwakeTime)
}

func setCache(c *Config, s string) (err error) {
	if s == auto {
		c.Cache = 0
		return nil
	}
	if c.Cache, err = ParseSize(s); err == nil && c.Cache == 0 {
		return errors.New("a cache of no bytes is none; say auto, or a size")
	}
	return err
}

func showCache(c *Config) string {
	if c.Cache == 0 {
		return auto
	}
	return c.Cache.String()
}

// secrets refuses what Print wrote. No error of it may show the text.
func secrets(name, help string, field func(*Config) *Secret) setting {
	set := func(c *Config, s string) error {
		if s == redacted {
			return errors.New("this is the text that stands for a secret in printed configurations")
		}
		*field(c) = Secret(s)
		return nil
	}
	return setting{name: name, form: "S", help: help, set: set, secret: field,
		show: func(c *Config) string { return field(c).String() }}
}

func setLevel(c *Config, s string) error {
	switch strings.ToLower(s) {
	case "debug":
		c.LogLevel = slog.LevelDebug
	case "info":
		c.LogLevel = slog.LevelInfo
	case "warn", "warning":
		c.LogLevel = slog.LevelWarn
	case "error":
		c.LogLevel = slog.LevelError
	default:
		return fmt.Errorf("%q is none of debug, info, warn, error", s)
	}
	return nil
}
