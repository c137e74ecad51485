package dtlsfront

import (
	"encoding/binary"
	"net/netip"
	"time"

	"dormouse/codec/dtlsrec"
	"dormouse/codec/wire"
)

// stage is how far a handshake is.
type stage uint8

const (
	talking    stage = iota // pion leads it
	committing              // the last flight is held
	finished                // it has left, and is kept
)

// running is a handshake from its admission until its last flight is forgotten.
// Front.mu guards all of it but what path, prefix and since say.
type running struct {
	path   wire.ReturnPath
	prefix netip.Prefix
	since  time.Time

	stage stage
	timer *time.Timer // expire

	talk       *talk  // while talking and committing
	hello      []byte // the message that began it
	identity   []byte
	credential Credential // without its key
	unknown    bool

	next   uint64 // number of our next record in epoch 0
	flight []byte // ServerHello and what follows, as pion numbered it; nil: not yet
	cid    []byte // the client's records carry it, if there is one

	key     keyExchange
	early   []byte // a record of epoch 1 that overtook the ClientKeyExchange
	tried   bool   // pion has a Finished
	cipher  *dtlsrec.Cipher
	final   []byte
	dropped bool // not in Front.handshakes any more
}

// stamp gives the records of epoch 0 in a datagram of ours their numbers. The
// first is that of the client's ClientHello: it may have seen all lower ones in
// HelloVerifyRequests (RFC 6347 section 4.2.1), and pion knows of one alone.
// What is repeated gets new numbers, or it would be taken for a replay.
func (r *running) stamp(datagram []byte) []byte {
	out := append([]byte(nil), datagram...)
	for at := 0; at+dtlsrec.HeaderLen <= len(out); {
		h := out[at:]
		if h[0] != byte(dtlsrec.TypeCID) && binary.BigEndian.Uint16(h[3:]) == 0 {
			binary.BigEndian.PutUint64(h[3:], r.next) // epoch 0 and 48 bits
			r.next++
		} else {
			break // the Finished is the last, and sealed
		}
		at += dtlsrec.HeaderLen + int(binary.BigEndian.Uint16(h[dtlsrec.HeaderLen-2:]))
	}
	return out
}

// alert is one of ours, before the keys are in use.
func (r *running) alert(d dtlsrec.AlertDescription) []byte {
	out := plain(dtlsrec.TypeAlert, r.next, dtlsrec.Alert{Level: dtlsrec.Fatal, Description: d}.Append(nil))
	r.next++
	return out
}

// keyExchange puts the fragments of a ClientKeyExchange together (RFC 6347
// section 4.2.3), those that come in order; others come again.
type keyExchange struct {
	body []byte
	done bool
}

// maxKeyExchange is for identities of up to 1 kB; 128 bytes must be possible
// (RFC 4279 section 5.3).
const maxKeyExchange = 2 + 1024

// clientKeySequence is what the ClientKeyExchange is numbered: there are two
// hellos before it.
const clientKeySequence = 2

// add returns the whole message when it is there for the first time.
func (k *keyExchange) add(h dtlsrec.Handshake, fragment []byte) (message []byte) {
	if k.done || h.Type != dtlsrec.ClientKeyExchange || h.Sequence != clientKeySequence || h.Length > maxKeyExchange || h.Offset > len(k.body) {
		return nil
	}
	if end := h.Offset + h.Fragment; end > len(k.body) {
		k.body = append(k.body[:h.Offset], fragment...)
	}
	if len(k.body) < h.Length {
		return nil
	}
	h.Length = len(k.body)
	h.Offset, h.Fragment = 0, h.Length
	message = append(h.Append(nil), k.body...)
	k.body, k.done = nil, true
	return message
}
