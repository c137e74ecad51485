package endpoint

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/wire"
)

// TestBodiesOfAShardAreBounded: each stranger's first block takes room, until
// the answer is 5.03; who leaves the memory gives it back.
func TestBodiesOfAShardAreBounded(t *testing.T) {
	w := newWorld(t)
	shard, err := NewShard(w.env, 0)
	if err != nil {
		t.Fatal(err)
	}
	begin := func(i int) (*Endpoint, coap.Code) {
		name := fmt.Sprintf("stranger-%d", i)
		e := New(shard, w.env.Key.Endpoint(name))
		d := &Datagram{Path: wire.ReturnPath{Peer: netip.MustParseAddrPort("192.0.2.1:9")}}
		m := &d.Message
		m.Code, m.MessageID, m.Payload = coap.POST, uint16(i), make([]byte, 1024)
		m.AddPath("rd")
		m.AddString(coap.OptUriQuery, "ep="+name)
		m.AddBlock(coap.OptBlock1, coap.Block{More: true, SZX: coap.MaxSZX})
		var fx Effects
		e.Handle(time.Unix(1000, 0), d, &fx)
		var answer coap.Message
		if err := coap.Parse(fx.Sends[0].Payload, &answer); err != nil {
			t.Fatal(err)
		}
		return e, answer.Code
	}
	var first *Endpoint
	for i := range maxUploads / 1024 {
		e, code := begin(i)
		if code != coap.Continue || !e.Waiting() || e.Busy() {
			t.Fatalf("stranger %d: %s, waiting %v, busy %v", i, code, e.Waiting(), e.Busy())
		}
		if first == nil {
			first = e
		}
	}
	if _, code := begin(-1); code != coap.ServiceUnavailable {
		t.Errorf("one too many: %s", code)
	}
	first.Left()
	if _, code := begin(-2); code != coap.Continue {
		t.Errorf("when there is room again: %s", code)
	}
}
