package provider

import (
	"strings"
	"testing"

	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/protobuf/proto"
)

// Why remote's own reader is not used: a message of a type that this program
// does not know, as a newer node sends it, makes it panic in a goroutine of
// gRPC, which ends the process. When this test fails a newer protoactor may do
// better.
func TestRemotePanicsAtAnUnknownType(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("it does not panic")
		}
	}()
	_, err := remote.Deserialize(nil, "dormouse.Unknown", remote.DefaultSerializerID)
	t.Errorf("an error: %v", err)
}

// Whatever a peer puts into a batch, the door passes over what is not for us,
// and delivers what comes with it.
func TestStrangeBatch(t *testing.T) {
	a := start(t, options(nodeA, echo))
	address := a.o.System.Address()
	p, err := a.peers.welcome(Member{ID: "b", Node: nodeB, Incarnation: 1, Host: "127.0.0.1", Port: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer a.peers.leave(p)
	d := &door{node: a, peer: p}
	sound := func() *remote.RemoteMessage {
		e := Envelope{ID: ID{3, a.count.Add(1)}}
		return message([]parcel{
			{target: pidAt(address, GateName), sender: pidAt(p.address, GateName), typeName: envelopeType, data: appendBytes(&e)},
			{target: pidAt(address, GateName), sender: pidAt(p.address, GateName), typeName: envelopeType, data: appendBytes(&e)},
		})
	}
	for name, spoil := range map[string]func(*remote.MessageBatch, *remote.MessageEnvelope){
		"type unknown": func(b *remote.MessageBatch, e *remote.MessageEnvelope) {
			b.TypeNames = append(b.TypeNames, "dormouse.Unknown")
			e.TypeId = 1
		},
		"type out of range":   func(_ *remote.MessageBatch, e *remote.MessageEnvelope) { e.TypeId = 9 },
		"type negative":       func(_ *remote.MessageBatch, e *remote.MessageEnvelope) { e.TypeId = -1 },
		"target out of range": func(_ *remote.MessageBatch, e *remote.MessageEnvelope) { e.Target = 9 },
		"target elsewhere": func(b *remote.MessageBatch, e *remote.MessageEnvelope) {
			b.Targets = append(b.Targets, pidAt("c:1", GateName))
			e.Target = 1
		},
		"target an actor": func(b *remote.MessageBatch, e *remote.MessageEnvelope) {
			b.Targets = append(b.Targets, pidAt(address, "eventstream"))
			e.Target = 1
		},
		"target nothing": func(b *remote.MessageBatch, e *remote.MessageEnvelope) {
			b.Targets = append(b.Targets, nil)
			e.Target = 1
		},
		"sender out of range": func(_ *remote.MessageBatch, e *remote.MessageEnvelope) { e.Sender = 9 },
		"sender another node": func(b *remote.MessageBatch, e *remote.MessageEnvelope) {
			b.Senders = append(b.Senders, pidAt("c:1", GateName))
			e.Sender = 2
		},
		"JSON":               func(_ *remote.MessageBatch, e *remote.MessageEnvelope) { e.SerializerId = 1 },
		"serializer unknown": func(_ *remote.MessageBatch, e *remote.MessageEnvelope) { e.SerializerId = 77 },
		"no bytes":           func(_ *remote.MessageBatch, e *remote.MessageEnvelope) { e.MessageData = []byte{0x0a, 0x05} },
	} {
		batch := sound().GetMessageBatch()
		spoil(batch, batch.Envelopes[0])
		again := &remote.MessageBatch{}
		if wire, err := proto.Marshal(batch); err == nil && !strings.Contains(name, "nothing") {
			if err := proto.Unmarshal(wire, again); err != nil {
				t.Fatal(err)
			}
			batch = again
		}
		sifted, strange := a.Stats().Sifted, a.Stats().Strange
		d.deliver(batch)
		if s := a.Stats(); s.Sifted != sifted+1 || s.Strange != strange {
			t.Errorf("%s: %+v", name, s)
		}
	}
	until(t, "what came with it", func() bool { return a.Stats().Served == 12 })
}
