package conformance

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"dormouse/bench/device"
	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
	"dormouse/codec/platform"
)

func TestOMA101(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		r := c.registration()
		location, _ := c.location()
		if !r.Registered || r.Version != locked(c, c.device.Version).String() || r.Lifetime != 86400 || r.BindingMode != "U" || r.QueueMode || r.Location != "/"+location {
			t.Errorf("registration %+v, location %s", r, location)
		}
		for _, want := range []string{"/1/0", "/3/0", "/16/0", "/3303/0", "/3303/1"} {
			if !slices.Contains(r.Objects, want) {
				t.Errorf("%s is not in %v", want, r.Objects)
			}
		}
		if listed := slices.Contains(r.Objects, "/3303;ver=1.1"); listed != (r.Version != "1.0") {
			t.Errorf("object versions of %s: %v", r.Version, r.Objects)
		}
		for _, o := range r.Objects {
			if strings.HasPrefix(o, "/0") || strings.HasPrefix(o, "/21") {
				t.Errorf("%s is listed", o)
			}
		}
		m, err := c.node.api.Object(c.id)
		check(t, err)
		if name, _ := m.Fragments.Text("lwm2mEndpoint"); m.Type != "c8y_lwm2m" || m.Name != c.name || name != c.name {
			t.Errorf("managed object %s %s of %s", m.Type, m.Name, name)
		}
	})
	t.Run("answer", func(t *testing.T) {
		t.Parallel()
		p := scripted(t, common)
		a := p.joins("lt=300&lwm2m=1.1&b=UT&sms=491701234567&x=y&flag", objects)
		if first, second, more := segments(a); first != "rd" || second == "" || more || len(second) > 16 {
			t.Errorf("Location-Path %s", a.LocationPath())
		}
		if _, ok := a.Option(coap.OptLocationQuery); ok || len(a.Payload) > 0 {
			t.Errorf("answered with %v, %q", a.Options, a.Payload)
		}
		r := p.registration()
		if r.SMS != "491701234567" || r.BindingMode != "UT" || r.Lifetime != 300 || r.Additional["x"] != "y" || !slices.Equal(r.Formats, []uint16{110, 112}) {
			t.Errorf("registration %+v", r)
		}
		if _, ok := r.Additional["flag"]; !ok {
			t.Errorf("a query without value is lost: %v", r.Additional)
		}
	})
}

// segments are those of a Location-Path.
func segments(m *coap.Message) (first, second string, more bool) {
	parts := strings.Split(m.LocationPath(), "/")
	if len(parts) < 2 {
		return parts[0], "", false
	}
	return parts[0], parts[1], len(parts) > 2
}

// gone waits until registrations are over, and checks that none was over before
// its end. They are looked at together, since they end at the same time.
func gone(t *testing.T, most time.Duration, clients ...*client) {
	t.Helper()
	ends := make(map[*client]time.Time, len(clients))
	for _, c := range clients {
		ends[c] = c.registration().Expires
	}
	eventuallyWithin(t, most+patience, func() error {
		for c, end := range ends {
			r := c.registration()
			switch now := time.Now(); {
			case r.Registered:
				ends[c] = r.Expires
				continue
			case end.IsZero() || now.Before(end):
				t.Errorf("%s: gone at %v, its end is %v", c.name, now, end)
			case r.Location != "":
				t.Errorf("%s: location of a registration that is over: %+v", c.name, r)
			}
			delete(ends, c)
		}
		if len(ends) > 0 {
			return fmt.Errorf("%d registrations are not over", len(ends))
		}
		return nil
	})
}

// together are devices of one test, one of each kind.
func together(t *testing.T, kinds []device.Options) (clients []*client) {
	t.Helper()
	for _, o := range kinds {
		c := dial(t, common, o)
		c.register()
		clients = append(clients, c)
	}
	return clients
}

func TestOMA102(t *testing.T) {
	t.Parallel()
	begin := time.Now().Truncate(time.Millisecond)
	clients := together(t, since10)
	for _, c := range clients {
		c.expect("2.04", "write /1/0/1 20")
		r := c.awaits("lifetime 20", func(r registration) bool { return r.Lifetime == 20 })
		c.awaitEvent(device.Updated, 1)
		if life := r.Expires.Sub(r.Update); life != 20*time.Second || r.Update.Before(begin) {
			t.Errorf("%s: ends %v after its Update", c.name, life)
		}
		c.switchOff()
	}
	gone(t, 20*time.Second, clients...)
	if lived := time.Since(begin); lived < 20*time.Second {
		t.Errorf("gone after %v", lived)
	}
}

