package endpoint

import (
	"dormouse/codec/coap"
	"dormouse/codec/ids"
	"dormouse/codec/platform"
	"dormouse/codec/wire"
)

// Event is what an endpoint is told. The set is closed: the events of this
// file and of this package alone.
type Event interface{ event() }

// Datagram is what came from a device: a CoAP message, parsed, or, Sealed, the
// records of its DTLS session. Handle borrows it: what the endpoint keeps, it
// copies.
type Datagram struct {
	Path    wire.ReturnPath
	Message coap.Message // aliases the receiver's buffer

	// Sealed: Buffer holds records; Message is what the endpoint opens of them.
	Sealed bool

	// Hops is how many links between nodes it has crossed.
	Hops uint8

	// Endpoint is whose it is where a signpost said so; 0: none was asked. Hinted:
	// the node that it came in at remembers that, and may be wrong.
	Endpoint ids.Endpoint
	Hinted   bool

	// Buffer is the receiver's: the bytes that Message aliases, or the records.
	Buffer []byte
}

// TakeSealed copies the records of a datagram into d, whose memory is used again.
func (d *Datagram) TakeSealed(path wire.ReturnPath, records []byte) {
	d.Path, d.Sealed, d.Hops, d.Endpoint, d.Hinted = path, true, 0, 0, false
	d.Buffer = append(d.Buffer[:0], records...)
	d.Message = coap.Message{Options: d.Message.Options[:0]}
}

// Raw is the datagram as it came, to be sent on to another node: a CoAP message,
// or DTLS records where Sealed. It is the receiver's like Buffer.
func (d *Datagram) Raw() []byte { return d.Buffer }

// Parse copies a datagram into d, whose memory is used again, and parses it.
func (d *Datagram) Parse(path wire.ReturnPath, payload []byte) error {
	d.Path, d.Sealed, d.Hops, d.Endpoint, d.Hinted = path, false, 0, 0, false
	d.Buffer = append(d.Buffer[:0], payload...)
	return coap.Parse(d.Buffer, &d.Message)
}

// Deadline says that a durable timer of the endpoint fired (wire.ClassTimer).
type Deadline struct{ At int64 } // Unix milliseconds of the timer's key

// Tick says that the instant given as Effects.Wake has come.
type Tick struct{}

// Submit creates an operation. Reply gets it as it stands after the commit.
type Submit struct {
	Text  string // c8y_Command.text
	Extra string // other fragments, one JSON object, "" for none
	Retry bool
	Once  *Once // remembered with the operation, nil for none
	Reply func(OperationView, error)
}

// SetOperation is a platform client's change of an operation's status.
type SetOperation struct {
	ID     ids.Operation
	Status string
	Reason string
	Reply  func(OperationView, error)
}

// DropOperation deletes an operation, ending it if it is active.
type DropOperation struct {
	ID    ids.Operation
	Reply func(error)
}

// SetFragments changes the device's managed object: members replace those
// stored; null removes one.
type SetFragments struct {
	Fragments platform.Fragments
	Reply     func(error)
}

// Remove deletes the device with all its records.
type Remove struct{ Reply func(error) }

// Sweep looks for operations that a crash or a lost answer left EXECUTING.
type Sweep struct{}

// Once is the answer kept for an Idempotency-Key: its record is written in
// the batch of what it did. Key and Value are those of wire.ClassOnce; the
// shard is that of the endpoint.
type Once struct {
	Key   []byte
	Value func(id uint64) []byte
}

func (*Datagram) event()      {}
func (Deadline) event()       {}
func (Tick) event()           {}
func (*Submit) event()        {}
func (*SetOperation) event()  {}
func (*DropOperation) event() {}
func (*SetFragments) event()  {}
func (*Remove) event()        {}
func (Sweep) event()          {}

// Reject answers the caller of an event that will not be handled: the shell
// was full or is closing.
func Reject(ev Event, err error) {
	switch ev := ev.(type) {
	case *Submit:
		ev.Reply(OperationView{}, err)
	case *SetOperation:
		ev.Reply(OperationView{}, err)
	case *DropOperation:
		ev.Reply(err)
	case *SetFragments:
		ev.Reply(err)
	case *Remove:
		ev.Reply(err)
	case *SetCredentials:
		ev.Reply("", err)
	case *DropCredentials:
		ev.Reply("", err)
	case *Establish:
		ev.Reply(err)
	case *Reseal:
		ev.Reply(err)
	}
}
