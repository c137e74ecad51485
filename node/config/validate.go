package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"dormouse/codec/ids"
	"dormouse/codec/link"
)

// validate answers with a sentence for every key that is wrong.
func (l *Loaded) validate() error {
	var faults []error
	for _, check := range []struct {
		name string
		says string
	}{
		{"data", l.Config.checkData()},
		{"http", l.Config.checkHTTP()},
		{"coap", checkListeners(l.Config.CoAP, nil)},
		{"coaps", checkListeners(l.Config.CoAPS, l.Config.CoAP)},
		{"seal-key", l.Config.checkSealKey()},
		{"max-handshakes", atLeast(l.Config.MaxHandshakes, 1)},
		{"max-request-timeout", between(l.Config.MaxRequestTimeout, MinRequestTimeout, 24*time.Hour)},
		{"request-timeout", between(l.Config.RequestTimeout, MinRequestTimeout, max(l.Config.MaxRequestTimeout, MinRequestTimeout))},
		{"awake-time", between(max(l.Config.AwakeTime, 0), 0, 365*24*time.Hour)},
		{"lifetime-grace", between(l.Config.LifetimeGrace, 0, 365*24*time.Hour)},
		{"max-pending-operations", atLeast(l.Config.MaxPendingOperations, 1)},
		{"max-queued-operations", atLeast(l.Config.MaxQueuedOperations, 1)},
		{"max-awake", atLeast(l.Config.MaxAwake, 100)},
		{"shards", l.Config.checkShards()},
		{"cache", l.Config.checkCache()},
		{"cluster", l.Config.checkCluster()},
		{"join", l.Config.checkJoin()},
		{"full-space", l.Config.checkSpace()},
	} {
		if check.says != "" {
			faults = append(faults, fmt.Errorf("%s (%s): %s", check.name, l.origins[check.name].of(find(check.name)), check.says))
		}
	}
	return errors.Join(append(faults, l.checkProfiles())...)
}

func (c *Config) checkData() string {
	if c.Data == "" {
		return "a directory is needed"
	}
	return ""
}

// checkHTTP keeps the API on loopback: whoever reaches it can command every
// device, since there are no logins yet.
func (c *Config) checkHTTP() string {
	if c.HTTP == "" {
		return ""
	}
	host, says := checkAddress(c.HTTP)
	if says != "" {
		return says
	}
	addr, err := netip.ParseAddr(host)
	if host == "localhost" || (err == nil && addr.Unmap().IsLoopback()) {
		return ""
	}
	return fmt.Sprintf("%s is reachable from other machines, and there are no logins yet: the host must be 127.0.0.1, [::1] or localhost", c.HTTP)
}

// checkListeners reads addresses, which must not be among the others either.
func checkListeners(list, others []string) string {
	for i, s := range list {
		host, says := checkAddress(s)
		if says != "" {
			return says
		}
		if _, err := netip.ParseAddr(host); err != nil && host != "" && host != "localhost" {
			return fmt.Sprintf("%s: a listener needs an address of this machine, not a name", s)
		}
		if slices.Contains(list[:i], s) {
			return fmt.Sprintf("%s stands twice", s)
		}
		if slices.Contains(others, s) && !strings.HasSuffix(s, ":0") {
			return fmt.Sprintf("%s is taken by plain CoAP", s)
		}
	}
	if len(list) > maxListeners {
		return fmt.Sprintf("%d listeners are more than %d", len(list), maxListeners)
	}
	return ""
}

// maxListeners is what a return path can tell apart, of each kind.
const maxListeners = 128

func (c *Config) checkSealKey() string {
	if c.SealKey != "" && c.SealKeyFile != "" {
		return "there is a seal-key-file too"
	}
	return ""
}

// checkAddress takes host:port apart.
func checkAddress(s string) (host, says string) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return "", fmt.Sprintf("%q is no address such as 127.0.0.1:8080, [::1]:5783 or :5783", s)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", fmt.Sprintf("%s: the port must be a number from 0 to 65535", s)
	}
	return host, ""
}

func between(d, low, high time.Duration) string {
	if d >= low && d <= high {
		return ""
	}
	return fmt.Sprintf("%s is not between %s and %s", showDuration(d), showDuration(low), showDuration(high))
}

func atLeast(n, low int) string {
	if n >= low {
		return ""
	}
	return fmt.Sprintf("%d is less than %d", n, low)
}

func (c *Config) checkShards() string {
	if c.Shards >= 1 && c.Shards <= ids.MaxShards {
		return ""
	}
	return fmt.Sprintf("%d is not between 1 and %d", c.Shards, ids.MaxShards)
}

func (c *Config) checkCache() string {
	if c.Cache == 0 || c.Cache >= minCache {
		return ""
	}
	return fmt.Sprintf("%s is less than %s", c.Cache, Size(minCache))
}

func (c *Config) checkSpace() string {
	if c.FullSpace <= c.LowSpace {
		return ""
	}
	return fmt.Sprintf("%s is more than low-space, %s: the warning would come after the refusal", c.FullSpace, c.LowSpace)
}

// checkCluster wants all that other nodes ask for.
func (c *Config) checkCluster() string {
	if c.Cluster == "" {
		return "" // join and advertise may stand in a file that several nodes share
	}
	host, says := checkAddress(c.Cluster)
	if says != "" {
		return says
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return fmt.Sprintf("%s: an address of this machine is needed, not a name", c.Cluster)
	}
	given := 0
	for _, file := range []string{c.ClusterCert, c.ClusterKey, c.ClusterCA} {
		if file != "" {
			given++
		}
	}
	switch {
	case given != 0 && given != 3:
		return "cluster-cert, cluster-key and cluster-ca belong together"
	case addr.IsUnspecified() && c.Advertise == "":
		return fmt.Sprintf("%s is every address: advertise must say which one others reach", c.Cluster)
	case !addr.IsLoopback() && (given == 0 || c.ClusterKeyFile == ""):
		return fmt.Sprintf("%s is reachable from other machines: cluster-key-file, cluster-cert, cluster-key and cluster-ca must be given (dormouse certs makes them)", c.Cluster)
	}
	if _, port, _ := net.SplitHostPort(c.Cluster); port == "65534" || port == "65535" {
		return fmt.Sprintf("%s: the two ports behind it are needed, too", c.Cluster)
	}
	if c.Advertise != "" {
		if _, err := netip.ParseAddrPort(c.Advertise); err != nil {
			return fmt.Sprintf("advertise %q is no address such as 10.0.0.1:7946", c.Advertise)
		}
	}
	return ""
}

func (c *Config) checkJoin() string {
	for _, s := range c.Join {
		if _, says := checkAddress(s); says != "" {
			return says
		}
	}
	return ""
}

// checkProfiles reads the object lists, which the node will answer with.
func (l *Loaded) checkProfiles() error {
	var faults []error
	for id, links := range l.Config.Profiles {
		list, err := link.ParseObjects([]byte(links))
		if err == nil && len(list.Objects) == 0 {
			err = errors.New("no object is listed")
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s (%s): %q: %w", profilesKey, "file", id, err))
		}
	}
	return errors.Join(faults...)
}
