package ids

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// testKey is that of the reference vectors of SipHash.
var testKey = Key{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}

// TestEndpointIsSipHash24 uses vectors of the authors of SipHash: the message
// is 00 01 02 ... and the result is little-endian there.
func TestEndpointIsSipHash24(t *testing.T) {
	for n, want := range map[int]Endpoint{
		0:  0x726fdb47dd0e0e31,
		1:  0x74f839c593dc67fd,
		8:  0x93f5f5799a932462,
		15: 0xa129ca6149be45e5,
	} {
		message := make([]byte, n)
		for i := range message {
			message[i] = byte(i)
		}
		if got := testKey.Endpoint(string(message)); got != want {
			t.Errorf("%d bytes: %016x, want %016x", n, uint64(got), uint64(want))
		}
	}
}

func TestLocationsBothWays(t *testing.T) {
	for text, l := range map[string]Location{
		"AAAAAAAAAAAA": {},
		"____________": {Endpoint: 1<<64 - 1, Count: 1<<8 - 1},
		"AAAAAAAAAAAB": {Count: 1},
		"AQIDBAUGBwgJ": {Endpoint: 0x0102030405060708, Count: 9},
	} {
		if got := l.String(); got != text {
			t.Errorf("%v: %s, want %s", l, got, text)
		}
		if got, err := ParseLocation([]byte(text)); err != nil || got != l {
			t.Errorf("%s: %v, %v", text, got, err)
		}
		for n := range text {
			if got, err := ParseLocation([]byte(text[:n])); err != ErrID || got != (Location{}) {
				t.Errorf("%s cut at %d: %v, %v", text, n, got, err)
			}
		}
	}
}

