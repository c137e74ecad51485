package load

import (
	"fmt"

	"dormouse/bench/device/secure"
	"dormouse/codec/dtlsrec"
)

// Security is how devices speak DTLS. Its zero value: each has its name for
// identity, a key from an empty seed, the suite CCM8, and a Connection ID.
type Security struct {
	secure.Credentials
	Suites []dtlsrec.Suite // that are offered; nil: CCM8

	// ClassicEvery is which devices offer no Connection ID: every so manieth, from
	// the first one on; 1: all, 2: half of them, 0: none.
	ClassicEvery int

	// RebindEvery has each device with a Connection ID send from another address
	// after so many datagrams, as behind a NAT that forgets; 0: never. What comes
	// to an address that was left is lost.
	RebindEvery int

	// Memory is how many records of the server each device remembers for the
	// audit of its nonces, see secure.Link.ReusedNonces; default 64, which is what
	// dormouse reserves at once and could use again after a restart.
	Memory int
}

const (
	// mostAwake is how many devices keep their ciphers between two records, at
	// 2 kB; the others make theirs anew.
	mostAwake = 4096

	defaultMemory = 64
)

func (o Options) validateSecurity() error {
	s := o.Security
	switch {
	case s == nil:
		return nil
	case o.DevicesPerAddress > 1 || !o.Target.Addr().IsLoopback():
		return fmt.Errorf("load: DTLS needs an address for each device, on this machine")
	case s.ClassicEvery < 0 || s.RebindEvery < 0 || s.Memory < 0:
		return fmt.Errorf("load: DTLS without CID for each of %d, other addresses after %d, memory of %d", s.ClassicEvery, s.RebindEvery, s.Memory)
	case s.RebindEvery > 0 && o.Devices > MaxDevices/2:
		return fmt.Errorf("load: %d devices leave no room for other addresses", o.Devices)
	}
	return nil
}

// Credential is what device i proves itself by, for whoever provisions it.
func (g *Generator) Credential(i int) secure.Credential {
	return g.options.Security.Of(g.options.endpoint(uint32(i)))
}

// classic reports a device that offers no Connection ID.
func (s *Security) classic(i uint32) bool { return s.ClassicEvery > 0 && int(i)%s.ClassicEvery == 0 }

// handshakeOf is what device i makes its handshake with.
func (o *Options) handshakeOf(i uint32) secure.Options {
	s := o.Security
	c := s.Of(o.endpoint(i))
	return secure.Options{
		Identity: c.Identity, Key: c.Key, Suites: s.Suites, Memory: orDefault(s.Memory, defaultMemory),
		NoCID: s.classic(i),
	}
}

// Sessions counts what happened to DTLS sessions.
type Sessions struct {
	Handshakes   uint64 `json:"handshakes"`   // that succeeded
	Rebinds      uint64 `json:"rebinds"`      // devices that went to another address
	ReusedNonces uint64 `json:"reusedNonces"` // of the server, see secure.Link
	Stale        uint64 `json:"stale"`        // see secure.Link
	Dropped      uint64 `json:"dropped"`      // datagrams with a record that was no good
	Ended        uint64 `json:"ended"`        // by an alert of the server
	Unsent       uint64 `json:"unsent"`       // datagrams of devices without a session
}

// since is what has changed.
func (s Sessions) since(before Sessions) Sessions {
	return Sessions{
		s.Handshakes - before.Handshakes, s.Rebinds - before.Rebinds, s.ReusedNonces - before.ReusedNonces,
		s.Stale - before.Stale, s.Dropped - before.Dropped, s.Ended - before.Ended, s.Unsent - before.Unsent,
	}
}

func (s Sessions) String() string {
	return fmt.Sprintf("%d handshakes, %d rebinds, %d nonces used twice, %d stale, %d dropped, %d ended, %d unsent",
		s.Handshakes, s.Rebinds, s.ReusedNonces, s.Stale, s.Dropped, s.Ended, s.Unsent)
}
