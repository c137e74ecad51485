package conformance

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"dormouse/bench/device"
	"dormouse/codec/coap"
	"dormouse/codec/content"
	"dormouse/codec/lwm2m"
	"dormouse/codec/model"
)

// never is a time between two samples in which a test has none.
const never = 1_000_000 * time.Hour

// every are kinds of devices that sample so often.
func every(d time.Duration, kinds []device.Options) []device.Options {
	kinds = slices.Clone(kinds)
	for i := range kinds {
		kinds[i].Every = d
	}
	return kinds
}

// gap lets time go by until the next notification with a token, and returns how
// long that took for the device.
func (c *client) gap(token string, most time.Duration) time.Duration {
	c.t.Helper()
	before, begin := len(c.notifications(token)), locked(c, c.now)
	for end := begin.Add(most); len(c.notifications(token)) == before; {
		c.settle()
		if !locked(c, func() bool { return c.step(end) }) {
			c.t.Fatalf("no notification in %v", most)
		}
	}
	return locked(c, c.now).Sub(begin)
}

// within checks that a notification came between two bounds, to a second.
func (c *client) within(gap, low, high time.Duration) {
	c.t.Helper()
	if gap < low-time.Second || gap > high+time.Second {
		c.t.Errorf("notified after %v, want %v to %v", gap, low, high)
	}
}

// surfaced waits until the node shows all that the device told last in an
// observation of a path, which must hold values of some paths.
func (c *client) surfaced(observed string, must ...string) {
	c.t.Helper()
	token := c.observation(observed)
	eventually(c.t, func() error {
		all := c.notifications(token)
		told := all[len(all)-1]
		nodes, err := content.Decode(told.ContentFormat(), path(observed), told.Payload, content.Options{Types: model.Core().Types(nil), Answer: true})
		check(c.t, err)
		shown := c.values()
		for _, n := range nodes {
			if v := shown[n.Path.String()]; v.Value.String() != n.Value.String() { // the node knows the version of the object
				return fmt.Errorf("told %s is %s, shown is %s", n.Path, n.Value, v.Value)
			}
		}
		for _, p := range must {
			if !slices.ContainsFunc(nodes, func(n lwm2m.Node) bool { return n.Path == path(p) }) {
				c.t.Fatalf("%s was not told: %v", p, nodes)
			}
		}
		return nil
	})
}

func TestOMA301(t *testing.T) {
	t.Parallel()
	for _, o := range every(time.Second, since10) {
		t.Run(o.Version.String(), func(t *testing.T) {
			t.Parallel()
			n := another(t, nil) // of its own: what it takes is counted
			c := meet(t, n, o)
			c.expect("2.04", "writeattr /3/0/7 pmin=5&pmax=15")
			c.expect("2.04", "writeattr /3/0/8 pmin=10&pmax=20")
			c.expect("2.05", "observe /3/0/7")
			c.expect("2.05", "observe /3/0/8")
			a, b := c.observation("/3/0/7"), c.observation("/3/0/8")
			for range 8 {
				c.within(c.gap(a, time.Minute), 5*time.Second, 15*time.Second)
				c.surfaced("/3/0/7", "/3/0/7/0", "/3/0/7/1")
			}
			c.within(c.gap(b, time.Minute), 0, 20*time.Second)
			c.surfaced("/3/0/8", "/3/0/8/0", "/3/0/8/1")
			eventually(t, func() error {
				sent := len(c.notifications(a)) + len(c.notifications(b))
				if taken := n.events(t, "notified"); taken != sent || n.events(t, "notification_old")+n.events(t, "notification_bad") > 0 {
					return fmt.Errorf("%d notifications were sent, %d taken", sent, taken)
				}
				return nil
			})
		})
	}
}

// refused reports whether the node reset a message of the device.
func (c *client) refused(sent *coap.Message) bool {
	return locked(c, func() bool {
		return slices.ContainsFunc(c.log, func(m message) bool { return m.in && m.Type == coap.Reset && m.MessageID == sent.MessageID })
	})
}

