package dtlsrec

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding"
	"hash"
	"math/rand/v2"
	"testing"
)

// sealPadded is CBCSHA256 as plainly as it can be written, with a padding of
// any length and a change to what is encrypted.
func sealPadded(t testing.TB, k keys, h Header, inner []byte, padding int, change func(plain []byte)) []byte {
	t.Helper()
	m := hmac.New(sha256.New, k.mac)
	m.Write(h.appendAdditional(nil, len(inner)))
	m.Write(inner)
	plain := m.Sum(bytes.Clone(inner))
	plain = append(plain, bytes.Repeat([]byte{byte(padding - 1)}, padding)...)
	if change != nil {
		change(plain)
	}
	block, err := aes.NewCipher(k.key)
	if err != nil {
		t.Fatal(err)
	}
	out := append(bytes.Repeat([]byte{0x49}, ivLen), plain...)
	cipher.NewCBCEncrypter(block, out[:ivLen]).CryptBlocks(out[ivLen:], out[ivLen:])
	return out
}

func cbcKeys(t testing.TB) (k keys, server *cbc) {
	t.Helper()
	s, err := secretsOf(CBCSHA256, 20).Derive()
	if err != nil {
		t.Fatal(err)
	}
	k, _ = s.split()
	if server, err = newCBC(k); err != nil {
		t.Fatal(err)
	}
	return k, server
}

// TestEveryPadding: each length that a peer may choose, for every place of the
// message's end in a block of the hash, under both kinds of header.
func TestEveryPadding(t *testing.T) {
	k, server := cbcKeys(t)
	for _, h := range []Header{
		{Type: TypeApplicationData, Epoch: 1, Sequence: 3},
		{Type: TypeCID, Epoch: 1, Sequence: 3, CID: []byte("8 bytes.")},
		{Type: TypeCID, Epoch: 1, Sequence: 3, CID: bytes.Repeat([]byte{7}, MaxCID)},
	} {
		for n := range 140 {
			inner := bytes.Repeat([]byte{0xa5}, n)
			for padding := ivLen - (n+macLen)%ivLen; padding <= maxPadding; padding += ivLen {
				got, err := server.open([]byte{1}, h, sealPadded(t, k, h, inner, padding, nil))
				if err != nil || !bytes.Equal(got[1:], inner) {
					t.Fatalf("%v, %d bytes, padding %d: %x, %v", h.Type, n, padding, got, err)
				}
			}
		}
	}
}

// TestWrongPadding: each byte of it counts, and a length that leaves no room for
// the MAC; nothing is left in memory.
func TestWrongPadding(t *testing.T) {
	k, server := cbcKeys(t)
	h := Header{Type: TypeApplicationData, Epoch: 1, Sequence: 4}
	inner := []byte("sixteen bytes ..")
	for _, padding := range []int{16, 256} {
		size := len(inner) + macLen + padding
		for i := range size {
			fragment := sealPadded(t, k, h, inner, padding, func(plain []byte) { plain[i] ^= 1 })
			memory := make([]byte, 0, 512)
			if got, err := server.open(memory, h, fragment); err != ErrForged || got != nil {
				t.Errorf("padding %d, byte %d: %x, %v", padding, i, got, err)
			}
			if !bytes.Equal(memory[:cap(memory)], make([]byte, cap(memory))) {
				t.Errorf("padding %d, byte %d: something is left", padding, i)
			}
		}
		for last := range 256 {
			fragment := sealPadded(t, k, h, inner, padding, func(plain []byte) { plain[len(plain)-1] = byte(last) })
			if _, err := server.open(nil, h, fragment); (err == nil) != (last == padding-1) {
				t.Errorf("padding %d said to be %d: %v", padding, last, err)
			}
		}
	}
	all := bytes.Repeat([]byte{0xff}, 48) // padding all over, and no room for a MAC
	fragment := sealPadded(t, k, h, nil, 16, func(plain []byte) { copy(plain, all) })
	if _, err := server.open(nil, h, fragment); err != ErrForged {
		t.Errorf("nothing but padding: %v", err)
	}
}

func TestHiddenMACIsHMAC(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for range 3000 {
		key, head, body := bytesOf(r, macLen), bytesOf(r, 13+r.IntN(270)), bytesOf(r, 1+r.IntN(700))
		most := 1 + r.IntN(len(body))
		least := max(0, most-r.IntN(300))
		n := least + r.IntN(most-least+1)
		m, err := newMAC(key)
		if err != nil {
			t.Fatal(err)
		}
		naive := hmac.New(sha256.New, key)
		naive.Write(head)
		naive.Write(body[:n])
		want := naive.Sum(nil)
		if got := m.of(head, body[:n]); !bytes.Equal(got, want) {
			t.Fatalf("seed %d: %x, want %x", seed, got, want)
		}
		if got := m.ofHidden(head, body, n, least, most); !bytes.Equal(got, want) {
			t.Fatalf("seed %d: %d of %d to %d behind %d: %x, want %x", seed, n, least, most, len(head), got, want)
		}
	}
}

