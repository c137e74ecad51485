package bootstrap

import (
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/content"
	"dormouse/codec/exchange"
	"dormouse/codec/lwm2m"
)

// packMark names the newest Bootstrap-Pack-Request, whose repetitions are answered and
// not told of.
type packMark struct {
	peer uint32
	mid  uint16
	set  bool
}

// packRequested handles GET /bspack (OMA Core 6.1.7.2): all in one answer, in blocks
// where it is long. Each block is cut from the same configuration, so nothing is kept
// between them, and no answer with keys is remembered.
func (s *Session) packRequested(now time.Time, d *Datagram, fx *Effects) {
	m := &d.Message
	mark := packMark{peerHash(d), m.MessageID, true}
	again := s.packed == mark
	s.packed = mark
	a, n, refused := s.pack(d)
	if refused != nil {
		s.answer(d, exchange.Answer{Code: refused.code, Format: lwm2m.FormatNone, Payload: []byte(clip(refused.reason))}, fx)
		if !again {
			s.notice(Failure, refused.code.String()+" "+refused.reason, fx)
		}
		return
	}
	a = exchange.Slice(m, a, blockSize(d.Sealed))
	s.answer(d, a, fx)
	if !again && a.Code == coap.Content {
		s.gave(now, d, a, n, fx)
	}
}

// answer is reply without memory.
func (s *Session) answer(d *Datagram, a exchange.Answer, fx *Effects) {
	if r := exchange.Reply(&d.Message, a, &s.mids); r != nil {
		fx.send(d.Path, d.Sealed, r)
	}
}

// pack is the whole answer, before it is cut.
func (s *Session) pack(d *Datagram) (a exchange.Answer, n numbers, refused *refusal) {
	if s.env.NoPack {
		return a, n, &refusal{coap.NotImplemented, "Bootstrap-Pack is switched off"}
	}
	q, err := parseQuery(d.Message.Queries())
	if err != nil {
		return a, n, &refusal{coap.BadRequest, err.Error()}
	}
	c, refused := s.admit(d, &q, coap.NotFound, coap.Unauthorized)
	if refused != nil {
		return a, n, refused
	}
	if c.NoPack {
		return a, n, &refusal{coap.MethodNotAllowed, "this endpoint gets no Bootstrap-Pack"}
	}
	format, ok := packFormat(d.Message.Accept())
	if !ok {
		return a, n, &refusal{coap.NotAcceptable, "Bootstrap-Pack as format " + d.Message.Accept().String()}
	}
	if len(q.accounts) > 0 {
		s.learned(q.accounts)
	}
	nodes, n := packNodes(c, q.accounts, s.r.Known)
	payload, err := content.Append(nil, format, lwm2m.Path{}, nodes, options(false))
	if err != nil {
		return a, n, &refusal{coap.InternalServerError, err.Error()}
	}
	return exchange.Answer{Code: coap.Content, Format: format, Payload: payload}, n, nil
}

// learned keeps where the device has its accounts.
func (s *Session) learned(accounts []uint16) {
	s.r.Known = accounts
	s.save = true
}

// packFormat is the format that is accepted; without a wish it is SenML CBOR, which
// every client of 1.2 that asks for a pack is likely to know.
func packFormat(accept lwm2m.Format) (lwm2m.Format, bool) {
	switch accept {
	case lwm2m.FormatNone:
		return lwm2m.FormatSenMLCBOR, true
	case lwm2m.FormatSenMLJSON, lwm2m.FormatSenMLCBOR, lwm2m.FormatLwM2MCBOR:
		return accept, true
	}
	return 0, false
}

// gave tells of a pack when its last block leaves: one that a device does not fetch to
// its end has neither begun nor ended. A session that goes on beside it keeps the record.
func (s *Session) gave(now time.Time, d *Datagram, a exchange.Answer, n numbers, fx *Effects) {
	if unfinished(a) {
		return
	}
	s.notice(Start, d.Path.Peer.String(), fx)
	s.notice(End, "by a pack", fx)
	if s.r.Phase == Running {
		return
	}
	s.r = record{
		Name: s.r.Name, Phase: Done, Pack: true, Started: now, Ended: now, Path: d.Path, Sealed: d.Sealed,
		Format: a.Format, Known: s.r.Known, Account: n.account,
	}
	for i, instance := range n.servers {
		s.r.Taken = append(s.r.Taken, lwm2m.NewPath(objectSecurity, instance), lwm2m.NewPath(objectServer, uint16(i)))
	}
	s.save = true
	fx.Result = s.result()
}

// unfinished reports a block that is not the last.
func unfinished(a exchange.Answer) bool {
	m := coap.Message{Options: a.Options}
	b, _, _ := m.Block(coap.OptBlock2)
	return b.More
}
