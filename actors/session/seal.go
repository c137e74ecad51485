package session

import "dormouse/codec/dtlsrec"

// Seal appends a record with application data, at most dtlsrec.MaxPlaintext
// bytes, which do not overlap what is behind dst. It may leave only when the
// state is not Dirty any more. Of a session that ended, dst is returned as it
// was: there is nothing to send.
func (s *Session) Seal(dst, plaintext []byte) []byte {
	return s.seal(dst, dtlsrec.TypeApplicationData, plaintext)
}

// Close ends the session and appends the close_notify that says so: also the
// answer to the peer's (RFC 5246 section 7.2.1). Nothing is appended twice.
func (s *Session) Close(dst []byte) []byte {
	return s.Fail(dst, dtlsrec.Alert{Level: dtlsrec.Warning, Description: dtlsrec.CloseNotify})
}

// Fail ends the session and appends the alert that says why.
func (s *Session) Fail(dst []byte, a dtlsrec.Alert) []byte {
	var plaintext [2]byte
	dst = s.seal(dst, dtlsrec.TypeAlert, a.Append(plaintext[:0]))
	s.end()
	return dst
}

func (s *Session) seal(dst []byte, t dtlsrec.ContentType, plaintext []byte) []byte {
	if s.ended {
		return dst
	}
	if s.next == s.reserved {
		s.reserve()
	}
	start := len(dst)
	dst = s.wake().Seal(dst, t, Epoch, s.next, s.Peer, plaintext)
	if s.Audit != nil {
		s.Audit(s.Secrets.KeyBlock, Epoch, s.next, dst[start:])
	}
	s.next++
	if s.next > dtlsrec.MaxSequence {
		s.end()
	}
	return dst
}
