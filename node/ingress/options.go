package ingress

import (
	"net/netip"

	"dormouse/codec/wire"
)

// In is a received datagram. Payload belongs to the reader: it is valid until
// receive returns, as is the slice that the In came in.
type In struct {
	Path    wire.ReturnPath
	Payload []byte

	// Truncated says that the datagram was longer than Options.MaxDatagram and
	// that Payload is its beginning: enough to answer 4.13, never to act upon.
	Truncated bool
}

// Out is a datagram to be sent. Payload stays the caller's: it is not changed,
// and not kept after Send.
type Out struct {
	Path    wire.ReturnPath
	Payload []byte
}

// Options of Listen. The zero value of every field but the addresses is a default.
type Options struct {
	// Addresses to listen on, one socket each; at most MaxListeners. The index
	// here is ReturnPath.Listener and outlives the process with the return paths
	// of devices: append new addresses at the end.
	//
	//	":5683"          all addresses, IPv4 and IPv6 (IPv4 alone where the machine has no IPv6)
	//	"[::]:5683"      the same, but IPv6 must be there
	//	"0.0.0.0:5683"   all IPv4 addresses
	//	"10.0.0.7:5683", "[fe80::1%eth0]:5683", "localhost:5683"   that address
	//
	// Where an IPv4 address with the same port is in the list too, "[::]" and ""
	// mean IPv6 alone. Port 0 lets the kernel choose.
	Addresses []string

	// Secure are those of DTLS, written and numbered alike, from SecureListener
	// on: a return path says whether it was protected. Together with Addresses
	// there is at least one.
	Secure []string

	// ReadBuffer in bytes for each socket (SO_RCVBUF), default 4 MiB: what may
	// wait while the readers are busy. The kernel grants at most
	// net.core.rmem_max to those without CAP_NET_ADMIN; see Events.BufferShort.
	ReadBuffer int

	// WriteBuffer in bytes for each socket (SO_SNDBUF), default 1 MiB, as far as
	// the kernel grants it.
	WriteBuffer int

	// MaxDatagram in bytes, default 2048. Longer ones arrive cut and flagged.
	MaxDatagram int

	// Batch is the most datagrams moved by one system call, default 64, at most
	// 1024. A reader holds Batch * MaxDatagram bytes.
	Batch int

	// Readers per socket, default 1. With more, datagrams of one socket are
	// handled concurrently and may overtake one another.
	Readers int

	// Receive is called with each batch, by each reader: concurrently where there
	// are several sockets or readers. While it runs its reader reads nothing, so
	// it must not wait for anything but a bounded queue. It may call Send, never
	// Close. Where it is nil nothing is read until Serve.
	Receive func([]In)

	// Events to tell of.
	Events Events
}

const (
	// MaxListeners is what ReturnPath.Listener leaves room for, of each kind.
	MaxListeners = 1 << 7
	// SecureListener is the index of the first of Options.Secure.
	SecureListener = MaxListeners
)

// Events are the functions that are told what an operator should know. They are
// called by Listen and by the readers, and must not block. Nil ones are left out.
type Events struct {
	BufferShort func(BufferShort)
	KernelDrops func(KernelDrops)
	ReadFailed  func(ReadFailed)
}

// BufferShort says that the kernel granted a smaller receive buffer than was
// asked for: bursts will be lost sooner. Raise net.core.rmem_max.
type BufferShort struct {
	Address        netip.AddrPort
	Asked, Granted int // bytes
}

// KernelDrops says that the kernel threw datagrams away for lack of buffer. It
// is told with the next datagram that found room.
type KernelDrops struct {
	Address netip.AddrPort
	New     uint64 // since the last time
}

// ReadFailed says that reading failed. The reader goes on.
type ReadFailed struct {
	Address netip.AddrPort
	Err     error
}

func (o Options) withDefaults() Options {
	o.ReadBuffer = orDefault(o.ReadBuffer, 4<<20)
	o.WriteBuffer = orDefault(o.WriteBuffer, 1<<20)
	o.MaxDatagram = orDefault(o.MaxDatagram, 2048)
	o.Batch = min(orDefault(o.Batch, 64), 1024)
	o.Readers = orDefault(o.Readers, 1)
	return o
}

func orDefault(value, otherwise int) int {
	if value <= 0 {
		return otherwise
	}
	return value
}
