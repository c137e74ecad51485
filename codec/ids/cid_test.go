package ids

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"testing"
)

func TestCIDsBothWays(t *testing.T) {
	for text, want := range map[string]struct {
		shard  Shard
		random uint32
	}{
		"10000000000035c9": {},
		"17ffffffffff200c": {MaxShards - 1, 1<<32 - 1},
		"1123deadbeefedb6": {0x123, 0xdeadbeef},
	} {
		c := testKey.NewCID(want.shard, want.random)
		if got := hex.EncodeToString(c[:]); got != text {
			t.Errorf("%v: %s, want %s", want, got, text)
		}
		got, shard, err := testKey.ParseCID(c[:])
		if err != nil || got != c || shard != want.shard {
			t.Errorf("%s: %x in shard %d, %v", text, got, shard, err)
		}
	}
}

// TestForgedCIDs: a bit that is turned, another key, another length.
func TestForgedCIDs(t *testing.T) {
	c := testKey.NewCID(77, 0x01020304)
	for bit := range 8 * CIDLen {
		forged := c
		forged[bit/8] ^= 0x80 >> (bit % 8)
		if got, shard, err := testKey.ParseCID(forged[:]); err != ErrID || got != (CID{}) || shard != 0 {
			t.Errorf("bit %d turned: %x in shard %d, %v", bit, got, shard, err)
		}
	}
	for n := range 2 * CIDLen {
		_, _, err := testKey.ParseCID(append(c[:], c[:]...)[:n])
		if (err == nil) != (n == CIDLen) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	other := testKey
	other[15] ^= 1
	if _, _, err := other.ParseCID(c[:]); err != ErrID {
		t.Errorf("under another key: %v", err)
	}
}

// TestInventedCIDsDie: those that pass are as few as the tag promises.
func TestInventedCIDsDie(t *testing.T) {
	const seed, tries = 9146, 1 << 20
	r := rand.New(rand.NewPCG(seed, 0))
	passed := 0
	for range tries {
		c := testKey.NewCID(Shard(r.IntN(MaxShards)), r.Uint32())
		c[6], c[7] = byte(r.Uint32()), byte(r.Uint32())
		if _, _, err := testKey.ParseCID(c[:]); err == nil {
			passed++
		}
	}
	if mean := tries >> 16; passed > 3*mean {
		t.Errorf("seed %d: %d of %d passed, want about %d", seed, passed, tries, mean)
	}
}

// TestAnEndpointNameDoesNotTellATag: a device that is named like the first six
// bytes of a CID learns the hash of them from its location.
func TestAnEndpointNameDoesNotTellATag(t *testing.T) {
	const seed, tries = 6, 10_000
	r := rand.New(rand.NewPCG(seed, 0))
	equal := 0
	for range tries {
		c := testKey.NewCID(Shard(r.IntN(MaxShards)), r.Uint32())
		var location [8]byte
		copy(location[:], testKey.Endpoint(string(c[:6])).Append(nil))
		if bytes.Equal(location[6:], c[6:]) {
			equal++
		}
	}
	if equal > 4 {
		t.Errorf("seed %d: %d of %d names tell the tag", seed, equal, tries)
	}
}

func FuzzParseCID(f *testing.F) {
	c := testKey.NewCID(3, 5)
	f.Add(c[:])
	f.Add([]byte{0x10})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, shard, err := testKey.ParseCID(b)
		if err != nil {
			return
		}
		if !bytes.Equal(c[:], b) || c.Shard() != shard || shard >= MaxShards {
			t.Fatalf("%x is %x in shard %d", b, c, shard)
		}
	})
}
