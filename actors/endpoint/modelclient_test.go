package endpoint

import (
	"fmt"
	"strings"

	"dormouse/codec/coap"
	"dormouse/codec/ids"
	"dormouse/codec/platform"
)

func (m *trial) request(code coap.Code, path string, queries ...string) *coap.Message {
	msg := &coap.Message{Type: coap.Confirmable, Code: code, MessageID: m.device.nextMID(), Token: []byte{byte(m.device.mid)}}
	if m.device.chance(10) && !m.device.kind {
		msg.Type = coap.NonConfirmable
	}
	msg.AddPath(path)
	for _, q := range queries {
		msg.AddString(coap.OptUriQuery, q)
	}
	return msg
}

// register makes the device register, in one message or in blocks.
func (m *trial) register() {
	q := []string{"ep=" + testName, fmt.Sprintf("lt=%d", []int{0, 20, 300, 86400}[m.random.IntN(4)]), "lwm2m=1.1"}
	if m.random.IntN(2) == 0 {
		q = append(q, "Q")
	}
	if m.random.IntN(4) == 0 {
		q = append(q, "at=20000")
	}
	body := `</>;rt="oma.lwm2m";ct="110",</1/0>,</3/0>,</16/0>,</3303/0>`
	if m.device.kind || m.random.IntN(3) > 0 {
		msg := m.request(coap.POST, "rd", q...)
		msg.AddUint(coap.OptContentFormat, 40)
		msg.Payload = []byte(body)
		m.say(msg)
		if m.random.IntN(5) == 0 {
			m.say(msg)
		}
		return
	}
	for i := 0; i*32 < len(body); i++ {
		msg := m.request(coap.POST, "rd", q...)
		msg.AddUint(coap.OptContentFormat, 40)
		msg.AddBlock(coap.OptBlock1, coap.Block{Num: uint32(i), More: (i+1)*32 < len(body), SZX: 1})
		msg.Payload = []byte(body[i*32 : min(len(body), (i+1)*32)])
		m.say(msg)
	}
}

// uplink is a request of a device that thinks it is registered.
func (m *trial) uplink() {
	if !m.device.hears {
		m.register()
		return
	}
	location := "rd/" + ids.Location{Endpoint: m.e.id, Count: uint8(m.e.at.Count)}.String()
	switch m.random.IntN(8) {
	case 0:
		m.say(m.request(coap.POST, location, "lt=60"))
	case 1:
		m.say(m.request(coap.POST, location, "b=UX"))
	case 2:
		m.say(m.request(coap.DELETE, location))
	case 3, 4:
		msg := m.request(coap.POST, "dp")
		msg.AddUint(coap.OptContentFormat, 110)
		msg.Payload = m.device.value("3303/0/5700")
		m.say(msg)
	default:
		m.say(m.request(coap.POST, location))
	}
}

// garbage is what no device should say.
func (m *trial) garbage() {
	msg := &coap.Message{Type: coap.Type(m.random.IntN(4)), Code: coap.Code(m.random.IntN(256)), MessageID: uint16(m.random.Uint32())}
	if msg.Code != coap.Empty {
		msg.Token = make([]byte, m.random.IntN(9))
		msg.AddUint(coap.OptObserve, m.random.Uint32()&0xffffff)
		if m.random.IntN(2) == 0 {
			msg.Add(coap.OptBlock2, []byte{byte(m.random.Uint32())})
		}
		msg.Payload = []byte("x")
	}
	m.say(msg)
}

// submit creates an operation. Each deed has a number of its own.
func (m *trial) submit() {
	m.number++
	n, retry := m.number, m.random.IntN(6) == 0
	long := strings.Repeat("x", 1500)
	commands := []string{
		fmt.Sprintf("execute /3/0/4 0='%d'", n), fmt.Sprintf(`create /16 {"id":%d,"0/0":"%s"}`, n, long),
		"read /3/0/9", "read /3/0", "read /3/0/7", "observe /3/0/7", "discover /3", "write /1/0/1 60", "write /16/0/0/0 " + long,
		"observe /3303/0/5700", "observe /3/0/9", "cobserve /3/0/9 /3303/0/5700", "cread /1/0 /3/0",
		"cancelobservation /3/0/9", "cancelobservation /3303/0/5700 /3/0/9", "cancelobservation -p /3303/0/5700",
		"writeattr /3/0/9 pmin=5&pmax=10", "writeattr /3/0/9 pmin&pmax&cancel", "serialization SENML_JSON",
		fmt.Sprintf("execute /3/0/4 0='%d'", n), fmt.Sprintf(`create /16 {"id":%d,"0/0":"a"}`, n), fmt.Sprintf("delete /16/%d", n),
		fmt.Sprintf(`create /16 {"id":%d,"0/0":"%s"}`, n, long),
		fmt.Sprintf("read /3/0/9\nexecute /3/0/5 0='%d'\ndelete /16/%d\nread /1/0/1", n, n),
	}
	text := commands[m.random.IntN(len(commands))]
	if retry {
		for _, deed := range []string{"execute %d", "create %d", "delete 16/%d"} {
			m.twice[fmt.Sprintf(deed, n)] = true
		}
	}
	m.deed(&Submit{Text: text, Retry: retry, Reply: m.replied()})
}

func (m *trial) replied() func(OperationView, error) {
	m.waiting++
	return func(OperationView, error) { m.waiting-- }
}

func (m *trial) done() func(error) {
	m.waiting++
	return func(error) { m.waiting-- }
}

// client is a platform client that interferes.
func (m *trial) client() {
	id := ids.Operation(m.random.Uint64())
	if len(m.ops) > 0 {
		id = m.ops[max(0, len(m.ops)-1-m.random.IntN(5))]
	}
	switch m.random.IntN(12) {
	case 0, 1, 2:
		m.deed(&SetOperation{ID: id, Status: []string{"FAILED", "PENDING", "nonsense"}[m.random.IntN(3)], Reply: m.replied()})
	case 3, 4:
		m.deed(&DropOperation{ID: id, Reply: m.done()})
	case 5:
		m.deed(&Remove{Reply: m.done()})
		m.device.restart()
	default:
		list, err := platform.ParseFragments([]byte([]string{`{"awakeTimeRegistrationParameter":0}`, `{"awakeTimeRegistrationParameter":null}`,
			`{"lwm2mRequestTimeout":10000}`, `{"lwm2mRequestTimeout":300000,"note":"x"}`, `{"serializationFormat":"TLV"}`}[m.random.IntN(5)]))
		if err != nil {
			m.fail("%v", err)
		}
		m.deed(&SetFragments{Fragments: list, Reply: m.done()})
	}
}
