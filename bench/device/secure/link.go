package secure

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"

	"dormouse/codec/dtlsrec"
)

var (
	// ErrForeign is a record of another epoch or Connection ID.
	ErrForeign = errors.New("secure: record of another session")
	// ErrReplay is a record that was accepted before, or is too old to know.
	ErrReplay = errors.New("secure: record seen before")
	// ErrEnded is a record after the end of the session.
	ErrEnded = errors.New("secure: the session has ended")
)

// epoch of all records: there is no renegotiation.
const epoch = 1

// Link is one end of an established session, here the client's unless Accept
// made it: then read "client" where it says server. One goroutine uses it at a
// time. It takes about 250 bytes and 16 for each record of the audit; 2 kB more
// from the first Seal or Open until Sleep.
type Link struct {
	secrets dtlsrec.Secrets // a suite and its key block
	own     []byte          // what the server's records carry; empty: they are classic
	peer    []byte          // what ours carry
	next    uint64
	window  dtlsrec.Window
	audit   audit
	end     dtlsrec.Alert
	ended   bool
	server  bool // we are the server

	cipher *dtlsrec.Cipher // nil until it is used
}

// newLink goes on where a handshake ended, and audits what it received sealed.
func newLink(e exported, sealed [][]byte, memory int) (*Link, error) {
	secrets, err := e.secrets().Derive()
	if err != nil {
		return nil, fmt.Errorf("secure: keys of the session: %w", err)
	}
	l := &Link{
		secrets: secrets, own: e.LocalConnectionID, peer: e.RemoteConnectionID,
		next: e.SequenceNumber, server: !e.IsClient,
	}
	l.audit.most = memory
	for _, record := range sealed {
		if _, err := l.Open(record); err != nil && !errors.Is(err, ErrReplay) {
			return nil, fmt.Errorf("secure: the peer's last flight: %w", err)
		}
	}
	return l, nil
}

// Suite is the cipher suite that the server chose.
func (l *Link) Suite() dtlsrec.Suite { return l.secrets.Suite }

// CID is what the server wants in our records, not to be changed; empty where it
// wants nothing, and the session hangs on the address.
func (l *Link) CID() []byte { return l.peer }

// Asks reports that what the peer sends carries a Connection ID of ours.
func (l *Link) Asks() bool { return len(l.own) > 0 }

// Sent is the sequence number of the next record: beyond all that the handshake
// used, one more with each Seal.
func (l *Link) Sent() uint64 { return l.next }

// Ended is the alert that ended the session, the server's or that of Close.
func (l *Link) Ended() (why dtlsrec.Alert, ended bool) { return l.end, l.ended }

// Seal appends a record with application data, at most dtlsrec.MaxPlaintext
// bytes; of a session that has ended nothing. What is repeated is sealed again:
// the same record twice is a replay.
func (l *Link) Seal(dst, plaintext []byte) []byte {
	return l.seal(dst, dtlsrec.TypeApplicationData, plaintext)
}

// Close ends the session and appends the close_notify that says so.
func (l *Link) Close(dst []byte) []byte {
	a := dtlsrec.Alert{Level: dtlsrec.Warning, Description: dtlsrec.CloseNotify}
	var plaintext [2]byte
	dst = l.seal(dst, dtlsrec.TypeAlert, a.Append(plaintext[:0]))
	l.finish(a)
	return dst
}

func (l *Link) seal(dst []byte, t dtlsrec.ContentType, plaintext []byte) []byte {
	if l.ended {
		return dst
	}
	dst = l.wake().Seal(dst, t, epoch, l.next, l.peer, plaintext)
	l.next++
	return dst
}

// Open takes a datagram of the server and returns the application data of its
// records, which is the caller's. Records that are no good are dropped one by
// one, and err says why the first of them was: ErrReplay, ErrForeign, ErrEnded,
// dtlsrec.ErrForged or dtlsrec.ErrMalformed. The datagram is not changed, and
// not kept.
func (l *Link) Open(datagram []byte) (plaintexts [][]byte, err error) {
	for len(datagram) > 0 {
		h, fragment, rest, parseErr := dtlsrec.ParseHeader(datagram, len(l.own))
		if parseErr != nil {
			return plaintexts, cmp.Or(err, parseErr)
		}
		record := datagram[:len(datagram)-len(rest)]
		datagram = rest
		plaintext, t, openErr := l.open(h, fragment, record)
		switch {
		case openErr != nil:
			err = cmp.Or(err, openErr)
		case t == dtlsrec.TypeApplicationData:
			plaintexts = append(plaintexts, plaintext)
		case t == dtlsrec.TypeAlert:
			if a, parseErr := dtlsrec.ParseAlert(plaintext); parseErr == nil && a.Ends() {
				l.finish(a)
			}
		}
	}
	return plaintexts, err
}

func (l *Link) open(h dtlsrec.Header, fragment, record []byte) ([]byte, dtlsrec.ContentType, error) {
	switch {
	case l.ended:
		return nil, 0, ErrEnded
	case h.Epoch != epoch || (h.Type == dtlsrec.TypeCID) != (len(l.own) > 0) || !bytes.Equal(h.CID, l.own):
		return nil, 0, ErrForeign
	}
	nonce, sum := nonceOf(l.secrets.Suite, h, fragment), sumOf(record)
	before, known := l.audit.find(nonce)
	if known && before == sum {
		return nil, 0, ErrReplay // the network doubled it, or the server repeated it
	}
	plaintext, t, err := l.wake().Open(nil, h, fragment)
	if err != nil {
		return nil, 0, err
	}
	fresh := l.window.Fresh(h.Sequence)
	switch {
	case known:
		l.audit.reused++
	case fresh:
		l.audit.remember(nonce, sum)
	default:
		l.audit.stale++
	}
	if !fresh {
		return nil, 0, ErrReplay
	}
	l.window.Accept(h.Sequence)
	return plaintext, t, nil
}

// ReusedNonces is how many records of the server were authentic and had the
// nonce of another one, which had other bytes: each breaks the cipher. Such a
// record is found if the other one was received before it and at most Memory
// others in between, those of the handshake included, in which the Finished of
// the server has number 0 of its epoch. The same record twice is none. Of CBC the
// sequence number counts as the nonce.
//
// What was lost on its way to us is not seen. Where the other one was forgotten,
// Stale counts the record.
func (l *Link) ReusedNonces() int { return int(l.audit.reused) }

// Stale is how many authentic records came that were accepted before, or are too
// far behind to know, and are not remembered: doubled by the network after more
// than Memory others, or under a nonce that was used before.
func (l *Link) Stale() int { return int(l.audit.stale) }

// Sleep gives back what can be made again.
func (l *Link) Sleep() { l.cipher = nil }

// Awake reports that the 2 kB are taken.
func (l *Link) Awake() bool { return l.cipher != nil }

func (l *Link) finish(a dtlsrec.Alert) {
	if !l.ended {
		l.end, l.ended = a, true
	}
	l.Sleep()
}

// wake makes the cipher. The secrets were checked when they came in.
func (l *Link) wake() *dtlsrec.Cipher {
	if l.cipher == nil {
		c, err := dtlsrec.NewCipher(l.secrets, l.server)
		if err != nil {
			panic("secure: " + err.Error())
		}
		l.cipher = c
	}
	return l.cipher
}
