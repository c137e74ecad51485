package device

import (
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/exchange"
	"dormouse/codec/link"
	"dormouse/codec/lwm2m"
	"dormouse/codec/query"
)

// phase is where a device is with its registration.
type phase uint8

const (
	waiting phase = iota // for Client.at, then it registers
	registering
	registered
	leaving
	gone
)

// purpose is what a request of the device is for.
type purpose uint8

const (
	toRegister purpose = iota
	toUpdate
	toLeave
	toReport
)

// terms are what a server is told about a device: in full when it registers,
// what differs when it updates.
type terms struct {
	lifetime  int64 // seconds, 0: for ever
	binding   string
	structure uint32 // of the objects
}

func (c *Client) terms(now time.Time) terms {
	return terms{c.tree.Value(pathLifetime, now).Int(), c.tree.Value(pathBinding, now).Text(), c.tree.Structure()}
}

// Version is the enabler version that the device speaks.
func (c *Client) Version() lwm2m.Version { return c.model.profile.Version() }

// Registered reports a device that has a location; it is that of the server.
func (c *Client) Registered() (location string, ok bool) {
	return c.location, c.phase == registered || c.phase == leaving && c.location != ""
}

// Stop makes the device de-register; Gone tells when it is done. A second call
// changes nothing.
func (c *Client) Stop(now time.Time) [][]byte {
	c.depart(-1)
	return c.finish(now)
}

// Gone reports a device that has stopped.
func (c *Client) Gone() bool { return c.phase == gone }

// depart makes the device leave for a while, or for good if that is negative.
func (c *Client) depart(d time.Duration) {
	if c.phase == gone || c.leave && c.leaveFor < 0 {
		return
	}
	c.leave, c.leaveFor = true, d
	if c.phase == waiting {
		c.left(c.at)
	}
}

// register sends a Register. What the server knew of an earlier registration is
// void: it has no observations any more.
func (c *Client) register(now time.Time) {
	c.watches, c.notice, c.location, c.offline = nil, nil, "", false
	c.offered = c.terms(now)
	r := query.Registration{
		Endpoint: c.endpoint, HasEndpoint: true,
		Lifetime: c.offered.lifetime, HasLifetime: true,
		Version: c.Version(), Binding: c.offered.binding, HasBinding: true,
		Queue: c.Version() != lwm2m.V1_0 && c.product.options.Queue,
	}
	c.phase = registering
	c.ask(now, toRegister, &exchange.Request{
		Method: coap.POST, Path: "rd", Queries: r.Queries(),
		Format: lwm2m.FormatLink, Payload: c.objectList(),
	})
}

// update sends an Update with what changed, perhaps nothing.
func (c *Client) update(now time.Time) {
	c.mustUpdate = false
	c.offered = c.terms(now)
	r := query.Registration{
		Lifetime: c.offered.lifetime, HasLifetime: c.offered.lifetime != c.agreed.lifetime,
		Binding: c.offered.binding, HasBinding: c.offered.binding != c.agreed.binding,
	}
	req := &exchange.Request{Method: coap.POST, Path: c.location, Queries: r.Queries(), Format: lwm2m.FormatNone}
	if c.offered.structure != c.agreed.structure {
		req.Format, req.Payload = lwm2m.FormatLink, c.objectList()
	}
	c.ask(now, toUpdate, req)
}

func (c *Client) deregister(now time.Time) {
	c.phase = leaving
	c.watches = nil
	c.ask(now, toLeave, &exchange.Request{Method: coap.DELETE, Path: c.location, Format: lwm2m.FormatNone})
}

// objectList is the payload of a Register: objects without instances by
// themselves, the others by each instance.
func (c *Client) objectList() []byte {
	list := link.ObjectList{Root: c.product.options.Root, Formats: c.product.options.Formats}
	for _, o := range c.tree.Objects() {
		p, v := lwm2m.NewPath(o.Definition.ID), c.model.profile.Listed(o.Definition.ID)
		if o.Definition.ID == 0 {
			continue
		}
		if !v.IsZero() || len(o.Instances) == 0 {
			list.Objects = append(list.Objects, link.Object{Path: p, Version: v})
		}
		for _, instance := range o.Instances {
			list.Objects = append(list.Objects, link.Object{Path: p.Child(instance.ID)})
		}
	}
	return list.Append(nil)
}
