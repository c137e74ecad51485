package app_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"

	"dormouse/codec/coap"
	"dormouse/codec/ids"
	"dormouse/codec/lwm2m"
	"dormouse/codec/platform"
	"dormouse/node/app/apptest"
)

// hostile is a client that does what no client should. It is a device, too:
// some faults are noticed of registered ones only.
type hostile struct {
	*apptest.Device
	api    *apptest.API
	random *rand.Rand
	tokens func() []byte // of a device that is not this one
}

// attack is one kind of fault: what is sent, what must come back, and which
// counter must move.
type attack struct {
	name    string
	counter string // in /metrics, "" for none of its own
	attempt func(h *hostile) error
}

const (
	coapFault     = `dormouse_coap_faults_total{kind="%s"}`
	endpointEvent = `dormouse_endpoint_events_total{kind="%s"}`
)

func fault(kind string) string { return fmt.Sprintf(coapFault, kind) }
func event(kind string) string { return fmt.Sprintf(endpointEvent, kind) }

// attacks are all kinds. Answers are those of RFC 7252 (4.2, 4.3, 5.4.1, 5.7),
// RFC 7959 (2.9) and OMA Core 6.2.
var attacks = []attack{
	{"no CoAP", fault("not_coap"), (*hostile).noCoAP},
	{"malformed CON", fault("malformed"), (*hostile).malformedCON},
	{"malformed NON", fault("malformed"), (*hostile).malformedNON},
	{"reserved class", fault("malformed"), (*hostile).reservedClass},
	{"ping", fault("ping"), (*hostile).ping},
	{"critical option", fault("bad_option"), (*hostile).criticalOption},
	{"proxy", fault("proxy"), (*hostile).proxy},
	{"path", fault("unknown_path"), (*hostile).path},
	{"method", fault("unknown_method"), (*hostile).method},
	{"no endpoint name", fault("no_endpoint_name"), (*hostile).noName},
	{"location", fault("bad_location"), (*hostile).location},
	{"stranger's location", event("update_refused"), (*hostile).strangersLocation},
	{"too long", fault("truncated"), (*hostile).tooLong},
	{"queries", event("register_refused"), (*hostile).queries},
	{"links", event("register_refused"), (*hostile).links},
	{"repeated Register", event("duplicate"), (*hostile).repeated},
	{"blocks", "", (*hostile).blocks},
	{"body above the limit", "", (*hostile).announced},
	{"stranger's Send", fault("stray"), (*hostile).strangersSend},
	{"Send", event("send_refused"), (*hostile).badSend},
	{"token of nobody", fault("stray"), (*hostile).nobodysToken},
	{"short token", fault("strange_token"), (*hostile).shortToken},
	{"token of another", event("stray_message"), (*hostile).anothersToken},
	{"ACK and RST of nothing", "", (*hostile).emptyReplies},
	{"HTTP", `dormouse_http_requests_total{method="POST",route="/devicecontrol/operations",status="400"}`, (*hostile).http},
}

// want sends m and expects an answer with the code.
func (h *hostile) want(m *coap.Message, code coap.Code) error {
	a, err := h.Exchange(m)
	if err == nil && a.Code != code {
		err = fmt.Errorf("%s /%s %q %q: %s %s, not %s", m.Code, m.Path(), m.Queries(), m.Payload[:min(60, len(m.Payload))], a.Code, a.Payload, code)
	}
	return err
}

// each makes one choice, so that in the end all were made.
func pick[T any](h *hostile, all ...T) T { return all[h.random.IntN(len(all))] }

func (h *hostile) noCoAP() error {
	valid, err := h.New(coap.Confirmable, coap.GET, "rd").Append(nil)
	if err != nil {
		return err
	}
	valid[0] = valid[0]&0x3f | pick(h, byte(0), 0x80, 0xc0) // another version
	return h.Silence(pick(h, valid, []byte{}, []byte{0x40}, []byte{0x40, 1, 0}, []byte("\x16\xfe\xfd a DTLS handshake")))
}

