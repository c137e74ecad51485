package endpoint

import (
	"time"

	"dormouse/actors/session"
	"dormouse/codec/coap"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// Effects is what one Handle wants done. The order is the effect rule: Batch
// and Signposts are committed first; then Sends leave in their order, Replies
// are called and Notices are published. If the commit fails, Sends and Notices
// never were, Replies are called with the error, and the endpoint's memory is
// dropped: it is ahead of what is stored.
type Effects struct {
	Batch     wire.Batch // of the endpoint's own shard
	Signposts []Signpost
	Sends     []Send
	Replies   []func(error)
	Notices   []Notice

	// Wake is when the endpoint wants a Tick while it is in memory, zero for
	// never. Each Handle states it anew: the last one holds.
	Wake time.Time

	arena []byte // the bytes of Sends
}

// Send is one datagram to a device. Payload is valid until Reset.
type Send struct {
	Path    wire.ReturnPath
	Payload []byte
}

// Signpost lets a sign lead to this endpoint; it lies in the shard of the sign.
// Clear removes it if it still does; that may be done after the commit, at leisure.
type Signpost struct {
	Sign  wire.Sign
	Clear bool
}

// Reset empties e and keeps its memory.
func (e *Effects) Reset() {
	e.Batch.Reset()
	e.Signposts = e.Signposts[:0]
	e.Sends = e.Sends[:0]
	clear(e.Replies)
	e.Replies = e.Replies[:0]
	clear(e.Notices)
	e.Notices = e.Notices[:0]
	e.Wake = time.Time{}
	if cap(e.arena) > maxArena {
		e.arena = nil
	}
	e.arena = e.arena[:0]
}

// maxArena is the memory that Reset keeps for the next use.
const maxArena = 16 << 10

// send encodes a message behind those before it and returns its bytes.
func (e *Effects) send(path wire.ReturnPath, m *coap.Message) []byte {
	start := len(e.arena)
	out, err := m.Append(e.arena)
	if err != nil {
		panic("endpoint: " + err.Error()) // our own message: tokens and options are bounded
	}
	e.arena = out
	payload := out[start:len(out):len(out)]
	e.Sends = append(e.Sends, Send{path, payload})
	return payload
}

// sendSealed seals an encoded message and sends that; it returns its length.
func (e *Effects) sendSealed(path wire.ReturnPath, s *session.Session, message []byte) int {
	start := len(e.arena)
	e.arena = s.Seal(e.arena, message)
	if len(e.arena) > start { // else the session has ended
		e.Sends = append(e.Sends, Send{path, e.arena[start:len(e.arena):len(e.arena)]})
	}
	return len(e.arena) - start
}

// sendClose ends a session and tells the peer.
func (e *Effects) sendClose(path wire.ReturnPath, s *session.Session) {
	start := len(e.arena)
	if e.arena = s.Close(e.arena); len(e.arena) > start {
		e.Sends = append(e.Sends, Send{path, e.arena[start:len(e.arena):len(e.arena)]})
	}
}

// sendBytes sends an encoded message again.
func (e *Effects) sendBytes(path wire.ReturnPath, payload []byte) {
	start := len(e.arena)
	e.arena = append(e.arena, payload...)
	e.Sends = append(e.Sends, Send{path, e.arena[start:len(e.arena):len(e.arena)]})
}

func (e *Effects) notice(kind NoticeKind, name, detail string) {
	e.Notices = append(e.Notices, Notice{Kind: kind, Name: name, Detail: detail})
}

// Notice is something that happened, for logs and metrics. Secrets and values
// are never in it.
type Notice struct {
	Kind     NoticeKind
	Endpoint ids.Endpoint
	Name     string // the endpoint's name, "" where it is not known
	Detail   string
}

// NoticeKind is the kind of a Notice.
type NoticeKind uint8

const (
	Registered NoticeKind = iota + 1
	Replaced              // a full Register ended the registration before it
	Updated
	Deregistered
	Expired
	RegisterRefused  // 4.00, 4.03, 4.09, 4.12, 5.03
	UpdateRefused    // 4.00, 4.04
	Duplicate        // a repeated message was answered from memory
	Notified         // a notification was taken
	NotificationOld  // not fresh, dropped
	NotificationBad  // undecodable, or holding what was not asked for
	ObservationEnded // by an error notification, or refused when re-made
	Sent             // a Send was taken
	SendRefused
	RequestSent
	RequestTimedOut
	OperationSuccessful
	OperationFailed
	OperationPending // back, after a time-out
	StrayMessage     // a message of a peer that is not the endpoint's
	ValuesFull       // a device has more values than are kept
	Removed
	SessionBegun  // a DTLS handshake is done
	SessionEnded  // by the peer, by other credentials, or because its record cannot be read
	RecordRefused // a record that was not accepted
	AddressMoved  // the session's peer speaks from another address
	PlainRefused  // plain CoAP to an endpoint that has credentials
	Probed        // a new address is asked whether it listens, before more is sent there
	noticeKinds
)

var noticeNames = [noticeKinds]string{
	Registered: "registered", Replaced: "replaced", Updated: "updated", Deregistered: "deregistered",
	Expired: "expired", RegisterRefused: "register_refused", UpdateRefused: "update_refused",
	Duplicate: "duplicate", Notified: "notified", NotificationOld: "notification_old",
	NotificationBad: "notification_bad", ObservationEnded: "observation_ended", Sent: "sent",
	SendRefused: "send_refused", RequestSent: "request_sent", RequestTimedOut: "request_timed_out",
	OperationSuccessful: "operation_successful", OperationFailed: "operation_failed",
	OperationPending: "operation_pending", StrayMessage: "stray_message", ValuesFull: "values_full",
	Removed: "removed", SessionBegun: "session_begun", SessionEnded: "session_ended",
	RecordRefused: "record_refused", AddressMoved: "address_moved", PlainRefused: "plain_refused", Probed: "probed",
}

// NoticeKinds is the number of kinds, for tables of counters.
const NoticeKinds = int(noticeKinds)

func (k NoticeKind) String() string {
	if int(k) < len(noticeNames) && noticeNames[k] != "" {
		return noticeNames[k]
	}
	return "unknown"
}
