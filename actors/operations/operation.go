package operations

import (
	"time"

	"dormouse/codec/exchange"
	"dormouse/codec/ids"
)

// Status of an operation, as the platform spells it.
type Status uint8

const (
	Pending Status = iota + 1
	Executing
	Successful
	Failed
)

var statusNames = [...]string{"", "PENDING", "EXECUTING", "SUCCESSFUL", "FAILED"}

func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return ""
}

// ParseStatus reads the platform's word.
func ParseStatus(s string) (Status, bool) {
	for i, name := range statusNames {
		if name == s && i > 0 {
			return Status(i), true
		}
	}
	return 0, false
}

// Ended reports SUCCESSFUL or FAILED, which nothing leaves.
func (s Status) Ended() bool { return s == Successful || s == Failed }

// Operation is one operation of the platform: a command of one or more lines.
type Operation struct {
	ID       ids.Operation
	Endpoint ids.Endpoint
	Device   ids.Object
	Status   Status
	Text     string // c8y_Command.text
	Extra    string // other fragments of the creation, one JSON object, "" for none
	Retry    bool   // "retry": true: may run twice rather than end unknown
	Updated  time.Time

	Line    int    // lines answered so far
	Results string // one JSON array with a result per answered line, "" for none
	Faults  bool   // a line failed
	Failure string // failureReason
	Output  string // c8y_Command.result

	Attempt Attempt
}

// Attempt is what is known of the request that was sent for the current line.
// It is durable before the request's first datagram leaves.
type Attempt struct {
	Sent      time.Time // zero: no datagram left
	MessageID uint16
	Token     string // "": it went on with other message IDs, so this one alone is no repetition
	Count     uint16 // the registration it was sent under: a full Register voids the device's duplicate detection
	Delivered bool   // was out once and is back in PENDING
}

// Repeats reports that a redelivery now is recognised by the device as a
// duplicate, if it carries the same message ID and token.
func (a Attempt) Repeats(now time.Time, registration uint16) bool {
	return !a.Sent.IsZero() && a.Token != "" && a.Count == registration && now.Sub(a.Sent) < exchange.ExchangeLifetime && !now.Before(a.Sent)
}

// Add takes the result of the line that was under way: one JSON object, the
// text shown for it, and why it failed. The next line starts anew.
func (o *Operation) Add(result []byte, text, failure string, ok bool) {
	if o.Results == "" {
		o.Results = "[" + string(result) + "]"
	} else {
		o.Results = o.Results[:len(o.Results)-1] + "," + string(result) + "]"
	}
	if o.Line > 0 && text != "" && o.Output != "" {
		o.Output += "\n"
	}
	o.Output += text
	if !ok {
		o.Faults = true
		if o.Failure == "" {
			o.Failure = failure
		}
	}
	o.Line++
	o.Attempt = Attempt{}
}

// Unknown is the failure of an operation that may have run (platform 10).
const Unknown = "sent, answer unknown"
