package ids

import (
	"encoding/hex"
	"math/rand/v2"
	"testing"
)

func TestIdentitiesBothWays(t *testing.T) {
	for text, want := range map[string]string{
		"":                "61616bd1878fca01",
		"urn:dev:1":       "c9cfb25c068140a1",
		"\x00\xff binary": "9e48b73e4b59826f",
	} {
		i := testKey.Identity([]byte(text))
		raw := i.Append(nil)
		if got := hex.EncodeToString(raw); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
		if got, err := ParseIdentity(append(raw, 0)); err != nil || got != i {
			t.Errorf("%q came back as %x, %v", text, got, err)
		}
		for n := range raw {
			if got, err := ParseIdentity(raw[:n]); err != ErrID || got != 0 {
				t.Errorf("%d bytes: %x, %v", n, got, err)
			}
		}
	}
}

// TestIdentitiesHaveADomainOfTheirOwn: the hash of a name, which its device
// learns, is no hash of an identity of the same bytes, nor a Connection ID's tag.
func TestIdentitiesHaveADomainOfTheirOwn(t *testing.T) {
	const seed, tries = 4279, 10_000
	r := rand.New(rand.NewPCG(seed, 0))
	tags := 0
	for range tries {
		c := testKey.NewCID(Shard(r.IntN(MaxShards)), r.Uint32())
		i := testKey.Identity(c[:6])
		if uint64(i) == uint64(testKey.Endpoint(string(c[:6]))) {
			t.Fatalf("seed %d: identity and name %x share the hash %x", seed, c[:6], uint64(i))
		}
		if raw := i.Append(nil); raw[6] == c[6] && raw[7] == c[7] {
			tags++
		}
	}
	if tags > 4 {
		t.Errorf("seed %d: %d of %d identities tell the tag", seed, tags, tries)
	}
}

// TestIdentitiesSpread: claims lie evenly in the shards.
func TestIdentitiesSpread(t *testing.T) {
	const seed, shards, tries = 32, 32, 32 * 1000
	r := rand.New(rand.NewPCG(seed, 0))
	var in [shards]int
	for range tries {
		i := testKey.Identity(hex.AppendEncode(nil, []byte{byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32())}))
		in[Shards(shards).OfIdentity(i)]++
	}
	for shard, n := range in {
		if n < 800 || n > 1200 {
			t.Errorf("seed %d: %d of %d in shard %d", seed, n, tries, shard)
		}
	}
}
