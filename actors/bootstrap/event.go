package bootstrap

import (
	"dormouse/codec/coap"
	"dormouse/codec/wire"
)

// Event is what a session is told. The set is closed.
type Event interface{ event() }

// Datagram is a CoAP message of the device, parsed. Handle borrows it.
type Datagram struct {
	Path    wire.ReturnPath
	Message coap.Message

	// Sealed: it came in a DTLS session, whose client proved Identity. The answer
	// and all that follows goes through that session.
	Sealed   bool
	Identity string
}

// Tick says that the instant given as Effects.Wake or Effects.Alarm has come, or that
// the session was loaded and should be taken up.
type Tick struct{}

func (*Datagram) event() {}
func (Tick) event()      {}
