package bootstrap

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
)

var seed = flag.Uint64("seed", 0, "run the simulation with this seed alone")

// TestChaos lets clients of all habits bootstrap over bad networks, from a node that dies
// at any step, before and after its commit, while they restart themselves. In the end a
// session is over, and either the device holds exactly the configuration, or the session
// says what went wrong. Its account is as it was, always.
func TestChaos(t *testing.T) {
	first, last := uint64(1), uint64(1200)
	if testing.Short() {
		last = 200
	}
	if *seed != 0 {
		first, last = *seed, *seed
	}
	var sum tally
	for n := first; n <= last; n++ {
		chaos(t, n, &sum)
		if t.Failed() {
			t.Fatalf("seed %d", n)
		}
	}
	t.Logf("%+v", sum)
	if *seed == 0 && (sum.done*4 < int(last) || sum.failed == 0 || sum.restarts == 0 || sum.reboots == 0) {
		t.Errorf("the simulation does not try what it should: %+v", sum)
	}
}

type tally struct{ done, failed, restarts, reboots, refused int }

// chaos is what one seed makes.
func chaos(t *testing.T, seed uint64, sum *tally) {
	n := newNetwork(t, seed)
	random := n.random
	perfect := random.IntN(5) == 0
	if !perfect {
		n.loss, n.double = random.Float64()*0.3, random.Float64()*0.3
		n.slowest = time.Duration(1+random.IntN(3000)) * time.Millisecond
	}
	h := randomHabits(random)
	c := randomConfig(random, &h)
	nd, d := newNode(n, c), newDevice(n, h)
	connect(nd, d)
	if random.IntN(4) == 0 {
		nd.sealed, nd.identity = true, "bs-id"
		c.Account.Security = Security{Mode: PSK, Identity: "bs-id", Key: NewSecret([]byte("k"))}
		d.noEP = random.IntN(2) == 0
	}
	stale(random, d)
	account := accountOf(d.stored, d.account)
	dying := 0.0
	if !perfect && random.IntN(2) == 0 {
		dying = random.Float64() * 0.3
	}
	nd.fails = func() crash {
		if random.Float64() >= dying {
			return noCrash
		}
		return crash(1 + random.IntN(2))
	}
	n.after(0, d.begin)
	if !perfect && random.IntN(3) == 0 {
		reboot(n, d, sum)
	}
	n.after(Lifetime*6, func() { dying = 0 })
	n.run()
	for end := 0; nd.record != nil && nd.session().Phase() == Running; end++ {
		if end > 3 {
			t.Fatal("the session has no end")
		}
		// The alarm, which outlives the node.
		n.now = n.now.Add(max(0, nd.alarm.Sub(n.now)))
		nd.s, dying = nil, 0
		nd.handle(Tick{})
		n.run()
	}
	verdict(t, nd, d, account, perfect, sum)
}

func reboot(n *network, d *device, sum *tally) {
	n.after(time.Duration(n.random.Int64N(int64(60*time.Second))), func() {
		sum.reboots++
		d.boot()
		d.after(time.Second, d.begin)
	})
}

// stale leaves the traces of a former life: servers, and access control.
func stale(random *rand.Rand, d *device) {
	for i := range uint16(random.IntN(4)) {
		if i == d.account {
			continue
		}
		at := lwm2m.NewPath(0, i)
		for _, n := range securityNodes(at, "coap://old", false, &Security{Mode: NoSec}, 1+i) {
			d.stored[n.Path] = n.Value
		}
		for _, n := range serverNodes(lwm2m.NewPath(1, i), &Server{ShortID: 1 + i}, lwm2m.V1_1) {
			d.stored[n.Path] = n.Value
		}
		d.stored[lwm2m.NewPath(2, i, 0)] = lwm2m.Integer(3)
	}
}

func randomHabits(random *rand.Rand) habits {
	h := []habits{leshan, zephyr, anjay, wakaama, old}[random.IntN(5)]
	h.account = uint16(random.IntN(3))
	h.size = 16 << random.IntN(7)
	h.strict, h.separate = random.IntN(2) == 0, random.IntN(2) == 0
	h.delay = time.Duration(random.IntN(6000)) * time.Millisecond
	h.attempts = 1 + random.IntN(3)
	if random.IntN(8) == 0 {
		h.silent = true
	}
	if random.IntN(6) == 0 {
		at := []string{"DELETE /0", "DELETE /1", "PUT /0/1", "PUT /0/2", "PUT /1/0", "PUT /2/0", "POST /bs", "GET /"}[random.IntN(8)]
		h.refuses = map[string]coap.Code{at: []coap.Code{coap.BadRequest, coap.NotFound, coap.MethodNotAllowed, coap.InternalServerError}[random.IntN(4)]}
	}
	return h
}

