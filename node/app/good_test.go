package app_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"

	"dormouse/codec/coap"
	"dormouse/codec/ids"
	"dormouse/codec/lwm2m"
	"dormouse/codec/platform"
	"dormouse/node/app/apptest"
)

// soak is all who take part in TestSoak.
type soak struct {
	node
	t      *testing.T
	good   []*good
	bad    []*hostile
	floods []*flood

	rounds, attacks, datagrams atomic.Int64
}

// good is a well-behaved device with the client that asks it for things.
type good struct {
	*apptest.Device
	node   node
	object ids.Object
	random *rand.Rand
	count  int
	last   float64 // temperature that the node was told and acknowledged
}

// round does everything once; each result must be right.
func (g *good) round() error {
	g.count++
	steps := []func() error{g.update, g.push, g.execute, g.readBack, g.refuse, g.notify, g.stale}
	if g.count%20 == 1 {
		steps = append([]func() error{g.register, g.observe}, steps...)
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return fmt.Errorf("round %d: %w", g.count, err)
		}
	}
	return nil
}

// register registers anew. Observations that there were are made again, before
// anything else is asked.
func (g *good) register() error {
	observed := g.Token(temperature) != nil
	if err := g.Register(); err != nil || !observed {
		return err
	}
	return apptest.Eventually(func() error {
		if g.Token(temperature) != nil {
			return nil
		}
		_, err := g.node.api.Object(g.object)
		return errors.Join(err, apptest.ErrNotObserved)
	})
}

// observe makes the observation by an operation, whether or not there is one.
func (g *good) observe() error { return g.run("observe /3303/0/5700", platform.Successful) }

// run lets an operation run to its end, and deletes it.
func (g *good) run(text string, want platform.Status) error {
	_, err := g.result(text, want)
	return err
}

func (g *good) result(text string, want platform.Status) (platform.Operation, error) {
	op, err := g.node.api.Submit(g.object, text, "")
	if err != nil {
		return op, err
	}
	if op, err = g.node.api.Ended(op.ID); err != nil {
		return op, err
	}
	if op.Status != want {
		return op, fmt.Errorf("%q: %s %q %s", text, op.Status, op.Failure, op.Results)
	}
	_, err = g.node.api.Expect(http.StatusNoContent, http.MethodDelete, platform.OperationsPath+"/"+op.ID.String(), "")
	return op, err
}

func (g *good) update() error {
	code, err := g.Update()
	if err == nil && code != coap.Changed {
		err = fmt.Errorf("Update: %s", code)
	}
	return err
}

// next is a temperature that was not there before.
func (g *good) next() lwm2m.Value {
	g.last = float64(g.count) + g.random.Float64()
	g.Set(temperature, lwm2m.Float(g.last))
	return lwm2m.Float(g.last)
}

// push sends a value, which can be read at once: it is durable.
func (g *good) push() error {
	v := g.next()
	code, err := g.Send(lwm2m.Node{Path: temperature, Value: v})
	if err == nil && code != coap.Changed {
		err = fmt.Errorf("Send: %s", code)
	}
	return errors.Join(err, g.shown(v))
}

func (g *good) shown(want lwm2m.Value) error {
	all, err := g.node.values(g.object, temperature.String())
	if err == nil && !all[temperature].Equal(want) {
		err = fmt.Errorf("the temperature is %s, not %s", all[temperature], want)
	}
	return err
}

func (g *good) execute() error {
	argument := fmt.Sprintf("/3/0/4 0='%d'", g.count)
	if err := g.run("execute "+argument, platform.Successful); err != nil {
		return err
	}
	if got := g.Executed(); !slices.Equal(got, []string{argument}) {
		return fmt.Errorf("executed %q, not %q once", got, argument)
	}
	return nil
}

// readBack writes and reads in one operation.
func (g *good) readBack() error {
	text := fmt.Sprintf("+%02d:00", g.count%14)
	op, err := g.result("write /3/0/14 "+text+"\nread /3/0/14", platform.Successful)
	if err == nil && !contains(string(op.Results), `"/3/0/14":"`+text+`"`) {
		err = fmt.Errorf("wrote %s, read %s", text, op.Results)
	}
	return err
}

// refuse is what the device has not.
func (g *good) refuse() error { return g.run("read /3/0/9999", platform.Failed) }

func (g *good) notify() error {
	v := g.next()
	return errors.Join(g.Notify(temperature), g.node.value(g.object, temperature, v))
}

// stale sends a notification that is older than the last one, and one that is
// no value: both are acknowledged, and change nothing.
func (g *good) stale() error {
	m, err := g.Notification(temperature)
	if err != nil {
		return err
	}
	bad := g.New(coap.Confirmable, coap.Content, "")
	bad.Token, bad.Options, bad.Payload = m.Token, m.Options, []byte("\xff\x00no value")
	old := g.New(coap.Confirmable, coap.Content, "")
	old.Token = m.Token
	old.AddUint(coap.OptObserve, 0)
	for _, m := range []*coap.Message{bad, old} {
		a, err := g.Exchange(m)
		if err == nil && a.Type != coap.Acknowledgement {
			err = fmt.Errorf("notification %q was answered %s", m.Payload, a.Type)
		}
		if err != nil {
			return err
		}
	}
	return g.shown(lwm2m.Float(g.last))
}
