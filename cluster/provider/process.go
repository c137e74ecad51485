package provider

import (
	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/protobuf/proto"
)

// elsewhere implements actor.Process for all PIDs of other nodes.
type elsewhere struct{ node *Node }

// SendUserMessage queues a message for the peer at the PID's address. What is no
// protobuf message, is for an address without a node, or finds no room, is a dead
// letter. Peers let envelopes and dead letters in, to gates and futures.
func (e *elsewhere) SendUserMessage(pid *actor.PID, message any) {
	header, content, sender := actor.UnwrapEnvelope(message)
	m := parcel{target: pid, sender: sender}
	if header != nil && header.Length() > 0 {
		m.header = header.ToMap()
	}
	p := e.node.peers.at(pid.GetAddress())
	if content, ok := content.(proto.Message); ok && p != nil {
		var err error
		if m.data, m.typeName, err = remote.Serialize(content, remote.DefaultSerializerID); err == nil && len(m.data) <= MaxPayload+envelopeHeader+8 && p.send(m) {
			return
		}
	}
	e.node.o.System.DeadLetter.SendUserMessage(pid, message)
}

// SendSystemMessage carries none over: nodes do not watch one another's actors.
// A Watch is answered with Terminated by protoactor's dead letters.
func (e *elsewhere) SendSystemMessage(pid *actor.PID, message any) {
	e.node.o.System.DeadLetter.SendSystemMessage(pid, message)
}

// Stop stops nobody on another node.
func (e *elsewhere) Stop(*actor.PID) {}
