package bootstrap

import (
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
	"dormouse/codec/wire"
)

// Effects is what one Handle wants done. The order is the effect rule: Record is
// committed first, and Alarm with it; then Sends leave in their order, and Notices and
// Result are published. If the commit fails, they never were, and the session's memory
// is dropped: it is ahead of what is stored.
type Effects struct {
	// Record replaces that of the session; nil: it stays as it is.
	Record []byte
	Sends  []Send

	Notices []Notice
	// Result is how a session, or a pack, ended; nil: none did.
	Result *Result

	// Wake is when the session wants a Tick while it is in memory, zero for never.
	Wake time.Time
	// Alarm is when it wants one even if the node was restarted meanwhile, zero for
	// never. Each Handle states both anew: the last ones hold.
	Alarm time.Time
}

// Send is one datagram to the device: an encoded CoAP message, to be sealed by the
// DTLS session of the endpoint where Sealed.
type Send struct {
	Path    wire.ReturnPath
	Payload []byte
	Sealed  bool
}

// Reset empties e and keeps its memory.
func (e *Effects) Reset() {
	clear(e.Sends)
	clear(e.Notices)
	*e = Effects{Sends: e.Sends[:0], Notices: e.Notices[:0]}
}

// send encodes a message and returns its bytes.
func (e *Effects) send(path wire.ReturnPath, sealed bool, m *coap.Message) []byte {
	payload, err := m.Append(nil)
	if err != nil {
		panic("bootstrap: " + err.Error()) // our own message: tokens and options are bounded
	}
	e.Sends = append(e.Sends, Send{path, payload, sealed})
	return payload
}

func (s *Session) notice(kind NoticeKind, detail string, fx *Effects) {
	fx.Notices = append(fx.Notices, Notice{Kind: kind, Name: s.r.Name, Detail: detail})
}

// Result is how a bootstrap ended.
type Result struct {
	At time.Time
	// Reason is why it failed, "" where it did not.
	Reason string
	// Pack: the device was given all in one answer. What it made of it nobody says.
	Pack bool

	// Instances of /0, /1 and /2 that the device took, in the order of the servers;
	// of a pack those that it was given.
	Security, Servers, Access []uint16
	// Account is the instance of /0 that is the bootstrap account, nil where nobody knows.
	Account *uint16
	// Refused are requests that the device refused; the session went on.
	Refused []Refusal
	// Read is what was read back, in the order of its coming.
	Read []lwm2m.Node
}

// Refusal is a request that the device refused.
type Refusal struct {
	Method coap.Code // 0.04 Delete, 0.03 Write, 0.01 Read
	Path   lwm2m.Path
	Code   coap.Code // of its answer, 0.00 where it makes no sense
}

func (r Refusal) String() string {
	why := "was answered what makes no sense"
	if r.Code != 0 {
		why = "was answered " + r.Code.String()
	}
	return words[r.Method] + " " + r.Path.String() + " " + why
}

// words are the methods as the specification calls them.
var words = map[coap.Code]string{coap.GET: "Read", coap.PUT: "Write", coap.DELETE: "Delete", coap.POST: "Finish"}

// Notice is something that happened, for logs, metrics and events of the device.
// Secrets are never in it.
type Notice struct {
	Kind   NoticeKind
	Name   string // endpoint
	Detail string
}

// NoticeKind is the kind of a Notice.
type NoticeKind uint8

const (
	Start   NoticeKind = iota + 1
	End                // the device has its configuration
	Failure            // the session failed, or none began; Detail is the reason

	Resumed   // after a restart
	Duplicate // a repeated message was answered from memory
	Refused   // a Discover, Delete, Write or Read was; the session goes on
	Rejected  // a Reset came: the request goes out again
	Stray     // a message of a peer that the session is not with, or an answer to nothing
	noticeKinds
)

// The first three are types of events of the device (platform 5).
var noticeNames = [noticeKinds]string{
	Start: "c8y_LWM2MDeviceBootstrapStart", End: "c8y_LWM2MDeviceBootstrapEnd", Failure: "c8y_LWM2MDeviceBootstrapFailure",
	Resumed: "bootstrap_resumed", Duplicate: "bootstrap_duplicate", Refused: "bootstrap_refused",
	Rejected: "bootstrap_rejected", Stray: "bootstrap_stray",
}

// NoticeKinds is the number of kinds, for tables of counters.
const NoticeKinds = int(noticeKinds)

func (k NoticeKind) String() string {
	if int(k) < len(noticeNames) && noticeNames[k] != "" {
		return noticeNames[k]
	}
	return "unknown"
}
