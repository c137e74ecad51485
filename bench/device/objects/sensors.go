package objects

import (
	"hash/fnv"
	"time"

	"dormouse/codec/lwm2m"
)

// Sensors are what a device measures with, and measures: functions of its seed
// and the time. The zero value measures once a second.
type Sensors struct {
	Serial string        // of the device
	Seed   uint64        // tells the values of two devices apart
	Every  time.Duration // between two samples; 0: a second
	// Traffic counts what the device sent and received while that was asked for
	// (object 7); nil for nothing.
	Traffic *Traffic
}

// Traffic is the data of Connectivity Statistics.
type Traffic struct {
	Counting       bool
	Sent, Received uint64 // bytes
}

func (s *Sensors) period() time.Duration {
	if s.Every > 0 {
		return s.Every
	}
	return time.Second
}

// Sample is the number of the sample that is current at a time. Devices do not
// all sample in the same moment.
func (s *Sensors) Sample(now time.Time) int64 {
	return (now.UnixNano() - s.phase()) / int64(s.period())
}

// SampledAt is when a sample was taken.
func (s *Sensors) SampledAt(sample int64) time.Time {
	return time.Unix(0, sample*int64(s.period())+s.phase())
}

func (s *Sensors) phase() int64 { return int64(mix(s.Seed) % uint64(s.period())) }

// Sensors are those of the device.
func (t *Tree) Sensors() *Sensors { return &t.sensors }

// value is what a signal shows.
func (s *Sensors) value(signal Signal, p lwm2m.Path, parameter lwm2m.Value, now time.Time) lwm2m.Value {
	return signals[signal].value(s, p, parameter, now)
}

// walk is a value between 0 and 1 that wanders: it passes in straight lines
// through a random point every stride samples, with a tremor on the way.
func (s *Sensors) walk(p lwm2m.Path, sample int64) float64 {
	const stride, tremor = 16, 0.1
	seed := s.Seed ^ pathHash(p)
	from, way := sample/stride, float64(sample%stride)/stride
	a, b := unit(seed, from), unit(seed, from+1)
	straight := a + (b-a)*way
	return straight*(1-tremor) + tremor*unit(seed+1, sample)
}

func pathHash(p lwm2m.Path) uint64 {
	f := fnv.New64a()
	var b [16]byte
	f.Write(lwm2m.AppendPath(b[:0], p))
	return f.Sum64()
}

// unit is a random number between 0 and 1 for each seed and index.
func unit(seed uint64, index int64) float64 {
	return float64(mix(seed^mix(uint64(index)))>>11) / (1 << 53)
}

// mix scatters 64 bits (the finalizer of SplitMix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
