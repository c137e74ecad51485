package shell

import (
	"fmt"

	"github.com/asynkron/protoactor-go/actor"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
)

// Posted is the message that a gate takes: an event for an endpoint of its
// shard.
type Posted struct {
	To    ids.Endpoint
	Event endpoint.Event
}

// GateName is the name of the process through which a shard is reached by PID.
func GateName(id ids.Shard) string { return fmt.Sprintf("gate/%d", id) }

// gate implements actor.Process. It has no mailbox: senders put what they send
// into the loop's inbox themselves, which is bounded.
type gate struct {
	shell *Shell
	shard ids.Shard
}

// SendUserMessage takes a *Posted. When the inbox is full a command is answered
// with endpoint.ErrBusy and a datagram is dropped; where the shard is not led here,
// a command is answered with endpoint.ErrElsewhere and a datagram sent on. Any other
// message is for Options.Gate, or a dead letter.
func (g *gate) SendUserMessage(pid *actor.PID, message any) {
	_, content, _ := actor.UnwrapEnvelope(message)
	p, ok := content.(*Posted)
	if behind := g.shell.options.Gate; !ok && behind != nil {
		behind.SendUserMessage(pid, message)
		return
	}
	if !ok || g.shell.options.Env.Shards.Of(p.To) != g.shard {
		g.shell.system.DeadLetter.SendUserMessage(pid, message)
		return
	}
	if d, ok := p.Event.(*endpoint.Datagram); ok {
		g.shell.Deliver(ToEndpoint(p.To), d)
		return
	}
	if err := g.shell.Post(p.To, p.Event); err != nil {
		endpoint.Reject(p.Event, err)
	}
}

// SendSystemMessage ignores what actors are told: a gate lives as long as the
// shell.
func (g *gate) SendSystemMessage(*actor.PID, any) {}

// Stop is ignored like other system messages.
func (g *gate) Stop(*actor.PID) {}

func (s *Shell) addGate(id ids.Shard) error {
	pid, absent := s.system.ProcessRegistry.Add(&gate{s, id}, GateName(id))
	if !absent {
		return fmt.Errorf("shell: the actor system has a %s already", GateName(id))
	}
	s.gates = append(s.gates, pid)
	return nil
}

func (s *Shell) removeGates() {
	for _, pid := range s.gates {
		s.system.ProcessRegistry.Remove(pid)
	}
	s.gates = nil
}
