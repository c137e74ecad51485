package provision

import "time"

// MaxServers bounds the LwM2M servers of one device.
const MaxServers = 8

// Server is one LwM2M server that bootstrap writes to a device. What is absent
// is as the device's field of the same name says.
type Server struct {
	URI                 string
	ShortServerID       Optional[uint16]
	Lifetime            Optional[time.Duration]
	MinPeriod           Optional[time.Duration]
	MaxPeriod           Optional[time.Duration]
	DisableTimeout      Optional[time.Duration]
	Binding             Binding
	NotificationStoring Optional[bool]
	Security            Security // without a mode: the device's

	later []byte // as that of Device
}

// Security is how a device connects to one server.
type Security struct {
	Mode   SecurityMode
	PSKID  string
	PSKKey Key
}

// DefaultShortServerID is that of the LwM2M server where none is given.
const DefaultShortServerID = 1

// LwM2MServers are the servers that bootstrap writes, with all that the device
// says of them filled in: none where the device has no bootstrap. The key of a
// mode PSKGenerated is PSKKey of the device, once somebody has put it there.
func (d *Device) LwM2MServers() []Server {
	given := d.Servers
	if len(given) == 0 {
		if d.ServerURI == "" {
			return nil
		}
		given = []Server{{URI: d.ServerURI}}
	}
	servers := make([]Server, len(given))
	for i, s := range given {
		servers[i] = d.filled(s)
	}
	return servers
}

func (d *Device) filled(s Server) Server {
	s.ShortServerID = either(s.ShortServerID, either(d.ShortServerID, Some[uint16](DefaultShortServerID)))
	s.Lifetime = either(s.Lifetime, d.Lifetime)
	s.MinPeriod = either(s.MinPeriod, d.MinPeriod)
	s.MaxPeriod = either(s.MaxPeriod, d.MaxPeriod)
	s.DisableTimeout = either(s.DisableTimeout, d.DisableTimeout)
	s.NotificationStoring = either(s.NotificationStoring, d.NotificationStoring)
	if s.Binding == "" {
		s.Binding = d.Binding
	}
	if s.Security.Mode == "" {
		s.Security = Security{d.Mode, d.Identity(), d.PSKKey}
	}
	return s
}

func either[T any](o, other Optional[T]) Optional[T] {
	if o.Given {
		return o
	}
	return other
}
