package bootstrap

import (
	"fmt"
	"hash/fnv"
	"time"

	"dormouse/codec/exchange"
	"dormouse/codec/ids"
	"dormouse/codec/lwm2m"
)

// Lifetime is the longest that a session takes, from the answer to its request on
// (OMA Core 6.1.3): later the client has given up.
const Lifetime = exchange.ExchangeLifetime

// Env is what the sessions of a node share. It is not changed after start.
type Env struct {
	Configs Configs
	Random  func() uint32 // safe for concurrent use, unpredictable
	// NoPack answers every Bootstrap-Pack-Request 5.01: the device takes the long way.
	NoPack bool
	// Params towards devices; zero fields stand for the defaults of this package.
	Params exchange.Params
}

// Bounds towards a device.
const (
	maxBody     = 64 << 10 // of a Discover or Read
	plainBlock  = 1024
	sealedBlock = 512 // leaves room for the record around it (RFC 7252 section 4.6)
)

// Session is the bootstrap of one client. One goroutine owns it.
type Session struct {
	env *Env
	id  ids.Endpoint
	r   record

	answers exchange.Answers
	mids    exchange.MIDs
	client  *exchange.Client // nil until something is asked
	request exchange.Request // what client is busy with
	config  *Config          // nil: not asked for yet
	plan    *plan            // nil: not made yet
	read    []lwm2m.Node
	pause   time.Time // nothing is asked before
	again   bool      // the request under way in the record may have left: it was loaded
	packed  packMark
	save    bool
}

// New is the session of an endpoint that has no record.
func New(env *Env, id ids.Endpoint, name string) *Session {
	return &Session{env: env, id: id, r: record{Name: name}, mids: exchange.MIDs{Last: uint16(env.Random())}}
}

// Load builds a session from its record. One that is Running goes on with its next
// event, which may be a Tick.
func Load(env *Env, id ids.Endpoint, stored []byte) (*Session, error) {
	r, answers, err := parseRecord(stored)
	if err != nil {
		return nil, fmt.Errorf("bootstrap of endpoint %016x: %w", uint64(id), err)
	}
	s := &Session{env: env, id: id, r: r, again: r.Phase == Running}
	s.answers, err = exchange.ParseAnswers(answers)
	if err != nil {
		return nil, fmt.Errorf("bootstrap of endpoint %016x: answers: %w", uint64(id), err)
	}
	s.mids.Last = r.Message
	return s, nil
}

// String names the session, and shows nothing of what it writes.
func (s *Session) String() string {
	return fmt.Sprintf("bootstrap of endpoint %016x", uint64(s.id))
}

// GoString is String.
func (s *Session) GoString() string { return s.String() }

// Phase is where the session stands.
func (s *Session) Phase() Phase { return s.r.Phase }

// Busy reports a session that goes on: it is not to be dropped from memory at leisure.
func (s *Session) Busy() bool { return s.r.Phase == Running }

// Owns reports whether a response with that token may be for this session.
func (s *Session) Owns(token []byte) bool { return s.client != nil && s.client.Owns(token) }

// Last is how the newest session ended, nil where none did. What was read back is told
// by Effects.Result alone.
func (s *Session) Last() *Result {
	if s.r.Phase != Done && s.r.Phase != Failed {
		return nil
	}
	return s.result()
}

// Handle takes one event and adds what is to be done to fx.
func (s *Session) Handle(now time.Time, ev Event, fx *Effects) {
	switch ev := ev.(type) {
	case *Datagram:
		s.datagram(now, ev, fx)
	case Tick:
		s.tick(now, fx)
	default:
		panic(fmt.Sprintf("bootstrap: unknown event %T", ev))
	}
	s.kick(now, fx)
	s.store(now, fx)
	fx.Wake, fx.Alarm = s.wake(), time.Time{}
	if s.r.Phase == Running {
		fx.Alarm = s.deadline()
	}
}

func (s *Session) deadline() time.Time { return s.r.Started.Add(Lifetime) }

// wake is the earliest deadline of a session that goes on.
func (s *Session) wake() time.Time {
	if s.r.Phase != Running {
		return time.Time{}
	}
	at := s.deadline()
	for _, t := range [...]time.Time{s.pause, s.client.Deadline()} {
		if !t.IsZero() && t.Before(at) {
			at = t
		}
	}
	return at
}

func (s *Session) tick(now time.Time, fx *Effects) {
	if s.r.Phase != Running || s.late(now, fx) {
		return
	}
	if s.client != nil {
		s.exchanged(now, s.client.Tick(now), fx)
	}
}

// late ends a session whose time is over.
func (s *Session) late(now time.Time, fx *Effects) bool {
	if now.Before(s.deadline()) {
		return false
	}
	s.fail(now, fmt.Sprintf("not done within %d s", int(Lifetime.Seconds())), fx)
	return true
}

// storedAnswers is how many answers the record keeps.
const storedAnswers = 2

// store writes the record where it changed. A session that never began has none.
func (s *Session) store(now time.Time, fx *Effects) {
	if s.r.Phase == Running && s.mids.Last != s.r.Message {
		s.save = true // a block that is repeated has the message ID that is stored
	}
	if s.save && s.r.Phase != Idle {
		s.r.Message = s.mids.Last
		fx.Record = s.answers.Append(s.r.append(nil), now, storedAnswers)
	}
	s.save = false
}

// result is how the session stands, as one that ended.
func (s *Session) result() *Result {
	r := &Result{At: s.r.Ended, Reason: s.r.Reason, Pack: s.r.Pack, Account: s.r.Account, Refused: s.r.Refused, Read: s.read}
	for _, p := range s.r.Taken {
		list := map[uint16]*[]uint16{objectSecurity: &r.Security, objectServer: &r.Servers, objectAccess: &r.Access}[p.Object()]
		if account := r.Account; list == &r.Security && account != nil && *account == p.Instance() {
			continue // the account that was written again
		}
		*list = append(*list, p.Instance())
	}
	return r
}

// end ends the session, with a reason if it failed.
func (s *Session) end(now time.Time, phase Phase, reason string, fx *Effects) {
	s.r.Phase, s.r.Ended, s.r.Reason = phase, now, reason
	s.r.Token = ""
	s.client.Abort()
	s.pause, s.plan, s.config, s.again, s.save = time.Time{}, nil, nil, false, true
	fx.Result = s.result()
	s.read = nil
}

func (s *Session) fail(now time.Time, reason string, fx *Effects) {
	s.ensureClient()
	s.end(now, Failed, reason, fx)
	s.notice(Failure, reason, fx)
}

// ensureClient makes the client that the session asks with.
func (s *Session) ensureClient() {
	if s.client != nil {
		return
	}
	p := s.env.Params
	if p.MaxBody == 0 {
		p.MaxBody = maxBody
	}
	if p.BlockSize == 0 {
		p.BlockSize = blockSize(s.r.Sealed)
	}
	s.client = exchange.NewClient(p)
}

func blockSize(sealed bool) int {
	if sealed {
		return sealedBlock
	}
	return plainBlock
}

// peerHash shortens the sender of a message for duplicate detection (FNV-1a: it is
// stored, so it is the same after a restart). A DTLS session is one peer wherever it
// sends from.
func peerHash(d *Datagram) uint32 {
	h := fnv.New32a()
	if d.Sealed {
		h.Write([]byte(d.Identity))
		return h.Sum32()
	}
	peer := d.Path.Peer
	address := peer.Addr().As16()
	h.Write(address[:])
	h.Write([]byte{byte(peer.Port() >> 8), byte(peer.Port())})
	return h.Sum32()
}