// malformed is a message with a format error behind its ID.
func (h *hostile) malformed(t coap.Type) (*coap.Message, []byte) {
	m := h.New(t, coap.POST, "")
	head := []byte{0x40 | byte(t)<<4, byte(coap.POST), byte(m.MessageID >> 8), byte(m.MessageID)}
	switch h.random.IntN(6) {
	case 0: // a token length that is reserved
		head[0] |= 9 + byte(h.random.IntN(7))
		return m, append(head, make([]byte, 20)...)
	case 1: // a token that is cut
		head[0] |= 8
		return m, append(head, 1, 2, 3)
	case 2: // a reserved option delta
		return m, append(head, 0xf1, 0)
	case 3: // an option that is cut
		return m, append(head, 0xb5, 'r')
	case 4: // a marker without payload
		return m, append(head, 0xb2, 'r', 'd', 0xff)
	}
	head[1] = 0 // an empty message that is not
	return m, append(head, 0xff, 1)
}

// malformedCON expects a Reset.
func (h *hostile) malformedCON() error {
	m, payload := h.malformed(coap.Confirmable)
	a, err := h.ExchangeBytes(m, payload)
	if err == nil && (a.Type != coap.Reset || a.Code != coap.Empty) {
		err = fmt.Errorf("%x was answered %s %s", payload, a.Type, a.Code)
	}
	return err
}

func (h *hostile) malformedNON() error {
	_, payload := h.malformed(coap.NonConfirmable)
	return h.Silence(payload)
}

func (h *hostile) reservedClass() error {
	m := h.New(coap.Confirmable, coap.Code(pick(h, 1, 3, 6, 7)<<5|h.random.IntN(32)), "rd")
	a, err := h.Exchange(m)
	if err == nil && a.Type != coap.Reset {
		err = fmt.Errorf("code %s was answered %s %s", m.Code, a.Type, a.Code)
	}
	return err
}

func (h *hostile) ping() error {
	a, err := h.Exchange(h.New(coap.Confirmable, coap.Empty, ""))
	if err == nil && a.Type != coap.Reset {
		err = fmt.Errorf("a ping was answered %s %s", a.Type, a.Code)
	}
	return err
}

// criticalOption: a CON is answered 4.02, a NON is rejected in silence.
func (h *hostile) criticalOption() error {
	m := h.Registration(h.Name)
	m.Add(pick(h, coap.OptionID(9), 2049, 65001), []byte("x"))
	if h.random.IntN(2) == 0 {
		return h.want(m, coap.BadOption)
	}
	m.Type = coap.NonConfirmable
	payload, err := m.Append(nil)
	return errors.Join(err, h.Silence(payload))
}

func (h *hostile) proxy() error {
	m := h.New(coap.Confirmable, coap.GET, "rd")
	m.AddString(pick(h, coap.OptProxyUri, coap.OptProxyScheme), "coap://example.com/")
	return h.want(m, coap.ProxyingNotSupported)
}

func (h *hostile) path() error {
	path := pick(h, "", "bs", "rd/a/b", "dp/1", "RD", "3/0/0", strings.Repeat("x/", 20))
	return h.want(h.New(pick(h, coap.Confirmable, coap.NonConfirmable), pick(h, coap.GET, coap.POST), path), coap.NotFound)
}

func (h *hostile) method() error {
	code := pick(h, coap.GET, coap.PUT, coap.FETCH, coap.PATCH, coap.Code(31))
	return h.want(h.New(coap.Confirmable, code, pick(h, "rd", "dp", h.Location)), coap.MethodNotAllowed)
}

func (h *hostile) noName() error {
	m := h.New(coap.Confirmable, coap.POST, "rd", pick(h, "lt=60", "ep=", "ep", "EP=a", "=ep"))
	m.Payload = []byte(apptest.Objects)
	return h.want(m, coap.BadRequest)
}

func (h *hostile) location() error {
	path := "rd/" + pick(h, "x", "0", strings.Repeat("a", 13), "ABCDEFGHIJKLMNOP", "11111111111+", "\xff\xfe")
	return h.want(h.New(coap.Confirmable, pick(h, coap.POST, coap.DELETE), path), coap.NotFound)
}

