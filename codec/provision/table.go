package provision

import (
	"strings"
	"time"

	"dormouse/codec/platform"
	"dormouse/codec/query"
)

// Bounds of fields. Those of credentials and endpoint names are where these are
// used without a registration, too.
const (
	maxName      = 1024      // bytes of a name, type or group path
	maxURI       = 255       // bytes: the range of /0/x/0 and /5/0/1
	maxPublicKey = 2048      // bytes of /0/x/4
	maxPeriod    = 1<<32 - 1 // s or ms, as in a Register
	maxServerID  = 65534     // 65535 is reserved (OMA Core 1.1, E.1)
	maxInterval  = 525600    // min: a year
	leastTimeout = 10_000    // ms: section 18
	mostTimeout  = 86400_000 // ms: what an operator may set as the most
)

const (
	serverGroup    = "serverSecurity"
	bootstrapGroup = "bootstrapSecurity"
)

var (
	bindings     = []string{"U", "UQ"}
	coapSchemes  = []string{"coap", "coaps"}
	fetchSchemes = []string{"coap", "coaps", "http", "https"}
)

// devices is the table. Its order is that of templates and documentation.
var devices = newTable(
	column[Device]{Field{Column: "endpoint id", Also: "ID", Name: "endpointId", Kind: KindText, Max: query.MaxEndpoint, Need: NeedAlways, tag: 1, Example: "urn:imei:490154203237518",
		Description: "Endpoint client name that the device registers with, unique over all tenants; equal to ID where both are given."},
		text(func(d *Device) *string { return &d.Endpoint })},
	column[Device]{Field{Column: "NAME", Name: "name", Kind: KindText, Max: maxName, tag: 2, Example: "Meter 1",
		Description: "Name of the device's managed object; the endpoint name where none is given."},
		text(func(d *Device) *string { return &d.Name })},
	column[Device]{Field{Column: "type", Name: "type", Kind: KindText, Max: maxName, Default: "c8y_lwm2m", tag: 3, Example: "c8y_lwm2m",
		Description: "Type of the device's managed object."},
		text(func(d *Device) *string { return &d.Type })},
	column[Device]{Field{Column: "PATH", Name: "path", Kind: KindText, Max: maxName, tag: 4, Example: "Site/Building",
		Description: "Path of the group that the device is put into."},
		text(func(d *Device) *string { return &d.Path })},

	column[Device]{Field{Column: "securityMode", Name: "securityMode", Group: serverGroup, Kind: KindChoice, Values: []string{"NO_SEC", "PSK", "PSK_GENERATED"}, Need: NeedAlways, tag: 5, Example: "PSK",
		Description: "Security of the connection to the LwM2M server; for PSK_GENERATED the identity is the endpoint name and a random key reaches the device by bootstrap."},
		choice(func(d *Device) *SecurityMode { return &d.Mode })},
	column[Device]{Field{Column: "lwm2m psk_id", Name: "lwm2mPskId", Group: serverGroup, Kind: KindText, Max: platform.MaxIdentity, Need: NeedPSK, tag: 6, Example: "urn:imei:490154203237518",
		Description: "PSK identity of the connection to the LwM2M server, unique over all tenants; it may be that of the bootstrap connection of the same device."},
		text(func(d *Device) *string { return &d.PSKID })},
	column[Device]{Field{Column: "lwm2m psk_key", Name: "lwm2mPskKey", Group: serverGroup, Kind: KindKey, Min: 1, Max: platform.MaxKey, Need: NeedPSK, Example: "000102030405060708090a0b0c0d0e0f",
		Description: "Pre-shared key of that identity in hex digits."},
		key(func(d *Device) *Key { return &d.PSKKey })},
	column[Device]{Field{Column: "bootstrapSecurityMode", Name: "bootstrapSecurityMode", Group: bootstrapGroup, Kind: KindChoice, Values: []string{"NO_SEC", "PSK"}, tag: 7, Example: "PSK",
		Description: "Security of the connection to the bootstrap server; that of securityMode where none is given, and NO_SEC for PSK_GENERATED."},
		choice(func(d *Device) *SecurityMode { return &d.BootstrapMode })},
	column[Device]{Field{Column: "bootstrap psk_id", Name: "bootstrapPskId", Group: bootstrapGroup, Kind: KindText, Max: platform.MaxIdentity, Need: NeedBootstrapPSK, tag: 8, Example: "bs-490154203237518",
		Description: "PSK identity of the connection to the bootstrap server, unique over all tenants."},
		text(func(d *Device) *string { return &d.BootstrapPSKID })},
	column[Device]{Field{Column: "bootstrap psk_key", Name: "bootstrapPskKey", Group: bootstrapGroup, Kind: KindKey, Min: 1, Max: platform.MaxKey, Need: NeedBootstrapPSK, Example: "101112131415161718191a1b1c1d1e1f",
		Description: "Pre-shared key of that identity in hex digits."},
		key(func(d *Device) *Key { return &d.BootstrapPSKKey })},

	column[Device]{Field{Column: "lwm2m server uri", Name: "lwm2mServerUri", Kind: KindURI, Max: maxURI, Schemes: coapSchemes, Need: NeedBootstrap, tag: 9, Example: "coaps://lwm2m.example.com:5784",
		Description: "LwM2M server that bootstrap tells the device of: coap:// for NO_SEC, coaps:// for PSK."},
		address(func(d *Device) *string { return &d.ServerURI })},
	column[Device]{Field{Column: "generateBootstrapServerConfig", Name: "generateBootstrapServerConfig", Kind: KindBoolean, Default: "false", tag: 10, Example: "false",
		Description: "Bootstrap writes the bootstrap server's own Security instance too."},
		boolean(func(d *Device) *Optional[bool] { return &d.GenerateBootstrapServer })},
	column[Device]{Field{Column: "bootstrapShortServerId", Name: "bootstrapShortServerId", Kind: KindInteger, Max: maxServerID, Default: "0", tag: 11, Example: "0",
		Description: "/0/x/10 of the bootstrap server's instance; 0: not written."},
		number(func(d *Device) *Optional[uint16] { return &d.BootstrapShortServerID })},
	column[Device]{Field{Column: "registrationLifetime", Name: "registrationLifetime", Kind: KindInteger, Unit: "s", Max: maxPeriod, tag: 12, Example: "86400",
		Description: "Lifetime, /1/x/1, that bootstrap writes; the node's setting where none is given, 0 for ever."},
		period(time.Second, func(d *Device) *Optional[time.Duration] { return &d.Lifetime })},
	column[Device]{Field{Column: "defaultMinimumPeriod", Name: "defaultMinimumPeriod", Kind: KindInteger, Unit: "s", Max: maxPeriod, tag: 13, Example: "1",
		Description: "Default minimum period, /1/x/2, that bootstrap writes."},
		period(time.Second, func(d *Device) *Optional[time.Duration] { return &d.MinPeriod })},
	column[Device]{Field{Column: "defaultMaximumPeriod", Name: "defaultMaximumPeriod", Kind: KindInteger, Unit: "s", Max: maxPeriod, tag: 14, Example: "3600",
		Description: "Default maximum period, /1/x/3, that bootstrap writes."},
		period(time.Second, func(d *Device) *Optional[time.Duration] { return &d.MaxPeriod })},
	column[Device]{Field{Column: "serverPublicKey", Name: "serverPublicKey", Kind: KindBytes, Max: maxPublicKey, tag: 15, Example: "3059301306072a8648ce3d0201",
		Description: "Public key of the server, /0/x/4, in hex digits or base64."},
		octets(func(d *Device) *[]byte { return &d.ServerPublicKey })},
	column[Device]{Field{Column: "lwm2mShortServerId", Name: "lwm2mShortServerId", Kind: KindInteger, Min: 1, Max: maxServerID, Default: "1", tag: 16, Example: "1",
		Description: "Short server ID of the LwM2M server, /0/x/10 and /1/x/0."},
		number(func(d *Device) *Optional[uint16] { return &d.ShortServerID })},
	column[Device]{Field{Column: "securityInstanceOffset", Name: "securityInstanceOffset", Kind: KindInteger, Max: maxServerID, Default: "0", tag: 17, Example: "0",
		Description: "Number of the first Security instance, /0/x, that bootstrap writes."},
		number(func(d *Device) *Optional[uint16] { return &d.SecurityInstanceOffset })},
	column[Device]{Field{Column: "bindingMode", Name: "bindingMode", Kind: KindChoice, Values: bindings, tag: 18, Example: "U",
		Description: "Binding, /1/x/7, that bootstrap writes; where none is given U, or UQ to a device of LwM2M 1.0; operations are queued whatever it says."},
		choice(func(d *Device) *Binding { return &d.Binding })},
	column[Device]{Field{Column: "awakeTimeRegistrationParameter", Name: "awakeTimeRegistrationParameter", Kind: KindInteger, Unit: "ms", Max: maxPeriod, tag: 19, Example: "93000",
		Description: "Time that the device listens for after a message; 0: always online; where none is given the registration or the node's setting says."},
		period(time.Millisecond, func(d *Device) *Optional[time.Duration] { return &d.AwakeTime })},
	column[Device]{Field{Column: "notificationIfDisabled", Name: "notificationIfDisabled", Kind: KindBoolean, tag: 20, Example: "true",
		Description: "The device stores notifications while it is disabled or offline, /1/x/6; not written where it is not given."},
		boolean(func(d *Device) *Optional[bool] { return &d.NotificationStoring })},
	column[Device]{Field{Column: "disableTimeout", Name: "disableTimeout", Kind: KindInteger, Unit: "s", Max: maxPeriod, tag: 21, Example: "86400",
		Description: "Time that a disabled server stays so, /1/x/5; not written where it is not given."},
		timeout(period(time.Second, func(d *Device) *Optional[time.Duration] { return &d.DisableTimeout }))},
	column[Device]{Field{Column: "lwm2mRequestTimeout", Name: "lwm2mRequestTimeout", Kind: KindInteger, Unit: "ms", Min: leastTimeout, Max: mostTimeout, tag: 22, Example: "180000",
		Description: "Time that a request of an operation may take; the node's setting where none is given, and another setting of it is the most."},
		period(time.Millisecond, func(d *Device) *Optional[time.Duration] { return &d.RequestTimeout })},
	column[Device]{Field{Column: "binaryDeliveryEncoding", Name: "binaryDeliveryEncoding", Kind: KindChoice, Values: []string{"OPAQUE", "TLV", "JSON", "TEXT"}, Lenient: true, Default: "OPAQUE", tag: 23, Example: "OPAQUE",
		Description: "Format in which binaries are written to the device."},
		choice(func(d *Device) *BinaryEncoding { return &d.BinaryEncoding })},
	column[Device]{Field{Column: "enableResourceLevelTimestamp", Name: "enableResourceLevelTimestamp", Kind: KindBoolean, Default: "false", tag: 24, Example: "false",
		Description: "Data is stamped by the device's resources 5518 and 6050, or 6/0/5, where it sends them."},
		boolean(func(d *Device) *Optional[bool] { return &d.ResourceTimestamps })},
	column[Device]{Field{Column: "serializationFormat", Name: "serializationFormat", Kind: KindChoice, Values: []string{"TLV", "JSON", "CBOR", "TEXT", "OPAQUE", "SENML_JSON", "SENML_CBOR"}, Lenient: true, tag: 25, Example: "SENML_CBOR",
		Description: "Payload format towards the device; where none is given what the device announces, or the default of its version."},
		choice(func(d *Device) *Serialization { return &d.Serialization })},
	column[Device]{Field{Column: "c8y_GenericUI_retainOldValuesIfError", Name: "c8y_GenericUI_retainOldValuesIfError", Kind: KindBoolean, Default: "true", tag: 26, Example: "true",
		Description: "A value stays shown when the device refuses to read or write it, or no longer lists it."},
		boolean(func(d *Device) *Optional[bool] { return &d.RetainOldValues })},

	column[Device]{Field{Column: "fwUpdateDeliveryMethod", Name: "fwUpdateDeliveryMethod", Kind: KindChoice, Values: []string{"PUSH", "PULL", "BOTH"}, tag: 27, Example: "PULL",
		Description: "How firmware gets to the device, in place of /5/0/9."},
		choice(func(d *Device) *Delivery { return &d.Delivery })},
	column[Device]{Field{Column: "fwUpdateSupportedDeviceProtocol", Name: "fwUpdateSupportedDeviceProtocol", Kind: KindChoice, Values: []string{"COAP", "COAPS", "HTTP", "HTTPS"}, tag: 28, Example: "COAPS",
		Description: "Protocol by which the device fetches firmware, in place of /5/0/8."},
		choice(func(d *Device) *Protocol { return &d.Protocol })},
	column[Device]{Field{Column: "fwUpdateResetMechanism", Name: "fwUpdateResetMechanism", Kind: KindChoice, Values: []string{"PACKAGE", "PACKAGE_URI"}, tag: 29, Example: "PACKAGE",
		Description: "Resource whose write resets the firmware state machine; chosen by the delivery method where none is given."},
		choice(func(d *Device) *Reset { return &d.Reset })},
	column[Device]{Field{Column: "fwResetStateMachineOnStart", Name: "fwResetStateMachineOnStart", Kind: KindBoolean, Default: "true", tag: 30, Example: "true",
		Description: "An update begins with a reset of the firmware state machine."},
		boolean(func(d *Device) *Optional[bool] { return &d.ResetOnStart })},
	column[Device]{Field{Column: "fwUpdateURL", Name: "fwUpdateURL", Kind: KindURI, Max: maxURI, Schemes: fetchSchemes, tag: 31, Example: "https://firmware.example.com/meter.bin",
		Description: "Where the device downloads firmware from, in place of the repository's URL."},
		address(func(d *Device) *string { return &d.FirmwareURL })},
	column[Device]{Field{Column: "disableFirmwareStateMachine", Name: "disableFirmwareStateMachine", Kind: KindBoolean, Default: "false", tag: 32, Example: "false",
		Description: "Object 5 is not handled automatically."},
		boolean(func(d *Device) *Optional[bool] { return &d.DisableFirmware })},

	column[Device]{Field{Column: "availabilityRequiredInterval", Name: "availabilityRequiredInterval", Kind: KindInteger, Unit: "min", Max: maxInterval, tag: 33, Example: "1442",
		Description: "Time without a message after which the device counts as unavailable."},
		period(time.Minute, func(d *Device) *Optional[time.Duration] { return &d.AvailabilityInterval })},
	column[Device]{Field{Column: "autoManageAvailabilityRequiredInterval", Name: "autoManageAvailabilityRequiredInterval", Kind: KindBoolean, Default: "true", tag: 34, Example: "false",
		Description: "That time follows the lifetime of the registration."},
		boolean(func(d *Device) *Optional[bool] { return &d.AutoAvailabilityInterval })},
	column[Device]{Field{Column: "disableInternalObjectInstanceActions", Name: "disableInternalObjectInstanceActions", Kind: KindBoolean, Default: "false", tag: 35, Example: "false",
		Description: "The built-in actions of objects 3, 4 and 6 are off."},
		boolean(func(d *Device) *Optional[bool] { return &d.DisableBuiltInActions })},
	column[Device]{Field{Column: "logLevel", Name: "logLevel", Kind: KindChoice, Values: []string{"NONE", "LIFECYCLE", "TRAFFIC", "FIRMWARE", "VERBOSE"}, Default: "LIFECYCLE", tag: 36, Example: "LIFECYCLE",
		Description: "Which events of the device are written."},
		choice(func(d *Device) *LogLevel { return &d.LogLevel })},

	column[Device]{Field{Column: "x509ClientCertificate", Name: "x509ClientCertificate", Kind: KindText, Need: NeedLater,
		Description: "Certificate of the device in PEM."}, later[Device]()},
	column[Device]{Field{Column: "x509ClientPrivateKey", Name: "x509ClientPrivateKey", Kind: KindKey, Need: NeedLater,
		Description: "Private key of that certificate in PEM."}, later[Device]()},
	column[Device]{Field{Column: "x509CertificateUsage", Name: "x509CertificateUsage", Kind: KindChoice, Need: NeedLater,
		Values:      []string{"CA_CONSTRAINT", "SERVICE_CERTIFICATE_CONSTRAINT", "TRUST_ANCHOR_ASSERTION", "DOMAIN_ISSUER_CERTIFICATE"},
		Description: "What the certificate of the server is held against."}, later[Device]()},
)

