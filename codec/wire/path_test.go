package wire

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"
	"time"

	"dormouse/codec/ids"
	"dormouse/codec/lwm2m"
)

var paths = []struct {
	path ReturnPath
	hex  string
}{
	{ReturnPath{Peer: netip.MustParseAddrPort("192.0.2.1:5683")}, "0000c00002011633"},
	{ReturnPath{Peer: netip.MustParseAddrPort("192.0.2.1:5683"), Local: netip.MustParseAddr("198.51.100.7"), Listener: 3},
		"0203c00002011633c6336407"},
	{ReturnPath{Peer: netip.MustParseAddrPort("[2001:db8::1]:65535"), Listener: 255},
		"01ff20010db8000000000000000000000001ffff"},
	{ReturnPath{Peer: netip.MustParseAddrPort("[2001:db8::1]:1"), Local: netip.MustParseAddr("2001:db8::2")},
		"070020010db800000000000000000000000100" + "01" + "20010db8000000000000000000000002"},
	{ReturnPath{Peer: netip.MustParseAddrPort("10.0.0.1:0"), Local: netip.MustParseAddr("fe80::1")},
		"06000a0000010000fe800000000000000000000000000001"},
	{ReturnPath{Peer: netip.MustParseAddrPort("192.0.2.1:5683"), Local: netip.MustParseAddr("198.51.100.7"), Port: 5684, Listener: 3, Node: 0x0102030405060708},
		"1a03c00002011633c633640716340102030405060708"},
}

func TestReturnPathBothWaysAndCut(t *testing.T) {
	for _, tc := range paths {
		b := tc.path.Append(nil)
		if got := hex.EncodeToString(b); got != tc.hex {
			t.Errorf("%v: %s, want %s", tc.path, got, tc.hex)
		}
		got, n, err := ParseReturnPath(append(b, 0xee))
		if err != nil || n != len(b) || got != tc.path {
			t.Errorf("%v, %d bytes, %v; want %v", got, n, err, tc.path)
		}
		for cut := range b {
			if got, n, err := ParseReturnPath(b[:cut]); err == nil || n != 0 || got != (ReturnPath{}) {
				t.Errorf("%v cut at %d: %v, %d, %v", tc.path, cut, got, n, err)
			}
		}
	}
}

func TestMappedAddressesAreKeptAsIPv4(t *testing.T) {
	mapped := ReturnPath{Peer: netip.MustParseAddrPort("[::ffff:192.0.2.1]:5683"), Local: netip.MustParseAddr("::ffff:198.51.100.7"), Listener: 3}
	if got := hex.EncodeToString(mapped.Append(nil)); got != paths[1].hex {
		t.Errorf("%s, want %s", got, paths[1].hex)
	}
	if !(ReturnPath{}).IsZero() || mapped.IsZero() {
		t.Error("IsZero is wrong")
	}
}

func TestUnknownFlagsAreRefused(t *testing.T) {
	if _, _, err := ParseReturnPath(append([]byte{32}, make([]byte, 40)...)); err == nil {
		t.Error("flag 32 was let through")
	}
}

func FuzzParseReturnPath(f *testing.F) {
	for _, tc := range paths {
		raw, _ := hex.DecodeString(tc.hex)
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, n, err := ParseReturnPath(data)
		if err != nil {
			return
		}
		if n > len(data) {
			t.Fatalf("%x: %d bytes used of %d", data, n, len(data))
		}
		again, k, err := ParseReturnPath(p.Append(nil))
		want := p
		want.Peer = netip.AddrPortFrom(p.Peer.Addr().Unmap(), p.Peer.Port())
		want.Local = p.Local.Unmap()
		if err != nil || again != want || k != len(p.Append(nil)) {
			t.Fatalf("%x: %v became %v, %v", data, p, again, err)
		}
	})
}

func TestKeysGolden(t *testing.T) {
	e, o := ids.Endpoint(0x0102030405060708), ids.Operation(0x1112131415161718)
	at := time.UnixMilli(1_800_000_000_123)
	for name, tc := range map[string]struct {
		key  []byte
		want string
	}{
		"endpoint":         {EndpointKey(e), "0102030405060708"},
		"operation":        {OperationKey(o), "1112131415161718"},
		"device operation": {DeviceOperationKey(e, o), "01020304050607081112131415161718"},
		"object":           {ObjectKey(0x2122232425262728), "2122232425262728"},
		"timer":            {TimerKey(at, e), "000001a3185c507b0102030405060708"},
		"address IPv4":     {signKey(AddressSign(netip.MustParseAddrPort("192.0.2.1:5683"))), "00000000000000000000ffffc00002011633"},
		"address mapped":   {signKey(SecureSign(netip.MustParseAddrPort("[::ffff:192.0.2.1]:5683"))), "00000000000000000000ffffc00002011633"},
		"Connection ID":    {signKey(CIDSign(ids.CID{0x11, 0x23, 0xde, 0xad, 0xbe, 0xef, 0xed, 0xb6})), "1123deadbeefedb6"},
		"address IPv6":     {signKey(AddressSign(netip.MustParseAddrPort("[fe80::1%eth0]:1"))), "fe8000000000000000000000000000010001"},
		"claim":            {ClaimKey(0x3132333435363738), "3132333435363738"},
	} {
		if got := hex.EncodeToString(tc.key); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

func TestTimerKeyBothWaysAndCut(t *testing.T) {
	at, e := time.UnixMilli(1_800_000_000_123), ids.Endpoint(7)
	key := TimerKey(at.Add(999*time.Microsecond), e)
	gotAt, gotE, err := ParseTimerKey(key)
	if err != nil || !gotAt.Equal(at) || gotE != e {
		t.Errorf("%v, %v, %v", gotAt, gotE, err)
	}
	for n := range key {
		if _, _, err := ParseTimerKey(key[:n]); err == nil {
			t.Errorf("cut at %d", n)
		}
	}
	if _, _, err := ParseTimerKey(append(key, 0)); err == nil {
		t.Error("one byte more")
	}
	if bytes.Compare(TimerKey(at, 99), TimerKey(at.Add(time.Millisecond), 0)) >= 0 {
		t.Error("keys do not ascend with time")
	}
}

// TestValueKeysBeginWithTheEndpoint holds what ValueKey's comment says: the
// endpoint alone is the prefix of all its values.
func TestValueKeysBeginWithTheEndpoint(t *testing.T) {
	e := ids.Endpoint(0x0102030405060708)
	for _, text := range []string{"/", "/3", "/3/0", "/3/0/7", "/3/0/7/1"} {
		p, err := lwm2m.ParsePath(text)
		if err != nil {
			t.Fatal(err)
		}
		if key := ValueKey(e, p); !bytes.HasPrefix(key, EndpointKey(e)) || len(key) <= 8 {
			t.Errorf("%s: %x", text, key)
		}
	}
}

func TestPrefixEnd(t *testing.T) {
	for prefix, want := range map[string]string{
		"": "", "a": "b", "a\xff": "b", "a\xff\xff": "b", "\xff": "", "\xff\xff": "", "ab": "ac",
	} {
		end := PrefixEnd([]byte(prefix))
		if string(end) != want || (want == "") != (end == nil) {
			t.Errorf("%q ends at %q, want %q", prefix, end, want)
		}
		if end != nil && strings.Compare(prefix+"\xff\xff", string(end)) >= 0 {
			t.Errorf("%q is not below %q", prefix, end)
		}
	}
}

func signKey(s Sign) []byte { return s.Key() }
