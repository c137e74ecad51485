package route

import (
	"testing"

	"dormouse/actors/endpoint"
	"dormouse/actors/intake"
	"dormouse/actors/shell"
	"dormouse/codec/coap"
	"dormouse/codec/dtlsrec"
	"dormouse/codec/wire"
)

// relay keeps what is delivered.
type relay struct {
	to shell.Destination
	d  *endpoint.Datagram
}

func (r *relay) Take() *endpoint.Datagram { return new(endpoint.Datagram) }

func (r *relay) Deliver(to shell.Destination, d *endpoint.Datagram) bool {
	r.to, r.d = to, d
	return true
}

// TestWhatNodesBeforeFoundOut goes with the datagram, also where it must go on; a
// hint is about the sign that the datagram has, and about nothing where it has none.
func TestWhatNodesBeforeFoundOut(t *testing.T) {
	address, cid := shell.ToSign(wire.AddressSign(peer)), shell.ToSign(wire.CIDSign(connection))
	dtls, send, update := record(dtlsrec.TypeCID, 1, connection), build(con, coap.POST, "dp"), build(con, coap.POST, "rd/"+location)
	for name, tc := range map[string]struct {
		f  wire.Forward
		to shell.Destination
	}{
		"nothing":                        {wire.Forward{Datagram: send}, address},
		"a signpost":                     {wire.Forward{Datagram: send, Endpoint: 7}, address.Found(7, false)},
		"a hint":                         {wire.Forward{Datagram: send, Endpoint: 7, Hinted: true}, address.Found(7, true)},
		"a record":                       {wire.Forward{Datagram: dtls, DTLS: true}, cid},
		"a record's signpost":            {wire.Forward{Datagram: dtls, DTLS: true, Endpoint: 7}, cid.Found(7, false)},
		"a record's hint":                {wire.Forward{Datagram: dtls, DTLS: true, Endpoint: 7, Hinted: true}, cid.Found(7, true)},
		"a hint for what needs none":     {wire.Forward{Datagram: update, Endpoint: 7, Hinted: true}, shell.ToEndpoint(owner)},
		"a signpost for what needs none": {wire.Forward{Datagram: update, Endpoint: 7}, shell.ToEndpoint(owner)},
	} {
		s := &relay{}
		router := &Router{Shell: s, Key: key, Answer: func(wire.ReturnPath, []byte) {}, Count: func(intake.Fault) {}}
		guard := &Guard{Shell: s, Front: &keep{}, Key: key, Shards: 8, Count: func(intake.Fault) {}}
		tc.f.Path, tc.f.Hops = path, 2
		if tc.f.DTLS {
			guard.Forwarded(&tc.f)
		} else {
			router.Forwarded(&tc.f)
		}
		if s.d == nil || s.to != tc.to || s.d.Endpoint != tc.f.Endpoint || s.d.Hinted != tc.f.Hinted || s.d.Hops != 2 || s.d.Path != path {
			t.Errorf("%s: %+v to %+v, want %+v", name, s.d, s.to, tc.to)
		}
	}
}
