package peers

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"dormouse/cluster/stream"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// TestStolenCertificate: whoever has the certificate of one node cannot speak as
// another one that the cluster knows, and as one that it does not know it may ask to
// join under its own name alone.
func TestStolenCertificate(t *testing.T) {
	identity := identities(t)
	state := at(1)
	record := func(id ids.Node, name string) Record {
		return Record{ID: id, Name: name, Addr: netip.MustParseAddrPort("127.0.0.1:1"), Weight: 1, Reads: release}
	}
	state.put(record(2, "node-b"))
	o, heard := on(t, options(1, identity("node-a")), state, release)
	o.Name, o.Welcome = "node-a", func() Welcome { return Welcome{Shards: 6} }
	p := start(t, o)
	dial := func(id ids.Node, certificate string) (*stream.Client, error) {
		c, err := stream.Dial(within(t), p.at(streamPort), stream.DialOptions{Self: wire.Node{ID: id, Incarnation: 7}, Cluster: "mice", Identity: identity(certificate)})
		if err == nil {
			t.Cleanup(func() { _ = c.Close() })
		}
		return c, err
	}

	const says = `it names "node-c", and not "node-b"`
	if _, err := dial(2, "node-c"); !errors.Is(err, stream.ErrRefused) || !strings.Contains(err.Error(), says) {
		t.Error(err)
	}
	until(t, "words", func() bool { return heard.heard("it names \\\"node-c\\\", and not \\\"node-b\\\"") })
	c, err := dial(2, "node-b")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Call(within(t), kindLed, nil); err != nil {
		t.Error(err)
	}

	stranger, err := dial(3, "node-c0")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stranger.Call(within(t), kindWelcome, nil); err != nil {
		t.Error(err)
	}
	for _, kind := range []byte{kindFetch, kindLed, kindAct, kindReload, FirstKind} {
		if _, err := stranger.Call(within(t), kind, nil); !errors.Is(err, stream.ErrBusy) {
			t.Errorf("kind %d: %v", kind, err)
		}
	}
	for _, tc := range []struct {
		r    Record
		says string // "" is taken
	}{
		{record(3, "node-b0"), `it names "node-c0", and not "node-b0"`},
		{record(2, "node-b"), "says hello for another one"},
		{record(3, "node-c0"), ""},
	} {
		_, err := stranger.Call(within(t), kindHello, append([]byte{0}, tc.r.append(nodeKey(tc.r.ID))...))
		if (err == nil) != (tc.says == "") || err != nil && !strings.Contains(err.Error(), tc.says) {
			t.Errorf("hello of %s: %v", tc.r.Name, err)
		}
	}
	until(t, "words", func() bool { return heard.heard("a hello was refused") })
}

// TestAnyName: where names do not count, the CA alone does.
func TestAnyName(t *testing.T) {
	identity := identities(t)
	state := at(1)
	state.put(Record{ID: 2, Name: "node-b", Addr: netip.MustParseAddrPort("127.0.0.1:1"), Weight: 1, Reads: release})
	o, _ := on(t, options(1, identity("anybody")), state, release)
	o.AnyName = true
	p := start(t, o)
	c, err := stream.Dial(within(t), p.at(streamPort), stream.DialOptions{Self: wire.Node{ID: 2, Incarnation: 7}, Cluster: "mice", Identity: identity("somebody")})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Call(within(t), kindLed, nil); err != nil {
		t.Error(err)
	}
}