// randomConfig is one that can succeed: where the device does not tell the place of its
// account, the operator gives an offset behind it.
func randomConfig(random *rand.Rand, h *habits) *Config {
	c := basic()
	if random.IntN(2) == 0 {
		c = two()
		c.ReadBack = random.IntN(2) == 0
	}
	_, refused := h.refuses["GET /"]
	if hidden := h.discover != coap.Content || h.silent || refused || h.pack; hidden && (h.account > 0 || h.silent) || random.IntN(4) == 0 {
		c.Offset = ptr(h.account + 1)
	}
	if random.IntN(6) == 0 {
		c.Servers[0].ServerKey = make([]byte, random.IntN(2000))
	}
	return c
}

func verdict(t *testing.T, nd *node, d *device, account map[lwm2m.Path]lwm2m.Value, perfect bool, sum *tally) {
	t.Helper()
	untouched(t, d, account)
	if d.overlap && perfect {
		t.Error("two requests were under way at once")
	}
	sum.restarts += nd.restarts
	if nd.record == nil {
		return // the device was never heard
	}
	last := nd.session().Last()
	if last == nil {
		t.Fatalf("the session is %d", nd.session().Phase())
	}
	if nd.restarts == 0 {
		balanced(t, nd)
	}
	sum.refused += min(1, len(last.Refused))
	switch {
	case last.Reason != "":
		sum.failed++
		if perfect && len(d.refuses) == 0 && d.delay < 3*time.Second {
			t.Errorf("failed over a perfect network: %s", last.Reason)
		}
	case len(last.Refused) > 0: // seen
	default:
		sum.done++
		if d.state != deviceDone && !last.Pack {
			t.Errorf("done, says the session; the device is in state %d", d.state)
		}
		if d.state == deviceDone {
			holds(t, effective(nd), d, account)
		}
	}
}

// effective is the configuration with what the device's version makes of it, where the
// session could learn it.
func effective(nd *node) *Config {
	c := nd.config
	if nd.session().r.Found.version != lwm2m.V1_0 {
		return c
	}
	e := *c
	e.Servers = append([]Server(nil), c.Servers...)
	for i := range e.Servers {
		if e.Servers[i].Binding == "" {
			e.Servers[i].Binding = "UQ"
		}
	}
	return &e
}

// balanced: each session that began ends once.
func balanced(t *testing.T, nd *node) {
	t.Helper()
	open := 0
	for _, n := range nd.notices {
		switch n.Kind {
		case Start:
			open++
		case End, Failure:
			open--
		}
		if open < 0 || open > 1 {
			t.Errorf("notices do not pair: %s", fmt.Sprint(lifecycle(nd.notices)))
			return
		}
	}
	if open != 0 {
		t.Errorf("a session has no end: %s", lifecycle(nd.notices))
	}
}

// A node that dies at any event, before or after its commit, ends well.
func TestNodeDiesAtEveryEvent(t *testing.T) {
	for _, h := range []habits{zephyr, leshan, wakaama, old} {
		for _, died := range []crash{beforeCommit, afterCommit} {
			for at := 1; ; at++ {
				var account map[lwm2m.Path]lwm2m.Value
				nd, d := play(t, two(), h, func(nd *node, d *device) {
					account = accountOf(d.stored, d.account)
					nd.fails = func() crash {
						if nd.events == at {
							return died
						}
						return noCrash
					}
				})
				// An answer to Finish that nobody keeps leaves the session in doubt.
				if last := nd.session().Last(); last == nil || last.Reason != "" {
					t.Errorf("account at %d, event %d, %d: %+v", h.account, at, died, last)
				}
				holds(t, effective(nd), d, account)
				if nd.events < at {
					break
				}
			}
		}
	}
}

// A device that restarts behind any request begins anew, and ends well.
func TestDeviceRestartsAtEveryStep(t *testing.T) {
	for _, h := range []habits{zephyr, leshan, wakaama, old} {
		h.attempts = 2
		for at := 1; at < 9; at++ {
			var account map[lwm2m.Path]lwm2m.Value
			booted := false
			nd, d := play(t, two(), h, func(nd *node, d *device) {
				account = accountOf(d.stored, d.account)
				receive := nd.device
				nd.device = func(data []byte) {
					receive(data)
					if !booted && len(d.asked) == at && d.state != deviceDone {
						booted = true
						d.boot()
						d.after(time.Second, d.begin)
					}
				}
			})
			if got := lifecycle(nd.notices); got != "Start Failure Start End" || !booted {
				t.Errorf("account at %d, step %d: %s, %v", h.account, at, got, booted)
			}
			holds(t, effective(nd), d, account)
		}
	}
}
