package interop

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/ids"
	"dormouse/codec/platform"
)

// Every recording is said again to a node, which must say what it said then:
// the same messages in the same order, the same results of commands, the same
// values. Only what a node draws by chance is replaced: its message IDs, its
// tokens and the locations of registrations.
func TestReplay(t *testing.T) {
	files, err := filepath.Glob("../../testdata/clients/*/*.hex")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("there are no recordings")
	}
	for _, name := range files {
		short := filepath.Base(filepath.Dir(name)) + "/" + strings.TrimSuffix(filepath.Base(name), ".hex")
		t.Run(short, func(t *testing.T) { replay(t, name) })
	}
}

func replay(t *testing.T, name string) {
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	steps, err := parseRecording(file)
	if err != nil {
		t.Fatal(err)
	}
	p := newPlayer(t)
	for _, s := range steps {
		if err := p.play(s); err != nil {
			t.Fatalf("line %d: %c %s %s\n%v", s.line, s.kind, s.name, s.text, err)
		}
	}
	if len(p.open) > 0 || len(p.early) > 0 {
		t.Errorf("left over: %d commands and %d messages of the node", len(p.open), len(p.early))
	}
}

// player is the client of a recording, and the operator.
type player struct {
	node
	t      *testing.T
	conn   *net.UDPConn
	name   string // endpoint
	device ids.Object
	open   []ids.Operation // commands in the order of their posts

	// What the node drew, by what it drew when it was recorded.
	messages  map[uint16]uint16
	tokens    map[string]string
	locations map[string]string

	heard map[string]bool // the node's datagrams: a repeated one says nothing new
	// From the moment on that the device is said to sleep, the node may ask
	// before it is told to: whether it was asleep is a matter of milliseconds.
	sleepy bool
	early  []*coap.Message
}

func newPlayer(t *testing.T) *player {
	n := start(t)
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(n.coap))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &player{
		node: n, t: t, conn: conn, heard: map[string]bool{},
		messages: map[uint16]uint16{}, tokens: map[string]string{}, locations: map[string]string{},
	}
}

func (p *player) play(s step) error {
	switch s.kind {
	case '>':
		return p.say(s.coap)
	case '<':
		return p.expect(s.coap)
	case '!':
		o, err := p.Submit(p.device, s.text, "")
		p.open = append(p.open, o.ID)
		return err
	case '=':
		return p.ended(s.name, s.text)
	case '?':
		p.value(p.t, p.device, s.name, s.text)
	case '%':
		p.sleepy = true
		p.set(p.t, p.device, s.text)
	}
	return nil
}

// ended compares the end of the oldest open command with the recorded one.
func (p *player) ended(status, results string) error {
	if len(p.open) == 0 {
		return errors.New("no command is open")
	}
	o, err := p.Ended(p.open[0])
	p.open = p.open[1:]
	if err == nil && (o.Status != platform.Status(status) || string(o.Results) != results) {
		err = fmt.Errorf("it ended %s %s", o.Status, o.Results)
	}
	return err
}

// say sends what the client said, to this node.
func (p *player) say(m *coap.Message) error {
	m = m.Clone()
	if m.Type == coap.Acknowledgement || m.Type == coap.Reset {
		mid, known := p.messages[m.MessageID]
		if !known {
			return fmt.Errorf("it answers message %04x, which the node has not sent", m.MessageID)
		}
		m.MessageID = mid
	}
	switch {
	case m.Code.IsResponse():
		token, known := p.tokens[string(m.Token)]
		if !known {
			return fmt.Errorf("the node has not sent token %x", m.Token)
		}
		m.Token = []byte(token)
	case m.Code.IsRequest():
		p.learnName(m)
		p.relocate(m, coap.OptUriPath)
	}
	datagram, err := m.Append(nil)
	if err == nil {
		_, err = p.conn.Write(datagram)
	}
	return err
}

