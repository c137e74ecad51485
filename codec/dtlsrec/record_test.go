package dtlsrec

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"testing"
)

var headers = []struct {
	name   string
	hex    string
	cidLen int
	want   Header
}{
	{"application data", "17fefd0001000000000005" + "0003" + "aabbcc", 8,
		Header{Type: TypeApplicationData, Epoch: 1, Sequence: 5, Length: 3}},
	{"CID of 8 bytes", "19fefd0001ffffffffffff" + "1123deadbeefedb6" + "0001" + "aa", 8,
		Header{Type: TypeCID, Epoch: 1, Sequence: MaxSequence, CID: unhex("1123deadbeefedb6"), Length: 1}},
	{"CID of one byte", "19fefdffff000000000100" + "07" + "0000", 1,
		Header{Type: TypeCID, Epoch: 0xffff, Sequence: 256, CID: []byte{7}}},
	{"handshake", "16fefd0000000000000000" + "0002" + "0102", 0,
		Header{Type: TypeHandshake, Length: 2}},
	{"alert", "15fefd0000010203040506" + "0002" + "0228", 8,
		Header{Type: TypeAlert, Sequence: 0x010203040506, Length: 2}},
	{"change_cipher_spec", "14fefd0000000000000007" + "0001" + "01", 8,
		Header{Type: TypeChangeCipherSpec, Sequence: 7, Length: 1}},
}

func TestHeadersBothWays(t *testing.T) {
	for _, tc := range headers {
		record := unhex(tc.hex)
		h, fragment, rest, err := ParseHeader(append(record, 1, 2, 3), tc.cidLen)
		if err != nil || !reflect.DeepEqual(h, tc.want) || !bytes.Equal(rest, []byte{1, 2, 3}) {
			t.Errorf("%s: %+v, %x left, %v", tc.name, h, rest, err)
			continue
		}
		if got := append(h.Append(nil), fragment...); !bytes.Equal(got, record) {
			t.Errorf("%s: %x", tc.name, got)
		}
		for n := range record {
			if h, _, _, err := ParseHeader(record[:n], tc.cidLen); err != ErrMalformed || h.Type != 0 {
				t.Errorf("%s cut at %d: %+v, %v", tc.name, n, h, err)
			}
		}
	}
}

func TestAClientHelloMayBeOfVersion10(t *testing.T) {
	if h, _, _, err := ParseHeader(unhex("16feff0000000000000001000101"), 0); err != nil || h.Sequence != 1 {
		t.Errorf("%+v, %v", h, err)
	}
}

func TestMalformedHeaders(t *testing.T) {
	for name, tc := range map[string]struct {
		hex    string
		cidLen int
	}{
		"TLS":                      {"1603010001000000000005000101", 8},
		"DTLS 1.0 under keys":      {"17feff0001000000000005000101", 8},
		"heartbeat":                {"18fefd0001000000000005000101", 8},
		"type 0":                   {"00fefd0001000000000005000101", 8},
		"DTLS 1.3":                 {"2ffefd0001000000000005000101", 8},
		"CID though none is given": {"19fefd0001000000000005000101", 0},
		"CID in the clear":         {"19fefd00000000000000051123deadbeefedb6000101", 8},
		"CID that is cut":          {"19fefd00010000000000051123deadbeefedb600", 8},
		"negative length of CIDs":  {"19fefd0001000000000005000101", -1},
		"longer than any":          {"17fefd0001000000000005" + "4801" + hex.EncodeToString(make([]byte, 0x4801)), 0},
	} {
		if h, _, _, err := ParseHeader(unhex(tc.hex), tc.cidLen); err != ErrMalformed {
			t.Errorf("%s: %+v, %v", name, h, err)
		}
	}
}

// TestAdditionalData is the layout of RFC 6347 section 4.1.2.1 and of RFC 9146
// sections 5.1 and 5.3, written out.
func TestAdditionalData(t *testing.T) {
	for want, h := range map[string]Header{
		"0001" + "000000000115" + "17" + "fefd" + "06f8": {Type: TypeApplicationData, Epoch: 1, Sequence: 277},
		"ffffffffffffffff" + "19" + "08" + "19" + "fefd" + "0002" + "000000000115" + "0102030405060708" + "06f8": {
			Type: TypeCID, Epoch: 2, Sequence: 277, CID: unhex("0102030405060708")},
	} {
		if got := hex.EncodeToString(h.appendAdditional(nil, 1784)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func FuzzParseHeader(f *testing.F) {
	for _, tc := range headers {
		f.Add(unhex(tc.hex), tc.cidLen)
	}
	f.Fuzz(func(t *testing.T, b []byte, cidLen int) {
		h, fragment, rest, err := ParseHeader(b, cidLen)
		if err != nil {
			return
		}
		if len(fragment) != h.Length || h.Sequence > MaxSequence || (len(h.CID) > 0) != (h.Type == TypeCID) {
			t.Fatalf("%x: %+v, %d bytes", b, h, len(fragment))
		}
		again := append(append(h.Append(nil), fragment...), rest...)
		again[1], again[2] = b[1], b[2] // we write one version
		if !bytes.Equal(again, b) {
			t.Fatalf("%x is %+v, which is %x", b, h, again)
		}
	})
}

func TestAlertsBothWays(t *testing.T) {
	for _, tc := range []struct {
		hex  string
		text string
		ends bool
	}{
		{"0100", "close_notify", true}, {"0200", "close_notify", true}, {"0214", "bad_record_mac", true},
		{"015a", "user_canceled", false}, {"0164", "no_renegotiation", false}, {"02c8", "alert 200", true},
		{"0073", "unknown_psk_identity", true}, {"ff5a", "user_canceled", true},
	} {
		a, err := ParseAlert(unhex(tc.hex))
		if err != nil || a.Description.String() != tc.text || a.Ends() != tc.ends {
			t.Errorf("%s: %v, ends %v, %v", tc.hex, a.Description, a.Ends(), err)
		}
		if got := hex.EncodeToString(a.Append(nil)); got != tc.hex {
			t.Errorf("%s: %s", tc.hex, got)
		}
	}
	for _, n := range []int{0, 1, 3} {
		if _, err := ParseAlert(make([]byte, n)); err != ErrMalformed {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func TestNames(t *testing.T) {
	for want, got := range map[string]interface{ String() string }{
		"change_cipher_spec": TypeChangeCipherSpec, "alert": TypeAlert, "handshake": TypeHandshake,
		"application_data": TypeApplicationData, "tls12_cid": TypeCID, "unknown": ContentType(9),
		"TLS_PSK_WITH_AES_128_CCM_8": CCM8, "cipher suite 0xc02b": Suite(0xc02b),
	} {
		if got.String() != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