func TestHiddenMACIsCutOut(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for range 3000 {
		least := r.IntN(100)
		most := least + r.IntN(256)
		n := least + r.IntN(most-least+1)
		body := bytesOf(r, most+macLen+1)
		if got := hiddenMAC(body, n, least, most); !bytes.Equal(got[:], body[n:n+macLen]) {
			t.Fatalf("seed %d: %d of %d to %d: %x, want %x", seed, n, least, most, got, body[n:n+macLen])
		}
	}
}

// counting is a hash that tells what was done with it, in order.
type counting struct {
	hash.Hash
	did []int // length of each Write, -1 for a stored state that was loaded, -2 for one that was read
}

func (c *counting) Write(b []byte) (int, error) {
	c.did = append(c.did, len(b))
	return c.Hash.Write(b)
}

func (c *counting) UnmarshalBinary(b []byte) error {
	c.did = append(c.did, -1)
	return c.Hash.(encoding.BinaryUnmarshaler).UnmarshalBinary(b)
}

func (c *counting) AppendBinary(b []byte) ([]byte, error) {
	c.did = append(c.did, -2)
	return c.Hash.(encoding.BinaryAppender).AppendBinary(b)
}

// TestTheHashDoesTheSameForEveryPadding: good or bad, long or short, a record of
// one length costs the same blocks in the same order. (Comparing clocks would
// say less, and not always the same.)
func TestTheHashDoesTheSameForEveryPadding(t *testing.T) {
	k, server := cbcKeys(t)
	count := &counting{Hash: server.mac.hash}
	server.mac.hash = count
	for _, h := range []Header{
		{Type: TypeApplicationData, Epoch: 1, Sequence: 3},
		{Type: TypeCID, Epoch: 1, Sequence: 3, CID: []byte("8 bytes.")},
	} {
		for _, size := range []int{48, 64, 96, 288, 320, 1024} {
			var want []int
			try := func(name string, fragment []byte) {
				count.did = nil
				server.open(nil, h, fragment)
				if want == nil {
					want = count.did
				}
				if len(count.did) < 5 || !equal(count.did, want) {
					t.Errorf("%v, %d bytes, %s: %v, else %v", h.Type, size, name, count.did, want)
				}
			}
			for padding := 1; padding <= maxPadding && padding <= size-macLen; padding++ {
				inner := make([]byte, size-macLen-padding)
				try("good", sealPadded(t, k, h, inner, padding, nil))
				try("bad MAC", sealPadded(t, k, h, inner, padding, func(b []byte) { b[len(inner)] ^= 1 }))
				try("bad padding", sealPadded(t, k, h, inner, padding, func(b []byte) { b[len(b)-padding] ^= 1 }))
			}
		}
	}
}

func equal(a, b []int) bool {
	for i := range a {
		if i >= len(b) || a[i] != b[i] {
			return false
		}
	}
	return len(a) == len(b)
}

// TestStoredHash: a stored SHA-256 of the standard library has the chaining
// value where mac reads it. Behind no block at all it is the initial value of
// FIPS 180-4 section 5.3.3.
func TestStoredHash(t *testing.T) {
	state, err := sha256.New().(encoding.BinaryAppender).AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	want := unhex("6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19")
	if got := state[stateAt : stateAt+macLen]; !bytes.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}

// TestPionsMACWithCID says why pion's CBC records with a Connection ID are not
// read: it puts the inner plaintext into the MAC twice, RFC 9146 section 5.1
// once, and Mbed TLS once. The Finished messages are such records, too: whoever
// offers a Connection ID with this suite must not leave their protection to it.
func TestPionsMACWithCID(t *testing.T) {
	m := meet(t, CBCSHA256, cidOf(0), cidOf(8))
	if _, err := m.client.Write([]byte("text")); err != nil {
		t.Fatal(err)
	}
	h, fragment := mustParse(t, <-m.toUs, 8)
	ours, err := NewCipher(m.secrets(), true)
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := ours.Open(nil, h, fragment); err != ErrForged {
		t.Fatalf("pion has changed: its record is %q, %v", got, err)
	}
	derived, err := m.secrets().Derive()
	if err != nil {
		t.Fatal(err)
	}
	k, _ := derived.split()
	block, err := aes.NewCipher(k.key)
	if err != nil {
		t.Fatal(err)
	}
	plain := bytes.Clone(fragment[ivLen:])
	cipher.NewCBCDecrypter(block, fragment[:ivLen]).CryptBlocks(plain, plain)
	inner := []byte("text\x17")
	twice := hmac.New(sha256.New, k.mac)
	twice.Write(h.appendAdditional(nil, len(inner)))
	twice.Write(inner)
	twice.Write(inner)
	if !bytes.HasPrefix(plain, twice.Sum(bytes.Clone(inner))) {
		t.Errorf("%x", plain)
	}
}
