package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net/netip"
	"reflect"
	"testing"

	"dormouse/codec/ids"
)

var forwards = []struct {
	name string
	fwd  Forward
	hex  string
}{
	{"towards its owner", Forward{Hops: 1, Topology: 7, Path: paths[0].path, Datagram: []byte{0x40, 1, 2, 3}},
		"01" + "07" + "0000c00002011633" + "04" + "40010203"},
	{"an answer", Forward{Kind: ToIngress, Hops: 2, Topology: 300, Path: paths[1].path, Datagram: []byte{0xaa}},
		"06" + "ac02" + "0203c00002011633c6336407" + "01" + "aa"},
	{"a DTLS record on its third link", Forward{DTLS: true, Hops: 3, Ingress: Node{0x0102030405060708, 9}, Path: paths[2].path, Datagram: []byte{}},
		"1b" + "00" + "0102030405060708" + "0000000000000009" + "01ff20010db8000000000000000000000001ffff" + "00"},
	{"by a signpost", Forward{Hops: 2, Path: paths[0].path, Endpoint: 0x1112131415161718, Datagram: []byte{0x60}},
		"22" + "00" + "0000c00002011633" + "1112131415161718" + "01" + "60"},
	{"by what was told once", Forward{DTLS: true, Hops: 1, Path: paths[0].path, Endpoint: 0x1112131415161718, Hinted: true, Datagram: []byte{0x60}},
		"69" + "00" + "0000c00002011633" + "1112131415161718" + "01" + "60"},
	{"an answer that tells whose the device is", Forward{Kind: ToIngress, Hops: 1, Path: paths[0].path, Endpoint: 0x1112131415161718, Datagram: []byte{0x60}},
		"25" + "00" + "0000c00002011633" + "1112131415161718" + "01" + "60"},
	{"news of a Connection ID alone", Forward{Kind: ToIngress, DTLS: true, Hops: 1, Path: paths[0].path, Endpoint: 0x1112131415161718, CID: ids.CID{0x11, 0x23, 0xde, 0xad, 0xbe, 0xef, 0xed, 0xb6}, Datagram: []byte{}},
		"ad" + "00" + "0000c00002011633" + "1112131415161718" + "1123deadbeefedb6" + "00"},
	{"news that it is nobody's", Forward{Kind: ToIngress, DTLS: true, Hops: 1, Path: paths[0].path, CID: ids.CID{0x11, 0x23, 0xde, 0xad, 0xbe, 0xef, 0xed, 0xb6}, Datagram: []byte{}},
		"8d" + "00" + "0000c00002011633" + "1123deadbeefedb6" + "00"},
}

func TestForwardsBothWaysAndCut(t *testing.T) {
	for _, tc := range forwards {
		b := tc.fwd.Append(nil)
		if got := hex.EncodeToString(b); got != tc.hex {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.hex)
		}
		if len(b) > tc.fwd.MaxLen() {
			t.Errorf("%s: %d bytes, MaxLen %d", tc.name, len(b), tc.fwd.MaxLen())
		}
		got, n, err := ParseForward(append(b, 0xee))
		if err != nil || n != len(b) || !reflect.DeepEqual(got, tc.fwd) {
			t.Errorf("%s: %+v, %d bytes, %v", tc.name, got, n, err)
		}
		for cut := range b {
			if got, n, err := ParseForward(b[:cut]); !errors.Is(err, ErrForward) || n != 0 || !reflect.DeepEqual(got, Forward{}) {
				t.Errorf("%s cut at %d: %+v, %d, %v", tc.name, cut, got, n, err)
			}
		}
	}
}

func TestMalformedForwards(t *testing.T) {
	for name, text := range map[string]string{
		"no hop":                   "00" + "07" + "0000c00002011633" + "00",
		"an endpoint of 0":         "21" + "07" + "0000c00002011633" + "0000000000000000" + "00",
		"a hint of nobody":         "41" + "07" + "0000c00002011633" + "00",
		"a hint in an answer":      "65" + "07" + "0000c00002011633" + "0000000000000001" + "00",
		"an answer's CID":          "81" + "07" + "0000c00002011633" + "0000000000000001" + "00",
		"a CID of 0":               "85" + "07" + "0000c00002011633" + "0000000000000000" + "00",
		"topology beyond 64 bits":  "01" + "ffffffffffffffffff7f" + "0000c00002011633" + "00",
		"an unknown flag of paths": "01" + "07" + "2000c00002011633" + "00",
		"a length beyond 64 bits":  "01" + "07" + "0000c00002011633" + "ffffffffffffffffff7f",
		"longer than any": "01" + "07" + "0000c00002011633" + "808004" +
			hex.EncodeToString(make([]byte, 1<<16)),
	} {
		raw, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, _, err := ParseForward(raw); !errors.Is(err, ErrForward) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// TestTheLongestForward holds the arithmetic of MaxForwarded.
func TestTheLongestForward(t *testing.T) {
	long := netip.MustParseAddr("2001:db8::1")
	fwd := Forward{Kind: ToIngress, Hops: MaxHops, Topology: 1<<64 - 1, Ingress: Node{1, 1}, Endpoint: 1, CID: ids.CID{1},
		Path: ReturnPath{Node: 1, Peer: netip.AddrPortFrom(long, 1), Local: long, Port: 1}, Datagram: make([]byte, MaxForwarded)}
	b := fwd.Append(nil)
	if len(b) != fwd.MaxLen() || len(b)+64 != 65507 {
		t.Errorf("%d bytes, MaxLen %d", len(b), fwd.MaxLen())
	}
	if got, _, err := ParseForward(b); err != nil || !reflect.DeepEqual(got, fwd) {
		t.Error(err)
	}
}

// TestTheSignOfAnAnswer is that by which the device's datagram was looked up.
func TestTheSignOfAnAnswer(t *testing.T) {
	peer := netip.MustParseAddrPort("192.0.2.1:5683")
	for _, sign := range []Sign{AddressSign(peer), SecureSign(peer), CIDSign(ids.Key{1}.NewCID(3, 7))} {
		fwd := Forward{Kind: ToIngress, DTLS: sign.Class != ClassAddress, Hops: 1, Path: ReturnPath{Peer: peer}}
		fwd.SetSign(sign)
		got, _, err := ParseForward(fwd.Append(nil))
		if err != nil || got.Sign() != sign {
			t.Errorf("%v became %v, %v", sign, got.Sign(), err)
		}
	}
}

func FuzzParseForward(f *testing.F) {
	for _, tc := range forwards {
		raw, _ := hex.DecodeString(tc.hex)
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fwd, n, err := ParseForward(data)
		if err != nil {
			return
		}
		if n > len(data) || len(fwd.Datagram) > MaxForwarded || fwd.Hops < 1 || fwd.Hops > MaxHops {
			t.Fatalf("%x: %+v, %d bytes", data, fwd, n)
		}
		b := fwd.Append(nil)
		again, k, err := ParseForward(b)
		if err != nil || k != len(b) || !bytes.Equal(again.Append(nil), b) || !bytes.Equal(again.Datagram, fwd.Datagram) {
			t.Fatalf("%x: %+v became %+v, %v", data, fwd, again, err)
		}
	})
}
