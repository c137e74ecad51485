package dtlsrec

import (
	"math/rand/v2"
	"testing"
)

// suites are those of the tables of all tests.
var suites = []Suite{CCM8, CCM, GCM, CBCSHA256}

// secretsOf are those of a handshake that never was.
func secretsOf(s Suite, seed uint64) Secrets {
	r := rand.New(rand.NewPCG(seed, uint64(s)))
	return Secrets{
		Suite: s, Master: bytesOf(r, masterLen),
		ClientRandom: [32]byte(bytesOf(r, 32)), ServerRandom: [32]byte(bytesOf(r, 32)),
	}
}

// pair is both ends of a session.
func pair(t testing.TB, s Secrets) (client, server *Cipher) {
	t.Helper()
	client, err := NewCipher(s, false)
	if err != nil {
		t.Fatal(err)
	}
	if server, err = NewCipher(s, true); err != nil {
		t.Fatal(err)
	}
	return client, server
}

// BenchmarkSeal and BenchmarkOpen take an Update's 60 bytes with a CID.
func BenchmarkSeal(b *testing.B) {
	for _, suite := range suites {
		b.Run(suite.String(), func(b *testing.B) {
			_, server := pair(b, secretsOf(suite, 1))
			dst, cid, plaintext := make([]byte, 0, 256), make([]byte, 8), make([]byte, 60)
			b.ReportAllocs()
			for seq := uint64(0); b.Loop(); seq++ {
				server.Seal(dst, TypeApplicationData, 1, seq, cid, plaintext)
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, suite := range suites {
		b.Run(suite.String(), func(b *testing.B) {
			client, server := pair(b, secretsOf(suite, 1))
			datagram := client.Seal(nil, TypeApplicationData, 1, 5, make([]byte, 8), make([]byte, 60))
			dst := make([]byte, 0, 256)
			b.ReportAllocs()
			for b.Loop() {
				h, fragment, _, err := ParseHeader(datagram, 8)
				if err != nil {
					b.Fatal(err)
				}
				if _, _, err := server.Open(dst, h, fragment); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkNewCipher(b *testing.B) {
	for _, suite := range suites {
		b.Run(suite.String(), func(b *testing.B) {
			s, err := secretsOf(suite, 1).Derive()
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := NewCipher(s, true); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDerive(b *testing.B) {
	s := secretsOf(CCM8, 1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Derive(); err != nil {
			b.Fatal(err)
		}
	}
}

// TestNothingIsAllocated: a record costs no garbage once the scratch is there.
func TestNothingIsAllocated(t *testing.T) {
	for _, suite := range suites {
		if raced && suite == CBCSHA256 {
			continue
		}
		client, server := pair(t, secretsOf(suite, 1))
		dst, out, cid, plaintext := make([]byte, 0, 256), make([]byte, 0, 256), make([]byte, 8), make([]byte, 60)
		seq := uint64(0)
		record := func() {
			seq++
			datagram := client.Seal(dst, TypeApplicationData, 1, seq, cid, plaintext)
			h, fragment, _, err := ParseHeader(datagram, len(cid))
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := server.Open(out, h, fragment); err != nil {
				t.Fatal(err)
			}
		}
		if n := testing.AllocsPerRun(100, record); n != 0 {
			t.Errorf("%v: %v allocations a record", suite, n)
		}
	}
}
