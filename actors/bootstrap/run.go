package bootstrap

import (
	"fmt"
	"slices"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/content"
	"dormouse/codec/exchange"
	"dormouse/codec/ids"
	"dormouse/codec/lwm2m"
	"dormouse/codec/model"
)

// options tell the types of what is written and read. Names of a bootstrap never carry
// the alternate path of a device.
func options(answer bool) content.Options {
	return content.Options{Types: model.Core().Types(nil), Answer: answer}
}

// kick asks what comes next, if nothing is under way. It runs after every event, so
// that the answer to the device's own request goes first.
func (s *Session) kick(now time.Time, fx *Effects) {
	for s.r.Phase == Running && (s.client == nil || !s.client.Busy()) && !now.Before(s.pause) {
		if s.late(now, fx) || !s.ready(now, fx) {
			return
		}
		s.ask(now, fx)
	}
}

// ready takes up what was loaded, and makes the plan. False: the session has failed.
func (s *Session) ready(now time.Time, fx *Effects) bool {
	s.ensureClient()
	s.pause = time.Time{}
	if s.config == nil {
		c, err := s.env.Configs.Config(s.r.Name)
		if err == nil {
			err = c.Validate()
		}
		if err != nil {
			s.fail(now, "taken up after a restart: "+err.Error(), fx)
			return false
		}
		s.config = c
		s.notice(Resumed, "", fx)
	}
	if s.plan == nil {
		s.makePlan()
	}
	return true
}

// makePlan makes the plan, and lets the session begin again where it is not the one that
// it was: another configuration, or another program. All may be asked twice.
func (s *Session) makePlan() {
	p := newPlan(s.config, &s.r.Found, s.r.Known)
	changed := s.r.Serial != s.config.Serial || s.r.Digest != p.digest() || s.r.Step >= len(p.steps)
	if s.r.Step > 0 && changed {
		s.r.Step, s.r.Resets, s.r.Token = 0, 0, ""
		s.r.Found, s.r.Taken, s.r.Refused = found{}, nil, nil
		p = newPlan(s.config, &s.r.Found, s.r.Known)
	}
	s.r.Serial, s.r.Digest, s.r.Account = s.config.Serial, p.digest(), p.account
	s.plan = p
}

// ask starts the request of the step. That it may have left is durable before it does.
func (s *Session) ask(now time.Time, fx *Effects) {
	request, err := s.compose(&s.plan.steps[s.r.Step])
	if err != nil {
		s.fail(now, err.Error(), fx)
		return
	}
	s.request = request
	out := s.client.Start(now, &s.request, &s.mids, s.env.Random())
	s.r.Token, s.r.Request = string(s.request.Token), s.client.MessageID()
	s.save = true
	s.exchanged(now, out, fx)
}

// compose is the request of a step. All but Finish may be done twice and so have a new
// message ID after a restart, which no device passes over. A Finish that may have been
// heard goes out again as it was, so that the device's memory of it answers.
func (s *Session) compose(t *step) (exchange.Request, error) {
	q := exchange.Request{
		Method: t.method, Path: t.path.String(), Format: lwm2m.FormatNone, Accept: lwm2m.FormatNone,
		Observe: exchange.NoObserve, Token: s.newToken(),
	}
	var err error
	switch {
	case t.method == coap.PUT:
		q.Format = s.r.Format
		q.Payload, err = content.Append(nil, s.r.Format, t.path, t.nodes, options(false))
	case t.method == coap.GET && t.path.IsRoot():
		q.Accept = lwm2m.FormatLink
	case t.method == coap.GET:
		q.Accept = s.r.Format
	case t.method == coap.POST:
		q.Path = requestPath
		if s.again && s.r.Token != "" {
			q.Token, q.MessageID, q.UseMessageID = []byte(s.r.Token), s.r.Request, true
		}
	}
	s.again = false
	return q, err
}

