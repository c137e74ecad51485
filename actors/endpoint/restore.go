package endpoint

import (
	"slices"
	"strings"
	"time"

	"dormouse/actors/command"
	"dormouse/actors/observe"
	"dormouse/codec/coap"
	"dormouse/codec/exchange"
	"dormouse/codec/lwm2m"
	"dormouse/codec/query"
)

// fetchNext asks for the blocks behind the first one of a notification, with
// a new token and without Observe (RFC 7959 section 3.4).
func (e *Endpoint) fetchNext(now time.Time, fx *Effects) bool {
	if len(e.fetches) == 0 {
		return false
	}
	f := e.fetches[0]
	e.fetches = slices.Delete(e.fetches, 0, 1)
	o := &e.reg().Observations[f.observation]
	t := &task{kind: taskFetch, token: o.Token, first: f.first}
	request, err := lineOf(o, f.first.ContentFormat()).Request(e.device(now))
	if err != nil {
		fx.notice(NotificationBad, e.name(), err.Error())
		return true
	}
	t.request = request
	t.request.Observe = exchange.NoObserve
	t.request.Token = e.newToken()
	e.ask(now, t, fx)
	return true
}

// lineOf is the command that makes an observation again.
func lineOf(o *observe.Observation, f lwm2m.Format) *command.Line {
	line := &command.Line{Verb: command.Observe, Paths: o.Paths, Attributes: attributes(o.Query), Format: f, Depth: -1}
	if o.Composite {
		line.Verb = command.ObserveComposite
	}
	return line
}

func (e *Endpoint) fetchAnswered(now time.Time, t *task, r *exchange.Result, fx *Effects) {
	i := e.reg().Observations.ByToken(t.token[:])
	switch {
	case i < 0:
	case r.Outcome != exchange.Answered || !r.Response.Code.IsSuccess():
		fx.notice(NotificationBad, e.name(), "its rest was not received: "+ending(r))
	default:
		e.notified(now, i, &r.Response, fx)
	}
}

// ending is how a request ended, in words.
func ending(r *exchange.Result) string {
	if r.Outcome != exchange.Answered {
		return failureText(r)
	}
	return "answered " + r.Response.Code.String()
}

// restoreNext sets again what the device may have forgotten when it
// registered: attributes first, that the observation starts under them.
func (e *Endpoint) restoreNext(now time.Time, fx *Effects) bool {
	if i := slices.IndexFunc(e.reg().Attributes, func(a Attributes) bool { return a.Pending }); i >= 0 {
		e.restoreAttributes(now, i, fx)
		return true
	}
	if i := e.reg().Observations.Waiting(); i >= 0 {
		e.restoreObservation(now, i, fx)
		return true
	}
	return false
}

func (e *Endpoint) restoreAttributes(now time.Time, i int, fx *Effects) {
	a := &e.reg().Attributes[i]
	t := &task{kind: taskAttributes, path: i}
	t.request = command.AttributesRequest(e.device(now), a.Path, attributes(a.Text))
	t.request.Token = e.newToken()
	e.ask(now, t, fx)
}

func (e *Endpoint) attributesAnswered(now time.Time, t *task, r *exchange.Result, fx *Effects) {
	if lost(r.Outcome) || t.path >= len(e.reg().Attributes) {
		return
	}
	a := &e.reg().Attributes[t.path]
	a.Pending = false
	e.saveRegistration = true
	if r.Outcome != exchange.Answered || !r.Response.Code.IsSuccess() {
		fx.notice(ObservationEnded, e.name(), "attributes of "+a.Path.String()+" were refused")
		e.reg().Attributes = slices.Delete(e.reg().Attributes, t.path, t.path+1)
	}
}

// restoreObservation makes one again under a new token: the device forgot the
// old one, or holds it for a registration that is over. The token is durable
// before it leaves.
func (e *Endpoint) restoreObservation(now time.Time, i int, fx *Effects) {
	o := &e.reg().Observations[i]
	e.saveRegistration = true
	request, err := lineOf(o, o.Format).Request(e.device(now))
	if err != nil {
		fx.notice(ObservationEnded, e.name(), err.Error())
		e.dropObservation(i)
		return
	}
	t := &task{kind: taskObserve, request: request}
	t.request.Token = e.newToken()
	o.Token = e.token(t.request.Token)
	t.token = o.Token
	e.mark(i, observe.Mark{})
	e.ask(now, t, fx)
}

func (e *Endpoint) observeAnswered(now time.Time, t *task, r *exchange.Result, fx *Effects) {
	i := e.reg().Observations.ByToken(t.token[:])
	if i < 0 || lost(r.Outcome) {
		return // stays Pending: made again when the device is heard of
	}
	o := &e.reg().Observations[i]
	m := &r.Response
	if r.Outcome == exchange.Answered && e.refusedFormat(t, m.Code) {
		return // Pending still: with the next format
	}
	sequence, observed := m.Observe()
	if r.Outcome != exchange.Answered || !m.Code.IsSuccess() || !observed {
		fx.notice(ObservationEnded, e.name(), "was not made again: "+ending(r))
		e.dropObservation(i)
		return
	}
	o.Pending, o.Since, o.Format = false, now, t.request.Accept
	e.saveRegistration = true
	e.mark(i, observe.Mark{Sequence: sequence, At: now})
	e.notified(now, i, m, fx)
}

// refusedFormat takes note of a format that the device answered with 4.06 or
// 4.15, and reports whether there is another one to try.
func (e *Endpoint) refusedFormat(t *task, code coap.Code) bool {
	if code != coap.NotAcceptable && code != coap.UnsupportedContentFormat {
		return false
	}
	refused := t.request.Accept
	if refused == lwm2m.FormatNone || slices.Contains(e.reg().Refused, refused) {
		return false
	}
	e.refuses(refused)
	return true
}

// refuses remembers a format for this registration; FormatNone is none.
func (e *Endpoint) refuses(f lwm2m.Format) {
	if f != lwm2m.FormatNone && !slices.Contains(e.reg().Refused, f) && len(e.reg().Refused) < maxRefused {
		e.reg().Refused = append(e.reg().Refused, f)
		e.saveRegistration = true
	}
}

// maxRefused is above the number of formats that there are.
const maxRefused = 16

// attributes reads what was stored as "pmin=5&pmax=10".
func attributes(text string) []query.Attribute {
	if text == "" {
		return nil
	}
	list, err := query.ParseAttributes(strings.Split(text, "&"))
	if err != nil {
		return nil // it was checked before it was stored
	}
	return list
}

func attributesText(list []query.Attribute) string {
	return strings.Join(query.AppendAttributes(nil, list), "&")
}
