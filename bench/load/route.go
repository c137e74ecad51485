package load

import (
	"math/rand/v2"

	"dormouse/bench/crowd"
)

// route is which of the servers a device speaks to.
type route struct {
	servers int
	spray   bool
	bound   func(device uint32) bool // to the server of its session
	random  *rand.Rand
	aim     Aim
	owner   func(device uint32) (server int, ok bool)
}

func newRoute(o Options) *route {
	return &route{
		servers: 1 + len(o.Others), spray: o.Spray, random: rand.New(rand.NewPCG(o.Seed, 3)),
		bound: func(device uint32) bool { return o.Security != nil && o.Security.classic(device) },
	}
}

// home is the server that a device keeps to, and makes its handshake with.
func (r *route) home(device uint32) crowd.Server { return crowd.Server(int(device) % r.servers) }

// first is where an exchange begins.
func (r *route) first(device uint32) crowd.Server {
	if r.aim != AsOptions && !r.bound(device) {
		return r.aimed(device)
	}
	if !r.spray || r.servers == 1 || r.bound(device) {
		return r.home(device)
	}
	return crowd.Server(r.random.IntN(r.servers))
}

// aimed is the owner of a device, or any other server.
func (r *route) aimed(device uint32) crowd.Server {
	owner, ok := r.owner(device)
	switch {
	case !ok:
		return r.home(device)
	case r.aim == AtOwner:
		return crowd.Server(owner)
	}
	return crowd.Server((owner + 1 + r.random.IntN(r.servers-1)) % r.servers)
}

// again is where the repetition of that number goes, from 1 on: the first one to
// the same server, which may only have lost a datagram.
func (r *route) again(device uint32, last crowd.Server, repeat uint8) crowd.Server {
	if repeat == 1 {
		return last
	}
	return r.first(device)
}
