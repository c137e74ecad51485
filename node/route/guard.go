package route

import (
	"dormouse/actors/intake"
	"dormouse/actors/shell"
	"dormouse/codec/dtlsrec"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// Front is what makes handshakes (node/dtlsfront).
type Front interface {
	// Handles reports that a datagram is a handshake's and not a session's.
	Handles(path wire.ReturnPath, datagram []byte) bool
	Receive(path wire.ReturnPath, datagram []byte)
}

// Guard sorts datagrams of DTLS: what belongs to a session goes to the endpoint
// that owns it, which alone can open it. It is used by one goroutine; make one
// for each receiver.
type Guard struct {
	Shell  Shell
	Front  Front
	Key    ids.Key
	Shards ids.Shards
	// Count is told of every fault.
	Count func(intake.Fault)
}

// Receive takes one datagram, which it does not keep. Nothing is answered here:
// who cannot open a record does not know who sent it.
func (g *Guard) Receive(path wire.ReturnPath, datagram []byte) { g.take(path, datagram, nil) }

// Forwarded is Receive for one that has crossed links between nodes: handshakes
// stay where they began, and a signpost that was followed is not looked for again.
func (g *Guard) Forwarded(f *wire.Forward) { g.take(f.Path, f.Datagram, f) }

// take is told of the forwarded datagram, nil for one that came in here.
func (g *Guard) take(path wire.ReturnPath, datagram []byte, f *wire.Forward) {
	h, _, _, err := dtlsrec.ParseHeader(datagram, ids.CIDLen)
	if err != nil {
		g.Count(intake.NotDTLS)
		return
	}
	sign := wire.SecureSign(path.Peer)
	if h.Type == dtlsrec.TypeCID {
		cid, shard, err := g.Key.ParseCID(h.CID)
		if err != nil || uint16(shard) >= uint16(g.Shards) {
			g.Count(intake.ForgedCID)
			return
		}
		sign = wire.CIDSign(cid)
	}
	if f == nil && (h.Epoch == 0 || g.Front.Handles(path, datagram)) {
		g.Front.Receive(path, datagram)
		return
	}
	d := g.Shell.Take()
	d.TakeSealed(path, datagram)
	to := shell.ToSign(sign)
	if f != nil {
		to = forwarded(d, to, f)
	}
	if !g.Shell.Deliver(to, d) {
		g.Count(intake.Overload)
	}
}