// strangersLocation is well-formed, and names no registration.
func (h *hostile) strangersLocation() error {
	l := ids.Location{Endpoint: ids.Endpoint(h.random.Uint64()), Count: uint8(h.random.IntN(256))}
	return h.want(h.New(coap.Confirmable, pick(h, coap.POST, coap.DELETE), "rd/"+l.String(), "lt=1"), coap.NotFound)
}

func (h *hostile) tooLong() error {
	m := h.Registration(h.Name)
	m.Payload = bytes.Repeat([]byte("</3/0>,"), 300+h.random.IntN(8000))
	if h.random.IntN(2) == 0 {
		return h.want(m, coap.RequestEntityTooLarge)
	}
	m.Type = coap.NonConfirmable
	payload, err := m.Append(nil)
	return errors.Join(err, h.Silence(payload))
}

func (h *hostile) queries() error {
	bad := pick(h, "lt=-1", "lt=abc", "lt=99999999999999999999", "b=XYZ", "b=", "Q=1", "sms=abc", "at=-5", "lwm2m=x", "pid=a", "ep="+h.Name+"\xff")
	if err := h.want(h.Registration(h.Name, bad), coap.BadRequest); err != nil {
		return err
	}
	m := h.New(coap.Confirmable, coap.POST, "rd", "ep="+h.Name, pick(h, "lwm2m=2.0", "lwm2m=1.3", "lwm2m=1.0.1", "lwm2m=9"))
	m.Payload = []byte(apptest.Objects)
	return h.want(m, coap.PreconditionFailed)
}

func (h *hostile) links() error {
	m := h.Registration(h.Name)
	m.Payload = []byte(pick(h, "<", "</3/0", "x", "</3/0>;=", `</3/0>;a="`, "<\xff>", ",,,", "", strings.Repeat("<", 900)))
	if len(m.Payload) == 0 {
		return h.want(m, coap.BadRequest)
	}
	if h.random.IntN(4) == 0 {
		m.Payload = []byte(apptest.Objects)
		m.Remove(coap.OptContentFormat)
		m.AddUint(coap.OptContentFormat, uint32(lwm2m.FormatSenMLJSON))
	}
	return h.want(m, coap.BadRequest)
}

// repeated sends a good Register twice: the answer is the same, and what comes
// behind is that registration's.
func (h *hostile) repeated() error {
	m := h.Registration(h.Name)
	first, err := h.Exchange(m)
	if err != nil {
		return err
	}
	again, err := h.Exchange(m)
	if err == nil && (first.Code != coap.Created || again.LocationPath() != first.LocationPath()) {
		err = fmt.Errorf("a repeated Register: %s %s, then %s %s", first.Code, first.LocationPath(), again.Code, again.LocationPath())
	}
	h.Location = first.LocationPath()
	return err
}

// block is one block of a Register.
func (h *hostile) block(num uint32, more bool, size int) *coap.Message {
	m := h.Registration(h.Name)
	m.AddBlock(coap.OptBlock1, coap.Block{Num: num, More: more, SZX: coap.SZXFor(1024)})
	m.Payload = bytes.Repeat([]byte("x"), size)
	return m
}

// blocks: a body that has no beginning, one with a hole, one that is not full,
// and one that is given up; then one that is whole, and no list.
func (h *hostile) blocks() error {
	return errors.Join(
		h.want(h.block(7, true, 1024), coap.RequestEntityIncomplete),
		h.want(h.block(0, true, 1024), coap.Continue),
		h.want(h.block(2, true, 1024), coap.RequestEntityIncomplete),
		h.want(h.block(0, true, 100), coap.BadRequest),
		h.want(h.block(0, true, 1024), coap.Continue),
		h.want(h.block(1, true, 1024), coap.Continue),
		h.want(h.block(0, false, 100), coap.BadRequest),
	)
}

// announced is a body that says it will be too large.
func (h *hostile) announced() error {
	m := h.block(0, true, 1024)
	m.AddUint(coap.OptSize1, 1<<20+1)
	return h.want(m, coap.RequestEntityTooLarge)
}

