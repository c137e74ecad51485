package peers

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"dormouse/cluster/members"
	"dormouse/cluster/stream"
	"dormouse/codec/format"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// release and next are the programs of two releases.
var (
	release = format.Range{Oldest: 1, Newest: 1}
	next    = format.Range{Oldest: 1, Newest: format.Synthetic}
)

// TestLevelOnTheWire: what a node sends is of the level that was agreed on, not of
// the newest that its program knows. It leads the system group, of which it tells first.
func TestLevelOnTheWire(t *testing.T) {
	for level, frame := range map[format.Level]string{format.First: "0201" + "0800", format.Synthetic: "0202" + "8010"} {
		o, _ := on(t, options(1, nil), at(level), next)
		p := start(t, o)
		other := newPuppet(t, next, level, p)
		until(t, "the leads", func() bool { return other.got(frame) })
	}
}

// TestProgramThatDoesNotFit: a node that writes what this one does not read ends this
// one; one that does not read what is written here is not spoken to, and both sides say so.
func TestProgramThatDoesNotFit(t *testing.T) {
	o, heard := on(t, options(1, nil), at(format.First), release)
	newPuppet(t, next, format.Synthetic, start(t, o))
	until(t, "the end", func() bool {
		return heard.heard("unfit: peers: node puppet: formats: the program does not fit: the cluster writes format level 2, and this program reads level 1")
	})

	o, heard = on(t, options(2, nil), at(format.Synthetic), next)
	p := start(t, o)
	old := newPuppet(t, release, format.First, p)
	until(t, "words", func() bool {
		return heard.heard("the cluster writes format level 2, and the program of node puppet reads level 1")
	})
	until(t, "the refusal", func() bool { return old.wasRefused("is no peer of node") })
	if len(p.Others()) > 0 || old.got("") {
		t.Errorf("it is there for others: %v", p.Others())
	}
}

// TestLevelRises: a node follows what the system group says, tells the others, and
// gives up those that do not fit any more.
func TestLevelRises(t *testing.T) {
	state := at(format.First)
	o, heard := on(t, options(1, nil), state, next)
	p := open(t, o)
	p.nodes[9] = &node{alive: true, Member: members.Member{Name: "old", Meta: members.Meta{ID: 9, Incarnation: 1}}}
	if err := p.Start(engine{o.Self.ID, 3}); err != nil {
		t.Fatal(err)
	}
	if alive, _ := p.alive(9); !alive {
		t.Error("it does not fit at the first level")
	}
	state.set("format", []byte{1, byte(format.Synthetic)})
	until(t, "the level", func() bool { return heard.heard("this node writes at another format level") })
	until(t, "gossip", func() bool {
		for _, m := range p.members.List() {
			if m.ID == 1 && m.Writes == format.Synthetic {
				return true
			}
		}
		return false
	})
	if alive, _ := p.alive(9); alive {
		t.Error("it fits at the second level")
	}
}

// TestFinalize says what is in the way, and raises the level where nothing is.
func TestFinalize(t *testing.T) {
	record := func(id ids.Node, reads format.Range) Record {
		return Record{ID: id, Name: "node-" + id.String(), Addr: netip.MustParseAddrPort("127.0.0.1:1"), Weight: 1, Reads: reads}
	}
	gone := record(3, release)
	gone.Removed = true
	there := func(reads format.Range) *node {
		return &node{alive: true, Member: members.Member{Meta: members.Meta{ID: 2, Incarnation: 1, Reads: reads, Writes: 1}}}
	}
	for name, tc := range map[string]struct {
		level  format.Level
		record Record // of node 2
		node   *node
		says   string // "" raises
	}{
		"all read it":           {1, record(2, next), there(next), ""},
		"one is of the release": {1, record(2, release), there(release), "level 1 is in force, and the program of node node-0000000000000002 reads level 1"},
		"one went back to it":   {1, record(2, next), there(release), "the program of node node-0000000000000002 reads level 1"},
		"one is down":           {1, record(2, next), nil, "node node-0000000000000002 is not there: start it, or remove it"},
		"it is in force":        {2, record(2, next), there(next), "level 2 is in force"},
	} {
		t.Run(name, func(t *testing.T) {
			state := at(tc.level)
			for _, r := range []Record{record(1, next), tc.record, gone} {
				state.put(r)
			}
			o, _ := on(t, options(1, nil), state, next)
			p := open(t, o)
			written := &writes{engine: engine{1, 1}, state: state}
			p.engine = written
			if p.members = nil; tc.node != nil {
				p.nodes[2] = tc.node
			}
			level, err := p.NextFormat()
			if tc.says != "" {
				if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), tc.says) {
					t.Errorf("%d, %v", level, err)
				}
				if level, err := p.Finalize(t.Context()); !errors.Is(err, ErrFormat) {
					t.Errorf("%d, %v", level, err)
				}
				return
			}
			if err != nil || level != 2 {
				t.Errorf("%d, %v", level, err)
			}
			m, err := members.Start(members.Options{Name: "x", ID: 1, Incarnation: 1, Reads: next, Writes: 1, Bind: netip.MustParseAddrPort("127.0.0.1:0")})
			if err != nil {
				t.Fatal(err)
			}
			p.members = m
			if level, err := p.Finalize(t.Context()); err != nil || level != 2 || string(state.records["format"]) != "\x01\x02" || p.o.Formats.Level() != 2 {
				t.Errorf("%d, %v, %x", level, err, state.records["format"])
			}
			// Who comes with the release before is not taken now.
			old := record(4, release)
			if err := p.takeHello(t.Context(), append([]byte{0}, old.append(nodeKey(4))...)); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "reads level 1") {
				t.Error(err)
			}
		})
	}
}

// writes is an engine that writes to its state at once.
type writes struct {
	engine
	state *known
}

func (w *writes) Propose(_ ids.Shard, b *wire.Batch, done func(error)) {
	err := b.Each(func(write wire.Write) error {
		w.state.set(string(write.Key), write.Value)
		return nil
	})
	go done(err)
}

// TestJoinAtAnotherLevel: a node is told by the cluster that it asks.
func TestJoinAtAnotherLevel(t *testing.T) {
	o, heard := on(t, options(1, nil), at(format.Synthetic), next)
	o.Welcome = func() Welcome { return Welcome{Shards: 6} }
	p := start(t, o)
	dial := stream.DialOptions{Self: wire.Node{ID: 8, Incarnation: 1}, Cluster: "mice"}
	_, err := Ask(within(t), []string{p.o.Bind.String()}, dial, func(reason error) { t.Error(reason) })
	if format.Program().Has(format.Synthetic) {
		t.Skip("this program reads the synthetic level")
	}
	if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "the cluster writes format level 2, and the program of node 0000000000000008 reads level 1") {
		t.Error(err)
	}
	until(t, "words", func() bool { return heard.heard("a node may not join") })
	c, err := stream.Dial(within(t), p.at(streamPort), dial)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	answer, err := c.Call(within(t), kindWelcome, []byte{1, 2})
	if w, bad := parseWelcome(answer); err != nil || bad != nil || w.Level != format.Synthetic {
		t.Errorf("%+v, %v, %v", w, err, bad)
	}
}
