package conformance

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"dormouse/bench/device/secure"
	"dormouse/codec/coap"
	"dormouse/codec/exchange"
	"dormouse/codec/lwm2m"
	"dormouse/codec/platform"
)

// peer is a device that does what the test says and nothing by itself, except
// that it repeats its requests, and repeats its answers to those that the node
// repeats. It belongs to the test's goroutine.
type peer struct {
	handle
	name     string
	conn     *net.UDPConn
	to       netip.AddrPort
	link     *secure.Link // its session; nil: plain CoAP
	strays   int          // datagrams that were none of the session's
	location string
	mids     exchange.MIDs
	queued   []*coap.Message   // what nobody looked at, in order
	answers  map[uint16][]byte // by the node's message ID; nil: not answered yet
}

// repeat is after how long a peer repeats a request.
const repeat = 500 * time.Millisecond

// scripted is a peer of a node.
func scripted(t *testing.T, n *node) *peer {
	t.Helper()
	p := &peer{handle: handle{t: t, node: n}, name: endpoint(t), conn: socket(t), to: n.coap(), answers: map[uint16][]byte{}}
	p.mids.Last = p.port()
	return p
}

// socket is one with a port of its own.
func socket(t *testing.T) *net.UDPConn {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	check(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func (p *peer) port() uint16 { return uint16(p.conn.LocalAddr().(*net.UDPAddr).Port) }

// request is a Confirmable message with a fresh message ID and token. What it
// carries is text or bytes, with a format where it is not FormatNone.
func (p *peer) request(code coap.Code, target string, f lwm2m.Format, payload string) *coap.Message {
	target, queries, _ := strings.Cut(target, "?")
	m := &coap.Message{Type: coap.Confirmable, Code: code, MessageID: p.mids.Next()}
	m.Token = binary.BigEndian.AppendUint16([]byte{0xd0}, m.MessageID)
	m.AddPath(target)
	if queries != "" {
		for q := range strings.SplitSeq(queries, "&") {
			m.AddString(coap.OptUriQuery, q)
		}
	}
	if f != lwm2m.FormatNone {
		m.AddUint(coap.OptContentFormat, uint32(f))
	}
	m.Payload = []byte(payload)
	return m
}

// post is the code of the answer to a POST.
func (p *peer) post(target string, f lwm2m.Format, payload string) *coap.Message {
	p.t.Helper()
	return p.ask(p.request(coap.POST, target, f, payload))
}

// ask sends a request until it is answered. Other messages wait meanwhile.
func (p *peer) ask(m *coap.Message) *coap.Message {
	p.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		p.send(m)
		if a := p.await(repeat, func(a *coap.Message) bool {
			return !a.Code.IsRequest() && a.MessageID == m.MessageID && (a.Type == coap.Acknowledgement || a.Type == coap.Reset) ||
				a.Type == coap.NonConfirmable && m.Type == coap.NonConfirmable && a.Is(m.Token)
		}); a != nil {
			return a
		}
	}
	p.t.Fatalf("no answer to %s", words(m))
	return nil
}

// next is the node's next request, which must be the one in words: method and
// path.
func (p *peer) next(want string) *coap.Message {
	p.t.Helper()
	m := p.await(patience, func(m *coap.Message) bool { return m.Code.IsRequest() })
	if m == nil {
		p.t.Fatalf("the node did not ask %s", want)
	}
	if got := methods[m.Code] + " /" + m.Path(); got != want {
		p.t.Fatalf("the node asked %s, want %s", words(m), want)
	}
	return m
}

// await takes the first message that is wanted, from those that wait or within
// a time from the socket; nil for none.
func (p *peer) await(most time.Duration, wanted func(*coap.Message) bool) *coap.Message {
	for i, m := range p.queued {
		if wanted(m) {
			p.queued = append(p.queued[:i:i], p.queued[i+1:]...)
			return m
		}
	}
	check(p.t, p.conn.SetReadDeadline(time.Now().Add(most)))
	for {
		m := p.receive()
		switch {
		case m == nil:
			return nil
		case wanted(m):
			return m
		}
		p.queued = append(p.queued, m)
	}
}

// receive reads a message that was not there before; nil when time is over.
func (p *peer) receive() *coap.Message {
	for {
		b := p.read()
		if b == nil {
			return nil
		}
		var m coap.Message
		if err := coap.Parse(b, &m); err != nil {
			p.t.Fatalf("%x: %v", b, err)
		}
		if m.Type != coap.Confirmable && m.Type != coap.NonConfirmable {
			return m.Clone()
		}
		answer, again := p.answers[m.MessageID]
		if !again {
			p.answers[m.MessageID] = nil
			return m.Clone()
		}
		if answer != nil {
			p.write(answer)
		}
	}
}

// read takes the bytes of a message; nil when time or the session is over.
func (p *peer) read() []byte {
	buffer := make([]byte, 4096)
	for {
		n, from, err := p.conn.ReadFromUDPAddrPort(buffer)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		}
		check(p.t, err)
		if from != p.to {
			p.t.Fatalf("from %s: %x", from, buffer[:n])
		}
		if messages := opened(p.link, buffer[:n]); len(messages) > 0 {
			return messages[0] // the node puts one into a datagram
		}
		if _, over := p.link.Ended(); over {
			return nil
		}
		p.strays++
	}
}

