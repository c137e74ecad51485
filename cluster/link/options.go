package link

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"dormouse/codec/wire"
)

// ErrOptions is wrapped by errors about Options.
var ErrOptions = errors.New("link: options")

// Socket is a bound UDP socket; a *net.UDPConn is one (see Listen). Reads and
// writes come from one goroutine each. Close ends both with net.ErrClosed.
type Socket interface {
	ReadFromUDPAddrPort(b []byte) (n int, from netip.AddrPort, err error)
	WriteToUDPAddrPort(b []byte, to netip.AddrPort) (n int, err error)
	Close() error
}

// Receive is given the datagrams of one frame, and who sent it. They belong to
// it until it returns. It is called by one goroutine: while it waits nothing is
// read, and the kernel drops. It must not call Close.
type Receive func(from wire.Node, batch []wire.Forward)

// Options of a Link. The zero value of a field is its default, where one is
// named.
type Options struct {
	// Self is this node; its incarnation is larger than in every life before.
	// Two lives of the same incarnation use nonces twice, and that gives the
	// cipher away.
	Self wire.Node

	// Ring is the cluster's keys.
	Ring *Ring

	// Receive is what datagrams of other nodes are given to.
	Receive Receive

	// FrameSize is how long a frame of several datagrams may become, in bytes of
	// UDP payload; default 1400, which fits an Ethernet under most tunnels. A
	// datagram that is longer by itself goes alone, in fragments of IP.
	FrameSize int

	// QueueBytes may wait for one peer; default 256 KiB, at least 128 KiB. What
	// is beyond is dropped: an overloaded path delivers late what nobody waits
	// for any more.
	QueueBytes int

	// Linger is how long a datagram may wait for company when frames have just
	// left; after a pause it goes at once, and so does a full frame. Default
	// 500 µs, which becomes 1 ms in a process that idles; negative: never. With
	// 5000 exchanges a second that come one by one it makes 6 datagrams a frame
	// of 1, and takes a third of the CPU away; 2 ms do no better.
	Linger time.Duration

	// MaxPeers bounds the peers, and apart from them the lives of nodes that are
	// remembered when they are no peers any more; default 1024. A frame that was
	// recorded from a node beyond could be handed over again if that very life of
	// the node came back.
	MaxPeers int
}

const minQueueBytes = 128 << 10 // one datagram of any length, and as much again

func (o Options) withDefaults() (Options, error) {
	o.FrameSize = orDefault(o.FrameSize, 1400)
	o.QueueBytes = max(orDefault(o.QueueBytes, 256<<10), minQueueBytes)
	o.MaxPeers = orDefault(o.MaxPeers, 1024)
	switch {
	case o.Linger == 0:
		o.Linger = 500 * time.Microsecond
	case o.Linger < 0:
		o.Linger = 0
	}
	switch {
	case o.Self.ID == 0:
		return o, fmt.Errorf("%w: a node ID of 0", ErrOptions)
	case o.Ring == nil || o.Receive == nil:
		return o, fmt.Errorf("%w: a link needs a ring of keys and a receiver", ErrOptions)
	}
	return o, nil
}

func orDefault(v, def int) int {
	if v <= 0 {
		return def
	}
	return v
}