func (h *hostile) dataPush(f lwm2m.Format, payload string) *coap.Message {
	m := h.New(coap.Confirmable, coap.POST, "dp")
	m.AddUint(coap.OptContentFormat, uint32(f))
	m.Payload = []byte(payload)
	return m
}

// strangersSend comes from a port where nobody registered.
func (h *hostile) strangersSend() error {
	c, err := apptest.Dial(h.Server(), nil)
	if err != nil {
		return err
	}
	stranger := hostile{Device: &apptest.Device{Client: c}}
	return errors.Join(stranger.want(stranger.dataPush(lwm2m.FormatSenMLJSON, `[{"n":"/3303/0/5700","v":1}]`), coap.NotFound), c.Close())
}

func (h *hostile) badSend() error {
	switch h.random.IntN(3) {
	case 0:
		return h.want(h.dataPush(lwm2m.FormatTLV, "\x00"), coap.UnsupportedContentFormat)
	case 1:
		return h.want(h.dataPush(lwm2m.FormatSenMLJSON, `[{"n":"/5/0/3","v":1}]`), coap.NotFound) // not registered
	}
	payload := pick(h, "", "[", "{}", `[{"n":"/3303/0/5700"`, `[{"n":"/3303/0/x","v":1}]`, `[{"n":"/3303/0/5700","v":"warm"}]`, `[{"v":1}]`, strings.Repeat("[", 1000), "\xff\xff")
	return h.want(h.dataPush(pick(h, lwm2m.FormatSenMLJSON, lwm2m.FormatSenMLCBOR), payload), coap.BadRequest)
}

// response is an answer to a request that was never made.
func (h *hostile) response(t coap.Type, token []byte) *coap.Message {
	m := h.New(t, coap.Content, "")
	m.Token = token
	m.AddUint(coap.OptObserve, 1<<20)
	m.AddUint(coap.OptContentFormat, uint32(lwm2m.FormatSenMLJSON))
	m.Payload = []byte(`[{"n":"/3303/0/5700","v":-273}]`)
	return m
}

// nobodysToken: the Reset ends an observation that the peer still has.
func (h *hostile) nobodysToken() error {
	return h.reset(h.response(coap.Confirmable, h.some(8)))
}

func (h *hostile) shortToken() error {
	return h.reset(h.response(coap.Confirmable, h.some(h.random.IntN(8))))
}

func (h *hostile) reset(m *coap.Message) error {
	a, err := h.Exchange(m)
	if err == nil && a.Type != coap.Reset {
		err = fmt.Errorf("a response with token %x was answered %s %s", m.Token, a.Type, a.Code)
	}
	return err
}

// some are random bytes.
func (h *hostile) some(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(h.random.Uint32())
	}
	return b
}

// anothersToken pretends to be a notification of another device: in vain.
func (h *hostile) anothersToken() error {
	token := h.tokens()
	if token == nil {
		return nil
	}
	payload, err := h.response(pick(h, coap.Confirmable, coap.NonConfirmable, coap.Acknowledgement), token).Append(nil)
	return errors.Join(err, h.Silence(payload))
}

func (h *hostile) emptyReplies() error {
	mid := h.some(2)
	return h.Silence([]byte{pick(h, byte(0x60), 0x70), 0, mid[0], mid[1]})
}

func (h *hostile) http() error {
	for _, body := range []string{`{`, `{"deviceId":1`, "\x00", `{"a":"\ud800"`} {
		r, err := h.api.Do(http.MethodPost, platform.OperationsPath, body)
		if err != nil {
			return err
		}
		if _, err := platform.ParseFault(r.Body); r.Status != http.StatusBadRequest || err != nil {
			return fmt.Errorf("%q: %d %s", body, r.Status, r.Body)
		}
	}
	return nil
}

// leave ends what was begun: a body in blocks would stay for some minutes.
func (h *hostile) leave() error { return h.want(h.block(0, false, 1), coap.BadRequest) }
