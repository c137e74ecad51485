package load

import (
	"slices"

	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
)

// request answers what the server asks of a device: the start of an
// observation of the sensor, and a Reset for all else. It needs a device that
// has an address for itself.
func (e *exchanges) request(to source) {
	m := &e.m
	device, ok := e.fleet.alone(to)
	value, observe := m.Observe()
	if !ok || m.Code != coap.GET || !observe || value != 0 || m.Path() != sensor.String()[1:] {
		e.tally.strays++
		if m.Type == coap.Confirmable {
			e.reply(to, &coap.Message{Type: coap.Reset, MessageID: m.MessageID})
		}
		return
	}
	d := &e.fleet.devices[device]
	if !d.observe(m, wanted(m.Accept())) {
		e.tally.strays++
		return
	}
	e.replyObserved(to, device)
}

// replyObserved answers with the first value, piggybacked on the ACK.
func (e *exchanges) replyObserved(to source, device uint32) {
	d := &e.fleet.devices[device]
	request := e.m
	e.writer.m = coap.Message{
		Type: coap.Acknowledgement, Code: coap.Content, MessageID: request.MessageID,
		Token: slices.Clone(request.Token), Options: e.writer.m.Options[:0],
	}
	if request.Type != coap.Confirmable {
		e.writer.m.Type, e.writer.m.MessageID = coap.NonConfirmable, e.fleet.nextMID(device)
	}
	e.writer.m.AddUint(coap.OptObserve, d.sequence)
	if err := e.writer.value(d.format, d.sequence); err != nil {
		e.fail(err)
		return
	}
	e.reply(to, &e.writer.m)
}

// wanted is what a single value is sent as.
func wanted(accept lwm2m.Format) lwm2m.Format {
	if accept == lwm2m.FormatNone {
		return lwm2m.FormatText
	}
	return accept
}
