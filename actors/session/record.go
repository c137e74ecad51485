package session

import (
	"encoding/binary"

	"dormouse/codec/dtlsrec"
	"dormouse/codec/wire"
)

// The stored forms, in docs/formats/session.md.
const (
	secretVersion = 1
	stateVersion  = 1

	secretLocal byte = 1 << 0 // a Connection ID of ours follows

	stateEnded byte = 1 << 0
	stateFull  byte = 1 << 1 // the window is full up to its edge: no bits follow

	// MaxState is the most that AppendState appends, bytes.
	MaxState = 1 + 7 + 7 + 8
)

// AppendSecret appends what stays the same as long as the session lives. It
// holds keys: the caller seals it.
func (s *Session) AppendSecret(dst []byte) []byte {
	var flags byte
	if s.HasLocal {
		flags |= secretLocal
	}
	dst = append(dst, secretVersion, flags)
	dst = binary.BigEndian.AppendUint16(dst, uint16(s.Secrets.Suite))
	dst = append(dst, s.Secrets.KeyBlock...)
	if s.HasLocal {
		dst = append(dst, s.Local[:]...)
	}
	dst = append(append(dst, byte(len(s.Peer))), s.Peer...)
	return wire.AppendText(dst, s.Identity)
}

// ParseSecret reads what AppendSecret wrote, and copies what it keeps. The
// session is of no use before ParseState.
func ParseSecret(b []byte) (*Session, error) {
	f := wire.NewFields(b)
	if f.Byte() != secretVersion {
		return nil, ErrRecord
	}
	flags := f.Byte()
	s := &Session{HasLocal: flags&secretLocal != 0, ended: true}
	s.Secrets.Suite = dtlsrec.Suite(f.Uint16())
	if flags&^secretLocal != 0 || !s.Secrets.Suite.Known() {
		return nil, ErrRecord
	}
	s.Secrets.KeyBlock = append([]byte(nil), f.Cut(s.Secrets.Suite.KeyBlockLen())...)
	if s.HasLocal {
		copy(s.Local[:], f.Cut(len(s.Local)))
	}
	s.Peer = append([]byte(nil), f.Cut(int(f.Byte()))...)
	s.Identity = f.Text()
	if f.Err() != nil || len(s.Identity) > MaxIdentity {
		return nil, ErrRecord
	}
	return s, nil
}

// AppendState appends the state as it has to be stored now, at most MaxState
// bytes, and takes it for stored: the caller commits it, or drops the session.
func (s *Session) AppendState(dst []byte) []byte {
	head := byte(stateVersion) << 4
	if s.ended {
		head |= stateEnded
	}
	if s.window.Full() {
		head |= stateFull
	}
	dst = binary.AppendUvarint(append(dst, head), s.reserved)
	dst = binary.AppendUvarint(dst, s.window.Edge)
	if head&stateFull == 0 {
		dst = binary.BigEndian.AppendUint64(dst, s.window.Bits)
	}
	s.dirty = false
	return dst
}

// ParseState gives a session of ParseSecret the state that AppendState wrote.
// It sends from the end of the stored block on.
func (s *Session) ParseState(b []byte) error {
	f := wire.NewFields(b)
	head := f.Byte()
	reserved, edge := f.Uvarint(), f.Uvarint()
	window := dtlsrec.FullWindow(edge)
	if head&stateFull == 0 {
		window.Bits = f.Uint64()
	}
	if f.Err() != nil || head>>4 != stateVersion || head&0xf&^(stateEnded|stateFull) != 0 {
		return ErrRecord
	}
	if reserved > dtlsrec.MaxSequence+1 || edge > dtlsrec.MaxSequence || !window.Valid() {
		return ErrRecord
	}
	s.window, s.next, s.reserved = window, reserved, reserved
	s.ended = head&stateEnded != 0 || reserved > dtlsrec.MaxSequence
	s.dirty = false
	return nil
}