func TestOMA302(t *testing.T) {
	t.Parallel()
	kinds := every(time.Second, since10)
	for _, o := range append(kinds, device.Options{Version: lwm2m.V1_1, Every: time.Second, Confirmable: true}) {
		t.Run(fmt.Sprintf("%s confirmable=%v", o.Version, o.Confirmable), func(t *testing.T) {
			t.Parallel()
			c := meet(t, common, o)
			c.expect("2.05", "observe /3/0/7")
			c.expect("2.05", "observe /3/0/8")
			a, b := c.observation("/3/0/7"), c.observation("/3/0/8")
			c.gap(a, time.Minute)
			asked := len(c.asked())
			if o := c.run("cancelobservation -p /3/0/7"); o.Status != "SUCCESSFUL" || len(c.asked()) != asked {
				t.Errorf("%s, asked %q", o.Status, c.asked()[asked:])
			}
			eventually(t, func() error {
				sent := c.notifications(a)
				if c.refused(sent[len(sent)-1]) {
					return nil
				}
				locked(c, func() bool { return c.step(c.now().Add(time.Minute)) })
				return errNotYet
			})
			before := len(c.notifications(a))
			for range 5 {
				c.gap(b, time.Minute)
			}
			if after := len(c.notifications(a)); after != before {
				t.Errorf("%d notifications behind the Reset", after-before)
			}
			if slices.ContainsFunc(c.notifications(b), c.refused) {
				t.Error("the other observation was reset")
			}
			c.surfaced("/3/0/8")
			if r := c.registration(); len(r.Observations) != 1 || r.Observations[0].Paths[0] != "/3/0/8" {
				t.Errorf("observations %v", r.Observations)
			}
		})
	}
}

func TestOMA303(t *testing.T) {
	each(t, every(time.Second, since10), func(t *testing.T, c *client) {
		c.expect("2.05", "observe /3/0/7")
		c.expect("2.05", "observe /3/0/8")
		a, b := c.observation("/3/0/7"), c.observation("/3/0/8")
		c.gap(a, time.Minute)
		c.expect("2.05", "cancelobservation /3/0/7")
		last := locked(c, func() *coap.Message {
			i := len(c.log) - 1
			for !c.log[i].in || !c.log[i].Code.IsRequest() {
				i--
			}
			return c.log[i].Message
		})
		if o, ok := last.Observe(); !ok || o != 1 || string(last.Token) != a || last.Path() != "3/0/7" {
			t.Errorf("asked %s with token %x, want %x", words(last), last.Token, a)
		}
		before := len(c.notifications(a))
		for range 5 {
			c.gap(b, time.Minute)
		}
		if after := len(c.notifications(a)); after != before {
			t.Errorf("%d notifications behind the cancellation", after-before)
		}
		c.expect("2.05", "cancelobservation /3/0/8")
		before = len(c.notifications(b))
		c.pass(time.Minute)
		if after := len(c.notifications(b)); after != before || len(c.registration().Observations) > 0 {
			t.Errorf("%d notifications behind the cancellation, observations %v", after-before, c.registration().Observations)
		}
	})
}

func TestOMA304(t *testing.T) {
	t.Parallel()
	for _, o := range since11 {
		t.Run(o.Version.String(), func(t *testing.T) {
			t.Parallel()
			n := another(t, nil) // of its own: what it takes is counted
			c := meet(t, n, o)
			c.expect("2.04", "writeattr /1/0/1 pmin=30&pmax=45")
			c.expectValues("cobserve /1/0/1 /3/0/11/0 /3/0/16", "/1/0/1=86400", "/3/0/11/0=0", `/3/0/16="U"`)
			if got := c.lastAsked(); !strings.HasPrefix(got, "FETCH / ") || !strings.Contains(got, "observe=0") {
				t.Errorf("asked %s", got)
			}
			token := c.observation("/")
			for i := range 3 {
				c.within(c.gap(token, time.Minute), 30*time.Second, 45*time.Second)
				eventually(t, func() error {
					if n.events(t, "notified") != i+1 {
						return errNotYet
					}
					return nil
				})
				v := c.values()
				if at := v["/1/0/1"].Time; v["/3/0/11/0"].Time != at || v["/3/0/16"].Time != at {
					t.Errorf("not all values of a notification: %v", v)
				}
			}
		})
	}
}

