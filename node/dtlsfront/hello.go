package dtlsfront

import (
	"bytes"
	"encoding/binary"
	"errors"

	"dormouse/codec/dtlsrec"
)

const version12 = 0xfefd

var (
	errNoHello    = errors.New("dtlsfront: no ClientHello")
	errFragmented = errors.New("dtlsfront: a fragment of a ClientHello")
)

// clientHello is what a client asks for (RFC 5246 section 7.4.1.2, RFC 6347
// section 4.2.1):
//
//	version(2) random(32) session_id<0..32> cookie<0..255> cipher_suites<2..>
//	compression_methods<1..> extensions<0..>
//
// All slices alias the datagram.
type clientHello struct {
	record   uint64 // sequence number of its record
	sequence uint16 // of the message: 0, and 1 after a HelloVerifyRequest
	message  []byte // with its header: what the client hashes

	version uint16
	random  [32]byte
	cookie  []byte
	// beforeCookie and afterCookie are what a client must not change when it
	// repeats its hello with the cookie: version to session ID, and cipher
	// suites to compression methods.
	beforeCookie, afterCookie []byte

	suite          dtlsrec.Suite // the first that is ours too; 0: none
	uncompressed   bool
	extendedMaster bool   // RFC 7627
	renegotiation  bool   // RFC 5746, by extension or by cipher suite
	hasCID         bool   // RFC 9146
	cid            []byte // what our records shall carry, perhaps nothing
}

const (
	extExtendedMaster = 23
	extConnectionID   = 54
	extRenegotiation  = 0xff01
	suiteRenegotiate  = 0x00ff // TLS_EMPTY_RENEGOTIATION_INFO_SCSV
)

// parseHello reads the ClientHello of a record, of which it must be the whole.
func parseHello(h dtlsrec.Header, fragment []byte) (*clientHello, error) {
	m, body, rest, err := dtlsrec.ParseHandshake(fragment)
	if err != nil || m.Type != dtlsrec.ClientHello || len(rest) != 0 {
		return nil, errNoHello
	}
	if !m.Whole() {
		return nil, errFragmented
	}
	c := &clientHello{record: h.Sequence, sequence: m.Sequence, message: fragment}
	r := reader{rest: body}
	c.version = uint16(r.uint(2))
	copy(c.random[:], r.take(32))
	r.vector(1)
	c.beforeCookie = body[:len(body)-len(r.rest)]
	c.cookie = r.vector(1)
	after := r.rest
	suites, methods := r.vector(2), r.vector(1)
	c.afterCookie = after[:len(after)-len(r.rest)]
	if r.bad || len(suites) < 2 || len(suites)%2 != 0 {
		return nil, errNoHello
	}
	c.uncompressed = bytes.IndexByte(methods, 0) >= 0
	c.chooseSuite(suites)
	if len(r.rest) > 0 && !c.parseExtensions(&r) {
		return nil, errNoHello
	}
	return c, nil
}

// chooseSuite takes the client's first, as pion does.
func (c *clientHello) chooseSuite(suites []byte) {
	for ; len(suites) > 0; suites = suites[2:] {
		id := binary.BigEndian.Uint16(suites)
		if id == suiteRenegotiate {
			c.renegotiation = true
		}
		if s := dtlsrec.Suite(id); s.Known() && c.suite == 0 {
			c.suite = s
		}
	}
}

// parseExtensions reads those that matter here. A second one of a kind is an
// error (RFC 5246 section 7.4.1.4).
func (c *clientHello) parseExtensions(r *reader) bool {
	all := reader{rest: r.vector(2)}
	if r.bad || len(r.rest) != 0 {
		return false
	}
	var seenRenegotiation bool
	for len(all.rest) > 0 && !all.bad {
		kind, e := all.uint(2), reader{rest: all.vector(2)}
		switch kind {
		case extExtendedMaster:
			e.bad = e.bad || c.extendedMaster
			c.extendedMaster = true
		case extConnectionID:
			e.bad = e.bad || c.hasCID
			c.hasCID, c.cid = true, e.vector(1)
		case extRenegotiation:
			// Of a first handshake there is nothing to be repeated.
			e.bad = e.bad || seenRenegotiation || len(e.vector(1)) != 0
			c.renegotiation, seenRenegotiation = true, true
		default:
			continue
		}
		if e.bad || len(e.rest) != 0 {
			return false
		}
	}
	return !all.bad
}

// reader cuts fields off a message. After the first that is not there all are
// empty and bad is true.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) take(n int) []byte {
	if r.bad || n > len(r.rest) {
		r.bad = true
		return nil
	}
	field := r.rest[:n:n]
	r.rest = r.rest[n:]
	return field
}

func (r *reader) uint(size int) (v int) {
	for _, b := range r.take(size) {
		v = v<<8 | int(b)
	}
	return v
}

// vector is a field behind its length, which has size bytes.
func (r *reader) vector(size int) []byte { return r.take(r.uint(size)) }

// clone is c without the datagram, and without what is needed no more.
func (c *clientHello) clone() *clientHello {
	own := *c
	own.message, own.cid = bytes.Clone(c.message), bytes.Clone(c.cid)
	own.cookie, own.beforeCookie, own.afterCookie = nil, nil, nil
	return &own
}
