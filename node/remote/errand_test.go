package remote

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"

	"dormouse/actors/endpoint"
	"dormouse/actors/session"
	"dormouse/codec/dtlsrec"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
	"dormouse/node/admin"
)

var testPath = wire.ReturnPath{Peer: netip.MustParseAddrPort("192.0.2.1:5684"), Local: netip.MustParseAddr("198.51.100.7"), Listener: 0x80}

func newSession(t testing.TB, identity string, cid ids.CID) *session.Session {
	t.Helper()
	window := dtlsrec.Window{}
	window.Accept(3)
	s, err := session.New(session.Established{
		Secrets:  dtlsrec.Secrets{Suite: dtlsrec.CCM8, KeyBlock: bytes.Repeat([]byte("secret!!"), 5)},
		Identity: identity, Local: cid, HasLocal: true, Peer: []byte{1, 2}, Sent: 5, Window: window,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// serial is that of an endpoint's credentials.
func (w *world) serial(name string) uint64 {
	e := w.nodes[0].env.Key.Endpoint(name)
	raw, _, _ := w.Get(w.shard(e), wire.ClassCredentials, wire.EndpointKey(e), nil)
	c, err := endpoint.ParseCredentials(raw)
	if err != nil {
		w.Error(err)
	}
	return c.Serial
}

// cidIn is a Connection ID whose signpost a node holds.
func (w *world) cidIn(leader ids.Node) ids.CID {
	for shard := range ids.Shard(shards) {
		if w.leader[shard] == leader {
			return w.nodes[0].env.Key.NewCID(shard, 99)
		}
	}
	panic("no shard")
}

// TestEstablishFromEveryNode: the handshake is here, the endpoint and the signpost
// are with any.
func TestEstablishFromEveryNode(t *testing.T) {
	for i := range nodes * nodes {
		inTime(t, func(w *world) {
			name, cid := w.nameIn("d", ids.Node(i%nodes)+1), w.cidIn(ids.Node(i/nodes)+1)
			n := w.nodes[0]
			if _, _, err := n.backend.Credentials().Add(background, credentialsOfNode(name, "i", "k"), false); err != nil {
				t.Fatal(err)
			}
			begin := func(serial uint64) error {
				replied := make(chan error, 2)
				n.router.Establish(n.env.Key.Endpoint(name), &endpoint.Establish{
					Session: newSession(t, "i", cid), Path: testPath, Serial: serial, Reply: func(err error) { replied <- err },
				})
				err := <-replied
				if synctest.Wait(); len(replied) > 0 {
					t.Error("answered twice")
				}
				return err
			}
			if err := begin(w.serial(name) + 1); !errors.Is(err, endpoint.ErrCredentials) {
				t.Errorf("other credentials: %v", err)
			}
			if err := begin(w.serial(name)); err != nil {
				t.Fatal(err)
			}
			e := n.env.Key.Endpoint(name)
			raw, _, _ := w.Get(w.shard(e), wire.ClassContact, wire.EndpointKey(e), nil)
			var c endpoint.Contact
			if err := c.Parse(raw); err != nil || c.Path != testPath || c.Session == nil {
				t.Errorf("%+v, %v", c, err)
			}
			sign := wire.CIDSign(cid)
			if led, found, _ := w.Get(cid.Shard(), sign.Class, sign.Key(), nil); !found || !bytes.Equal(led, wire.EndpointKey(e)) {
				t.Errorf("the signpost leads to %x", led)
			}
			// Without credentials the session ends, and with it the signpost.
			if err := n.backend.Credentials().Remove(background, name); err != nil {
				t.Error(err)
			}
			pass(lastPause)
			synctest.Wait()
			if _, found, _ := w.Get(cid.Shard(), sign.Class, sign.Key(), nil); found {
				t.Error("the signpost is left")
			}
			for _, n := range w.nodes {
				if strings.Contains(n.log.String(), "secret") {
					t.Error("a key is in the log")
				}
			}
		})
	}
}

// TestEstablishMeetsTrouble: sent again if nobody got it, and if somebody may have:
// a session that nobody uses yet may be put in its own place.
func TestEstablishMeetsTrouble(t *testing.T) {
	inTime(t, func(w *world) {
		name := w.nameIn("d", 2)
		n := w.nodes[0]
		e := n.env.Key.Endpoint(name)
		if _, _, err := n.backend.Credentials().Add(background, credentialsOfNode(name, "i", "k"), false); err != nil {
			t.Fatal(err)
		}
		begin := func() error {
			replied := make(chan error, 1)
			n.router.Establish(e, &endpoint.Establish{Session: newSession(t, "i", w.cidIn(1)), Path: testPath, Serial: w.serial(name),
				Reply: func(err error) { replied <- err }})
			return <-replied
		}
		tries := 0
		w.set(func(_ ids.Node, kind byte, _ []byte) (bool, bool) {
			if kind != KindEstablish {
				return false, false
			}
			tries++
			return tries < 4, false
		})
		if err := begin(); err != nil || tries != 4 {
			t.Errorf("%v after %d tries", err, tries)
		}
		tries = 0
		w.set(func(_ ids.Node, kind byte, _ []byte) (bool, bool) {
			if kind == KindEstablish {
				tries++
			}
			return false, kind == KindEstablish
		})
		if err := begin(); !errors.Is(err, admin.ErrUnknown) || tries < 2 {
			t.Errorf("%v after %d tries", err, tries)
		}
		tries = 0
		w.set(func(_ ids.Node, kind byte, _ []byte) (bool, bool) {
			if kind == KindEstablish {
				tries++
			}
			return false, kind == KindEstablish && tries == 1
		})
		if err := begin(); err != nil || tries != 2 {
			t.Errorf("%v after %d tries", err, tries)
		}
		w.set(nil)
		w.move(w.shard(e), 0)
		if err := begin(); !errors.Is(err, admin.ErrBusy) {
			t.Error(err)
		}
		n.believes[w.shard(e)].Store(1) // it is about to lead, and does not yet
		if err := begin(); !errors.Is(err, admin.ErrBusy) {
			t.Error(err)
		}
		n.router.Close()
		if err := begin(); !errors.Is(err, endpoint.ErrClosed) {
			t.Error(err)
		}
	})
}

// TestSignsAreBounded: beyond the bound the answer comes at once.
func TestSignsAreBounded(t *testing.T) {
	inTime(t, func(w *world) {
		n := w.nodes[0]
		n.router.most = 3
		sign := wire.CIDSign(w.cidIn(2))
		w.move(n.env.SignShard(sign), 0)
		done := make(chan error, n.router.most+1)
		for range n.router.most + 1 {
			n.router.RemoteSign(n.env.SignShard(sign), sign, 1, false, func(err error) { done <- err })
		}
		if err := <-done; err != endpoint.ErrBusy {
			t.Error(err)
		}
		for range n.router.most {
			if err := <-done; !errors.Is(err, admin.ErrBusy) {
				t.Fatal(err)
			}
		}
	})
}
