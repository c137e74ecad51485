package metrics

import "time"

// Listener is told what happens. Every function may be nil, is called
// concurrently, and must not block.
type Listener struct {
	Datagrams    func(Datagrams)
	Fault        func(Fault)
	Registration func(Registration)
	Operation    func(Operation)
	Commit       func(Commit)
	Request      func(Request)
}

// Direction of datagrams.
type Direction string

const (
	Received Direction = "received"
	Sent     Direction = "sent"
)

// Datagrams is a batch that was received or sent.
type Datagrams struct {
	Direction Direction
	Count     int
	Bytes     int
}

// Fault is something that was refused, dropped or went wrong. Kind is a
// constant of the code, such as coap_malformed; Detail is for the log alone.
type Fault struct {
	Kind   string
	Count  int // 0 counts as 1
	Detail error
}

// Registration is a step in the life of a registration. Kind is one of the
// constants below.
type Registration struct {
	Kind     RegistrationKind
	Endpoint string // for the log alone
}

// RegistrationKind is what happened to a registration.
type RegistrationKind string

const (
	Registered   RegistrationKind = "registered"
	Updated      RegistrationKind = "updated"
	Deregistered RegistrationKind = "deregistered"
	Expired      RegistrationKind = "expired"
)

// Operation is an operation that reached a status, in the platform's words.
type Operation struct {
	Status   string
	Endpoint string // for the log alone
}

// Commit is one write to the store: what all shards had ready at that time.
type Commit struct {
	Batches  int
	Bytes    int
	Duration time.Duration // with the fsync
	Err      error
}

// Request is one HTTP request.
type Request struct {
	Method, Route string // Route is a pattern
	Status        int
	Duration      time.Duration
}

// Tee tells both listeners, a first.
func Tee(a, b Listener) Listener {
	return Listener{
		Datagrams:    both(a.Datagrams, b.Datagrams),
		Fault:        both(a.Fault, b.Fault),
		Registration: both(a.Registration, b.Registration),
		Operation:    both(a.Operation, b.Operation),
		Commit:       both(a.Commit, b.Commit),
		Request:      both(a.Request, b.Request),
	}
}

func both[E any](a, b func(E)) func(E) {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return func(e E) { a(e); b(e) }
}

// Complete fills the functions that are nil with ones that do nothing, so that
// callers need not ask.
func (l Listener) Complete() Listener {
	return Tee(l, Listener{
		Datagrams: func(Datagrams) {}, Fault: func(Fault) {}, Registration: func(Registration) {},
		Operation: func(Operation) {}, Commit: func(Commit) {}, Request: func(Request) {},
	})
}
