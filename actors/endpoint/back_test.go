package endpoint

import (
	"net/netip"
	"testing"

	"dormouse/codec/coap"
	"dormouse/codec/wire"
)

// A response that comes as a message of its own, by another node than that which
// the device is known to speak to, is acknowledged by the way that it came: so is
// a notification that overtakes the response to its observation.
func TestAcknowledgedWhereItCame(t *testing.T) {
	w := newWorld(t)
	w.receive(w.peer, `CON POST mid=1 token=a1 path=rd query=ep=urn:dev:1&lt=600&lwm2m=1.1 ct=40 payload=</>;ct="110",</3/0>,</3303/0>`)
	w.handle(&Submit{Text: "observe /3303/0/5700", Reply: func(_ OperationView, err error) {
		if err != nil {
			t.Fatal(err)
		}
	}})
	raw, err := w.parseMessage(`CON 2.05 mid=9 token=$ observe=2 ct=0 payload=21`).Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	other := wire.ReturnPath{Node: 7, Peer: netip.MustParseAddrPort(w.peer), Local: netip.MustParseAddr("::2")}
	var d Datagram
	if err := d.Parse(other, raw); err != nil {
		t.Fatal(err)
	}
	var fx Effects
	w.e.Handle(w.now, &d, &fx)
	acknowledged := false
	for _, s := range fx.Sends {
		var m coap.Message
		if err := coap.Parse(s.Payload, &m); err != nil {
			t.Fatal(err)
		}
		if m.Type == coap.Acknowledgement {
			acknowledged = true
			if s.Path != other || m.MessageID != 9 {
				t.Errorf("the ACK of message %d leaves by %+v, want %+v", m.MessageID, s.Path, other)
			}
		}
	}
	if !acknowledged {
		t.Error("not acknowledged")
	}
}
