package dtlsfront

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"dormouse/codec/dtlsrec"
	"dormouse/codec/wire"
)

const (
	// cookieLen: 128 bits cannot be guessed, and are repeated over the radio.
	cookieLen = 16
	// cookieTurn is how long cookies are made under one key. They are good
	// under this and the last one: for 60 to 120 s.
	cookieTurn = time.Minute
)

// secrets are the keys that stand for state that is not kept.
type secrets struct{ key []byte }

func (s secrets) mac(label string, parts ...[]byte) []byte {
	m := hmac.New(sha256.New, s.key)
	m.Write([]byte(label))
	for _, p := range parts {
		var length [4]byte
		binary.BigEndian.PutUint32(length[:], uint32(len(p)))
		m.Write(length[:])
		m.Write(p)
	}
	return m.Sum(nil)
}

// cookie binds a hello to the address that it came from (RFC 6347 section
// 4.2.1): nobody has it who cannot receive there.
func (s secrets) cookie(path wire.ReturnPath, c *clientHello, turn int64) []byte {
	var when [8]byte
	binary.BigEndian.PutUint64(when[:], uint64(turn))
	return s.mac("cookie", when[:], path.Append(nil), c.beforeCookie, c.afterCookie)[:cookieLen]
}

func (s secrets) cookieGood(path wire.ReturnPath, c *clientHello, now time.Time) bool {
	if len(c.cookie) != cookieLen {
		return false
	}
	turn := now.UnixNano() / int64(cookieTurn)
	return hmac.Equal(c.cookie, s.cookie(path, c, turn)) || hmac.Equal(c.cookie, s.cookie(path, c, turn-1))
}

// nobodysKey is the key of an identity that has none: always the same, so that
// trying twice tells nothing either (RFC 4279 section 2).
func (s secrets) nobodysKey(identity []byte) []byte { return s.mac("nobody", identity)[:16] }

// helloVerifyRequest is the record that answers a hello without a good cookie.
// It has the number of the hello's record: there is no counter to take one from.
// It says version 1.2, as clients expect that are known to look at it.
func (s secrets) helloVerifyRequest(path wire.ReturnPath, c *clientHello, now time.Time) []byte {
	body := append([]byte{version12 >> 8, version12 & 0xff, cookieLen}, s.cookie(path, c, now.UnixNano()/int64(cookieTurn))...)
	m := dtlsrec.Handshake{Type: dtlsrec.HelloVerifyRequest, Length: len(body), Fragment: len(body)}
	return plain(dtlsrec.TypeHandshake, c.record, append(m.Append(nil), body...))
}

// plain is a record of epoch 0.
func plain(t dtlsrec.ContentType, sequence uint64, content []byte) []byte {
	h := dtlsrec.Header{Type: t, Sequence: sequence, Length: len(content)}
	return append(h.Append(nil), content...)
}
