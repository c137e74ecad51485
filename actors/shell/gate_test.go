package shell

import (
	"testing"
	"testing/synctest"

	"github.com/asynkron/protoactor-go/actor"

	"dormouse/actors/endpoint"
)

// behind keeps what gates send on.
type behind struct{ got []any }

func (b *behind) SendUserMessage(_ *actor.PID, message any) { b.got = append(b.got, message) }
func (b *behind) SendSystemMessage(*actor.PID, any)         {}
func (b *behind) Stop(*actor.PID)                           {}

// A gate sends on what is not for an endpoint, with its sender.
func TestGatesSendOn(t *testing.T) {
	b := &behind{}
	in(t, Options{Gate: b}, func(r *rig) {
		a, sys := device(1), r.shell.System()
		gate := sys.NewLocalPID(GateName(r.shardOf(a)))
		sys.Root.RequestWithCustomSender(gate, "an envelope", gate)
		answer := new(answers)
		sys.Root.Send(gate, &Posted{a, &endpoint.Submit{Text: "w", Reply: func(_ endpoint.OperationView, err error) { answer.add(err) }}})
		synctest.Wait()
		r.commit(nil)
		answer.want(t, nil)
		if len(b.got) != 1 {
			t.Fatalf("%v were sent on", b.got)
		}
		if _, content, sender := actor.UnwrapEnvelope(b.got[0]); content != "an envelope" || sender != gate {
			t.Errorf("%v of %v was sent on", content, sender)
		}
	})
}
