package dtlsrec

import (
	"bytes"
	"crypto/aes"
	"encoding/hex"
	"math/rand/v2"
	"testing"

	pion "github.com/pion/dtls/v2/pkg/crypto/ccm"
)

// unhex is for literals of tests.
func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// bytesOf is n bytes of a generator.
func bytesOf(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// TestCCMVector is example 3 of NIST SP 800-38C, which has the nonce and the
// tag of AES_128_CCM_8.
func TestCCMVector(t *testing.T) {
	block, err := aes.NewCipher(unhex("404142434445464748494a4b4c4d4e4f"))
	if err != nil {
		t.Fatal(err)
	}
	c := newCCM(block, 8)
	nonce, additional := unhex("101112131415161718191a1b"), unhex("000102030405060708090a0b0c0d0e0f10111213")
	plaintext := unhex("202122232425262728292a2b2c2d2e2f3031323334353637")
	want := unhex("e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5484392fbc1b09951")
	if got := c.Seal(nil, nonce, plaintext, additional); !bytes.Equal(got, want) {
		t.Errorf("sealed %x, want %x", got, want)
	}
	if got, err := c.Open(nil, nonce, want, additional); err != nil || !bytes.Equal(got, plaintext) {
		t.Errorf("opened %x, %v", got, err)
	}
}

// TestCCMIsThatOfPion: the same bytes for every length around the blocks, and
// each opens what the other sealed.
func TestCCMIsThatOfPion(t *testing.T) {
	const seed = 3610
	r := rand.New(rand.NewPCG(seed, 0))
	for _, tagLen := range []int{8, 16} {
		block, err := aes.NewCipher(bytesOf(r, keyLen))
		if err != nil {
			t.Fatal(err)
		}
		ours := newCCM(block, tagLen)
		theirs, err := pion.NewCCM(block, tagLen, nonceLen)
		if err != nil {
			t.Fatal(err)
		}
		for n := range 70 {
			for _, extra := range []int{1, 13, 14, 15, 23, 30, 31, 278} {
				nonce, plaintext, additional := bytesOf(r, nonceLen), bytesOf(r, n), bytesOf(r, extra)
				got := ours.Seal([]byte{7}, nonce, plaintext, additional)
				if want := theirs.Seal([]byte{7}, nonce, plaintext, additional); !bytes.Equal(got, want) {
					t.Fatalf("seed %d: %d bytes with %d: %x, want %x", seed, n, extra, got, want)
				}
				opened, err := ours.Open([]byte{8}, nonce, got[1:], additional)
				if err != nil || !bytes.Equal(opened[1:], plaintext) || opened[0] != 8 {
					t.Fatalf("seed %d: %d bytes with %d opened: %x, %v", seed, n, extra, opened, err)
				}
			}
		}
	}
}

// TestForgedCCM: every bit counts, and nothing that failed is left in memory.
func TestForgedCCM(t *testing.T) {
	block, err := aes.NewCipher(make([]byte, keyLen))
	if err != nil {
		t.Fatal(err)
	}
	c := newCCM(block, 8)
	nonce, additional := make([]byte, nonceLen), []byte("head")
	sealed := c.Seal(nil, nonce, []byte("seventeen bytes .."), additional)
	for bit := range 8 * len(sealed) {
		sealed[bit/8] ^= 1 << (bit % 8)
		memory := make([]byte, 0, 64)
		if got, err := c.Open(memory, nonce, sealed, additional); err != ErrForged || got != nil {
			t.Errorf("bit %d: %x, %v", bit, got, err)
		}
		if !bytes.Equal(memory[:cap(memory)], make([]byte, cap(memory))) {
			t.Errorf("bit %d: %x is left", bit, memory[:cap(memory)])
		}
		sealed[bit/8] ^= 1 << (bit % 8)
	}
	for n := range sealed {
		if _, err := c.Open(nil, nonce, sealed[:n], additional); err != ErrForged {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
}

func BenchmarkCCMOfPion(b *testing.B) {
	block, err := aes.NewCipher(make([]byte, keyLen))
	if err != nil {
		b.Fatal(err)
	}
	c, err := pion.NewCCM(block, 8, nonceLen)
	if err != nil {
		b.Fatal(err)
	}
	nonce, additional, dst := make([]byte, nonceLen), make([]byte, 13), make([]byte, 0, 128)
	sealed := c.Seal(nil, nonce, make([]byte, 64), additional)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Open(dst, nonce, sealed, additional); err != nil {
			b.Fatal(err)
		}
	}
}
