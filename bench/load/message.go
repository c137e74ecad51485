package load

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"

	"dormouse/codec/coap"
	"dormouse/codec/content"
	"dormouse/codec/lwm2m"
)

// objects is what every device says that it has.
const objects = `</>;rt="oma.lwm2m";ct="60 110 112 11542",</1/0>,</3/0>,</4/0>,</5/0>,</3303/0>`

// sensor is the resource whose values are sent: Sensor Value of a Temperature.
var sensor = lwm2m.NewPath(3303, 0, 5700)

// variants many values are encoded ahead, for each format that is asked for:
// a value that never changes might be told from one that does.
const variants = 64

// tokenSize is run(2) slot(2) number(4): which exchange an answer belongs to.
// Without the run a late answer would be taken for one of the run after.
const tokenSize = 8

// writer writes the messages of devices.
type writer struct {
	fleet   *fleet
	options Options
	values  map[lwm2m.Format][variants][]byte
	m       coap.Message
	scratch []byte
}

func newWriter(f *fleet, o Options) *writer {
	return &writer{fleet: f, options: o, values: map[lwm2m.Format][variants][]byte{}}
}

// append writes the message of a kind that device i sends next, with the token
// of an exchange where it is a request.
func (w *writer) append(dst []byte, kind Kind, i uint32, token []byte) (out []byte, mid uint16, err error) {
	mid = w.fleet.nextMID(i)
	w.m = coap.Message{Code: coap.POST, MessageID: mid, Token: token, Options: w.m.Options[:0]}
	w.scratch = w.scratch[:0]
	switch kind {
	case Register:
		w.register(i)
	case Update:
		w.location(w.fleet.devices[i].path())
	case Send:
		w.m.Add(coap.OptUriPath, pathDP)
		err = w.value(lwm2m.FormatSenMLCBOR, uint32(mid))
	case Notify:
		err = w.notify(&w.fleet.devices[i])
	}
	if err != nil {
		return dst, mid, err
	}
	out, err = w.m.Append(dst)
	return out, mid, err
}

var pathRD, pathDP = []byte("rd"), []byte("dp")

func (w *writer) register(i uint32) {
	w.m.Add(coap.OptUriPath, pathRD)
	w.m.AddUint(coap.OptContentFormat, uint32(lwm2m.FormatLink))
	w.m.AddString(coap.OptUriQuery, "ep="+w.options.endpoint(i))
	w.m.AddString(coap.OptUriQuery, "lt="+strconv.FormatInt(int64(w.options.Lifetime.Seconds()), 10))
	w.m.AddString(coap.OptUriQuery, "lwm2m=1.1")
	w.m.AddString(coap.OptUriQuery, "b=U")
	if !w.options.Awake {
		w.m.AddString(coap.OptUriQuery, "Q")
	}
	w.m.Payload = []byte(objects)
}

// endpoint is the name of device i.
func (o *Options) endpoint(i uint32) string {
	return o.Prefix + strconv.FormatUint(uint64(i), 10)
}

// location adds the segments of a path as they lie in the device.
func (w *writer) location(path []byte) {
	for len(path) > 0 {
		segment, rest, _ := bytes.Cut(path, []byte{'/'})
		w.m.Add(coap.OptUriPath, segment)
		path = rest
	}
}

// notify writes the next value under the observation's token (RFC 7641
// section 4.2); its sequence number wraps at 24 bits.
func (w *writer) notify(d *device) error {
	d.sequence = (d.sequence + 1) & (1<<24 - 1)
	w.m.Code, w.m.Token = coap.Content, d.token[:d.tokenSize]
	w.m.AddUint(coap.OptObserve, d.sequence)
	return w.value(d.format, d.sequence)
}

// value adds one of the prepared values.
func (w *writer) value(f lwm2m.Format, n uint32) error {
	prepared, ok := w.values[f]
	if !ok {
		for i := range prepared {
			node := lwm2m.Node{Path: sensor, Value: lwm2m.Float(20 + float64(i)/8)}
			b, err := content.Append(nil, f, sensor, []lwm2m.Node{node}, content.Options{})
			if err != nil {
				return fmt.Errorf("load: a value as %s: %w", f, err)
			}
			prepared[i] = b
		}
		w.values[f] = prepared
	}
	w.m.AddUint(coap.OptContentFormat, uint32(f))
	w.m.Payload = prepared[n%variants]
	return nil
}

// putToken and parseToken know the layout of a token.
func putToken(token *[tokenSize]byte, run uint16, slot int32, number uint32) {
	binary.BigEndian.PutUint16(token[:], run)
	binary.BigEndian.PutUint16(token[2:], uint16(slot))
	binary.BigEndian.PutUint32(token[4:], number)
}

func parseToken(token []byte) (run uint16, slot int32, number uint32, ok bool) {
	if len(token) != tokenSize {
		return 0, 0, 0, false
	}
	slot = int32(binary.BigEndian.Uint16(token[2:]))
	return binary.BigEndian.Uint16(token), slot, binary.BigEndian.Uint32(token[4:]), true
}
