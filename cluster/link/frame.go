package link

import (
	"encoding/binary"
	"errors"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// version is the first byte of a frame. Its high half, 0xd, tells a frame from
// what else may reach the cluster address: messages of memberlist begin with
// less, or with 0xf4.
const (
	version     = 0xd2
	versionMark = 0xd0
)

// Overhead is what a frame adds to its datagrams' envelopes, in bytes.
const Overhead = headerSize + tagSize

const (
	headerSize = 1 + 4 + 16 + 8
	tagSize    = 16
	nonceSize  = 12
)

var (
	errMalformed = errors.New("link: no frame")
	errVersion   = errors.New("link: a frame of another version")
)

// header is what a frame shows to everybody. All of it is authenticated.
//
//	frame  = header ciphertext tag(16)
//	header = version(1) key ID(4) sender's node ID(8) incarnation(8) counter(8)
type header struct {
	key     keyID
	sender  wire.Node
	counter uint64
}

func (h *header) append(dst []byte) []byte {
	dst = append(append(dst, version), h.key[:]...)
	return binary.BigEndian.AppendUint64(h.sender.Append(dst), h.counter)
}

// parseHeader reads the header of a whole frame; what follows it is sealed.
func parseHeader(frame []byte) (h header, err error) {
	if len(frame) < Overhead || frame[0]&0xf0 != versionMark {
		return h, errMalformed
	}
	if frame[0] != version {
		return h, errVersion
	}
	copy(h.key[:], frame[1:])
	h.sender = wire.Node{ID: ids.Node(binary.BigEndian.Uint64(frame[5:])), Incarnation: binary.BigEndian.Uint64(frame[13:])}
	h.counter = binary.BigEndian.Uint64(frame[21:])
	return h, nil
}

// nonce is the counter behind four zeros.
func (h *header) nonce(n *[nonceSize]byte) []byte {
	binary.BigEndian.PutUint64(n[4:], h.counter)
	return n[:]
}

// seal appends the frame. Whoever calls it gives each counter once.
func (d *direction) seal(dst []byte, sender wire.Node, counter uint64, text []byte, nonce *[nonceSize]byte) []byte {
	h := header{d.id, sender, counter}
	start := len(dst)
	dst = h.append(dst)
	return d.aead.Seal(dst, h.nonce(nonce), text, dst[start:])
}

// open appends the text of the frame that h is the header of.
func (d *direction) open(dst []byte, h *header, frame []byte, nonce *[nonceSize]byte) ([]byte, error) {
	return d.aead.Open(dst, h.nonce(nonce), frame[headerSize:], frame[:headerSize])
}

// parseDatagrams appends all datagrams of a frame's text to dst; they alias it.
// A text without any is malformed.
func parseDatagrams(dst []wire.Forward, text []byte) ([]wire.Forward, error) {
	for len(text) > 0 || len(dst) == 0 {
		fwd, n, err := wire.ParseForward(text)
		if err != nil {
			return dst, err
		}
		dst, text = append(dst, fwd), text[n:]
	}
	return dst, nil
}
