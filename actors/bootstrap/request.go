package bootstrap

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"dormouse/actors/intake"
	"dormouse/codec/coap"
	"dormouse/codec/exchange"
	"dormouse/codec/link"
	"dormouse/codec/lwm2m"
)

// Paths of the bootstrap interface.
const (
	requestPath = "bs"
	packPath    = "bspack"
)

// datagram sorts the device's requests from its answers to ours.
func (s *Session) datagram(now time.Time, d *Datagram, fx *Effects) {
	m := &d.Message
	target, fault := intake.Sort(m)
	switch path := m.Path(); {
	case target == intake.Response || target == intake.Empty:
		s.response(now, d, fx)
		return
	case fault == intake.UnknownPath && path == requestPath && m.Code == coap.POST:
		s.requested(now, d, fx)
		return
	case fault == intake.UnknownPath && path == packPath && m.Code == coap.GET:
		s.packRequested(now, d, fx)
		return
	case fault == intake.UnknownPath && (path == requestPath || path == packPath):
		fault = intake.UnknownMethod
	case target != intake.Nothing:
		fault = intake.UnknownPath // the registration interface is elsewhere
	}
	var reply coap.Message
	if intake.Refuse(m, fault, &reply) {
		fx.send(d.Path, d.Sealed, &reply)
	}
}

// query is what a Bootstrap-Request or Bootstrap-Pack-Request says (OMA Core 6.1.7.1, 2).
type query struct {
	endpoint string // "" where not given
	format   lwm2m.Format
	accounts []uint16 // acc
}

// Bounds of a query.
const (
	maxParameters = 64
	maxEndpoint   = 1024 // bytes
)

var errQuery = errors.New("bootstrap: malformed parameter")

// parseQuery reads the Uri-Query options. Unknown ones are passed over. The format is
// FormatNone where there is no pct.
func parseQuery(options []string) (q query, err error) {
	q.format = lwm2m.FormatNone
	if len(options) > maxParameters {
		return q, fmt.Errorf("%w: more than %d of them", errQuery, maxParameters)
	}
	for _, o := range options {
		name, value, _ := strings.Cut(o, "=")
		switch name {
		case "ep":
			if value == "" || len(value) > maxEndpoint || !utf8.ValidString(value) || q.endpoint != "" && q.endpoint != value {
				return q, fmt.Errorf("%w: ep: want one, of 1 to %d bytes of UTF-8", errQuery, maxEndpoint)
			}
			q.endpoint = value
		case "pct":
			v, err := strconv.ParseUint(value, 10, 16)
			if err != nil || lwm2m.Format(v) == lwm2m.FormatNone {
				return q, fmt.Errorf("%w: pct=%q: want the number of a content format", errQuery, value)
			}
			q.format = lwm2m.Format(v)
		case "acc":
			if q.accounts, err = parseAccounts(value); err != nil {
				return q, err
			}
		}
	}
	return q, nil
}

// parseAccounts reads the instances of /0 in "</0/2>,</21/0>".
func parseAccounts(value string) (accounts []uint16, err error) {
	list, err := link.ParseDiscover([]byte(value), "")
	if err != nil {
		return nil, fmt.Errorf("%w: acc: %w", errQuery, err)
	}
	for _, d := range list {
		if d.Path.Object() == objectSecurity && d.Path.IsInstance() && len(accounts) < maxSecurity {
			accounts = append(accounts, d.Path.Instance())
		}
	}
	return accounts, nil
}

// refusal is an answer that begins no session.
type refusal struct {
	code   coap.Code
	reason string
}

// admit finds the configuration for whoever asks. absent and foreign are the codes of an
// endpoint that nothing is known of, and of one that does not prove who it is: the two
// requests differ in them.
func (s *Session) admit(d *Datagram, q *query, absent, foreign coap.Code) (*Config, *refusal) {
	switch {
	case q.endpoint == "" && !d.Sealed:
		return nil, &refusal{coap.BadRequest, "the request needs ep"}
	case q.endpoint != "" && q.endpoint != s.r.Name:
		return nil, &refusal{foreign, "the endpoint belongs to another identity"}
	}
	c, err := s.env.Configs.Config(s.r.Name)
	switch {
	case errors.Is(err, ErrUnknown):
		return nil, &refusal{absent, "unknown endpoint"}
	case errors.Is(err, ErrUnconfigured):
		return nil, &refusal{absent, "no configuration"}
	case err != nil:
		return nil, &refusal{coap.ServiceUnavailable, "the configuration cannot be read"}
	}
	if reason := barred(d, &c.Account); reason != "" {
		return nil, &refusal{foreign, reason}
	}
	if err := c.Validate(); err != nil {
		return nil, &refusal{absent, err.Error()}
	}
	return c, nil
}

