package exchange

import (
	"hash/fnv"

	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
)

// Answer is what a device's request is answered.
type Answer struct {
	Code coap.Code
	// Format of the payload. It is sent with the payload of a success only, as
	// the payload of an error is a diagnostic text (RFC 7252 section 5.5.2), and
	// with an empty one of 2.05, which is a value of no length.
	Format  lwm2m.Format
	Options []coap.Option
	Payload []byte
}

// reply is a message with the memory of its token and of few options: the two
// of a location are the most that is common.
type reply struct {
	coap.Message
	token   [8]byte
	options [2]coap.Option
}

// Reply is the answer to a request: piggy-backed on the ACK of a Confirmable
// one, Non-confirmable otherwise. It is nil where a Non-confirmable request
// wants no such response (RFC 7967). A request with Block1 gets it back.
func Reply(req *coap.Message, a Answer, mids *MIDs) *coap.Message {
	if req.Type != coap.Confirmable && unwanted(req, a.Code) {
		return nil
	}
	r := new(reply)
	m := &r.Message
	m.Type, m.Code, m.MessageID, m.Payload = coap.Acknowledgement, a.Code, req.MessageID, a.Payload
	m.Token, m.Options = append(r.token[:0], req.Token...), r.options[:0]
	if req.Type != coap.Confirmable {
		m.Type, m.MessageID = coap.NonConfirmable, mids.Next()
	}
	if (len(a.Payload) > 0 || a.Code == coap.Content) && a.Code.IsSuccess() && a.Format != lwm2m.FormatNone {
		m.AddUint(coap.OptContentFormat, uint32(a.Format))
	}
	for _, o := range a.Options {
		m.Add(o.ID, o.Value)
	}
	echoBlock1(req, m)
	return m
}

// unwanted reads the No-Response option: one bit for each class, bit 1 for 2.xx.
func unwanted(req *coap.Message, code coap.Code) bool {
	v, ok := req.Uint(coap.OptNoResponse)
	return ok && code.Class() > 0 && v&(1<<(code.Class()-1)) != 0
}

// echoBlock1 names the block that is answered; More stays set where the next one
// is awaited (RFC 7959 section 2.3).
func echoBlock1(req, m *coap.Message) {
	b, ok, err := req.Block(coap.OptBlock1)
	if _, set := m.Option(coap.OptBlock1); set || !ok || err != nil {
		return
	}
	b.More = b.More && m.Code == coap.Continue
	m.AddBlock(coap.OptBlock1, b)
}

// Ack is the empty acknowledgement of a Confirmable message.
func Ack(m *coap.Message) *coap.Message {
	return &coap.Message{Type: coap.Acknowledgement, MessageID: m.MessageID}
}

// Rst rejects a message, and answers a ping.
func Rst(m *coap.Message) *coap.Message {
	return &coap.Message{Type: coap.Reset, MessageID: m.MessageID}
}

// Slice cuts the block out of a long answer that req asks for, at most size
// bytes (16..1024), with an ETag over the whole and Size2 on block 0. An answer
// that fits and was not asked for in blocks stays as it is, so does an error. A
// block behind the end is answered 4.00 (RFC 7959 section 2.4).
func Slice(req *coap.Message, a Answer, size int) Answer {
	b, asked, err := req.Block(coap.OptBlock2)
	if err != nil {
		return Answer{Code: coap.BadRequest}
	}
	szx := coap.SZXFor(size)
	if !a.Code.IsSuccess() || !asked && len(a.Payload) <= 16<<szx {
		return a
	}
	if asked {
		szx = min(szx, b.SZX)
	}
	start := b.Offset()
	if start > 0 && start >= len(a.Payload) {
		return Answer{Code: coap.BadRequest}
	}
	end := min(start+16<<szx, len(a.Payload))
	var m coap.Message
	for _, o := range a.Options {
		m.Add(o.ID, o.Value)
	}
	if _, ok := m.Option(coap.OptETag); !ok {
		m.Add(coap.OptETag, etag(a))
	}
	m.AddBlock(coap.OptBlock2, coap.Block{Num: uint32(start >> (szx + 4)), More: end < len(a.Payload), SZX: szx})
	if start == 0 {
		m.AddUint(coap.OptSize2, uint32(len(a.Payload)))
	}
	a.Options, a.Payload = m.Options, a.Payload[start:end]
	return a
}

// etag tells representations of one transfer apart; four bytes are enough.
func etag(a Answer) []byte {
	f := fnv.New32a()
	f.Write([]byte{byte(a.Format >> 8), byte(a.Format)})
	f.Write(a.Payload)
	return f.Sum(nil)
}
