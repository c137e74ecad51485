package swarm

import (
	"fmt"
	"strconv"

	"dormouse/codec/coap"
	"dormouse/codec/content"
	"dormouse/codec/lwm2m"
)

// kind is what a device tells the server.
type kind uint8

const (
	register kind = iota
	update
	send
	notify // Confirmable, of the observation that the server began
)

func (k kind) String() string { return [...]string{"register", "update", "send", "notify"}[k] }

// objects is what every device says that it has.
const objects = `</>;rt="oma.lwm2m";ct="60 110 112 11542",</1/0>,</3/0>,</3303/0>`

// Sensor is the resource whose values devices send, and that may be observed.
var Sensor = lwm2m.NewPath(3303, 0, 5700)

// message is what a device says next, without message ID.
func (s *Swarm) message(i uint32, k kind, token []byte) *coap.Message {
	m := &coap.Message{Type: coap.Confirmable, Code: coap.POST, Token: token}
	d := &s.devices[i]
	switch k {
	case register:
		m.AddString(coap.OptUriPath, "rd")
		m.AddUint(coap.OptContentFormat, uint32(lwm2m.FormatLink))
		for _, q := range []string{"ep=" + s.options.Endpoint(int(i)), "lt=" + strconv.Itoa(lifetime), "lwm2m=1.1", "b=U", "Q"} {
			m.AddString(coap.OptUriQuery, q)
		}
		m.Payload = []byte(objects)
	case update:
		for _, segment := range d.location {
			m.AddString(coap.OptUriPath, segment)
		}
	case send:
		m.AddString(coap.OptUriPath, "dp")
		s.value(m, lwm2m.FormatSenMLCBOR, uint32(d.mid))
	case notify:
		d.sequence = (d.sequence + 1) & (1<<24 - 1) // RFC 7641 section 4.4
		m.Code, m.Token = coap.Content, []byte(d.token)
		m.AddUint(coap.OptObserve, d.sequence)
		s.value(m, d.format, d.sequence)
	}
	return m
}

// value adds a value of the sensor.
func (s *Swarm) value(m *coap.Message, f lwm2m.Format, n uint32) {
	node := lwm2m.Node{Path: Sensor, Value: lwm2m.Float(20 + float64(n%64)/8)}
	payload, err := content.Append(nil, f, Sensor, []lwm2m.Node{node}, content.Options{})
	if err != nil {
		s.fail(fmt.Errorf("swarm: a value as %s: %w", f, err))
	}
	m.AddUint(coap.OptContentFormat, uint32(f))
	m.Payload = payload
}
