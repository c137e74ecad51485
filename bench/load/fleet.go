package load

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"

	"dormouse/bench/crowd"
	"dormouse/codec/coap"
	"dormouse/codec/ids"
	"dormouse/codec/lwm2m"
)

// locationSize is the room for a Location-Path: clients keep two segments and
// 32 bytes, so servers must not give more.
const locationSize = 40

// errLocation is a Location-Path that cannot be kept.
var errLocation = errors.New("load: the server gave a Location-Path that is empty or too long")

// device is what is kept of each: a million of them are to fit beside the
// server on a small machine.
type device struct {
	location     [locationSize]byte // joined by "/"
	token        [8]byte            // of the observation
	locationSize uint8
	tokenSize    uint8
	observed     bool
	format       lwm2m.Format // that the observation wants
	mid          uint16       // last one used
	sequence     uint32       // of the last notification
	slot         int32        // of its exchange, free where it has none
}

const free int32 = -1

type source = crowd.Source

const firstSource source = 127<<24 | 1<<16 | 1 // 127.1.0.1

// fleet is the devices by number, and their addresses.
type fleet struct {
	devices    []device
	perAddress int
	local      bool // addresses are chosen here, out of 127.0.0.0/8

	// Devices that move have address after address: a generation is one of each.
	generation  []uint32 // by device; nil: nobody moves
	generations uint32
}

func newFleet(o Options) *fleet {
	f := &fleet{devices: make([]device, o.Devices), perAddress: o.DevicesPerAddress, local: o.Target.Addr().IsLoopback()}
	f.generations = 1
	if o.Security != nil && o.Security.RebindEvery > 0 {
		f.generation, f.generations = make([]uint32, o.Devices), uint32(MaxDevices/o.Devices)
	}
	random := rand.New(rand.NewPCG(o.Seed, 1))
	for i := range f.devices {
		f.devices[i].slot = free
		f.devices[i].mid = uint16(random.Uint32())
	}
	return f
}

// source is where a device sends from.
func (f *fleet) source(i uint32) source {
	if !f.local {
		return 0
	}
	if f.generation != nil {
		return firstSource + source(f.generation[i])*source(len(f.devices)) + source(i)
	}
	return firstSource + source(int(i)/f.perAddress)
}

// move gives a device another address: of as many as there is room for, in turn.
func (f *fleet) move(i uint32) { f.generation[i] = (f.generation[i] + 1) % f.generations }

// alone finds the device that has an address for itself, and has it now.
func (f *fleet) alone(s source) (i uint32, ok bool) {
	i, ok = f.owner(s)
	return i, ok && f.source(i) == s
}

// owner finds the device that has an address for itself, now or at another time.
func (f *fleet) owner(s source) (i uint32, ok bool) {
	if !f.local || f.perAddress != 1 || s < firstSource || int(s-firstSource) >= len(f.devices)*int(f.generations) {
		return 0, false
	}
	return uint32(int(s-firstSource) % len(f.devices)), true
}

// nextMID is a message ID of a device. Devices that share an address count
// each for itself, so that theirs may collide there: servers that look for
// duplicates by address alone cannot be measured that way.
func (f *fleet) nextMID(i uint32) uint16 {
	f.devices[i].mid++
	return f.devices[i].mid
}

// settle keeps the location of a 2.01.
func (d *device) settle(m *coap.Message) error {
	size := 0
	for _, o := range m.Options {
		if o.ID != coap.OptLocationPath || len(o.Value) == 0 {
			continue
		}
		if size+1+len(o.Value) > locationSize {
			return fmt.Errorf("%w: %q", errLocation, m.LocationPath())
		}
		if size > 0 {
			d.location[size] = '/'
			size++
		}
		size += copy(d.location[size:], o.Value)
	}
	if size == 0 {
		return errLocation
	}
	d.locationSize = uint8(size)
	return nil
}

// endpoint is what the server calls the device; false: it is not registered, or
// its location is of another kind of server.
func (d *device) endpoint() (ids.Endpoint, bool) {
	segment := d.path()
	l, err := ids.ParseLocation(segment[bytes.LastIndexByte(segment, '/')+1:])
	return l.Endpoint, err == nil
}

// path is the location, empty before a registration.
func (d *device) path() []byte { return d.location[:d.locationSize] }

// observe keeps what notifications need; false where the token is none.
func (d *device) observe(m *coap.Message, f lwm2m.Format) bool {
	if len(m.Token) == 0 || len(m.Token) > len(d.token) {
		return false
	}
	d.tokenSize = uint8(copy(d.token[:], m.Token))
	d.observed, d.format = true, f
	return true
}
