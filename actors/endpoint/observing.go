package endpoint

import (
	"slices"
	"time"

	"dormouse/actors/command"
	"dormouse/actors/observe"
	"dormouse/codec/coap"
	"dormouse/codec/exchange"
	"dormouse/codec/query"
)

// effectOf keeps what a line's success changes of the endpoint: values,
// observations, attributes.
func (e *Endpoint) effectOf(now time.Time, t *task, m *coap.Message, result *command.Result, fx *Effects) {
	switch {
	case t.line.Verb == command.CancelObservation:
		e.ended(&t.line) // also where the device says that it knows of none
	case !result.OK:
		return
	case t.line.Verb == command.Observe || t.line.Verb == command.ObserveComposite:
		e.observing(now, t, m, fx)
	case t.line.Verb == command.WriteAttributes:
		e.attributed(&t.line)
	}
	if !result.OK {
		return
	}
	if (t.line.Verb == command.Read || t.line.Verb == command.Observe) && len(t.line.Paths) == 1 {
		e.dropInstances(t.line.Paths[0], result.Nodes, fx)
	}
	e.store(now, result.Nodes, fx)
}

// observing keeps an observation, if the answer says that it is one.
func (e *Endpoint) observing(now time.Time, t *task, m *coap.Message, fx *Effects) {
	sequence, observed := m.Observe()
	i := e.observationOf(&t.line)
	if !observed {
		if i >= 0 {
			e.dropObservation(i)
		}
		return
	}
	if i < 0 {
		if len(e.reg().Observations) >= observe.MaxObservations {
			fx.notice(ObservationEnded, e.name(), "too many observations: the oldest is forgotten")
			e.dropObservation(0)
		}
		e.reg().Observations = append(e.reg().Observations, observe.Observation{
			Paths: command.PathSet(t.line.Paths), Composite: t.line.Verb == command.ObserveComposite,
		})
		i = len(e.reg().Observations) - 1
	}
	o := &e.reg().Observations[i]
	o.Token = e.token(t.request.Token)
	o.Format, o.Query = t.request.Accept, attributesText(t.line.Attributes)
	o.Since, o.Pending = now, false
	e.saveRegistration = true
	e.mark(i, observe.Mark{Sequence: sequence, At: now})
}

func (e *Endpoint) ended(line *command.Line) {
	if i := e.observationOf(line); i >= 0 {
		e.dropObservation(i)
	}
}

// attributed merges what was set on the path with what was set before.
func (e *Endpoint) attributed(line *command.Line) {
	path := line.Paths[0]
	i := slices.IndexFunc(e.reg().Attributes, func(a Attributes) bool { return a.Path == path })
	var before []query.Attribute
	if i >= 0 {
		before = attributes(e.reg().Attributes[i].Text)
	}
	text := attributesText(query.MergeAttributes(before, line.Attributes))
	switch {
	case i >= 0 && text == "":
		e.reg().Attributes = slices.Delete(e.reg().Attributes, i, i+1)
	case i >= 0:
		e.reg().Attributes[i].Text = text
	case text != "" && len(e.reg().Attributes) < observe.MaxObservations:
		e.reg().Attributes = append(e.reg().Attributes, Attributes{Path: path, Text: text})
	}
	e.saveRegistration = true
}

// cancelAfter ends our observation of the path after a Write-Attributes with
// `cancel`; the line is answered when that is done. false: nothing is observed.
func (e *Endpoint) cancelAfter(now time.Time, t *task, result command.Result, fx *Effects) bool {
	i := e.observationOf(&t.line)
	if i < 0 {
		return false
	}
	o := &e.reg().Observations[i]
	cancel := &task{kind: taskCancel, op: t.op, line: t.line, device: t.device, result: result}
	request, err := cancellation(o, t.device)
	if err != nil {
		e.dropObservation(i)
		return false
	}
	cancel.request = request
	cancel.request.Token = e.onWire(o.Token)
	e.attributed(&t.line)
	e.dropObservation(i) // from here on its notifications are reset
	e.ask(now, cancel, fx)
	return true
}

// cancelAnswered ends the line whatever came of it: a device that did not hear
// is told by a reset to its next notification.
func (e *Endpoint) cancelAnswered(now time.Time, t *task, _ *exchange.Result, fx *Effects) {
	e.answerLine(now, t, t.result, fx)
}