func TestOMA305(t *testing.T) {
	each(t, since11, func(t *testing.T, c *client) {
		c.expect("2.05", "cobserve /1/0/1 /3/0/11/0 /3/0/16")
		token := c.observation("/")
		asked := c.lastAsked()
		c.gap(token, time.Minute)
		c.expect("2.05", "cancelobservation /3/0/16 /1/0/1 /3/0/11/0")
		if got, want := c.lastAsked(), strings.Replace(asked, "observe=0", "observe=1", 1); got != want {
			t.Errorf("asked %s, want %s", got, want)
		}
		before := len(c.notifications(token))
		c.pass(5 * time.Minute)
		if after := len(c.notifications(token)); after != before || len(c.registration().Observations) > 0 {
			t.Errorf("%d notifications behind the cancellation", after-before)
		}
	})
}

// send makes the device send, and waits until that was accepted.
func (c *client) send(r device.Report) {
	c.t.Helper()
	before := c.happened(device.Sent, "")
	locked(c, func() bool {
		out, err := c.device.Send(c.now(), r)
		if err != nil {
			c.t.Error(err)
		}
		c.gives(out)
		c.arm()
		return true
	})
	c.awaitEvent(device.Sent, before+1)
}

func TestOMA306(t *testing.T) {
	kinds := every(time.Second, since11)
	each(t, kinds, func(t *testing.T, c *client) {
		formats := []lwm2m.Format{lwm2m.FormatSenMLJSON, lwm2m.FormatSenMLCBOR}
		if c.registration().Version == "1.2" {
			formats = append(formats, lwm2m.FormatLwM2MCBOR)
		}
		for _, f := range formats {
			begin := time.Now().Truncate(time.Millisecond)
			c.send(device.Report{Paths: paths("/3/0/0", "/3303/0/5701"), Format: f})
			last := c.awaitValue("/3303/0/5701", lwm2m.String("Cel"))
			if v := c.values()["/3/0/0"]; v.Value != lwm2m.String("Dormouse Works") || last.Time.Before(begin) || !last.Device.IsZero() {
				t.Errorf("%s: %v, %v", f, v, last)
			}
		}
		c.pass(time.Minute)
		c.send(device.Report{Paths: paths("/3303/0/5700"), Format: lwm2m.FormatSenMLCBOR, History: 5})
		stamp := locked(c, func() time.Time {
			s := c.device.Tree().Sensors()
			return s.SampledAt(s.Sample(c.now()))
		})
		v := c.values()["/3303/0/5700"]
		want := locked(c, func() lwm2m.Value { return c.device.Tree().Value(path("/3303/0/5700"), v.Device.Add(time.Millisecond)) }) // stamps are shown in whole ms
		if v.Value != want || stamp.Sub(v.Device) > 2*time.Second || v.Device.IsZero() {
			t.Errorf("%v of %v, want %s of about %v", v.Value, v.Device, want, stamp)
		}
	})
}

func TestOMA307(t *testing.T) {
	kinds := slices.Clone(since11)
	for i := range kinds {
		kinds[i].Send = device.Report{Paths: paths("/3/0/9"), Every: 10 * time.Second}
	}
	each(t, kinds, func(t *testing.T, c *client) {
		c.pass(35 * time.Second)
		if n := c.happened(device.Sent, ""); n != 3 {
			t.Errorf("%d sends in 35 s", n)
		}
		c.expect("2.04", "write /1/0/23 true")
		if got := c.lastAsked(); !strings.HasPrefix(got, "PUT /1/0/23 ") {
			t.Errorf("asked %s", got)
		}
		before := c.happened(device.Sent, "")
		c.pass(time.Minute)
		if n := c.happened(device.Sent, ""); n != before {
			t.Errorf("%d sends while muted", n-before)
		}
		c.expect("2.04", "write /1/0/23 false")
		c.pass(35 * time.Second)
		if n := c.happened(device.Sent, ""); n < before+3 {
			t.Errorf("%d sends when no longer muted", n-before)
		}
		if v := c.values()["/3/0/9"]; v.Value.Kind() != lwm2m.KindInteger {
			t.Errorf("sent %v", v)
		}
	})
}

