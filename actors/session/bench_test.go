package session

import (
	"testing"

	"dormouse/codec/dtlsrec"
)

// BenchmarkUpdate is what DTLS adds to an Update of a device that is awake:
// open, seal, and the state. It wraps around some thousand datagrams.
func BenchmarkUpdate(b *testing.B) {
	for _, suite := range suites {
		b.Run(suite.String(), func(b *testing.B) { benchmarkUpdate(b, suite, false) })
	}
}

// BenchmarkUpdateFromSleep adds the two records.
func BenchmarkUpdateFromSleep(b *testing.B) {
	for _, suite := range suites {
		b.Run(suite.String(), func(b *testing.B) { benchmarkUpdate(b, suite, true) })
	}
}

func benchmarkUpdate(b *testing.B, suite dtlsrec.Suite, asleep bool) {
	d, s := start(b, established(suite, true, nil))
	datagrams := make([][]byte, 4096)
	for i := range datagrams {
		datagrams[i] = d.say("60 bytes, as the Update of a device with an 8-byte CID takes")
	}
	answer, dst := make([]byte, 20), make([]byte, 0, 256)
	secret, fresh := s.AppendSecret(nil), s.AppendState(nil)
	state := make([]byte, 0, MaxState)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%len(datagrams) == 0 {
			s = reload(b, secret, fresh)
		}
		if asleep && i%len(datagrams) > 0 {
			s = reload(b, secret, state)
		}
		if contents, err := s.Open(datagrams[i%len(datagrams)]); err != nil || len(contents) != 1 {
			b.Fatal(err)
		}
		s.Seal(dst, answer)
		state = s.AppendState(state[:0])
	}
	b.ReportMetric(float64(len(secret)+len(state)), "B/session")
}
