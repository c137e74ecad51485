package session

import (
	"bytes"
	"encoding/hex"
	"testing"

	"dormouse/codec/dtlsrec"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// goldenSecrets are the examples of docs/formats/session.md.
var goldenSecrets = []struct {
	name     string
	hex      string
	suite    dtlsrec.Suite
	hasLocal bool
	peer     string
	identity string
}{
	{"CCM_8, CIDs both ways", "0101c0a8" +
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627" +
		"1123deadbeefedb6" + "020aff" + "0975726e3a6465763a31",
		dtlsrec.CCM8, true, "\x0a\xff", "urn:dev:1"},
	{"CBC, classic", "010000ae" +
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f" +
		"303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f" +
		"00" + "00",
		dtlsrec.CBCSHA256, false, "", ""},
}

func TestSecretsBothWays(t *testing.T) {
	for _, tc := range goldenSecrets {
		golden := unhex(t, tc.hex)
		s, err := ParseSecret(golden)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if s.Secrets.Suite != tc.suite || s.HasLocal != tc.hasLocal || string(s.Peer) != tc.peer || s.Identity != tc.identity {
			t.Errorf("%s: %+v", tc.name, s)
		}
		if n := tc.suite.KeyBlockLen(); !bytes.Equal(s.Secrets.KeyBlock, golden[4:4+n]) || s.Secrets.KeyBlock[n-1] != byte(n-1) {
			t.Errorf("%s: keys %x", tc.name, s.Secrets.KeyBlock)
		}
		if tc.hasLocal && s.Local != localCID {
			t.Errorf("%s: CID %x", tc.name, s.Local)
		}
		if got := s.AppendSecret(nil); !bytes.Equal(got, golden) {
			t.Errorf("%s: %x", tc.name, got)
		}
		for n := range golden {
			if s, err := ParseSecret(golden[:n]); s != nil || err != ErrRecord {
				t.Errorf("%s cut at %d: %v, %v", tc.name, n, s, err)
			}
		}
		if _, err := ParseSecret(append(golden, 0)); err != ErrRecord {
			t.Errorf("%s and more: %v", tc.name, err)
		}
	}
}

func TestMalformedSecrets(t *testing.T) {
	for name, change := range map[string]func([]byte){
		"version": func(b []byte) { b[0] = 2 },
		"flags":   func(b []byte) { b[1] |= 2 },
		"suite":   func(b []byte) { b[3]++ },
		"no CID":  func(b []byte) { b[1] = 0 },
		"CID":     func(b []byte) { b[4+40+8] = 255 },
	} {
		b := unhex(t, goldenSecrets[0].hex)
		change(b)
		if s, err := ParseSecret(b); s != nil || err != ErrRecord {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

// TestAParsedSecretIsNoSession: without its state nothing can be sent, for its
// numbers are not known.
func TestAParsedSecretIsNoSession(t *testing.T) {
	s, err := ParseSecret(unhex(t, goldenSecrets[0].hex))
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Seal(nil, []byte("x")); got != nil || !s.Ended() {
		t.Errorf("sealed %x", got)
	}
}

// goldenStates are the examples of docs/formats/session.md.
var goldenStates = []struct {
	name     string
	hex      string
	window   dtlsrec.Window
	reserved uint64
	ended    bool
}{
	{"new", "124100", dtlsrec.Window{Bits: 1}, 65, false},
	{"nothing accepted", "1041000000000000000000", dtlsrec.Window{}, 65, false},
	{"full window", "12c107e807", dtlsrec.FullWindow(1000), 961, false},
	{"one lost", "10c107e807fffffffffffffffb", dtlsrec.Window{Edge: 1000, Bits: 1<<64 - 5}, 961, false},
	{"ended", "13c107e807", dtlsrec.FullWindow(1000), 961, true},
	{"the last numbers", "11808080808080" + "40" + "ffffffffffff3f" + "8000000000000001",
		dtlsrec.Window{Edge: dtlsrec.MaxSequence, Bits: 1<<63 | 1}, dtlsrec.MaxSequence + 1, true},
}

func TestStatesBothWays(t *testing.T) {
	for _, tc := range goldenStates {
		golden := unhex(t, tc.hex)
		s, err := ParseSecret(unhex(t, goldenSecrets[0].hex))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.ParseState(golden); err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if s.window != tc.window || s.reserved != tc.reserved || s.next != tc.reserved || s.ended != tc.ended || s.Dirty() {
			t.Errorf("%s: %+v", tc.name, s)
		}
		got := s.AppendState(nil)
		if !bytes.Equal(got, golden) || len(got) > MaxState {
			t.Errorf("%s: %x", tc.name, got)
		}
		for n := range golden {
			if err := s.ParseState(golden[:n]); err != ErrRecord {
				t.Errorf("%s cut at %d: %v", tc.name, n, err)
			}
		}
		if err := s.ParseState(append(golden, 0)); err != ErrRecord {
			t.Errorf("%s and more: %v", tc.name, err)
		}
	}
}

func TestMalformedStates(t *testing.T) {
	s, err := ParseSecret(unhex(t, goldenSecrets[0].hex))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"version":                 "22c107e807",
		"flags":                   "16c107e807",
		"reserved beyond":         "12818080808080" + "40" + "00",
		"edge beyond":             "1241" + "80808080808040",
		"bits without the edge":   "10c107e807fffffffffffffffa",
		"bits below zero":         "104101" + "0000000000000007",
		"edge of an empty one":    "104101" + "0000000000000000",
		"reserved does not fit":   "12ffffffffffffffffff7f00",
		"a number that is longer": "12",
	} {
		if err := s.ParseState(unhex(t, text)); err != ErrRecord {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseSecret(f *testing.F) {
	for _, tc := range goldenSecrets {
		f.Add(unhex(f, tc.hex))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseSecret(b)
		if err != nil {
			return
		}
		again, err := ParseSecret(s.AppendSecret(nil))
		if err != nil {
			t.Fatalf("%x: %v", b, err)
		}
		if got, want := again.AppendSecret(nil), s.AppendSecret(nil); !bytes.Equal(got, want) || len(want) > len(b) {
			t.Fatalf("%x: %x, then %x", b, want, got)
		}
		if err := again.ParseState([]byte{0x12, 65, 0}); err != nil {
			t.Fatal(err)
		}
		if got := again.Seal(nil, []byte("x")); len(got) == 0 {
			t.Fatalf("%x: nothing sealed", b)
		}
	})
}

func FuzzParseState(f *testing.F) {
	for _, tc := range goldenStates {
		f.Add(unhex(f, tc.hex))
	}
	secret := unhex(f, goldenSecrets[0].hex)
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseSecret(secret)
		if err != nil {
			t.Fatal(err)
		}
		if s.ParseState(b) != nil {
			return
		}
		state := s.AppendState(nil)
		again := reload(t, secret, state)
		if again.window != s.window || again.next != s.next || again.ended != s.ended || len(state) > MaxState {
			t.Fatalf("%x: %+v, then %+v", b, s, again)
		}
		s.Seal(nil, []byte("x")) // at the edges of all numbers, too
	})
}

// FuzzOpen: whatever comes in, a session that holds other keys accepts nothing.
func FuzzOpen(f *testing.F) {
	d, _ := start(f, established(dtlsrec.CBCSHA256, true, nil))
	f.Add(d.say("of another session"))
	f.Add([]byte{25, 254, 253, 0, 1})
	e := established(dtlsrec.CBCSHA256, true, nil)
	e.Secrets.Master = bytes.Repeat([]byte{1}, 48)
	f.Fuzz(func(t *testing.T, datagram []byte) {
		_, s := start(t, e)
		if contents, _ := s.Open(datagram); len(contents) > 0 || s.Dirty() || s.Ended() {
			t.Fatalf("%x is %q", datagram, payloads(contents))
		}
	})
}
