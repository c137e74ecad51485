package endpoint

import (
	"net/netip"
	"testing"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// TestKnows: an endpoint knows the signs whose signposts are its own, and no
// others; a restart changes nothing.
func TestKnows(t *testing.T) {
	w := newWorld(t)
	here, there := netip.MustParseAddrPort(w.peer), netip.MustParseAddrPort("[2001:db8::2]:40000")
	cid := func(session uint32) wire.Sign { return wire.CIDSign(w.env.Key.NewCID(2, session)) }
	all := map[string]wire.Sign{
		"plain": wire.AddressSign(here), "plain, another": wire.AddressSign(there),
		"secure": wire.SecureSign(here), "secure, another": wire.SecureSign(there),
		"the first CID": cid(1), "the second CID": cid(2), "a CID": wire.CIDSign(ids.CID{1}),
	}
	want := func(when, sign string) {
		t.Helper()
		for range 2 {
			for name, s := range all {
				if knows := w.e.Knows(s); knows != (name == sign) {
					t.Errorf("%s: knows %s: %v", when, name, knows)
				}
			}
			w.e = nil
			w.start()
		}
	}
	w.start()
	want("nobody", "")
	w.receive(w.peer, "CON POST mid=1 token=a1 path=rd query=ep=urn:dev:1&lt=6000&lwm2m=1.1 ct=40 payload=</3/0>")
	want("registered", "plain")
	w.receive(there.String(), "CON POST mid=2 token=a1 path=rd query=ep=urn:dev:1&lt=6000&lwm2m=1.1 ct=40 payload=</3/0>")
	want("moved", "plain, another")
	w.handle(&SetCredentials{Endpoint: testName, Identity: "psk-1", Key: []byte("k"), Until: w.now, Reply: func(string, error) {}})
	want("secured", "")
	w.handshake(w.peer, true, 0)
	want("a session", "the first CID")
	w.handshake(w.peer, true, 0)
	want("another one", "the second CID")
	w.handshake(w.peer, false, 0)
	want("without CID", "secure")
}