// barred tells why a device that came this way is not the one that was announced.
func barred(d *Datagram, a *Account) string {
	switch {
	case a.Mode == PSK && !d.Sealed:
		return "the endpoint is announced for bootstrap over DTLS"
	case a.Mode != PSK && d.Sealed:
		return "the endpoint is announced for bootstrap without DTLS"
	case a.Mode == PSK && d.Identity != a.Identity:
		return "another identity"
	}
	return ""
}

// payloadFormat is the format of writes that a device prefers: TLV where it names none, as
// then it is of 1.0 (OMA Core 6.1.7.1).
func payloadFormat(pct lwm2m.Format) (lwm2m.Format, bool) {
	switch pct.Canonical() {
	case lwm2m.FormatNone:
		return lwm2m.FormatTLV, true
	case lwm2m.FormatTLV, lwm2m.FormatJSON, lwm2m.FormatSenMLJSON, lwm2m.FormatSenMLCBOR, lwm2m.FormatLwM2MCBOR:
		return pct, true
	}
	return 0, false
}

// requested handles POST /bs: the answer, then the first request.
func (s *Session) requested(now time.Time, d *Datagram, fx *Effects) {
	if s.repeated(now, d, fx) {
		return
	}
	q, err := parseQuery(d.Message.Queries())
	if err != nil {
		s.refuse(now, d, refusal{coap.BadRequest, err.Error()}, fx)
		return
	}
	c, refused := s.admit(d, &q, coap.BadRequest, coap.Forbidden)
	if refused != nil {
		s.refuse(now, d, *refused, fx)
		return
	}
	format, ok := payloadFormat(q.format)
	if !ok {
		s.refuse(now, d, refusal{coap.UnsupportedContentFormat, fmt.Sprintf("pct=%d is no format of writes", q.format)}, fx)
		return
	}
	if s.r.Phase == Running {
		s.fail(now, "the device began anew", fx)
	}
	s.begin(now, d, c, format)
	s.reply(now, d, exchange.Answer{Code: coap.Changed, Format: lwm2m.FormatNone}, fx)
	s.notice(Start, d.Path.Peer.String(), fx)
}

// begin makes the record of a new session. What an earlier one knows of the account stays.
func (s *Session) begin(now time.Time, d *Datagram, c *Config, format lwm2m.Format) {
	if s.client != nil && s.r.Sealed != d.Sealed {
		s.client = nil // its blocks have another size
	}
	s.r = record{
		Name: s.r.Name, Phase: Running, Started: now, Path: d.Path, Sealed: d.Sealed,
		Format: format, Serial: c.Serial, Message: s.mids.Last, Known: s.r.Known,
	}
	s.config, s.plan, s.read, s.pause, s.again, s.save = c, nil, nil, time.Time{}, false, true
}

// repeated answers a message that was answered before. A device that restarted may use a
// message ID again; its token tells.
func (s *Session) repeated(now time.Time, d *Datagram, fx *Effects) bool {
	m := &d.Message
	answer, dup := s.answers.Lookup(now, peerHash(d), m.MessageID)
	if !dup || !sameToken(answer, m.Token) {
		return false
	}
	if len(answer) > 0 {
		fx.Sends = append(fx.Sends, Send{d.Path, answer, d.Sealed})
	}
	s.notice(Duplicate, "", fx)
	return true
}

// sameToken reports that an encoded message has that token.
func sameToken(message, token []byte) bool {
	if len(message) < 4 {
		return true // nothing was answered
	}
	n := 4 + int(message[0]&15)
	return n <= len(message) && string(message[4:n]) == string(token)
}

// reply answers and remembers the answer for its duplicates.
func (s *Session) reply(now time.Time, d *Datagram, a exchange.Answer, fx *Effects) {
	m := &d.Message
	var answer []byte
	if r := exchange.Reply(m, a, &s.mids); r != nil {
		answer = fx.send(d.Path, d.Sealed, r)
	}
	s.answers.Remember(now, peerHash(d), m.MessageID, m.Type == coap.Confirmable, answer)
}

// refuse begins nothing, and leaves a session that goes on as it is.
func (s *Session) refuse(now time.Time, d *Datagram, r refusal, fx *Effects) {
	s.reply(now, d, exchange.Answer{Code: r.code, Format: lwm2m.FormatNone, Payload: []byte(clip(r.reason))}, fx)
	s.notice(Failure, r.code.String()+" "+r.reason, fx)
}

// maxDiagnostic keeps an error's text within a small datagram.
const maxDiagnostic = 200

func clip(text string) string {
	if len(text) <= maxDiagnostic {
		return text
	}
	n := maxDiagnostic
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}
