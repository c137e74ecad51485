package provision

import "time"

// Device is one registration (platform.md, section 3). A text, choice, key or
// list that is empty is absent. What is absent has its default by WithDefaults,
// or is decided where it is used; the table says which.
type Device struct {
	Endpoint string // the parameter ep of a Register
	Name     string // of the managed object
	Type     string // of the managed object
	Path     string // of the group that the device goes to, segments parted by "/"

	Mode   SecurityMode
	PSKID  string
	PSKKey Key

	BootstrapMode   SecurityMode // as it was given; see BootstrapSecurity
	BootstrapPSKID  string
	BootstrapPSKKey Key

	ServerURI                string
	GenerateBootstrapServer  Optional[bool]
	BootstrapShortServerID   Optional[uint16] // 0: not written
	Lifetime                 Optional[time.Duration]
	MinPeriod                Optional[time.Duration]
	MaxPeriod                Optional[time.Duration]
	ServerPublicKey          []byte
	ShortServerID            Optional[uint16]
	SecurityInstanceOffset   Optional[uint16]
	Binding                  Binding
	NotificationStoring      Optional[bool]
	DisableTimeout           Optional[time.Duration]
	Servers                  []Server // instead of ServerURI; see LwM2MServers
	AwakeTime                Optional[time.Duration]
	RequestTimeout           Optional[time.Duration]
	BinaryEncoding           BinaryEncoding
	ResourceTimestamps       Optional[bool]
	Serialization            Serialization
	RetainOldValues          Optional[bool]
	Delivery                 Delivery
	Protocol                 Protocol
	Reset                    Reset
	ResetOnStart             Optional[bool]
	FirmwareURL              string
	DisableFirmware          Optional[bool]
	AvailabilityInterval     Optional[time.Duration]
	AutoAvailabilityInterval Optional[bool]
	DisableBuiltInActions    Optional[bool]
	LogLevel                 LogLevel

	later []byte // sections of a record that a later version wrote, kept as they are
}

// HasBootstrap says that the device is to get its servers by bootstrap.
func (d *Device) HasBootstrap() bool {
	return d.ServerURI != "" || len(d.Servers) > 0 || d.GenerateBootstrapServer.Value || d.Mode == PSKGenerated
}

// BootstrapSecurity is the mode of the bootstrap connection: that of the server
// connection where none is given, and NO_SEC where that one's key is generated.
func (d *Device) BootstrapSecurity() SecurityMode {
	switch {
	case d.BootstrapMode != "":
		return d.BootstrapMode
	case d.Mode == PSKGenerated:
		return NoSec
	}
	return d.Mode
}

// Identity is the PSK identity of the server connection, "" without PSK.
func (d *Device) Identity() string {
	switch d.Mode {
	case PSK:
		return d.PSKID
	case PSKGenerated:
		return d.Endpoint
	}
	return ""
}

// BootstrapIdentity is that of the bootstrap connection, "" without PSK.
func (d *Device) BootstrapIdentity() string {
	if d.BootstrapSecurity() == PSK {
		return d.BootstrapPSKID
	}
	return ""
}

// WithDefaults is the device with the defaults of the table in place of what is
// absent.
func (d Device) WithDefaults() Device {
	for i := range devices.columns {
		c := &devices.columns[i]
		if _, given := c.text(&d); !given && c.Default != "" {
			if reason := c.parse(check{&c.Field, Rules{}}, &d, c.Default); reason != "" {
				panic("provision: the default of " + c.Column + " " + reason)
			}
		}
	}
	return d
}

// WithoutKeys is the device with all keys taken away.
func (d Device) WithoutKeys() Device {
	d.PSKKey, d.BootstrapPSKKey = Key{}, Key{}
	if d.Servers != nil {
		servers := make([]Server, len(d.Servers))
		for i, s := range d.Servers {
			s.Security.PSKKey = Key{}
			servers[i] = s
		}
		d.Servers = servers
	}
	return d
}
