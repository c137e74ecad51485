package config

import (
	"log/slog"
	"strconv"
	"time"
)

// Config is the effective configuration of a node. Section numbers are those
// of the platform's feature list.
type Config struct {
	// Data is the directory of everything that outlives the process.
	Data string
	// HTTP is host:port of the API's listener, "" for none. The host must be
	// loopback until logins exist.
	HTTP string
	// CoAP are the host:port of the LwM2M server's plain CoAP sockets, none
	// for no listener (§1). An empty host means all addresses, IPv4 and IPv6.
	CoAP []string
	// CoAPS are those of its DTLS sockets, alike.
	CoAPS []string
	// ConnectionIDs: devices that offer it are given a DTLS Connection ID (RFC
	// 9146), so that they may change their address.
	ConnectionIDs bool
	// SealKeyFile is the file of the keys that secrets are sealed under where they
	// are stored: 64 hex digits a line, the first one seals. "": seal.key in Data,
	// which is made at the first start.
	SealKeyFile string
	// SealKey is the same without a file, its lines separated by commas; it is
	// for the environment. Not both.
	SealKey Secret
	// MaxHandshakes bounds the DTLS handshakes under way; each takes about 26 kB.
	MaxHandshakes int
	// Cluster is where the node speaks with others: gossip on the port, UDP and
	// TCP; streams and datagrams on the next one, TCP and UDP; commands on the
	// one behind that, TCP. "": the node is alone.
	Cluster string
	// Node is its name, unique in the cluster; "": made of its ID.
	Node string
	// Advertise is what others are told of Cluster, where that is not an address
	// that they can reach; "": Cluster.
	Advertise string
	// Join are cluster addresses of others, any of which is enough. A node with
	// empty data and none founds a cluster; with data of a cluster they are a
	// help only.
	Join []string
	// ClusterName is told to others: nodes of another name are strangers.
	ClusterName string
	// ClusterKeyFile has the keys of gossip and datagrams, 64 hex digits a line:
	// the first seals, all open. Beyond loopback it must be given.
	ClusterKeyFile string
	// ClusterCert, ClusterKey and ClusterCA are the files of the certificate that
	// the node shows to others, of its key, and of who issues them, in PEM.
	// Beyond loopback they must be given.
	ClusterCert, ClusterKey, ClusterCA string
	// ClusterCertNames: a certificate speaks for the nodes alone whose name is in it, as
	// common name or DNS name.
	ClusterCertNames bool
	// Zone is what fails as one with the node: replicas of a shard are put into
	// different ones.
	Zone string
	// DirectEgress: what is for a device leaves from the node that owns it, where
	// that has the address and the port that the device asked, instead of from the
	// node that the device spoke to. It is for service addresses that all nodes have.
	DirectEgress bool
	// Replace lets a node come that has the name of one whose data is lost, in
	// its place.
	Replace bool
	// AcceptUnknown lets devices that nobody registered in, with NoSec and
	// into tenant management. Whoever reaches the socket can then fill the
	// disk up to its watermark: for trying out and closed networks.
	AcceptUnknown bool
	// AwakeTime is how long a device listens after its last message where
	// neither its own setting nor its registration say (§10): AwakeByBinding,
	// or one value for all; 0 means always.
	AwakeTime time.Duration
	// RequestTimeout is how long the answer of a device may take, from
	// MinRequestTimeout to MaxRequestTimeout (§18), which also bounds the
	// setting of a single device.
	RequestTimeout, MaxRequestTimeout time.Duration
	// LifetimeGrace is how long a registration outlives its lifetime (§18).
	LifetimeGrace time.Duration
	// MaxPendingOperations caps, per wake-up, the operations that were
	// delivered once and are back in PENDING (§10).
	MaxPendingOperations int
	// MaxQueuedOperations bounds the active operations of a device (§18).
	MaxQueuedOperations int
	// StarvedAfter fails operations that are EXECUTING without change for so
	// long (§10), 0 never.
	StarvedAfter time.Duration
	// AdminPassword is the first administrator's. Nothing asks for it yet.
	AdminPassword Secret
	// LogLevel is the least level that is logged.
	LogLevel slog.Level
	// Cache is the bytes of stored blocks that are kept in memory; 0 derives
	// it from the memory that the node may use (see Plan).
	Cache Size
	// MaxAwake bounds the endpoints that are in memory at the same time;
	// beyond it the longest idle one goes. Each costs about 2.4 kB, 4.5 kB with a
	// DTLS session.
	MaxAwake int
	// Shards is the number of units of ownership. It is fixed when the data
	// directory is made: another number is refused by an existing one.
	Shards int
	// LowSpace and FullSpace are free bytes of the disk: below the first the
	// node warns, below the second it refuses new registrations and data.
	LowSpace, FullSpace Size
	// Profiles are object lists in link format by the profile ID that devices
	// of LwM2M 1.2 may register with instead. They stand in the file alone.
	Profiles map[string]string
}

// AwakeByBinding, as AwakeTime, means 93 s (MAX_TRANSMIT_WAIT) for a
// registration in queue mode and always for any other.
const AwakeByBinding time.Duration = -1

// MinRequestTimeout is the least that a device is given for an answer (§18).
const MinRequestTimeout = 10 * time.Second

// Default is the configuration of which nothing is set.
func Default() Config {
	return Config{
		Data: "./data", HTTP: "127.0.0.1:8080", CoAP: []string{":5783"}, CoAPS: []string{":5784"},
		ConnectionIDs: true, MaxHandshakes: 4096,
		AwakeTime:      AwakeByBinding,
		RequestTimeout: 180 * time.Second, MaxRequestTimeout: 600 * time.Second,
		LifetimeGrace:        14400 * time.Second,
		MaxPendingOperations: 10, MaxQueuedOperations: 1000, StarvedAfter: 48 * time.Hour,
		LogLevel: slog.LevelInfo, MaxAwake: 50_000, Shards: 32,
		LowSpace: 1 << 30, FullSpace: 256 << 20, ClusterName: "dormouse", ClusterCertNames: true,
	}
}

// Secret is a text that is never shown.
type Secret string

// redacted stands for a secret that is set.
const redacted = "(redacted)"

// String is "" or a text that says that there is a secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString, LogValue and MarshalText keep the secret out of %#v, logs and JSON.
func (s Secret) GoString() string             { return strconv.Quote(s.String()) }
func (s Secret) LogValue() slog.Value         { return slog.StringValue(s.String()) }
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Reveal is the secret itself.
func (s Secret) Reveal() string { return string(s) }
