package dtlsfront

import (
	"encoding/binary"

	"dormouse/codec/dtlsrec"
)

// standInSuite is what stands for the chosen cipher suite between us and pion:
// of those for private use (RFC 5246 section 6), because pion takes its own
// implementation for every number that it knows.
const standInSuite = 0xff01

// standIn is the ClientHello message that pion gets instead of the client's:
// the same version, random, extended master secret and Connection ID, with the
// one suite that was chosen. Nothing else of a client's hello can trouble pion.
func (c *clientHello) standIn(sequence uint16, cookie []byte) []byte {
	body := binary.BigEndian.AppendUint16(nil, version12)
	body = append(body, c.random[:]...)
	body = append(body, 0) // no session ID: nothing is resumed
	body = append(append(body, byte(len(cookie))), cookie...)
	body = append(body, 0, 2, standInSuite>>8, standInSuite&0xff)
	body = append(body, 1, 0) // no compression
	var extensions []byte
	if c.extendedMaster {
		extensions = append(extensions, 0, extExtendedMaster, 0, 0)
	}
	if c.hasCID {
		n := byte(len(c.cid))
		extensions = append(extensions, 0, extConnectionID, 0, 0, n)
		binary.BigEndian.PutUint16(extensions[len(extensions)-3:], uint16(n)+1)
		extensions = append(extensions, c.cid...)
	}
	body = binary.BigEndian.AppendUint16(body, uint16(len(extensions)))
	body = append(body, extensions...)
	m := dtlsrec.Handshake{Type: dtlsrec.ClientHello, Length: len(body), Sequence: sequence, Fragment: len(body)}
	return append(m.Append(nil), body...)
}

// cookieOf finds the cookie in a HelloVerifyRequest of pion's (RFC 6347
// section 4.2.1): version(2) cookie<0..255>.
func cookieOf(body []byte) []byte {
	r := reader{rest: body}
	r.take(2)
	return r.vector(1)
}
