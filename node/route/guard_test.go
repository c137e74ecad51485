package route

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"dormouse/actors/endpoint"
	"dormouse/actors/intake"
	"dormouse/actors/shell"
	"dormouse/codec/dtlsrec"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// keep is what stands around a guard.
type keep struct {
	fates   []string
	handles bool // the front has a handshake of the path
	full    bool
}

func (k *keep) Take() *endpoint.Datagram { return new(endpoint.Datagram) }

func (k *keep) Deliver(to shell.Destination, d *endpoint.Datagram) bool {
	if !d.Sealed || d.Path != path {
		k.fates = append(k.fates, "not sealed")
	}
	switch to {
	case shell.ToSign(wire.SecureSign(peer)):
		k.fates = append(k.fates, "address")
	case shell.ToSign(wire.CIDSign(connection)):
		k.fates = append(k.fates, "cid")
	default:
		k.fates = append(k.fates, "?")
	}
	return !k.full
}

func (k *keep) Handles(wire.ReturnPath, []byte) bool { return k.handles }

func (k *keep) Receive(wire.ReturnPath, []byte) { k.fates = append(k.fates, "front") }

var connection = key.NewCID(3, 0x01020304)

func newGuard() (*Guard, *keep) {
	k := &keep{}
	return &Guard{Shell: k, Front: k, Key: key, Shards: 8, Count: func(f intake.Fault) { k.fates = append(k.fates, f.String()) }}, k
}

// record is a whole one with a fragment of four bytes.
func record(t dtlsrec.ContentType, epoch uint16, cid ids.CID) []byte {
	h := dtlsrec.Header{Type: t, Epoch: epoch, Sequence: 7, CID: cid[:], Length: 4}
	return append(h.Append(nil), 1, 2, 3, 4)
}

func TestGuard(t *testing.T) {
	none := ids.CID{}
	forged, elsewhere := connection, ids.Key{9}.NewCID(3, 1)
	forged[7]++
	for _, tc := range []struct {
		name string
		data []byte
		want string
		busy string // where a handshake of the path is under way
	}{
		{"ClientHello", record(dtlsrec.TypeHandshake, 0, none), "front", "front"},
		{"alert in the clear", record(dtlsrec.TypeAlert, 0, none), "front", "front"},
		{"application data", record(dtlsrec.TypeApplicationData, 1, none), "address", "front"},
		{"alert", record(dtlsrec.TypeAlert, 1, none), "address", "front"},
		{"with a Connection ID", record(dtlsrec.TypeCID, 1, connection), "cid", "front"},
		{"with a forged one", record(dtlsrec.TypeCID, 1, forged), "forged_cid", "forged_cid"},
		{"with one of another cluster", record(dtlsrec.TypeCID, 1, elsewhere), "forged_cid", "forged_cid"},
		{"with one of a shard that there is not", record(dtlsrec.TypeCID, 1, key.NewCID(8, 1)), "forged_cid", "forged_cid"},
		{"of epoch 2", record(dtlsrec.TypeApplicationData, 2, none), "address", "front"},
		{"of DTLS 1.3", append([]byte{0x2f}, make([]byte, 20)...), "not_dtls", "not_dtls"},
		{"CoAP", build(con, 2, "rd", query("ep=urn:dev:1")), "not_dtls", "not_dtls"},
		{"nothing", nil, "not_dtls", "not_dtls"},
		{"cut", record(dtlsrec.TypeApplicationData, 1, none)[:15], "not_dtls", "not_dtls"},
	} {
		for _, busy := range []bool{false, true} {
			g, k := newGuard()
			k.handles = busy
			g.Receive(path, tc.data)
			want := map[bool]string{false: tc.want, true: tc.busy}[busy]
			if got := strings.Join(k.fates, " "); got != want {
				t.Errorf("%s, busy=%v: %s, want %s", tc.name, busy, got, want)
			}
		}
	}
	g, k := newGuard()
	k.full = true
	g.Receive(path, record(dtlsrec.TypeCID, 1, connection))
	if fmt.Sprint(k.fates) != "[cid overload]" {
		t.Errorf("full: %v", k.fates)
	}
}

// TestStrayRecordsAreSilent: who cannot open a record answers nothing to it.
func TestStrayRecordsAreSilent(t *testing.T) {
	d := new(endpoint.Datagram)
	d.TakeSealed(path, record(dtlsrec.TypeApplicationData, 1, ids.CID{}))
	if b := Stray(d); b != nil {
		t.Errorf("answered % x", b)
	}
	if d.Path.Peer != netip.AddrPort(peer) || !bytes.Equal(d.Buffer, record(dtlsrec.TypeApplicationData, 1, ids.CID{})) {
		t.Errorf("%+v", d)
	}
}

// FuzzGuard: every datagram has one fate, or two where an inbox is full.
func FuzzGuard(f *testing.F) {
	f.Add(record(dtlsrec.TypeCID, 1, connection))
	f.Add(record(dtlsrec.TypeHandshake, 0, ids.CID{}))
	f.Fuzz(func(t *testing.T, data []byte) {
		g, k := newGuard()
		g.Receive(path, data)
		if len(k.fates) != 1 || k.fates[0] == "?" && data[0] != byte(dtlsrec.TypeCID) {
			t.Fatalf("%x: %v", data, k.fates)
		}
	})
}
