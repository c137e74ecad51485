package members

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/hashicorp/memberlist"

	"dormouse/codec/format"
	"dormouse/codec/ids"
)

// Options of a node's membership.
type Options struct {
	// Name of the node, unique in the cluster: ASCII letters and digits, behind
	// the first also - _ and . ; at most MaxName bytes.
	Name string
	// ID is the node's own, made once with its data; not 0.
	ID ids.Node
	// Incarnation is higher with every start of the node.
	Incarnation uint64

	// Bind is where to listen, UDP and TCP; port 0 takes a free one.
	Bind netip.AddrPort
	// Advertise is what peers are told, with the port of Bind where it has none.
	// Default: Bind. An unspecified Bind (0.0.0.0, ::) needs one.
	Advertise netip.AddrPort
	// Join are peers to find the cluster by, "host:port", any one of them is
	// enough. Names are looked up anew with each attempt.
	Join []string

	// Cluster is a label on every packet: nodes with another are strangers. It
	// is no secret. Default "dormouse"; at most 255 bytes.
	Cluster string
	// Keys encrypt the gossip with AES-256: the first encrypts, each decrypts;
	// KeyLen bytes each, at most MaxKeys. Without any, whoever reaches the
	// address can join: that is refused unless Bind is a loopback address.
	Keys [][]byte

	// Zone, Ports, Topology, Reads and Writes are told to the peers; see Meta.
	Zone     string
	Ports    Ports
	Topology uint64
	Reads    format.Range
	Writes   format.Level

	// Listener is told what happens.
	Listener Listener
	// Log is where memberlist's own words go, and failed attempts to join; at
	// most logBurst lines a second. Default: nowhere.
	Log *slog.Logger

	// Tests make time shorter, and networks worse.
	tune      func(*memberlist.Config)
	reconnect time.Duration
}

func (o Options) withDefaults() Options {
	if o.Cluster == "" {
		o.Cluster = "dormouse"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.reconnect == 0 {
		o.reconnect = reconnectEvery
	}
	switch {
	case !o.Advertise.Addr().IsValid():
		o.Advertise = o.Bind
	case o.Advertise.Port() == 0:
		o.Advertise = netip.AddrPortFrom(o.Advertise.Addr(), o.Bind.Port())
	}
	return o
}

func (o Options) validate() error {
	switch {
	case !validName(o.Name):
		return fmt.Errorf("members: node name %q: letters, digits, and after the first of them - _ . too, 1 to %d", o.Name, MaxName)
	case !o.Bind.Addr().IsValid():
		return errors.New("members: no address to bind")
	case o.Advertise.Addr().IsUnspecified():
		return fmt.Errorf("members: peers cannot reach %s: an address to advertise is needed", o.Advertise.Addr())
	case len(o.Cluster) > memberlist.LabelMaxSize:
		return fmt.Errorf("members: the cluster's name has %d bytes, at most %d", len(o.Cluster), memberlist.LabelMaxSize)
	case len(o.Keys) == 0 && !o.Bind.Addr().IsLoopback():
		return fmt.Errorf("members: no key, and %s is no loopback address: whoever reaches it could join", o.Bind.Addr())
	}
	if err := o.meta().valid(); err != nil {
		return err
	}
	return validKeys(o.Keys)
}

func (o Options) meta() Meta {
	return Meta{ID: o.ID, Incarnation: o.Incarnation, Zone: o.Zone, Ports: o.Ports, Topology: o.Topology, Reads: o.Reads, Writes: o.Writes}
}

// config is memberlist's.
func (o Options) config() *memberlist.Config {
	c := profile()
	c.Name, c.Label = o.Name, o.Cluster
	c.BindAddr, c.BindPort = o.Bind.Addr().String(), int(o.Bind.Port())
	c.AdvertiseAddr, c.AdvertisePort = o.Advertise.Addr().String(), int(o.Advertise.Port())
	if o.tune != nil {
		o.tune(c)
	}
	return c
}
