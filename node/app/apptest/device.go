package apptest

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"

	"dormouse/codec/coap"
	"dormouse/codec/content"
	"dormouse/codec/exchange"
	"dormouse/codec/ids"
	"dormouse/codec/lwm2m"
	"dormouse/codec/model"
)

// Objects is the object list of a Device.
const Objects = `</>;rt="oma.lwm2m";ct="110 112",</1/0>,</3/0>,</3303/0>`

// Device is a LwM2M 1.1 client with a few resources: /3/0 and /3303/0.
type Device struct {
	*Client
	Name     string
	Location string // such as rd/abc, "" before Register

	mu       sync.Mutex // guards all below
	values   map[lwm2m.Path]lwm2m.Value
	executed []string
	observed map[lwm2m.Path]*observation
}

type observation struct {
	token    []byte
	format   lwm2m.Format
	sequence uint32
}

// NewDevice opens the device's socket.
func NewDevice(server netip.AddrPort, name string) (*Device, error) {
	d := &Device{Name: name, observed: map[lwm2m.Path]*observation{}, values: map[lwm2m.Path]lwm2m.Value{
		lwm2m.NewPath(3, 0, 0):       lwm2m.String("Apodemus"),
		lwm2m.NewPath(3, 0, 14):      lwm2m.String("+02:00"),
		lwm2m.NewPath(3303, 0, 5700): lwm2m.Float(21.5),
		lwm2m.NewPath(3303, 0, 5701): lwm2m.String("Cel"),
	}}
	var err error
	d.Client, err = Dial(server, d.answer)
	return d, err
}

// Registration is the Register of a device; more queries may be added.
func (c *Client) Registration(name string, queries ...string) *coap.Message {
	m := c.New(coap.Confirmable, coap.POST, "rd", append([]string{"ep=" + name, "lwm2m=1.1", "lt=3600"}, queries...)...)
	m.AddUint(coap.OptContentFormat, uint32(lwm2m.FormatLink))
	m.Payload = []byte(Objects)
	return m
}

// Register registers, for an hour unless the queries say something else. The
// device forgets who observed it.
func (d *Device) Register(queries ...string) error {
	d.mu.Lock()
	clear(d.observed)
	d.mu.Unlock()
	a, err := d.Exchange(d.Registration(d.Name, queries...))
	if err != nil {
		return err
	}
	if a.Code != coap.Created {
		return fmt.Errorf("apptest: Register of %s: %s %s", d.Name, a.Code, a.Payload)
	}
	d.Location = a.LocationPath()
	return nil
}

// Update refreshes the registration, and returns the answer's code.
func (d *Device) Update(queries ...string) (coap.Code, error) {
	a, err := d.Exchange(d.New(coap.Confirmable, coap.POST, d.Location, queries...))
	if err != nil {
		return 0, err
	}
	return a.Code, nil
}

// Send pushes values as SenML JSON, and returns the answer's code.
func (d *Device) Send(nodes ...lwm2m.Node) (coap.Code, error) {
	payload, err := content.Append(nil, lwm2m.FormatSenMLJSON, lwm2m.Path{}, nodes, options())
	if err != nil {
		return 0, err
	}
	m := d.New(coap.Confirmable, coap.POST, "dp")
	m.AddUint(coap.OptContentFormat, uint32(lwm2m.FormatSenMLJSON))
	m.Payload = payload
	a, err := d.Exchange(m)
	if err != nil {
		return 0, err
	}
	return a.Code, nil
}

// Set changes a value. Nobody is notified.
func (d *Device) Set(p lwm2m.Path, v lwm2m.Value) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.values[p] = v
}

// Value is the present one.
func (d *Device) Value(p lwm2m.Path) lwm2m.Value {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.values[p]
}

// Executed lists what was executed since the last call, in order: "/3/0/4" or
// "/3/0/4 0='a'".
func (d *Device) Executed() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	executed := d.executed
	d.executed = nil
	return executed
}

// ErrNotObserved is wrapped where a path is not observed.
var ErrNotObserved = errors.New("apptest: not observed")

// Token is that of the observation of p, nil for none.
func (d *Device) Token(p lwm2m.Path) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	if o := d.observed[p]; o != nil {
		return o.token
	}
	return nil
}

// Notification is the next message of the observation of p.
func (d *Device) Notification(p lwm2m.Path) (*coap.Message, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	o := d.observed[p]
	if o == nil {
		return nil, fmt.Errorf("%w: %s", ErrNotObserved, p)
	}
	payload, err := content.Append(nil, o.format, p, d.below(p), options())
	if err != nil {
		return nil, err
	}
	m := d.New(coap.Confirmable, coap.Content, "")
	o.sequence++
	m.Token, m.Payload = o.token, payload
	m.AddUint(coap.OptObserve, o.sequence)
	m.AddUint(coap.OptContentFormat, uint32(o.format))
	return m, nil
}

// Notify sends the present value of an observed path until it is acknowledged.
func (d *Device) Notify(p lwm2m.Path) error {
	m, err := d.Notification(p)
	if err != nil {
		return err
	}
	a, err := d.Exchange(m)
	if err == nil && a.Type != coap.Acknowledgement {
		err = fmt.Errorf("apptest: notification of %s: %s %s", p, a.Type, a.Code)
	}
	return err
}

// EndpointOf is the endpoint that a location such as rd/abc names.
func EndpointOf(location string) (ids.Endpoint, error) {
	l, err := ids.ParseLocation([]byte(strings.TrimPrefix(location, "rd/")))
	return l.Endpoint, err
}

func options() content.Options {
	return content.Options{Types: model.Core().Types(nil), Answer: true}
}

// below are the values at or below p, in order.
func (d *Device) below(p lwm2m.Path) (nodes []lwm2m.Node) {
	for q, v := range d.values {
		if p.Contains(q) {
			nodes = append(nodes, lwm2m.Node{Path: q, Value: v})
		}
	}
	lwm2m.SortNodes(nodes)
	return nodes
}

// answer handles one request of the node.
func (d *Device) answer(m *coap.Message) exchange.Answer {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err := lwm2m.ParsePath(m.Path())
	if err != nil {
		return exchange.Answer{Code: coap.NotFound}
	}
	switch m.Code {
	case coap.GET:
		return d.read(m, p)
	case coap.PUT, coap.IPATCH:
		return d.write(m, p)
	case coap.POST:
		if p.IsResource() {
			return d.execute(m, p)
		}
		return d.write(m, p)
	case coap.FETCH:
		return d.fetch(m)
	}
	return exchange.Answer{Code: coap.MethodNotAllowed}
}
