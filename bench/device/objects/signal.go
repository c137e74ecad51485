package objects

import (
	"math"
	"time"

	"dormouse/codec/lwm2m"
)

// Signal is where the values of a resource come from.
type Signal uint8

// Signals. SignalNone is a value that was set.
const (
	SignalNone Signal = iota
	signalSerial
	signalClock
	signalSampled
	signalBattery
	signalVoltage
	signalCurrent
	signalMemory
	signalRadio
	signalQuality
	signalLatitude
	signalLongitude
	signalTemperature
	signalLowest
	signalHighest
	signalSent
	signalReceived
)

// signalKind is one row of the table of signals.
type signalKind struct {
	name  string // in factory.txt
	moves bool   // by itself, so that observers are told
	value func(s *Sensors, p lwm2m.Path, parameter lwm2m.Value, now time.Time) lwm2m.Value
	// written is the parameter that makes the signal show a value; nil: it
	// cannot be written.
	written func(v lwm2m.Value, now time.Time) lwm2m.Value
}

var signals = [...]signalKind{
	SignalNone:        {},
	signalSerial:      {name: "serial", value: serial},
	signalClock:       {name: "clock", moves: true, value: clock, written: setClock},
	signalSampled:     {name: "sampled", moves: true, value: sampled},
	signalBattery:     {name: "battery", moves: true, value: integer(20, 100)},
	signalVoltage:     {name: "voltage", moves: true, value: integer(3600, 4200)},
	signalCurrent:     {name: "current", moves: true, value: integer(20, 220)},
	signalMemory:      {name: "memory", moves: true, value: integer(64, 192)},
	signalRadio:       {name: "radio", moves: true, value: integer(-110, -60)},
	signalQuality:     {name: "quality", moves: true, value: integer(0, 31)},
	signalLatitude:    {name: "latitude", moves: true, value: decimal(51.20, 51.25, 1e5)},
	signalLongitude:   {name: "longitude", moves: true, value: decimal(6.70, 6.82, 1e5)},
	signalTemperature: {name: "temperature", moves: true, value: temperature},
	signalLowest:      {name: "lowest", moves: true, value: lowest, written: since},
	signalHighest:     {name: "highest", moves: true, value: highest, written: since},
	signalSent:        {name: "sent", moves: true, value: sent},
	signalReceived:    {name: "received", moves: true, value: received},
}

// moves reports a value that changes by itself.
func (s Signal) moves() bool { return signals[s].moves }

// Writable reports a signal that can be written.
func (s Signal) Writable() bool { return signals[s].written != nil }

// Written is the parameter with which a writable signal shows v: how far a
// clock is ahead, since when an extreme is looked for.
func (s Signal) Written(v lwm2m.Value, now time.Time) lwm2m.Value { return signals[s].written(v, now) }

func serial(s *Sensors, _ lwm2m.Path, _ lwm2m.Value, _ time.Time) lwm2m.Value {
	return lwm2m.String(s.Serial)
}

// clock runs beside the true time by its parameter.
func clock(_ *Sensors, _ lwm2m.Path, ahead lwm2m.Value, now time.Time) lwm2m.Value {
	return lwm2m.Time(now.Unix() + ahead.Int())
}

func setClock(v lwm2m.Value, now time.Time) lwm2m.Value { return lwm2m.Integer(v.Int() - now.Unix()) }

func sampled(s *Sensors, _ lwm2m.Path, _ lwm2m.Value, now time.Time) lwm2m.Value {
	return lwm2m.Time(s.SampledAt(s.Sample(now)).Unix())
}

func integer(low, high int64) func(*Sensors, lwm2m.Path, lwm2m.Value, time.Time) lwm2m.Value {
	return func(s *Sensors, p lwm2m.Path, _ lwm2m.Value, now time.Time) lwm2m.Value {
		return lwm2m.Integer(low + int64(math.Round(float64(high-low)*s.walk(p, s.Sample(now)))))
	}
}

func decimal(low, high, steps float64) func(*Sensors, lwm2m.Path, lwm2m.Value, time.Time) lwm2m.Value {
	return func(s *Sensors, p lwm2m.Path, _ lwm2m.Value, now time.Time) lwm2m.Value {
		return lwm2m.Float(math.Round((low+(high-low)*s.walk(p, s.Sample(now)))*steps) / steps)
	}
}

func temperature(s *Sensors, p lwm2m.Path, _ lwm2m.Value, now time.Time) lwm2m.Value {
	return lwm2m.Float(celsius(s, p, s.Sample(now)))
}

// celsius is the temperature of the sensor that p belongs to, in hundredths.
func celsius(s *Sensors, p lwm2m.Path, sample int64) float64 {
	return math.Round((10+20*s.walk(p.Prefix(2), sample))*100) / 100
}

func lowest(s *Sensors, p lwm2m.Path, start lwm2m.Value, now time.Time) lwm2m.Value {
	return extreme(s, p, start, now, math.Min)
}

func highest(s *Sensors, p lwm2m.Path, start lwm2m.Value, now time.Time) lwm2m.Value {
	return extreme(s, p, start, now, math.Max)
}

// extreme looks at the samples since its parameter, at most the last 256.
func extreme(s *Sensors, p lwm2m.Path, start lwm2m.Value, now time.Time, pick func(a, b float64) float64) lwm2m.Value {
	const most = 256
	last := s.Sample(now)
	first := max(last-most+1, s.Sample(time.Unix(0, start.Int())))
	v := celsius(s, p, last)
	for sample := first; sample < last; sample++ {
		v = pick(v, celsius(s, p, sample))
	}
	return lwm2m.Float(v)
}

func since(_ lwm2m.Value, now time.Time) lwm2m.Value { return lwm2m.Integer(now.UnixNano()) }

func sent(s *Sensors, _ lwm2m.Path, _ lwm2m.Value, _ time.Time) lwm2m.Value {
	if s.Traffic == nil {
		return lwm2m.Integer(0)
	}
	return lwm2m.Integer(int64(s.Traffic.Sent / 1000)) // kilobytes
}

func received(s *Sensors, _ lwm2m.Path, _ lwm2m.Value, _ time.Time) lwm2m.Value {
	if s.Traffic == nil {
		return lwm2m.Integer(0)
	}
	return lwm2m.Integer(int64(s.Traffic.Received / 1000))
}
