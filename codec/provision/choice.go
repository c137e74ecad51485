package provision

// SecurityMode is how a connection of a device is secured; "" is absent.
type SecurityMode string

// Security modes. PSKGenerated is of the server connection alone: its identity
// is the endpoint's name, its key is made at random and reaches the device by
// bootstrap.
const (
	NoSec        SecurityMode = "NO_SEC"
	PSK          SecurityMode = "PSK"
	PSKGenerated SecurityMode = "PSK_GENERATED"
)

// x509 is refused with a sentence of its own.
const x509 = "X509"

// Binding is what /1/x/7 of the device is to say.
type Binding string

// Bindings.
const (
	BindingU  Binding = "U"
	BindingUQ Binding = "UQ" // LwM2M 1.0 only
)

// BinaryEncoding is the format in which binaries are written to a device.
type BinaryEncoding string

// Encodings of binaries.
const (
	BinaryOpaque BinaryEncoding = "OPAQUE"
	BinaryTLV    BinaryEncoding = "TLV"
	BinaryJSON   BinaryEncoding = "JSON"
	BinaryText   BinaryEncoding = "TEXT"
)

// Serialization is the name of a payload format, as the shell command of that
// name has it.
type Serialization string

// Serialization formats.
const (
	SerializeTLV       Serialization = "TLV"
	SerializeJSON      Serialization = "JSON"
	SerializeCBOR      Serialization = "CBOR"
	SerializeText      Serialization = "TEXT"
	SerializeOpaque    Serialization = "OPAQUE"
	SerializeSenMLJSON Serialization = "SENML_JSON"
	SerializeSenMLCBOR Serialization = "SENML_CBOR"
)

// Delivery is how firmware gets to a device; it stands for /5/0/9.
type Delivery string

// Ways of delivery.
const (
	DeliverPush Delivery = "PUSH"
	DeliverPull Delivery = "PULL"
	DeliverBoth Delivery = "BOTH"
)

// Protocol is what a device fetches firmware by; it stands for /5/0/8.
type Protocol string

// Protocols.
const (
	ProtocolCOAP  Protocol = "COAP"
	ProtocolCOAPS Protocol = "COAPS"
	ProtocolHTTP  Protocol = "HTTP"
	ProtocolHTTPS Protocol = "HTTPS"
)

// Reset is the resource whose write resets the firmware state machine.
type Reset string

// Ways of reset.
const (
	ResetPackage    Reset = "PACKAGE"     // one 0 byte to /5/0/0
	ResetPackageURI Reset = "PACKAGE_URI" // an empty string to /5/0/1
)

// LogLevel says which events of a device are written.
type LogLevel string

// Log levels.
const (
	LogNone      LogLevel = "NONE"
	LogLifecycle LogLevel = "LIFECYCLE"
	LogTraffic   LogLevel = "TRAFFIC"
	LogFirmware  LogLevel = "FIRMWARE"
	LogVerbose   LogLevel = "VERBOSE"
)
