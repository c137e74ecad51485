package peers

import (
	"context"
	"encoding/hex"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"dormouse/cluster/members"
	"dormouse/cluster/stream"
	"dormouse/codec/format"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
	"dormouse/node/formats"
)

// known is a State of records of the system group.
type known struct {
	mu      sync.Mutex
	records map[string][]byte
}

func (k *known) Get(_ ids.Shard, _ wire.Class, key, _ []byte) ([]byte, bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	value, found := k.records[string(key)]
	return value, found, nil
}

// Scan finds the records of nodes.
func (k *known) Scan(_ ids.Shard, _ wire.Class, _, _ []byte, _ bool, f func(key, value []byte) bool) error {
	k.mu.Lock()
	all := maps.Clone(k.records)
	k.mu.Unlock()
	for key, value := range all {
		if len(key) == 1+8 && strings.HasPrefix(key, string(nodePrefix)) && !f([]byte(key), value) {
			break
		}
	}
	return nil
}

func (k *known) set(key string, value []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.records[key] = append([]byte(nil), value...)
}

// put adds the record of a node.
func (k *known) put(r Record) { k.set(string(r.key()), r.append(nil)) }

// at is a State at a format level.
func at(l format.Level) *known { return &known{records: map[string][]byte{"format": {1, byte(l)}}} }

// on gives a node a state, a program, and ears for what it says.
func on(t *testing.T, o Options, state *known, program format.Range) (Options, *ears) {
	t.Helper()
	f, err := formats.Open(program, state, 0)
	if err != nil {
		t.Fatal(err)
	}
	e := &ears{}
	o.State, o.Formats, o.Unfit = state, f, func(err error) { e.hear("unfit: " + err.Error()) }
	o.Log = slog.New(slog.NewTextHandler(e, nil))
	return o, e
}

// ears keep what a node says.
type ears struct {
	mu   sync.Mutex
	text strings.Builder
}

func (e *ears) Write(b []byte) (int, error) { e.hear(string(b)); return len(b), nil }

func (e *ears) hear(s string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.text.WriteString(s + "\n")
}

func (e *ears) heard(s string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return strings.Contains(e.text.String(), s)
}

// puppet is node 9: it gossips what it is told to, and keeps the frames that it gets.
type puppet struct {
	mesh    *stream.Mesh
	mu      sync.Mutex
	frames  []string // in hexadecimal digits
	refused []string
}

func newPuppet(t *testing.T, reads format.Range, writes format.Level, others ...*Peers) *puppet {
	t.Helper()
	p, self := &puppet{}, wire.Node{ID: 9, Incarnation: 1}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.mesh, err = stream.New(stream.Options{
		Self: self, Cluster: "mice", Listener: listener,
		Frame: func(_ wire.Node, frame []byte) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.frames = append(p.frames, hex.EncodeToString(frame))
		},
		Serve: func(context.Context, wire.Node, byte, []byte) ([]byte, error) { return nil, stream.ErrBusy },
		Refused: func(_ string, err error) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.refused = append(p.refused, err.Error())
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	var join []string
	var peers []stream.Peer
	for _, other := range others {
		join = append(join, other.o.Bind.String())
		peers = append(peers, stream.Peer{Node: other.o.Self, Addr: netip.MustParseAddrPort(other.at(streamPort))})
	}
	p.mesh.SetPeers(peers)
	m, err := members.Start(members.Options{
		Name: "puppet", ID: self.ID, Incarnation: self.Incarnation, Bind: netip.MustParseAddrPort("127.0.0.1:0"), Join: join,
		Cluster: "mice", Reads: reads, Writes: writes, Ports: members.Ports{Cluster: uint16(listener.Addr().(*net.TCPAddr).Port)},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		if err := p.mesh.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// got says that a frame begins so.
func (p *puppet) got(prefix string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.frames {
		if strings.HasPrefix(f, prefix) {
			return true
		}
	}
	return false
}

func (p *puppet) wasRefused(text string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Contains(strings.Join(p.refused, "\n"), text)
}