func TestOMA308(t *testing.T) {
	each(t, since11, func(t *testing.T, c *client) {
		c.expect("2.04", "writeattr /16/0 pmin=30&pmax=45")
		c.expectValues("cobserve /16/0 /16/1", `/16/0/0/0="Host Device ID #1"`, "/16/1=null")
		token := c.observation("/")
		c.expect("2.01", `create /16 {"id":1,"0":{"0":"new"}}`)
		c.within(c.gap(token, time.Minute), 30*time.Second, 45*time.Second)
		c.awaitValue("/16/1/0/0", lwm2m.String("new"))
		c.awaitValue("/16/0/0/0", lwm2m.String("Host Device ID #1"))
		if r := c.registration(); !slices.Contains(r.Objects, "/16/1") {
			t.Errorf("the Update's list is %v", r.Objects)
		}
	})
}

func TestOMA309(t *testing.T) {
	each(t, since11, func(t *testing.T, c *client) {
		c.expect("2.01", `create /16 {"id":1,"0":{"0":"new"}}`)
		c.expect("2.04", "writeattr /16/0 pmin=30&pmax=45")
		c.expectValues("cobserve /16/0 /16/1", `/16/0/0/0="Host Device ID #1"`, `/16/1/0/0="new"`)
		token, begin := c.observation("/"), time.Now()
		c.expect("2.02", "delete /16/1")
		c.within(c.gap(token, time.Minute), 30*time.Second, 45*time.Second)
		eventually(t, func() error {
			if v := c.values()["/16/0/0/0"]; v.Time.Before(begin.Truncate(time.Millisecond)) {
				return errNotYet
			}
			return nil
		})
		if last := c.notifications(token); strings.Contains(string(last[len(last)-1].Payload), "new") {
			t.Errorf("notified %q", last[len(last)-1].Payload)
		}
		if v := c.values()["/16/1/0/0"]; v.Time.After(begin) {
			t.Errorf("value of what was deleted: %v", v)
		}
		c.awaits("the Update's list", func(r registration) bool { return !slices.Contains(r.Objects, "/16/1") })
	})
}

func TestOMA310(t *testing.T) {
	each(t, every(never, since11), func(t *testing.T, c *client) {
		c.expect("2.05", "cobserve /1/0/3 /3/0")
		token := c.observation("/")
		c.pass(time.Minute)
		if n := len(c.notifications(token)); n > 0 {
			t.Errorf("%d notifications before the attribute", n)
		}
		c.expect("2.04", "writeattr /3 pmax=5")
		c.gap(token, 10*time.Second) // at once, since the time is over
		for range 5 {
			c.within(c.gap(token, time.Minute), 5*time.Second, 5*time.Second)
		}
		c.surfaced("/", "/1/0/3", "/3/0/0")
	})
}

func TestOMA311(t *testing.T) {
	each(t, since11, func(t *testing.T, c *client) {
		c.send(device.Report{Paths: paths("/1/0/1", "/3/0/11/0")})
		c.awaitValue("/1/0/1", lwm2m.Integer(86400))
		c.awaitValue("/3/0/11/0", lwm2m.Integer(0))
	})
}

func TestOMA312(t *testing.T) {
	each(t, every(time.Second, since12), func(t *testing.T, c *client) {
		c.expect("2.05", "observe /3/0/7 pmin=5&pmax=15")
		if got := c.lastAsked(); !strings.HasPrefix(got, "GET /3/0/7?pmin=5&pmax=15 ") || !strings.HasSuffix(got, "observe=0") {
			t.Errorf("asked %s", got)
		}
		token := c.observation("/3/0/7")
		for range 5 {
			c.within(c.gap(token, time.Minute), 5*time.Second, 15*time.Second)
			c.surfaced("/3/0/7", "/3/0/7/0")
		}
		c.expectValues("discover /3/0/7", `/3/0/7={"dim":2}`)
	})
}

func TestOMA313(t *testing.T) {
	each(t, every(never, since12), func(t *testing.T, c *client) {
		c.expect("2.04", "writeattr /3/0/7 pmin=5&pmax=60")
		c.expect("2.05", "observe /3/0/7 pmin=5&pmax=10")
		token := c.observation("/3/0/7")
		for range 3 {
			c.within(c.gap(token, time.Minute), 10*time.Second, 10*time.Second)
		}
		c.surfaced("/3/0/7", "/3/0/7/0")
	})
}