func TestMalformedLocations(t *testing.T) {
	for _, text := range []string{
		"AAAAAAAAAAAAA", "AAAAAAAAAAA=", "AAAAAAA+AAAA", "AAAAAAAAAAA\n", "AAAAA\nAAAAAA", "AAAAAA\r\nAAAA",
		"AAAAAAA/AAAA", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
	} {
		if got, err := ParseLocation([]byte(text)); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

func FuzzParseLocation(f *testing.F) {
	f.Add([]byte("AQIDBAUGBwgJ"))
	f.Add([]byte("AAAAAA\nAAAAA"))
	f.Add([]byte("____________"))
	f.Fuzz(func(t *testing.T, segment []byte) {
		l, err := ParseLocation(segment)
		if err != nil {
			return
		}
		if got := l.Append(nil); !bytes.Equal(got, segment) {
			t.Fatalf("%q is %v, which is %q", segment, l, got)
		}
	})
}

// TestShardsAreSpread: names as devices have them fill all shards alike,
// within five standard deviations, and every number of shards reaches its last.
func TestShardsAreSpread(t *testing.T) {
	const names = 100_000
	for _, n := range []Shards{1, 2, 3, 32, 100, 256, 1024, MaxShards} {
		count := make([]int, n)
		for i := range names {
			count[n.Of(testKey.Endpoint(fmt.Sprintf("urn:imei:%015d", i)))]++
		}
		mean := float64(names) / float64(n)
		for shard, c := range count {
			if d := float64(c) - mean; d*d > 25*mean+1 && n > 1 {
				t.Errorf("%d shards: %d endpoints in shard %d, mean %.0f", n, c, shard, mean)
			}
		}
		if first, last := n.OfHandle(0), n.OfHandle(1<<32-1); first != 0 || last != Shard(n-1) {
			t.Errorf("%d shards: from %d to %d", n, first, last)
		}
	}
}

// TestEveryIdentifierFindsTheShardOfItsEndpoint is what the package is for.
func TestEveryIdentifierFindsTheShardOfItsEndpoint(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for range 10_000 {
		e, n := Endpoint(r.Uint64()), Shards(1+r.IntN(MaxShards))
		shard := n.Of(e)
		if int(shard) >= int(n) {
			t.Fatalf("seed %d: shard %d of %d", seed, shard, n)
		}
		token, object := NewToken(e, r.Uint32()), e.Object()
		parsed, err := ParseToken(token[:])
		if err != nil || n.OfHandle(parsed.Handle()) != shard {
			t.Fatalf("seed %d: token %x leads to shard %d, not %d", seed, token, n.OfHandle(parsed.Handle()), shard)
		}
		o, err := ParseObject(object.String())
		if err != nil || o != object || n.OfObject(o) != shard {
			t.Fatalf("seed %d: object %v leads to shard %d, not %d", seed, object, n.OfObject(o), shard)
		}
		if got, err := ParseEndpoint(e.Append(nil)); err != nil || got != e {
			t.Fatalf("seed %d: %v, %v", seed, got, err)
		}
	}
}

// TestShortTokens: over DTLS the random half stands for the whole.
func TestShortTokens(t *testing.T) {
	e := Endpoint(0x0102030405060708)
	token := NewToken(e, 0xaabbccdd)
	again, err := ShortToken(e, token.Short())
	if err != nil || again != token || string(token.Short()) != "\xaa\xbb\xcc\xdd" {
		t.Errorf("%x: %x, %v", token.Short(), again, err)
	}
	for b, is := range map[string]bool{
		string(token[:]): true, string(token.Short()): true, string(token[:4]): false, string(token[3:]): false, "": false,
	} {
		if token.Is([]byte(b)) != is {
			t.Errorf("%x is %x: %v", token, b, !is)
		}
	}
	for n := range 9 {
		if _, err := ShortToken(e, make([]byte, n)); (err == nil) != (n == ShortTokenLen) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func TestTokensAndEndpointsHaveTheirLength(t *testing.T) {
	for n := range 12 {
		if _, err := ParseToken(make([]byte, n)); (err == nil) != (n == 8) {
			t.Errorf("token of %d bytes: %v", n, err)
		}
		if _, err := ParseEndpoint(make([]byte, n)); (err == nil) != (n >= 8) {
			t.Errorf("endpoint of %d bytes: %v", n, err)
		}
	}
	token := NewToken(0x0102030405060708, 0xaabbccdd)
	if got := hex.EncodeToString(token[:]); got != "01020304aabbccdd" {
		t.Errorf("token %s", got)
	}
}

func TestOperationsAscendAndKnowTheirShardAndTime(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_123)
	first := NextOperation(5, now, 0)
	if first != 5<<52|(1_800_000_000_123-operationEpoch)<<11 {
		t.Errorf("%x", uint64(first))
	}
	for _, tc := range []struct {
		name string
		now  time.Time
		last Operation
		want Operation
	}{
		{"same millisecond", now, first, first + 1},
		{"clock went back", now.Add(-time.Hour), first, first + 1},
		{"next millisecond", now.Add(time.Millisecond), first, first + 1<<11},
		{"more than 2048 in a millisecond", now, first + 1<<11 - 1, first + 1<<11},
	} {
		got := NextOperation(5, tc.now, tc.last)
		if got != tc.want || got.Shard() != 5 {
			t.Errorf("%s: %v in shard %d, want %v", tc.name, got, got.Shard(), tc.want)
		}
	}
	if !first.Time().Equal(now) {
		t.Errorf("created %v", first.Time())
	}
	if early := NextOperation(MaxShards-1, time.Unix(0, 0), 0); early.Shard() != MaxShards-1 || early > 1<<63-1 {
		t.Errorf("%v in shard %d", early, early.Shard())
	}
	if got := hex.EncodeToString(Operation(0x0102030405060708).Append(nil)); got != "0102030405060708" {
		t.Errorf("key %s", got)
	}
}

func TestDecimalIDs(t *testing.T) {
	for text, ok := range map[string]bool{
		"0": true, "9223372036854775807": true, "9223372036854775808": false, "-1": false, "+1": false,
		"": false, "1.0": false, "1e3": false, "0x10": false, " 1": false, "1_000": false,
	} {
		o, err := ParseOperation(text)
		if (err == nil) != ok || ok && o.String() != text {
			t.Errorf("operation %q: %v, %v", text, o, err)
		}
	}
	for text, ok := range map[string]bool{
		"0": true, "18446744073709551615": true, "18446744073709551616": false, "-1": false, "": false, "x": false,
	} {
		o, err := ParseObject(text)
		if (err == nil) != ok || ok && o.String() != text {
			t.Errorf("object %q: %v, %v", text, o, err)
		}
		if ok && len(o.Append(nil)) != 8 {
			t.Errorf("key of %q", text)
		}
	}
}

func TestHandlesOfAShard(t *testing.T) {
	for _, n := range []Shards{1, 2, 3, 7, 32, 1000, MaxShards} {
		for s := range Shard(n) {
			for _, random := range []uint32{0, 1, 1 << 31, 1<<32 - 1} {
				if got := n.OfHandle(n.HandleIn(s, random)); got != s {
					t.Fatalf("%d shards: %d is in shard %d, want %d", n, random, got, s)
				}
			}
		}
		if n.HandleIn(0, 0) != 0 || n.HandleIn(Shard(n)-1, 1<<32-1) != 1<<32-1 {
			t.Errorf("%d shards: from %d to %d", n, n.HandleIn(0, 0), n.HandleIn(Shard(n)-1, 1<<32-1))
		}
	}
}