func (p *peer) write(b []byte) { p.deliver(sealed(p.link, b)) }

// deliver sends a datagram as it is.
func (p *peer) deliver(b []byte) {
	_, err := p.conn.WriteToUDPAddrPort(b, p.to)
	check(p.t, err)
}

func (p *peer) send(m *coap.Message) []byte {
	b, err := m.Append(nil)
	check(p.t, err)
	p.write(b)
	return b
}

// answer answers a request of the node at once.
func (p *peer) answer(m *coap.Message, code coap.Code, f lwm2m.Format, payload string, options ...coap.Option) {
	if payload == "" && f != lwm2m.FormatNone { // the empty value has a format, too
		options = append(options, coap.Option{ID: coap.OptContentFormat, Value: []byte{byte(f >> 8), byte(f)}})
	}
	a := exchange.Reply(m, exchange.Answer{Code: code, Format: f, Payload: []byte(payload), Options: options}, &p.mids)
	p.answers[m.MessageID] = p.send(a)
}

// acknowledge says that the answer to a request comes later.
func (p *peer) acknowledge(m *coap.Message) { p.answers[m.MessageID] = p.send(exchange.Ack(m)) }

// answerLater is that answer.
func (p *peer) answerLater(m *coap.Message, code coap.Code) {
	p.t.Helper()
	a := &coap.Message{Type: coap.Confirmable, Code: code, MessageID: p.mids.Next(), Token: m.Token}
	if got := p.ask(a); got.Type != coap.Acknowledgement {
		p.t.Errorf("a separate answer is answered %s", got.Type)
	}
}

// notify sends a notification and returns what it is answered: an empty
// Acknowledgement or a Reset.
func (p *peer) notify(token []byte, sequence uint32, f lwm2m.Format, payload string) coap.Type {
	p.t.Helper()
	m := &coap.Message{Type: coap.Confirmable, Code: coap.Content, MessageID: p.mids.Next(), Token: token, Payload: []byte(payload)}
	m.AddUint(coap.OptObserve, sequence)
	m.AddUint(coap.OptContentFormat, uint32(f))
	return p.ask(m).Type
}

// observed is the option of the first answer to an Observe.
func observed(sequence byte) coap.Option {
	return coap.Option{ID: coap.OptObserve, Value: []byte{sequence}}
}

// objects is a usual object list.
const objects = `</>;rt="oma.lwm2m";ct="110 112",</1/0>,</3/0>,</16/0>,</3303/0>`

// joins registers with queries behind ep, and finds the device.
func (p *peer) joins(queries, list string) *coap.Message {
	p.t.Helper()
	a := p.post("rd?ep="+p.name+"&"+queries, lwm2m.FormatLink, list)
	if a.Code != coap.Created {
		p.t.Fatalf("Register with %s: %s %s", queries, a.Code, a.Payload)
	}
	p.location = a.LocationPath()
	p.handle = p.node.handleOf(p.t, p.location, p.name)
	return a
}

// updates sends an Update that must be answered 2.04.
func (p *peer) updates(query, list string) {
	p.t.Helper()
	f := lwm2m.FormatNone
	if list != "" {
		f = lwm2m.FormatLink
	}
	if a := p.post(p.location+query, f, list); a.Code != coap.Changed {
		p.t.Fatalf("Update %s: %s %s", query, a.Code, a.Payload)
	}
}

// silent makes sure that nothing waits that the node sent before it answers a
// ping.
func (p *peer) silent() {
	p.t.Helper()
	p.ask(&coap.Message{Type: coap.Confirmable, MessageID: p.mids.Next()})
	for _, m := range p.queued {
		p.t.Errorf("the node sent %s %s", m.Type, words(m))
	}
}

// exchange runs a command whose one request, in words, the peer answers.
func (p *peer) exchange(command, want string, code coap.Code, f lwm2m.Format, payload string, options ...coap.Option) outcome {
	p.t.Helper()
	op := p.submit(command)
	p.answer(p.next(want), code, f, payload, options...)
	return p.ended(op)
}

// observes makes an observation of a resource and returns its token.
func (p *peer) observes(resource string, f lwm2m.Format, payload string) []byte {
	p.t.Helper()
	op := p.submit("observe " + resource)
	m := p.next("GET " + resource)
	p.answer(m, coap.Content, f, payload, observed(1))
	if o := p.ended(op); o.Status != platform.Successful {
		p.t.Fatalf("observe %s: %s", resource, o.Results)
	}
	return m.Token
}
