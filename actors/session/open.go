package session

import (
	"bytes"
	"cmp"

	"dormouse/codec/dtlsrec"
)

// Content is what one accepted record carried.
type Content struct {
	// Type is application_data, handshake or alert. A handshake message is the
	// client's Finished again: it lacks our last flight, which is repeated.
	Type     dtlsrec.ContentType
	Payload  []byte // owned by the caller
	Sequence uint64 // of the record
	// Newest: the record is newer than every one before it. Only the address
	// that such a record came from may become the peer's (RFC 9146 section 6).
	Newest bool
}

// Alert is the payload of an alert.
func (c Content) Alert() (dtlsrec.Alert, error) { return dtlsrec.ParseAlert(c.Payload) }

// Open takes a datagram and returns what its acceptable records carried, valid
// until the next Open. Records that are no good are dropped one by one (RFC
// 6347 section 4.1.2.7), and err says why the first of them was: ErrReplay,
// ErrForeign, ErrEnded, dtlsrec.ErrForged or dtlsrec.ErrMalformed. An alert
// that ends the session is the last content there is. The datagram is not
// changed, and not kept.
func (s *Session) Open(datagram []byte) (contents []Content, err error) {
	s.contents = s.contents[:0]
	for len(datagram) > 0 {
		h, fragment, rest, parseErr := dtlsrec.ParseHeader(datagram, s.cidLen())
		if parseErr != nil {
			return s.contents, cmp.Or(err, parseErr)
		}
		datagram = rest
		if openErr := s.open(h, fragment); openErr != nil {
			err = cmp.Or(err, openErr)
		}
	}
	return s.contents, err
}

func (s *Session) cidLen() int {
	if s.HasLocal {
		return len(s.Local)
	}
	return 0
}

// open checks a record in the order of what it costs, and changes the session
// only when all is well.
func (s *Session) open(h dtlsrec.Header, fragment []byte) error {
	switch {
	case s.ended:
		return ErrEnded
	case h.Epoch != Epoch || (h.Type == dtlsrec.TypeCID) != s.HasLocal || s.HasLocal && !bytes.Equal(h.CID, s.Local[:]):
		return ErrForeign
	case !s.window.Fresh(h.Sequence):
		return ErrReplay
	}
	payload, t, err := s.wake().Open(make([]byte, 0, len(fragment)), h, fragment)
	if err != nil {
		return err
	}
	c := Content{Type: t, Payload: payload, Sequence: h.Sequence, Newest: s.window.Accept(h.Sequence)}
	s.dirty = true
	switch t {
	case dtlsrec.TypeAlert:
		alert, err := c.Alert()
		if err != nil {
			return err
		}
		if alert.Ends() {
			s.end()
		}
	case dtlsrec.TypeApplicationData, dtlsrec.TypeHandshake:
	default:
		return dtlsrec.ErrMalformed // the peer's own fault: it has the keys
	}
	s.contents = append(s.contents, c)
	return nil
}