// newToken is one that nobody can guess, and that tells any node whose it is.
func (s *Session) newToken() []byte {
	t := ids.NewToken(s.id, s.env.Random())
	if s.r.Sealed {
		return append([]byte(nil), t.Short()...)
	}
	return append([]byte(nil), t[:]...)
}

// response takes an answer of the device that the session is with. A Confirmable one to
// nothing is rejected; what others send is passed over.
func (s *Session) response(now time.Time, d *Datagram, fx *Effects) {
	if s.r.Phase == Idle || d.Sealed != s.r.Sealed || !d.Sealed && d.Path.Peer != s.r.Path.Peer {
		s.notice(Stray, d.Path.Peer.String(), fx)
		return
	}
	mine := false
	if s.client != nil {
		var out exchange.Out
		if out, mine = s.client.Handle(now, &d.Message, &s.mids); mine {
			s.r.Path = d.Path // the newest way back
			s.exchanged(now, out, fx)
		}
	}
	if mine {
		return
	}
	s.notice(Stray, "", fx)
	if d.Message.Type == coap.Confirmable {
		fx.send(d.Path, d.Sealed, exchange.Rst(&d.Message))
	}
}

// exchanged does what the client asks for.
func (s *Session) exchanged(now time.Time, out exchange.Out, fx *Effects) {
	for _, m := range out.Send {
		fx.send(s.r.Path, s.r.Sealed, m)
	}
	if out.Result != nil && s.r.Phase == Running {
		s.answered(now, out.Result, fx)
	}
}

// Rejected requests go out again: a Reset is what a device sends that has not heard yet
// that its own request was answered, or that has just restarted. One that goes on with
// them is in no bootstrap.
const (
	maxResets  = 3
	resetPause = 2 * time.Second
)

// answered takes the end of a request.
func (s *Session) answered(now time.Time, r *exchange.Result, fx *Effects) {
	t := &s.plan.steps[s.r.Step]
	s.r.Token, s.save = "", true
	switch {
	case r.Outcome == exchange.ResetByPeer && s.r.Resets < maxResets:
		s.r.Resets++
		s.pause = now.Add(resetPause)
		s.notice(Rejected, t.String(), fx)
	case t.discovers() && r.Outcome != exchange.NotAcknowledged:
		s.discovered(now, r, fx)
	case r.Outcome == exchange.NotAcknowledged, r.Outcome == exchange.NotAnswered, r.Outcome == exchange.ResetByPeer:
		s.fail(now, t.String()+": "+r.Outcome.String()+t.doubt(), fx)
	case t.method == coap.POST:
		s.finished(now, r, fx)
	default:
		s.done(t, r, fx)
	}
}

// doubt is what silence leaves open.
func (t *step) doubt() string {
	if t.method == coap.POST {
		return "; whether the device took the configuration is not known"
	}
	return ""
}

func (t *step) discovers() bool { return t.method == coap.GET && t.path.IsRoot() }

func (t *step) String() string {
	switch {
	case t.discovers():
		return "Discover"
	case t.method == coap.POST:
		return words[coap.POST]
	}
	return words[t.method] + " " + t.path.String()
}

// discovered takes the answer to the Discover, or that there is none, and plans anew.
func (s *Session) discovered(now time.Time, r *exchange.Result, fx *Effects) {
	f, refused, why := s.readDiscover(r)
	if why != "" {
		s.notice(Refused, "Discover: "+why, fx)
	}
	if !f.answered && !refused && !s.safe() {
		s.fail(now, "Discover: "+why+"; without it or an offset of /0 the account might be overwritten", fx)
		return
	}
	s.r.Found = f
	if len(f.accounts) > 0 {
		s.r.Known = f.accounts
	}
	s.plan = newPlan(s.config, &s.r.Found, s.r.Known)
	s.r.Digest, s.r.Account = s.plan.digest(), s.plan.account
	s.r.Step, s.r.Resets = 1, 0
}

