package session

import (
	"fmt"

	"dormouse/codec/dtlsrec"
	"dormouse/codec/ids"
)

const (
	// Epoch of all records: there is no renegotiation (RFC 6347 section 4.1).
	Epoch = 1
	// Block is how many sequence numbers are reserved at once.
	Block = 64
	// MaxIdentity is the longest PSK identity, bytes (RFC 4279 section 5.3).
	MaxIdentity = 1<<16 - 1
)

// Established is what a handshake leaves.
type Established struct {
	Secrets  dtlsrec.Secrets
	Identity string // the PSK identity of the client
	Local    ids.CID
	HasLocal bool   // a Connection ID was agreed on: the client must use Local
	Peer     []byte // what our records carry; empty: nothing, they are classic
	// Sent is how many records of epoch 1 the handshake sent, or more: our
	// first sequence number.
	Sent uint64
	// Window has the records of epoch 1 that the handshake accepted.
	Window dtlsrec.Window
}

// Audit is told of records as they are sealed: the key block and the number,
// which must never come together twice, and the record. It must not keep the
// slices. It is for tests: a node has none.
type Audit func(keyBlock []byte, epoch uint16, sequence uint64, record []byte)

// Session is one end, the server's, of an established session.
type Session struct {
	Secrets  dtlsrec.Secrets // derived: a suite and its key block
	Identity string
	Local    ids.CID
	HasLocal bool
	Peer     []byte

	// Audit, where set, is told of every record that is sealed.
	Audit Audit

	window   dtlsrec.Window
	next     uint64 // the next sequence number
	reserved uint64 // end of the committed block: numbers from here on are not ours yet
	ended    bool
	dirty    bool

	cipher   *dtlsrec.Cipher // nil until it is used
	contents []Content       // of the last Open
}

// New starts a session. Its state is Dirty: it is written with the secret.
func New(e Established) (*Session, error) {
	secrets, err := e.Secrets.Derive()
	if err != nil {
		return nil, fmt.Errorf("starting a session: %w", err)
	}
	if len(e.Identity) > MaxIdentity || len(e.Peer) > dtlsrec.MaxCID || e.Sent > dtlsrec.MaxSequence || e.Window.Edge > dtlsrec.MaxSequence {
		return nil, fmt.Errorf("starting a session with %d bytes of identity, %d of CID, at %d: %w", len(e.Identity), len(e.Peer), e.Sent, ErrRecord)
	}
	s := &Session{
		Secrets: secrets, Identity: e.Identity, Local: e.Local, HasLocal: e.HasLocal, Peer: e.Peer,
		window: e.Window, next: e.Sent, reserved: e.Sent,
	}
	s.reserve()
	return s, nil
}

// Dirty reports that the state must be committed before what was sealed
// leaves, and before what was opened has an effect.
func (s *Session) Dirty() bool { return s.dirty }

// Ended reports that the session is over: nothing more is opened or sealed.
// Its records may go once that is committed.
func (s *Session) Ended() bool { return s.ended }

// Window is what was accepted so far.
func (s *Session) Window() dtlsrec.Window { return s.window }

// Spent reports that less than a sixteenth of the sequence numbers is left: the
// device should be made to start another session.
func (s *Session) Spent() bool { return s.next > dtlsrec.MaxSequence/16*15 }

// Sleep gives back what can be made again: about 2 kB.
func (s *Session) Sleep() { s.cipher, s.contents = nil, nil }

func (s *Session) end() {
	s.dirty = s.dirty || !s.ended
	s.ended = true
}

// reserve takes the next block.
func (s *Session) reserve() {
	s.reserved = min(s.next+Block, dtlsrec.MaxSequence+1)
	s.dirty = true
}

// wake makes the cipher. The secrets were checked when they came in.
func (s *Session) wake() *dtlsrec.Cipher {
	if s.cipher == nil {
		c, err := dtlsrec.NewCipher(s.Secrets, true)
		if err != nil {
			panic("session: " + err.Error())
		}
		s.cipher = c
	}
	return s.cipher
}
