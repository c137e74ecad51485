package ingress

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"dormouse/codec/wire"
)

// PortOf is the port of a listener, as bound; 0 where there is none.
func (s *Sockets) PortOf(listener uint8) uint16 {
	if sock := s.of(listener); sock != nil {
		return sock.address.Port()
	}
	return 0
}

// Has reports that what another node heard can be answered from here so that the
// device sees no difference: the socket of the listener has the local port of the
// path, and this machine the local address. Loopback and link-local addresses are
// those of each machine, and of none in particular.
func (s *Sockets) Has(path wire.ReturnPath) bool {
	sock := s.of(path.Listener)
	if sock == nil || path.Port == 0 || path.Port != sock.address.Port() {
		return false
	}
	local := path.Local.Unmap()
	if !local.IsGlobalUnicast() || !sock.family.reaches(local) || !sock.family.reaches(path.Peer.Addr().Unmap()) {
		return false
	}
	if !sock.wildcard {
		return sock.address.Addr().WithZone("") == local
	}
	return s.owned.has(local)
}

func (s *Sockets) of(listener uint8) *socket {
	for _, sock := range s.sockets {
		if sock.index == listener {
			return sock
		}
	}
	return nil
}

func (f family) reaches(a netip.Addr) bool {
	return f == bothIP || (f == ipv4Only) == a.Is4()
}

// owned are the addresses of this machine. They come and go, such as those that
// a router protocol gives to the living node: they are asked for anew when
// somebody wants to know and the answer is ownedFor old.
type owned struct {
	ask func() ([]net.Addr, error) // nil: the system

	mu   sync.Mutex
	now  map[netip.Addr]bool
	till time.Time
}

const ownedFor = time.Second

func (o *owned) has(a netip.Addr) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if now := time.Now(); !now.Before(o.till) {
		o.now, o.till = o.read(), now.Add(ownedFor)
	}
	return o.now[a]
}

// read gives none where the system gives none: then other nodes send.
func (o *owned) read() map[netip.Addr]bool {
	ask := o.ask
	if ask == nil {
		ask = net.InterfaceAddrs
	}
	list, err := ask()
	if err != nil {
		return nil
	}
	addrs := make(map[netip.Addr]bool, len(list))
	for _, one := range list {
		if n, ok := one.(*net.IPNet); ok {
			if a, ok := netip.AddrFromSlice(n.IP); ok {
				addrs[a.Unmap()] = true
			}
		}
	}
	return addrs
}