// readDiscover is what was found, or why nothing was. refused: the device said so; what
// was lost, rejected or cannot be read is no refusal of a device that knows no Discover.
func (s *Session) readDiscover(r *exchange.Result) (f found, refused bool, why string) {
	if r.Outcome != exchange.Answered || r.Response.Code != coap.Content {
		return found{}, r.Outcome == exchange.Answered, ending(r)
	}
	f, err := parseDiscover(r.Response.Payload, &s.config.Account)
	if err != nil {
		return found{}, false, err.Error()
	}
	return f, false, ""
}

// safe reports that the place of the account is known without a Discover, or that the
// operator chose numbers.
func (s *Session) safe() bool { return s.config.Offset != nil || len(s.r.Known) > 0 }

// done takes the answer to a Delete, Write or Read. A refusal is noted, no more: what
// the whole is worth the device says at the end.
func (s *Session) done(t *step, r *exchange.Result, fx *Effects) {
	code := coap.Code(0)
	if r.Outcome == exchange.Answered {
		code = r.Response.Code
	}
	ok := code.IsSuccess()
	switch {
	case t.method == coap.DELETE && code == coap.NotFound:
		ok = true // it is not there
	case t.method == coap.PUT && code == coap.UnsupportedContentFormat && s.nextFormat():
		return // the same again
	case t.method == coap.PUT && ok:
		s.r.Taken = append(s.r.Taken, t.path)
	case t.method == coap.GET && ok:
		if ok = s.readBack(t, &r.Response); !ok {
			code = 0
		}
	}
	if !ok {
		refused := Refusal{t.method, t.path, code}
		s.r.Refused = append(s.r.Refused, refused)
		s.notice(Refused, refused.String(), fx)
	}
	s.r.Step++
	s.r.Resets = 0
}

func (s *Session) readBack(t *step, m *coap.Message) bool {
	list, err := content.Decode(m.ContentFormat(), t.path, m.Payload, options(true))
	if err != nil {
		return false
	}
	s.read = append(s.read, list...)
	return true
}

// fallbacks are the formats that follow where one is refused: a client of 1.1 may know
// any one of them.
var fallbacks = []lwm2m.Format{lwm2m.FormatTLV, lwm2m.FormatSenMLCBOR, lwm2m.FormatSenMLJSON, lwm2m.FormatLwM2MCBOR}

// nextFormat takes another format for this and all further writes; false: there is none
// left. One that worked once is kept.
func (s *Session) nextFormat() bool {
	if len(s.r.Taken) > 0 {
		return false
	}
	next := slices.Index(fallbacks, s.r.Format.Canonical()) + 1
	if next == len(fallbacks) {
		return false
	}
	s.r.Format = fallbacks[next]
	return true
}

// finished takes the device's verdict.
func (s *Session) finished(now time.Time, r *exchange.Result, fx *Effects) {
	switch {
	case r.Outcome == exchange.Answered && r.Response.Code.IsSuccess():
		s.end(now, Done, "", fx)
		s.notice(End, fmt.Sprintf("%d instances written, %d requests refused", len(s.r.Taken), len(s.r.Refused)), fx)
	case r.Outcome == exchange.Answered && r.Response.Code == coap.NotAcceptable:
		s.fail(now, "the device finds the configuration inconsistent: Finish was answered 4.06"+s.refusals(), fx)
	default:
		s.fail(now, "Finish: "+ending(r)+s.refusals(), fx)
	}
}

// refusals are the likely cause.
func (s *Session) refusals() (text string) {
	for i, r := range s.r.Refused {
		if i == 4 {
			return text + "; ..."
		}
		text += "; " + r.String()
	}
	return text
}

// ending is how a request ended, in words.
func ending(r *exchange.Result) string {
	switch {
	case r.Outcome == exchange.Answered:
		return "answered " + r.Response.Code.String()
	case r.Err != nil:
		return r.Err.Error()
	}
	return r.Outcome.String()
}