func TestOMA103(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		c.expect("2.05", "observe /3/0/9")
		c.expect("2.04", "write /1/0/5 100")
		c.expect("2.04", "execute /1/0/4")
		c.pass(2 * time.Second)
		c.awaitEvent(device.Deregistered, 1)
		if r := c.registration(); r.Registered || len(r.Observations) > 0 {
			t.Errorf("de-registered: %+v", r)
		}
		c.pass(100 * time.Second)
		c.awaitEvent(device.Registered, 2)
		if r := c.registration(); !r.Registered || len(r.Observations) > 0 || c.happened(device.Served, "/3/0/9") != 1 {
			t.Errorf("registered again: %+v", r)
		}
	})
	t.Run("late", func(t *testing.T) {
		t.Parallel()
		p := scripted(t, common)
		p.joins("lt=300&lwm2m=1.1", objects)
		for i, want := range []coap.Code{coap.Deleted, coap.NotFound} {
			if a := p.ask(p.request(coap.DELETE, p.location, lwm2m.FormatNone, "")); a.Code != want {
				t.Errorf("De-register %d: %s", i, a.Code)
			}
		}
		if a := p.post(p.location, lwm2m.FormatNone, ""); a.Code != coap.NotFound {
			t.Errorf("Update afterwards: %s", a.Code)
		}
	})
}

func TestOMA104(t *testing.T) {
	t.Parallel()
	clients := together(t, since10)
	for _, c := range clients {
		c.expect("2.04", "write /1/0/1 3")
		c.awaitEvent(device.Updated, 1)
		before := c.awaits("lifetime 3", func(r registration) bool { return r.Lifetime == 3 })
		c.expect("2.04", "execute /1/0/8")
		c.awaitEvent(device.Updated, 2)
		c.switchOff()
		after := c.registration()
		if !after.Expires.After(before.Expires) || after.Location != before.Location {
			t.Fatalf("%s: %+v after %+v", c.name, after, before)
		}
		if m := c.updateSent(1); len(m.Queries()) > 0 || len(m.Payload) > 0 {
			t.Errorf("%s: the Update has parameters: %s", c.name, words(m))
		}
	}
	gone(t, 3*time.Second, clients...) // and none before its new end
}

// updateSent is the Update that the device sent i Updates ago, the last one for
// 1.
func (c *client) updateSent(i int) *coap.Message {
	c.t.Helper()
	location, _ := c.location()
	all := locked(c, func() (all []*coap.Message) {
		for _, m := range c.log {
			if !m.in && m.Code == coap.POST && m.Path() == location {
				all = append(all, m.Message)
			}
		}
		return all
	})
	if len(all) < i {
		c.t.Fatalf("%d Updates", len(all))
	}
	return all[len(all)-i]
}

func TestOMA105(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		_, err := c.node.api.Expect(http.StatusNoContent, http.MethodDelete, platform.ObjectsPath+"/"+c.id.String(), "")
		check(t, err)
		old, _ := c.location()
		c.pass(86400 * time.Second) // its Update
		c.awaitEvent(device.Registered, 2)
		location, _ := c.location()
		if refused := locked(c, func() (codes []coap.Code) {
			for _, e := range c.events {
				if e.Kind == device.Refused {
					codes = append(codes, e.Code)
				}
			}
			return codes
		}); !slices.Equal(refused, []coap.Code{coap.NotFound}) || location == old {
			t.Errorf("refused with %v, registered at %s after %s", refused, location, old)
		}
		if h := c.node.handleOf(t, location, c.name); !h.registration().Registered {
			t.Error("not registered")
		}
	})
}

