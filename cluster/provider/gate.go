package provider

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"dormouse/codec/ids"
)

// GateName is the name of the process that takes envelopes on each node.
const GateName = "gate/node"

// gate implements actor.Process without a mailbox: whoever sends to it does its
// work, which never waits.
type gate struct{ node *Node }

// SendUserMessage takes an Envelope in a BytesValue. Requests go to Serve, and
// answers to the calls that wait for them; anything else is a dead letter.
func (g *gate) SendUserMessage(pid *actor.PID, message any) {
	_, content, sender := actor.UnwrapEnvelope(message)
	if value, ok := content.(*wrapperspb.BytesValue); ok && sender != nil && g.node.take(value.GetValue(), sender) {
		return
	}
	g.node.stats.strange.Add(1)
	g.node.o.System.DeadLetter.SendUserMessage(pid, message)
}

// SendSystemMessage ignores what actors are told: a gate lives as long as its
// node.
func (g *gate) SendSystemMessage(*actor.PID, any) {}

// Stop is ignored like other system messages.
func (g *gate) Stop(*actor.PID) {}

// take reports whether it was an envelope.
func (n *Node) take(b []byte, sender *actor.PID) bool {
	e, err := ParseEnvelope(b)
	switch {
	case errors.Is(err, ErrVersion) && !e.Answer:
		n.answer(sender, refusal(&e, codeVersion))
		return true
	case err != nil:
		return false
	case !e.Answer:
		n.ask(&e, sender)
		return true
	case e.ID.Life == n.life:
		if p := n.peers.at(sender.GetAddress()); p == nil || !p.answered(&e) {
			n.stats.lateAnswers.Add(1)
		}
		return true
	}
	return false
}

// ask serves a request, unless it was served before.
func (n *Node) ask(e *Envelope, sender *actor.PID) {
	from, ok := n.nodeAt(sender.GetAddress())
	if !ok {
		n.stats.strange.Add(1)
		return
	}
	switch v, answer := n.window.begin(e.ID, sender); v {
	case again:
		n.stats.repeats.Add(1)
		n.answer(sender, answer)
	case served:
		n.stats.repeats.Add(1)
	case stale:
		n.answer(sender, refusal(e, codeStale))
	case serve:
		request := *e
		if err := n.pool.put(func() { n.serve(&request, from) }); err != nil {
			n.window.cancel(e.ID)
			n.answer(sender, refusal(e, refusalCode(err)))
		}
	}
}

func refusalCode(err error) uint16 {
	if errors.Is(err, ErrBusy) {
		return codeBusy
	}
	return codeClosed
}

func refusal(e *Envelope, code uint16) []byte {
	r := Envelope{Answer: true, Kind: e.Kind, ID: e.ID, Code: code}
	return r.Append(nil)
}

// afterwards is how long a request is served beyond the time that its caller waits:
// so it is the caller who says that it gave up, and what is served does not fail for
// a reason that the caller would take for an answer.
const afterwards = time.Second

func (n *Node) serve(e *Envelope, from ids.Node) {
	ctx, cancel := n.ctx, context.CancelFunc(func() {})
	if e.Left > 0 {
		ctx, cancel = context.WithTimeout(ctx, e.Left+afterwards)
	}
	payload, err := n.run(ctx, from, e.Kind, e.Payload)
	cancel()
	r := Envelope{Answer: true, Kind: e.Kind, ID: e.ID, Payload: payload}
	switch {
	case err != nil:
		code, text := failure(err)
		r.Code, r.Payload = code, []byte(text)
	case len(payload) > MaxPayload:
		r.Code, r.Payload = codeTooLong, nil
	}
	answer := r.Append(make([]byte, 0, envelopeHeader+len(r.Payload)))
	n.answer(n.window.finish(e.ID, answer), answer)
}

var errNothingServed = errors.New("provider: this node serves nothing")

// run calls Serve. A request that it panics at is its caller's error: the node
// has others to serve.
func (n *Node) run(ctx context.Context, from ids.Node, kind byte, request []byte) (payload []byte, err error) {
	if n.o.Serve == nil {
		return nil, errNothingServed
	}
	defer func() {
		if r := recover(); r != nil {
			n.stats.panics.Add(1)
			n.o.Log.Error("provider: serving a request panics", "kind", kind, "from", from.String(), "panic", fmt.Sprint(r))
			payload, err = nil, errors.New("provider: the peer panics at it")
		}
	}()
	n.stats.served.Add(1)
	return n.o.Serve(ctx, from, kind, request)
}

// answer sends the bytes of an answer, unless too many wait for the peer. Where it
// is too long for the room that is left, that is the answer.
func (n *Node) answer(to *actor.PID, answer []byte) {
	if to.GetAddress() == n.o.System.Address() {
		n.o.System.Root.RequestWithCustomSender(to, wrapperspb.Bytes(answer), n.self)
		return
	}
	p := n.peers.at(to.GetAddress())
	send := func(b []byte) bool {
		return p != nil && p.send(parcel{target: to, sender: n.self, typeName: envelopeType, data: serialized(b)})
	}
	if send(answer) {
		return
	}
	n.stats.droppedAnswers.Add(1)
	if e, err := ParseEnvelope(answer); err == nil && len(answer) > small {
		send(refusal(&e, codeTooLong))
	}
}

// nodeAt is the node at an address, if it may reach us.
func (n *Node) nodeAt(address string) (ids.Node, bool) {
	if address == n.o.System.Address() {
		return n.o.Node, true
	}
	if p := n.peers.at(address); p != nil {
		return p.node, true
	}
	return 0, false
}