// timeout has a sentence for a Boolean, which the documentation of other
// platforms asks for.
func timeout[T any](o ops[T]) ops[T] {
	parse := o.parse
	o.parse = func(c check, t *T, s string) string {
		if strings.EqualFold(s, "true") || strings.EqualFold(s, "false") {
			return "is a number of seconds, not true or false"
		}
		return parse(c, t, s)
	}
	return o
}

// serversName is the member that has a list of servers, each by the table below;
// serversTag is the tag of one of them in a record.
const (
	serversName = "servers"
	serversTag  = 64
)

const securityGroup = "security"

// servers is the table of the members of one server.
var servers = newTable(
	column[Server]{Field{Name: "uri", Kind: KindURI, Max: maxURI, Schemes: coapSchemes, Need: NeedAlways, tag: 1,
		Description: "Address of the server: coap:// for NO_SEC, coaps:// for PSK."},
		address(func(s *Server) *string { return &s.URI })},
	column[Server]{Field{Name: "shortServerId", Kind: KindInteger, Min: 1, Max: maxServerID, tag: 2,
		Description: "Short server ID, /0/x/10 and /1/x/0, which no two servers share."},
		number(func(s *Server) *Optional[uint16] { return &s.ShortServerID })},
	column[Server]{Field{Name: "lifetime", Kind: KindInteger, Unit: "s", Max: maxPeriod, tag: 3,
		Description: "Lifetime, /1/x/1; 0 for ever."},
		period(time.Second, func(s *Server) *Optional[time.Duration] { return &s.Lifetime })},
	column[Server]{Field{Name: "pmin", Kind: KindInteger, Unit: "s", Max: maxPeriod, tag: 4,
		Description: "Default minimum period, /1/x/2."},
		period(time.Second, func(s *Server) *Optional[time.Duration] { return &s.MinPeriod })},
	column[Server]{Field{Name: "pmax", Kind: KindInteger, Unit: "s", Max: maxPeriod, tag: 5,
		Description: "Default maximum period, /1/x/3."},
		period(time.Second, func(s *Server) *Optional[time.Duration] { return &s.MaxPeriod })},
	column[Server]{Field{Name: "disableTimeout", Kind: KindInteger, Unit: "s", Max: maxPeriod, tag: 6,
		Description: "Time that the server stays disabled, /1/x/5."},
		timeout(period(time.Second, func(s *Server) *Optional[time.Duration] { return &s.DisableTimeout }))},
	column[Server]{Field{Name: "binding", Kind: KindChoice, Values: bindings, tag: 7,
		Description: "Binding, /1/x/7."},
		choice(func(s *Server) *Binding { return &s.Binding })},
	column[Server]{Field{Name: "storeNotifications", Kind: KindBoolean, tag: 8,
		Description: "The device stores notifications while the server is disabled or offline, /1/x/6."},
		boolean(func(s *Server) *Optional[bool] { return &s.NotificationStoring })},
	column[Server]{Field{Name: "securityMode", Group: securityGroup, Kind: KindChoice, Values: []string{"NO_SEC", "PSK"}, tag: 9,
		Description: "Security of the connection to this server; that of the device where none is given."},
		choice(func(s *Server) *SecurityMode { return &s.Security.Mode })},
	column[Server]{Field{Name: "lwm2mPskId", Group: securityGroup, Kind: KindText, Max: platform.MaxIdentity, Need: NeedPSK, tag: 10,
		Description: "PSK identity of that connection."},
		text(func(s *Server) *string { return &s.Security.PSKID })},
	column[Server]{Field{Name: "lwm2mPskKey", Group: securityGroup, Kind: KindKey, Min: 1, Max: platform.MaxKey, Need: NeedPSK,
		Description: "Pre-shared key of that identity in hex digits."},
		key(func(s *Server) *Key { return &s.Security.PSKKey })},
)
