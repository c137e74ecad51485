package endpoint

import "dormouse/codec/wire"

// Knows reports that datagrams of the sign are the endpoint's, as far as it can
// tell: its session has the Connection ID, or its peer the address.
func (e *Endpoint) Knows(sign wire.Sign) bool {
	switch {
	case e.at.Path.IsZero():
		return false
	case sign.Class == wire.ClassAddress:
		return !e.at.Secured && e.at.Signposted && sign == wire.AddressSign(e.at.Path.Peer)
	}
	s, err := e.readable()
	return err == nil && s != nil && sign == e.sessionSign()
}
