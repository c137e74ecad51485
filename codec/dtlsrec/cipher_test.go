package dtlsrec

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/pion/dtls/v2/pkg/crypto/prf"
)

// mustParse is for records that were just sealed.
func mustParse(t testing.TB, record []byte, cidLen int) (Header, []byte) {
	t.Helper()
	h, fragment, rest, err := ParseHeader(record, cidLen)
	if err != nil || len(rest) > 0 {
		t.Fatalf("%x: %v, %d bytes left", record, err, len(rest))
	}
	return h, fragment
}

var cidLengths = []int{0, 1, 8, 20, MaxCID}

// TestSealedOpens: every suite, length and direction; what was in dst stays.
func TestSealedOpens(t *testing.T) {
	const seed = 6347
	r := rand.New(rand.NewPCG(seed, 0))
	for _, suite := range suites {
		client, server := pair(t, secretsOf(suite, 2))
		for _, cidLen := range cidLengths {
			for _, n := range []int{0, 1, 14, 15, 16, 17, 31, 32, 33, 63, 64, 65, 255, 256, 1500, MaxPlaintext} {
				cid, plaintext, seq := bytesOf(r, cidLen), bytesOf(r, n), r.Uint64N(MaxSequence+1)
				for _, way := range []struct{ from, to *Cipher }{{client, server}, {server, client}} {
					out := way.from.Seal([]byte("before"), TypeApplicationData, 1, seq, cid, plaintext)
					if !bytes.HasPrefix(out, []byte("before")) || len(out)-6 > n+cidLen+MaxOverhead {
						t.Fatalf("%v, %d bytes: a record of %d", suite, n, len(out)-6)
					}
					h, fragment := mustParse(t, out[6:], cidLen)
					if h.Epoch != 1 || h.Sequence != seq || !bytes.Equal(h.CID, cid) {
						t.Fatalf("seed %d: %v: %+v", seed, suite, h)
					}
					got, typ, err := way.to.Open([]byte("too"), h, fragment)
					if err != nil || typ != TypeApplicationData || !bytes.Equal(got, append([]byte("too"), plaintext...)) {
						t.Fatalf("seed %d: %v, CID of %d, %d bytes: %v, %v", seed, suite, cidLen, n, typ, err)
					}
					if _, _, err := way.from.Open(nil, h, fragment); err != ErrForged {
						t.Fatalf("%v: opened by who sealed it: %v", suite, err)
					}
				}
			}
		}
	}
}

// TestEveryBitCounts: of the header, but for what ParseHeader refuses, and of
// the fragment; and every byte.
func TestEveryBitCounts(t *testing.T) {
	for _, suite := range suites {
		for _, cidLen := range []int{0, 8} {
			client, server := pair(t, secretsOf(suite, 3))
			record := client.Seal(nil, TypeApplicationData, 1, 0x0102, make([]byte, cidLen), []byte("a message of some length"))
			for bit := range 8 * len(record) {
				record[bit/8] ^= 1 << (bit % 8)
				if h, fragment, _, err := ParseHeader(record, cidLen); err == nil {
					if got, _, err := server.Open(nil, h, fragment); err != ErrForged || got != nil {
						t.Errorf("%v, CID of %d, bit %d: %x, %v", suite, cidLen, bit, got, err)
					}
				}
				record[bit/8] ^= 1 << (bit % 8)
			}
			h, fragment := mustParse(t, record, cidLen)
			for n := range fragment {
				if _, _, err := server.Open(nil, h, fragment[:n]); err != ErrForged {
					t.Errorf("%v, CID of %d, cut at %d: %v", suite, cidLen, n, err)
				}
			}
		}
	}
}

// TestACIDRecordIsNoClassicRecord: the same keys, number and bytes under the
// other header.
func TestACIDRecordIsNoClassicRecord(t *testing.T) {
	for _, suite := range suites {
		client, server := pair(t, secretsOf(suite, 4))
		h, fragment := mustParse(t, client.Seal(nil, TypeApplicationData, 1, 7, []byte{1}, []byte("text")), 1)
		h.Type, h.CID = TypeApplicationData, nil
		if _, _, err := server.Open(nil, h, fragment); err != ErrForged {
			t.Errorf("%v: %v", suite, err)
		}
	}
}

// TestInnerPlaintexts: zeros behind the type are no content, and nothing but
// zeros is no record (RFC 9146 section 5).
func TestInnerPlaintexts(t *testing.T) {
	for _, suite := range suites {
		client, server := pair(t, secretsOf(suite, 5))
		for inner, want := range map[string]struct {
			content string
			t       ContentType
			err     error
		}{
			"text\x17":                       {"text", TypeApplicationData, nil},
			"text\x17\x00\x00\x00":           {"text", TypeApplicationData, nil},
			"text\x00\x00\x15\x00":           {"text\x00\x00", TypeAlert, nil},
			"\x16":                           {"", TypeHandshake, nil},
			"\x00\x00\x00":                   {"", 0, ErrMalformed},
			"":                               {"", 0, ErrMalformed},
			"t\x17" + zeros(40):              {"t", TypeApplicationData, nil},
			zeros(MaxPlaintext) + "\x17":     {zeros(MaxPlaintext), TypeApplicationData, nil},
			zeros(MaxPlaintext) + "\x01\x17": {"", 0, ErrMalformed},
		} {
			h := Header{Type: TypeCID, Epoch: 1, Sequence: 9, CID: []byte{1, 2}}
			fragment := client.write.seal(nil, h, []byte(inner), nil)
			got, typ, err := server.Open(nil, h, fragment)
			if string(got) != want.content || typ != want.t || err != want.err {
				t.Errorf("%v, %.8q: %.8q of %v, %v", suite, inner, got, typ, err)
			}
		}
	}
}

