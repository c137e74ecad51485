package exchange

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"testing"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
)

var seed = flag.Uint64("seed", 0, "run the simulation with this seed alone")

// TestSimulation asks a faithful device over bad networks. Whatever the network
// does, each request ends with exactly one result, no body is ever wrong, nothing
// is done twice, and nothing is found to be inconsistent.
func TestSimulation(t *testing.T) {
	outcomes := map[Outcome]int{}
	first, last := uint64(1), uint64(1500)
	if *seed != 0 {
		first, last = *seed, *seed
	}
	for n := first; n <= last; n++ {
		simulate(t, n, outcomes)
		if t.Failed() {
			t.Fatalf("seed %d", n)
		}
	}
	t.Logf("outcomes %v", outcomes)
	if *seed == 0 && (outcomes[Answered] < 1000 || outcomes[NotAcknowledged] == 0 || outcomes[NotAnswered] == 0) {
		t.Errorf("the simulation does not try what it should: %v", outcomes)
	}
}

func simulate(t *testing.T, n uint64, outcomes map[Outcome]int) {
	random := rand.New(rand.NewPCG(n, 0))
	net := &network{t: t, random: random, now: time.Unix(1_800_000_000, 0)}
	perfect := random.IntN(4) == 0
	net.slowest = time.Duration(1+random.IntN(6000)) * time.Millisecond
	if perfect {
		net.slowest = 50 * time.Millisecond
	} else {
		net.loss, net.double = random.Float64()*0.5, random.Float64()*0.5
	}
	d := randomDevice(net)
	s := &server{net: net, client: NewClient(Params{BlockSize: 16 << random.IntN(7)}), device: d.receive, sent: map[uint16]string{}}
	d.server = s.receive
	s.mids.Last = uint16(random.Uint32())
	for i := range 1 + random.IntN(3) {
		done, resets := d.done, s.resets
		req := randomRequest(random, byte(i))
		s.act(s.client.Start(net.now, req, &s.mids, random.Uint32()))
		s.run()
		if len(s.results) != i+1 {
			t.Fatalf("%d results of %d requests", len(s.results), i+1)
		}
		r := s.results[i]
		outcomes[r.Outcome]++
		judge(t, s, d, req, &r, d.done-done)
		if whole := len(d.body) <= d.size && len(req.Payload) <= 16; whole && r.Outcome == Answered && s.resets > resets {
			t.Errorf("a repeated response was rejected")
		}
		if perfect && r.Outcome != Answered {
			t.Errorf("%s over a perfect network: %v", r.Outcome, r.Err)
		}
	}
	if len(d.waiting) > 0 && perfect {
		t.Errorf("%d separate responses were never acknowledged", len(d.waiting))
	}
}

// judge compares what both sides believe.
func judge(t *testing.T, s *server, d *device, req *Request, r *Result, done int) {
	t.Helper()
	if r.Outcome == Broken || r.Outcome == ResetByPeer {
		t.Errorf("%s by a faithful device: %v", r.Outcome, r.Err)
	}
	if done > 1 {
		t.Errorf("%s was done %d times", req.Method, done)
	}
	if r.Outcome != Answered {
		return
	}
	switch {
	case !r.Response.Code.IsSuccess():
		t.Errorf("answered %s", r.Response.Code)
	case !bytes.Equal(r.Response.Payload, d.body):
		t.Errorf("body of %d bytes arrived as %d", len(d.body), len(r.Response.Payload))
	case !bytes.Equal(d.stored, req.Payload):
		t.Errorf("payload of %d bytes arrived as %d", len(req.Payload), len(d.stored))
	case done != 1:
		t.Errorf("answered without having been done")
	}
	for _, id := range []coap.OptionID{coap.OptBlock1, coap.OptBlock2} {
		if _, ok := r.Response.Option(id); ok {
			t.Errorf("the whole answer has option %v", id)
		}
	}
}

func randomDevice(net *network) *device {
	random := net.random
	d := &device{
		net: net, separate: random.IntN(2) == 0, con: random.IntN(2) == 0,
		delay: time.Duration(random.IntN(5000)) * time.Millisecond,
		size:  16 << random.IntN(7), strict: random.IntN(4) == 0, body: randomBody(random),
		seen: map[uint16]*coap.Message{}, waiting: map[uint16]*coap.Message{},
	}
	if random.IntN(2) == 0 {
		d.tag = []byte{byte(random.Uint32())}
	}
	return d
}

// randomBody is empty, of one block, of exactly some blocks, or of many.
func randomBody(random *rand.Rand) []byte {
	switch random.IntN(4) {
	case 0:
		return nil
	case 1:
		return pattern(16 << random.IntN(8))
	}
	return pattern(random.IntN(3000))
}

func randomRequest(random *rand.Rand, token byte) *Request {
	r := &Request{Method: coap.GET, Path: "3/0", Token: []byte{token}, Observe: NoObserve, Accept: lwm2m.FormatNone, Format: lwm2m.FormatNone}
	if random.IntN(2) == 0 {
		r.Method = []coap.Code{coap.PUT, coap.POST, coap.FETCH}[random.IntN(3)]
		r.Format, r.Payload = lwm2m.FormatOpaque, randomBody(random)
	}
	return r
}