// learnName takes the endpoint's name from a Register.
func (p *player) learnName(m *coap.Message) {
	for _, q := range m.Queries() {
		if name, ok := strings.CutPrefix(q, "ep="); ok {
			p.name = name
		}
	}
}

// relocate replaces the location of a registration in a path.
func (p *player) relocate(m *coap.Message, id coap.OptionID) {
	for i, o := range m.Options {
		if location, known := p.locations[string(o.Value)]; known && o.ID == id {
			m.Options[i].Value = []byte(location)
		}
	}
}

// expect waits for what the node said when it was recorded.
func (p *player) expect(want *coap.Message) error {
	for i, m := range p.early {
		if p.same(want, m) == nil {
			p.early = slices.Delete(p.early, i, i+1)
			return p.learn(want, m)
		}
	}
	for {
		m, err := p.listen()
		if err != nil {
			return err
		}
		err = p.same(want, m)
		if err == nil {
			return p.learn(want, m)
		}
		if !p.sleepy {
			return err
		}
		p.early = append(p.early, m)
	}
}

// silence is how long a node may take for what it has to say.
const silence = 30 * time.Second

// listen returns the node's next message that is no repetition.
func (p *player) listen() (*coap.Message, error) {
	if err := p.conn.SetReadDeadline(time.Now().Add(silence)); err != nil {
		return nil, err
	}
	buffer := make([]byte, 64<<10)
	for {
		n, err := p.conn.Read(buffer)
		if err != nil {
			return nil, err
		}
		if p.heard[string(buffer[:n])] {
			continue
		}
		p.heard[string(buffer[:n])] = true
		var m coap.Message
		if err := coap.Parse(buffer[:n], &m); err != nil {
			return nil, fmt.Errorf("%x: %w", buffer[:n], err)
		}
		return m.Clone(), nil
	}
}

// same compares a message of the node with the recorded one, for which what
// the node draws by chance is looked up; what is met for the first time is
// whatever the node says.
func (p *player) same(want, got *coap.Message) error {
	want = want.Clone()
	if want.Type == coap.Confirmable || want.Type == coap.NonConfirmable {
		want.MessageID = got.MessageID
	}
	if want.Code.IsRequest() {
		if token, known := p.tokens[string(want.Token)]; known {
			want.Token = []byte(token)
		} else {
			want.Token = got.Token
		}
	}
	if recorded, actual := location(want), location(got); recorded != "" && actual != "" {
		for i, o := range want.Options {
			if o.ID == coap.OptLocationPath && string(o.Value) == recorded {
				want.Options[i].Value = []byte(actual)
			}
		}
	}
	a, _ := want.Append(nil)
	b, _ := got.Append(nil)
	if !bytes.Equal(a, b) {
		return fmt.Errorf(" the node says %s\nit should say %s", show(got), show(want))
	}
	return nil
}

// learn keeps what the node drew where it was recorded to draw something.
func (p *player) learn(want, got *coap.Message) error {
	if want.Type == coap.Confirmable || want.Type == coap.NonConfirmable {
		p.messages[want.MessageID] = got.MessageID
	}
	if want.Code.IsRequest() {
		p.tokens[string(want.Token)] = string(got.Token)
	}
	actual := location(got)
	if actual == "" {
		return nil
	}
	p.locations[location(want)] = actual
	m, err := p.DeviceAt("rd/"+actual, p.name)
	p.device = m.ID
	return err
}

// location is the last part of the location of a registration, "" for none.
func location(m *coap.Message) string {
	id, _ := strings.CutPrefix(m.LocationPath(), "rd/")
	return id
}

// show is a message for people.
func show(m *coap.Message) string {
	text := fmt.Sprintf("%s %s %04x token %x", m.Type, m.Code, m.MessageID, m.Token)
	for _, o := range m.Options {
		text += fmt.Sprintf(" %d:%q", o.ID, o.Value)
	}
	return fmt.Sprintf("%s payload %q", text, m.Payload)
}