func zeros(n int) string { return string(make([]byte, n)) }

// TestNoncesAreTheNumber: the explicit half is epoch‖sequence, so a number that
// is not repeated is a nonce that is not; the IV of CBC is not the number.
func TestNoncesAreTheNumber(t *testing.T) {
	ivs := map[string]uint64{}
	for _, suite := range suites {
		_, server := pair(t, secretsOf(suite, 6))
		for seq := range uint64(300) {
			_, fragment := mustParse(t, server.Seal(nil, TypeApplicationData, 1, seq, nil, []byte("text")), 0)
			if suite != CBCSHA256 {
				if want := fmt.Sprintf("0001%012x", seq); fmt.Sprintf("%x", fragment[:8]) != want {
					t.Errorf("%v: nonce %x, want %s", suite, fragment[:8], want)
				}
				continue
			}
			iv := string(fragment[:ivLen])
			if other, twice := ivs[iv]; twice {
				t.Errorf("records %d and %d have IV %x", other, seq, iv)
			}
			ivs[iv] = seq
		}
	}
}

func TestSealRefusesWhatItMustNot(t *testing.T) {
	_, server := pair(t, secretsOf(CCM8, 7))
	for name, f := range map[string]func(){
		"a number of 49 bits": func() { server.Seal(nil, TypeAlert, 1, MaxSequence+1, nil, nil) },
		"too long":            func() { server.Seal(nil, TypeAlert, 1, 1, nil, make([]byte, MaxPlaintext+1)) },
		"a CID of 256 bytes":  func() { server.Seal(nil, TypeAlert, 1, 1, make([]byte, MaxCID+1), nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: sealed", name)
				}
			}()
			f()
		}()
	}
}

// TestKeyBlocks are those of pion.
func TestKeyBlocks(t *testing.T) {
	for _, suite := range suites {
		s := secretsOf(suite, 8)
		macs, ivs := 0, saltLen
		if suite == CBCSHA256 {
			macs, ivs = macLen, 0
		}
		want, err := prf.GenerateEncryptionKeys(s.Master, s.ClientRandom[:], s.ServerRandom[:], macs, keyLen, ivs, sha256.New)
		if err != nil {
			t.Fatal(err)
		}
		derived, err := s.Derive()
		if err != nil || derived.Master != nil || derived.ClientRandom != [32]byte{} || len(derived.KeyBlock) != suite.KeyBlockLen() {
			t.Fatalf("%v: %+v, %v", suite, derived, err)
		}
		client, server := derived.split()
		for name, pair := range map[string][2][]byte{
			"client MAC": {client.mac, want.ClientMACKey}, "server MAC": {server.mac, want.ServerMACKey},
			"client key": {client.key, want.ClientWriteKey}, "server key": {server.key, want.ServerWriteKey},
			"client salt": {client.salt, want.ClientWriteIV}, "server salt": {server.salt, want.ServerWriteIV},
		} {
			if !bytes.Equal(pair[0], pair[1]) {
				t.Errorf("%v: %s %x, want %x", suite, name, pair[0], pair[1])
			}
		}
		again, err := derived.Derive()
		if err != nil || !bytes.Equal(again.KeyBlock, derived.KeyBlock) {
			t.Errorf("%v: derived again: %x, %v", suite, again.KeyBlock, err)
		}
	}
}

func TestUselessSecrets(t *testing.T) {
	whole := secretsOf(CCM8, 9)
	for name, s := range map[string]Secrets{
		"no suite":        {Master: whole.Master},
		"another suite":   {Suite: 0xc02b, Master: whole.Master},
		"no master":       {Suite: CCM8},
		"a short master":  {Suite: CCM8, Master: whole.Master[1:]},
		"a short block":   {Suite: CCM8, KeyBlock: make([]byte, 39)},
		"the wrong block": {Suite: CBCSHA256, KeyBlock: make([]byte, 40)},
	} {
		if c, err := NewCipher(s, true); c != nil || !errors.Is(err, ErrSuite) {
			t.Errorf("%s: %v, %v", name, c, err)
		}
	}
}

// FuzzOpen: no fragment opens that was not sealed, and what is sealed opens.
func FuzzOpen(f *testing.F) {
	for i := range suites {
		client, _ := pair(f, secretsOf(suites[i], 10))
		_, fragment := mustParse(f, client.Seal(nil, TypeAlert, 1, 5, nil, []byte{1, 0}), 0)
		f.Add(uint8(i), fragment)
	}
	f.Fuzz(func(t *testing.T, i uint8, b []byte) {
		client, server := pair(t, secretsOf(suites[int(i)%len(suites)], 11))
		h := Header{Type: TypeCID, Epoch: 1, Sequence: 5, CID: []byte{1}}
		if got, _, err := server.Open(nil, h, b); err == nil {
			t.Fatalf("%x is %x", b, got)
		}
		b = b[:min(len(b), MaxPlaintext)]
		h, fragment := mustParse(t, client.Seal(nil, TypeHandshake, 1, 5, []byte{1}, b), 1)
		got, typ, err := server.Open(nil, h, fragment)
		if err != nil || typ != TypeHandshake || !bytes.Equal(got, b) {
			t.Fatalf("%x came back as %x of %v, %v", b, got, typ, err)
		}
	})
}
