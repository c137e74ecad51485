package endpoint

import (
	"dormouse/actors/session"
	"dormouse/codec/coap"
	"dormouse/codec/dtlsrec"
)

// Who can read a device's datagrams can send them on from any address. So the
// peer's address moves with the newest record alone, and little goes to a new
// one before it has spoken again (RFC 9146 section 6): answers to what came from
// there, and requests as long as all of that is no more than amplification times
// what was heard. A longer request waits for the answer to a ping, 4 bytes.
const amplification = 3

// heardFrom takes the path of a datagram with accepted records. proven: a path
// that was new has spoken again.
func (e *Endpoint) heardFrom(d *Datagram, contents []session.Content, fx *Effects) (proven bool) {
	newest := false
	for i := range contents {
		newest = newest || contents[i].Newest
	}
	if d.Path.Peer == e.at.Path.Peer {
		if newest {
			e.at.Path = d.Path // perhaps by another of our addresses
		}
		proven = e.at.Unproven
		e.at.Unproven = false
		return proven
	}
	if !newest {
		return false
	}
	fx.notice(AddressMoved, e.name(), d.Path.Peer.String())
	e.at.Path, e.at.Unproven = d.Path, true
	e.secure.heard, e.secure.sent = len(d.Buffer), 0
	return false
}

// approach sends a message of a request of ours, or asks the device first
// whether it is where it seems to be.
func (e *Endpoint) approach(m *coap.Message, fx *Effects) {
	if !e.at.Secured || !e.at.Unproven || !m.Code.IsRequest() || e.affordable(m) {
		e.transmit(e.at.Path, m, fx)
		return
	}
	e.secure.withheld = true
	if !e.secure.pinging {
		e.secure.ping, e.secure.pinging = e.mids.Next(), true
		e.saveContact = true
	}
	fx.notice(Probed, e.name(), e.at.Path.Peer.String())
	sent := e.secure.sent
	e.transmit(e.at.Path, &coap.Message{Type: coap.Confirmable, MessageID: e.secure.ping}, fx)
	e.secure.sent = sent // a ping is less than what made us send it
}

// affordable reports that a request may go to an unproven path.
func (e *Endpoint) affordable(m *coap.Message) bool {
	plain, err := m.Append(e.shard.plain[:0])
	if err != nil {
		return true // transmit knows what to say of it
	}
	e.shard.plain = plain
	return e.secure.sent+len(plain)+dtlsrec.MaxOverhead <= amplification*e.secure.heard
}

// resend sends the request that was withheld: its path is proven.
func (e *Endpoint) resend(fx *Effects) {
	withheld := e.secure.withheld
	e.secure.withheld, e.secure.pinging = false, false
	if withheld && e.task != nil {
		e.repeat(fx)
	}
}

// pinged reports the answer to a probe: a Reset, or an ACK of clients that do
// not know better.
func (e *Endpoint) pinged(d *Datagram) bool {
	m := &d.Message
	return d.Sealed && m.Code == coap.Empty && m.MessageID == e.secure.ping && e.secure.ping != 0
}
