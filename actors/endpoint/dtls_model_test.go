package endpoint

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"dormouse/actors/session"
	"dormouse/codec/coap"
	"dormouse/codec/dtlsrec"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// TestSessionModel lets a device with a session speak from wherever it likes,
// while records are lost, repeated and overtaken, commits fail, and the node dies
// at any moment. No number is ever used twice, and no record has an effect twice.
func TestSessionModel(t *testing.T) {
	runs := 150
	if testing.Short() {
		runs = 30
	}
	for seed := range uint64(runs) {
		m := newSessionModel(t, seed)
		for range 200 {
			m.step()
		}
		if strings.Contains(m.out.String(), "AUDIT") {
			t.Fatalf("seed %d:\n%s", seed, m.out.String())
		}
	}
}

// TestAuditSeesMissingReservation: without the reservation of sequence numbers,
// so that a node which died goes on from the number that was stored last, the
// audit of TestSessionModel fails.
func TestAuditSeesMissingReservation(t *testing.T) {
	for seed := range uint64(20) {
		m := newSessionModel(t, seed)
		m.unreserved = true
		for range 200 {
			m.step()
		}
		if strings.Contains(m.out.String(), "AUDIT: nonce") {
			return
		}
	}
	t.Error("20 runs without reservation, and no number was used twice")
}

// FuzzSessionModel looks for other seeds.
func FuzzSessionModel(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) {
		m := newSessionModel(t, seed)
		for range 200 {
			m.step()
		}
		if strings.Contains(m.out.String(), "AUDIT") {
			t.Fatalf("seed %d:\n%s", seed, m.out.String())
		}
	})
}

type sessionModel struct {
	*world
	random     *rand.Rand
	mid        uint16
	unreserved bool
	counted    map[*secured]map[int]bool // records whose effects are committed
}

func newSessionModel(t *testing.T, seed uint64) *sessionModel {
	m := &sessionModel{world: newWorld(t), random: rand.New(rand.NewPCG(seed, 5)), counted: map[*secured]map[int]bool{}}
	m.env.Random = m.random.Uint32
	m.handle(&SetCredentials{Endpoint: testName, Identity: "psk-1", Key: []byte{1}, Reply: func(string, error) {}})
	m.handshake(m.peer, true, 0)
	m.say(coap.POST, "rd", "lwm2m=1.1", "lt=600")
	return m
}

func (m *sessionModel) step() {
	switch n := m.random.IntN(100); {
	case n < 30:
		m.say(coap.POST, "rd/"+m.location())
	case n < 40:
		m.say(coap.POST, "rd", "lwm2m=1.1", "lt=600")
	case n < 50:
		if sent := len(m.device.sent); sent > 0 {
			m.arrive(m.random.IntN(sent)) // again, or at last
		}
	case n < 60:
		m.handle(&Submit{Text: "read /3/0/" + fmt.Sprint(m.random.IntN(20)), Reply: func(OperationView, error) {}})
	case n < 70:
		m.advance(time.Duration(m.random.IntN(4000)) * time.Millisecond)
	case n < 80:
		m.dies()
	case n < 90:
		m.lose = []crash{beforeCommit, afterCommit}[m.random.IntN(2)]
	case n < 93:
		m.device.seal(dtlsrec.TypeApplicationData, []byte{0x50, 0, 0, 1}) // lost, or late
	case n < 95:
		m.handshake(m.peer, m.random.IntN(2) == 0, 0)
		m.start()
	default:
		m.peer = fmt.Sprintf("192.0.2.%d:%d", m.random.IntN(5), 1+m.random.IntN(3))
	}
	if m.device == nil {
		m.t.Fatal("no session")
	}
}

func (m *sessionModel) location() string {
	m.start()
	return ids.Location{Endpoint: m.e.id, Count: uint8(m.e.at.Count)}.String()
}

// say is a request of the device, which arrives as a rule.
func (m *sessionModel) say(code coap.Code, path string, queries ...string) {
	m.mid++
	msg := &coap.Message{Code: code, MessageID: m.mid, Token: []byte{byte(m.mid)}}
	msg.AddPath(path)
	for _, q := range queries {
		msg.AddString(coap.OptUriQuery, q)
	}
	if path == "rd" {
		msg.AddUint(coap.OptContentFormat, 40)
		msg.Payload = []byte("</3/0>")
	}
	raw, err := msg.Append(nil)
	if err != nil {
		m.t.Fatal(err)
	}
	m.device.seal(dtlsrec.TypeApplicationData, raw)
	if m.random.IntN(10) > 0 {
		m.arrive(len(m.device.sent) - 1)
	}
}

// arrive delivers a record of the device. One whose effects were committed before
// changes nothing, and nothing is sent for it.
func (m *sessionModel) arrive(n int) {
	m.start()
	d := m.device
	if m.counted[d] == nil {
		m.counted[d] = map[int]bool{}
	}
	before, said := maps.Clone(m.store), m.out.Len()
	m.deliver(m.peer, d.sent[n])
	changed := !maps.EqualFunc(before, m.store, func(a, b []byte) bool { return string(a) == string(b) })
	if out := m.out.String()[said:]; m.counted[d][n] && (changed || strings.Contains(out, "send ")) {
		m.t.Fatalf("record %d has an effect again: %s", n, out)
	}
	m.counted[d][n] = m.counted[d][n] || changed
}

// dies is kill -9: the memory is gone.
func (m *sessionModel) dies() {
	if m.unreserved {
		m.rewind()
	}
	m.e = nil
	m.start()
}

// rewind stores the session as if no numbers had been reserved: it goes on from
// the number that was next when the state was written.
func (m *sessionModel) rewind() {
	m.start()
	key := wire.EndpointKey(m.e.id)
	raw, found, _ := m.store.Get(m.shard.ID, wire.ClassContact, key, nil)
	var c Contact
	if !found || c.Parse(raw) != nil || c.Session == nil {
		return
	}
	reserved, n := binary.Uvarint(c.Session[1:])
	if n <= 0 || reserved < session.Block {
		return
	}
	state := binary.AppendUvarint([]byte{c.Session[0]}, reserved-session.Block)
	c.Session = append(state, c.Session[1+n:]...)
	m.store.apply(m.shard.ID, wire.Write{Kind: wire.Put, Class: wire.ClassContact, Key: key, Value: c.Append(nil)})
}
