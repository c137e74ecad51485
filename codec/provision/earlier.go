package provision

import (
	"fmt"
	"hash/maphash"
)

// earlier knows the names of the good lines of a file, by a keyed hash alone:
// that two names of a file of a million lines share one is a chance of 2^-25.
type earlier struct {
	seed       maphash.Seed
	endpoints  map[uint64]int // number of the line
	identities map[uint64]int // of either connection: no two devices share one
}

func newEarlier() earlier {
	return earlier{maphash.MakeSeed(), make(map[uint64]int), make(map[uint64]int)}
}

// find adds a fault for each name that an earlier line has.
func (e *earlier) find(b *builder) {
	d := &b.device
	e.known(b, e.endpoints, "endpointId", d.Endpoint)
	name := "lwm2mPskId"
	if d.Mode == PSKGenerated {
		name = "endpointId" // which is the identity
	}
	e.known(b, e.identities, name, d.Identity())
	e.known(b, e.identities, "bootstrapPskId", d.BootstrapIdentity())
}

func (e *earlier) known(b *builder, names map[uint64]int, field, name string) {
	if name == "" {
		return
	}
	if line, found := names[maphash.String(e.seed, name)]; found {
		b.about(field, fmt.Sprintf("stands in line %d already", line))
	}
}

// add remembers the names of a good line.
func (e *earlier) add(d *Device, line int) {
	e.endpoints[maphash.String(e.seed, d.Endpoint)] = line
	for _, identity := range []string{d.Identity(), d.BootstrapIdentity()} {
		if identity != "" {
			e.identities[maphash.String(e.seed, identity)] = line
		}
	}
}
