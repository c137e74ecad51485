package history

import (
	"fmt"
	"time"
)

// Kind tells events apart.
type Kind uint8

// Events of operations.
const (
	// Submitted: Op for Device goes to Node for the first time. Twice says that
	// it may run twice.
	Submitted Kind = iota + 1
	// Acknowledged by Node with 201, under ID.
	Acknowledged
	// Unclear: no answer, or 5xx, from Node; it is submitted again.
	Unclear
	// Declined for good by Node, for the reason in Text.
	Declined
	// Executed by Device, not a repetition that it recognised; Text tells the
	// message from others.
	Executed
	// Recognised by Device as a repetition, and answered as before.
	Recognised
	// Seen at Node at the end: Text is its status, Reason why it failed, Since
	// when it has it. Missing: the node does not know it.
	Seen
	Missing
)

// Events of devices.
const (
	Registered Kind = iota + 32
	// Forgotten: the server does not know the registration any more.
	Forgotten
	// Refused by the server, with Text for the code.
	Refused
	// Shaken: a session was made. ShakeFailed: none was.
	Shaken
	ShakeFailed
	// NonceReused by the server, which breaks the cipher.
	NonceReused
	// Silent: a try that went to Node at Since was not answered until now, and
	// the node lived all the time. Text is what the device wanted.
	Silent
	// Recovered: an exchange was answered after silence, which began at Since
	// with the first try that went to a node that lived.
	Recovered
	// Unanswered after all tries, of which one at least went to a node that lived.
	Unanswered
	// Known at the end, by an Update of Device at Node.
	Known
)

// Events of nodes.
const (
	Killed Kind = iota + 64
	Stopped
	Troubled // another fault, in Text, with what there is to say of it in Reason
	Ready    // serves again after it was killed
	Continued
	Died // by itself; what it said last is in Text
)

// Texts of Troubled that last until the node is Continued or Ready.
const (
	SlowDisk = "slow"
	FullDisk = "full"
	// LostWay: one node does not hear one other, which the third cannot know that
	// sends a datagram to the one and has it sent on to the other.
	LostWay = "lost way"
)

// lasts reports a fault in which answers of nodes that live may fail to come
// until it is over.
func (e *Event) lasts() bool {
	return e.Kind == Troubled && (e.Text == SlowDisk || e.Text == FullDisk || e.Text == LostWay)
}

var names = map[Kind]string{
	Submitted: "submitted", Acknowledged: "acknowledged", Unclear: "unclear", Declined: "declined", Executed: "executed",
	Recognised: "recognised", Seen: "seen", Missing: "missing",
	Registered: "registered", Forgotten: "forgotten", Refused: "refused", Shaken: "shaken", ShakeFailed: "shake failed",
	NonceReused: "nonce reused", Silent: "silent", Recovered: "recovered", Unanswered: "unanswered", Known: "known",
	Killed: "killed", Stopped: "stopped", Troubled: "troubled", Ready: "ready", Continued: "continued", Died: "died",
}

// String is the kind in a word or two.
func (k Kind) String() string {
	if name, ok := names[k]; ok {
		return name
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// MarshalText writes the word.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads it.
func (k *Kind) UnmarshalText(text []byte) error {
	for kind, name := range names {
		if name == string(text) {
			*k = kind
			return nil
		}
	}
	return fmt.Errorf("history: %q is no kind of event", text)
}

// Event is one thing that happened. Fields that its kind does not speak of are
// zero.
type Event struct {
	At     time.Duration `json:"at"` // since the run began
	Kind   Kind          `json:"kind"`
	Twice  bool          `json:"twice,omitempty"`
	Node   int16         `json:"node"`
	Device uint32        `json:"device"`
	Op     uint32        `json:"op,omitempty"` // from 1 on
	ID     uint64        `json:"id,omitempty"`
	Since  time.Duration `json:"since,omitempty"`
	Text   string        `json:"text,omitempty"`
	Reason string        `json:"reason,omitempty"`
}
