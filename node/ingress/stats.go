package ingress

import (
	"net/netip"
	"sync/atomic"
)

// Stats counts since Listen what one listener, or all of them, did.
type Stats struct {
	Address netip.AddrPort // of the listener; zero in a sum

	Received      uint64 // datagrams handed over
	ReceivedBytes uint64 // of their payloads
	ReadBatches   uint64 // system calls that brought them
	Truncated     uint64 // of those received: longer than MaxDatagram
	KernelDrops   uint64 // thrown away by the kernel for lack of buffer
	ReadErrors    uint64 // failed system calls; none stops a reader

	Sent        uint64 // datagrams given to the kernel
	SentBytes   uint64 // of their payloads
	SendBatches uint64 // system calls that took them
	SendWaits   uint64 // times that a full socket was waited for
	SendDropped uint64 // not sent: no buffer within the bounded wait
	SendFailed  uint64 // not sent: no route, too long, local address gone...
	Unroutable  uint64 // not sent: the path names no socket of ours or the other family
}

// counters of one socket; added to once per batch where that is possible.
type counters struct {
	received, receivedBytes, readBatches, truncated, kernelDrops, readErrors     atomic.Uint64
	sent, sentBytes, sendBatches, sendWaits, sendDropped, sendFailed, unroutable atomic.Uint64
}

func (c *counters) snapshot(address netip.AddrPort) Stats {
	return Stats{
		Address:  address,
		Received: c.received.Load(), ReceivedBytes: c.receivedBytes.Load(), ReadBatches: c.readBatches.Load(),
		Truncated: c.truncated.Load(), KernelDrops: c.kernelDrops.Load(), ReadErrors: c.readErrors.Load(),
		Sent: c.sent.Load(), SentBytes: c.sentBytes.Load(), SendBatches: c.sendBatches.Load(),
		SendWaits: c.sendWaits.Load(), SendDropped: c.sendDropped.Load(), SendFailed: c.sendFailed.Load(),
		Unroutable: c.unroutable.Load(),
	}
}

func (s *Stats) add(o Stats) {
	s.Received += o.Received
	s.ReceivedBytes += o.ReceivedBytes
	s.ReadBatches += o.ReadBatches
	s.Truncated += o.Truncated
	s.KernelDrops += o.KernelDrops
	s.ReadErrors += o.ReadErrors
	s.Sent += o.Sent
	s.SentBytes += o.SentBytes
	s.SendBatches += o.SendBatches
	s.SendWaits += o.SendWaits
	s.SendDropped += o.SendDropped
	s.SendFailed += o.SendFailed
	s.Unroutable += o.Unroutable
}