func TestOMA107(t *testing.T) {
	kinds := slices.Clone(since10)
	for i := range kinds {
		kinds[i].Lifetime = 60
	}
	each(t, kinds, func(t *testing.T, c *client) {
		before := c.registration()
		c.expect("2.04", "write /1/0/1 120")
		r := c.awaits("lifetime 120", func(r registration) bool { return r.Lifetime == 120 })
		if before.Expires.Sub(before.Update) != 60*time.Second || r.Expires.Sub(r.Update) != 120*time.Second || r.Expires.Before(before.Expires.Add(time.Minute)) {
			t.Errorf("%+v then %+v", before, r)
		}
	})
	t.Run("while the Write is unanswered", func(t *testing.T) {
		t.Parallel()
		p := scripted(t, common)
		p.joins("lt=60&lwm2m=1.1", objects)
		op := p.submit("write /1/0/1 120")
		m := p.next("PUT /1/0/1")
		p.acknowledge(m)
		p.updates("?lt=120", "")
		if r := p.registration(); r.Lifetime != 120 || p.status(op) != platform.Executing {
			t.Errorf("%+v, operation %s", r, p.status(op))
		}
		p.answerLater(m, coap.Changed)
		if o := p.ended(op); o.Status != platform.Successful {
			t.Errorf("%s: %s", o.Status, o.Results)
		}
	})
}

// queued are devices in queue mode.
func queued() []device.Options {
	kinds := slices.Clone(since10)
	for i := range kinds {
		kinds[i].Queue, kinds[i].Lifetime = true, 240
	}
	return kinds
}

func TestOMA108(t *testing.T) {
	each(t, queued(), func(t *testing.T, c *client) {
		r := c.registration()
		if want := map[bool]string{true: "UQ", false: "U"}[r.Version == "1.0"]; !r.QueueMode || r.BindingMode != want {
			t.Errorf("registration %+v", r)
		}
		sent := locked(c, func() *coap.Message { return c.log[0].Message })
		if bare := slices.Contains(sent.Queries(), "Q"); bare != (r.Version != "1.0") {
			t.Errorf("registered with %v", sent.Queries())
		}
	})
}

func TestOMA109(t *testing.T) {
	each(t, queued(), func(t *testing.T, c *client) {
		c.setting(`{"awakeTimeRegistrationParameter":1}`) // the node's clock is not put forward
		c.pass(120 * time.Second)
		if !locked(c, func() bool { return c.device.Asleep(c.now()) }) {
			t.Fatal("awake after 120 s")
		}
		op := c.submit("read /3/0/0")
		if s := c.status(op); s != platform.Pending {
			t.Errorf("the device sleeps, its operation is %s", s)
		}
		begin := locked(c, func() int { return len(c.log) })
		c.pass(30 * time.Second) // its Update comes after 147 s
		if o := c.ended(op); o.Status != platform.Successful || len(o.lines) != 1 || string(o.lines[0].Values["/3/0/0"]) != `"Dormouse Works"` {
			t.Errorf("%s: %s", o.Status, o.Results)
		}
		var order []string
		for _, m := range locked(c, func() []message { return c.log[begin:] }) {
			if m.in {
				order = append(order, m.Code.String()+" /"+m.Path())
			}
		}
		if want := []string{"2.04 /", "0.01 /3/0/0"}; !slices.Equal(order, want) {
			t.Errorf("the node sent %v, want %v", order, want)
		}
		if n := locked(c, func() uint32 { return c.device.Counters().Dropped }); n > 0 {
			t.Errorf("%d datagrams for a device that slept", n)
		}
	})
}

func TestOMA110(t *testing.T) {
	t.Parallel()
	p := scripted(t, common)
	p.joins("lt=300&lwm2m=1.2&pid="+profile, "")
	if r := p.registration(); r.Profile != profile || !slices.Equal(r.Objects, []string{"/1/0", "/3/0"}) || !slices.Equal(r.Formats, []uint16{60, 112}) {
		t.Errorf("registration %+v", r)
	}
	if a := p.post("rd?ep="+p.name+"2&lt=300&lwm2m=1.2&pid=6:00000000", lwm2m.FormatNone, ""); a.Code != coap.Conflict {
		t.Errorf("an unknown profile ID: %s", a.Code)
	}
}

func TestOMA111(t *testing.T) {
	t.Parallel()
	p := scripted(t, common)
	p.joins("lt=300&lwm2m=1.2&pid="+profile, "</4/0>")
	if r := p.registration(); r.Profile != profile || !slices.Equal(r.Objects, []string{"/1/0", "/3/0", "/4/0"}) {
		t.Errorf("registration %+v", r)
	}
}
