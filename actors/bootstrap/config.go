package bootstrap

import (
	"errors"
	"fmt"
)

// Errors of Configs.
var (
	// ErrUnknown says that nobody announced the endpoint.
	ErrUnknown = errors.New("bootstrap: unknown endpoint")
	// ErrUnconfigured says that there is nothing to give to it.
	ErrUnconfigured = errors.New("bootstrap: no configuration")
)

// ErrConfig is wrapped by the errors of Config.Validate.
var ErrConfig = errors.New("bootstrap: unusable configuration")

// Configs tells what an endpoint gets. It is asked when a session begins, and when a
// session is taken up after a restart. The Config is not changed afterwards.
type Configs interface {
	// Config is that of an endpoint, or ErrUnknown or ErrUnconfigured.
	Config(name string) (*Config, error)
}

// Config is what a device gets.
type Config struct {
	// Serial grows with each change. A session that finds another one after a
	// restart begins again from its first step.
	Serial uint64

	Servers []Server // at least one, at most MaxServers

	// Account is how the device reaches this bootstrap server.
	Account Account

	// Offset is the first /0 instance that is written (securityInstanceOffset); nil:
	// not given.
	Offset *uint16

	// ReadBack reads /1, and /2 where it was written, before the end.
	ReadBack bool

	// NoPack refuses a Bootstrap-Pack to this device, which then takes the long way.
	NoPack bool
}

// Mode is a security mode of /0/x/2.
type Mode uint8

// Modes that are written.
const (
	PSK   Mode = 0
	NoSec Mode = 3
)

func (m Mode) String() string {
	switch m {
	case PSK:
		return "PSK"
	case NoSec:
		return "NO_SEC"
	}
	return fmt.Sprintf("mode %d", uint8(m))
}

// Security is how a connection is protected. Identity and Key belong to PSK.
type Security struct {
	Mode      Mode
	Identity  string // bytes of /0/x/3
	Key       Secret // bytes of /0/x/5
	ServerKey []byte // /0/x/4, empty for none
}

// Server is an LwM2M server of the device: one instance of /0 and one of /1. A nil
// pointer leaves its resource out.
type Server struct {
	URI     string
	ShortID uint16 // 1..65534, another for each server
	Security

	Lifetime       int64  // s, 0 for ever
	MinPeriod      *int64 // s
	MaxPeriod      *int64 // s
	DisableTimeout *int64 // s
	// StoreNotifications nil is written as true, which is what a device takes an
	// absent resource for: it is mandatory, and some refuse an instance without.
	StoreNotifications *bool
	// Binding "" is U, or UQ where the device says that it is of version 1.0.
	Binding string
}

// Account is the device's account at the bootstrap server.
type Account struct {
	// Security is what the device must come with.
	Security
	// Rewrite writes the account's instance of /0 again (generateBootstrapServerConfig).
	Rewrite bool
	URI     string // for Rewrite
	ShortID uint16 // 0: none is written
}

// Bounds of a Config.
const (
	MaxServers = 16
	maxURI     = 255 // /0/x/0
	maxText    = 255 // identities, keys
	maxKey     = 16 << 10
)

// Validate finds what no device could be told.
func (c *Config) Validate() error {
	if len(c.Servers) == 0 || len(c.Servers) > MaxServers {
		return fmt.Errorf("%w: %d servers, want 1 to %d", ErrConfig, len(c.Servers), MaxServers)
	}
	seen := map[uint16]bool{}
	for i := range c.Servers {
		s := &c.Servers[i]
		if err := s.check(); err != nil {
			return fmt.Errorf("%w: server %d: %w", ErrConfig, i, err)
		}
		if seen[s.ShortID] {
			return fmt.Errorf("%w: short server ID %d is given twice", ErrConfig, s.ShortID)
		}
		seen[s.ShortID] = true
	}
	if c.Account.ShortID != 0 && seen[c.Account.ShortID] {
		return fmt.Errorf("%w: short server ID %d is that of the bootstrap server, too", ErrConfig, c.Account.ShortID)
	}
	if err := c.Account.check(); err != nil {
		return fmt.Errorf("%w: bootstrap account: %w", ErrConfig, err)
	}
	// Servers, the account, and what is kept clear of count up from the offset.
	if c.Offset != nil && *c.Offset > lastOffset {
		return fmt.Errorf("%w: the offset of /0 is above %d", ErrConfig, lastOffset)
	}
	return nil
}

// lastOffset leaves room for the instances above it: 65535 is none.
const lastOffset = 65000

func (s *Server) check() error {
	switch {
	case s.ShortID == 0 || s.ShortID == 65535:
		return fmt.Errorf("short server ID %d, want 1 to 65534", s.ShortID)
	case s.Lifetime < 0:
		return fmt.Errorf("lifetime %d s", s.Lifetime)
	}
	if err := checkURI(s.URI); err != nil {
		return err
	}
	return s.Security.check()
}

func (a *Account) check() error {
	if a.ShortID == 65535 {
		return errors.New("short server ID 65535")
	}
	if a.Rewrite {
		if err := checkURI(a.URI); err != nil {
			return err
		}
		return a.Security.check()
	}
	if a.Mode == PSK && a.Identity == "" {
		return errors.New("PSK without an identity")
	}
	return nil
}

func checkURI(uri string) error {
	if uri == "" || len(uri) > maxURI {
		return fmt.Errorf("a URI of %d bytes, want 1 to %d", len(uri), maxURI)
	}
	return nil
}

func (s *Security) check() error {
	switch {
	case s.Mode != PSK && s.Mode != NoSec:
		return fmt.Errorf("security %s", s.Mode)
	case s.Mode == PSK && (s.Identity == "" || len(s.Identity) > maxText):
		return fmt.Errorf("a PSK identity of %d bytes, want 1 to %d", len(s.Identity), maxText)
	case s.Mode == PSK && (s.Key.Len() == 0 || s.Key.Len() > maxText):
		return fmt.Errorf("a key of %d bytes, want 1 to %d", s.Key.Len(), maxText)
	case len(s.ServerKey) > maxKey:
		return fmt.Errorf("a server's public key of %d bytes, want at most %d", len(s.ServerKey), maxKey)
	}
	return nil
}
