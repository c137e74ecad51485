package link

import (
	"errors"
	"net"
	"time"

	"dormouse/codec/wire"
)

// maxRead is the longest UDP payload.
const maxRead = 1 << 16

// errorPause is how long the reader waits after the second error in a row and
// each one behind it: a socket that is broken for good takes no processor.
const errorPause = 10 * time.Millisecond

// reader is what the reading goroutine keeps from one frame to the next.
type reader struct {
	text  []byte
	batch []wire.Forward
	nonce [nonceSize]byte
}

// read takes frames from the socket until it is closed.
func (l *Link) read() {
	var r reader
	buf := make([]byte, maxRead)
	failed := false
	for {
		n, _, err := l.socket.ReadFromUDPAddrPort(buf)
		switch {
		case err == nil:
			l.frame(&r, buf[:n])
		case l.isClosed() || errors.Is(err, net.ErrClosed):
			return
		default:
			l.count.readErrors.Add(1)
			if failed {
				l.pause(errorPause)
			}
		}
		failed = err != nil
	}
}

// frame hands over the datagrams of a frame, or counts why not.
func (l *Link) frame(r *reader, frame []byte) {
	from, why, ok := l.open(r, frame)
	if !ok {
		l.count.drop(why, 1)
		return
	}
	l.count.gotFrame(len(r.batch), len(frame))
	l.o.Receive(from, r.batch)
}

// open asks what costs least first: strangers are to be cheap. The address that
// a frame came from says nothing.
func (l *Link) open(r *reader, frame []byte) (from wire.Node, why Drop, ok bool) {
	h, err := parseHeader(frame)
	switch {
	case err == errVersion:
		return from, DropVersion, false
	case err != nil:
		return from, DropMalformed, false
	case h.sender.ID == l.o.Self.ID:
		return from, DropReflected, false
	}
	p := (*l.peers.Load())[h.sender.ID]
	switch {
	case p == nil:
		return from, DropUnknown, false
	case h.sender.Incarnation < p.node.Incarnation:
		return from, DropStale, false
	case h.sender.Incarnation > p.node.Incarnation:
		return from, DropEarly, false
	}
	if r.text, why, ok = p.open(r.text[:0], &h, frame, &r.nonce); !ok {
		return from, why, false
	}
	if r.batch, err = parseDatagrams(r.batch[:0], r.text); err != nil {
		return from, DropMalformed, false
	}
	return p.node, 0, true
}
