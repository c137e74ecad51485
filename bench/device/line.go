package device

import (
	"bytes"
	"slices"

	"dormouse/bench/device/secure"
)

// line is the DTLS between a device and its socket. It is told what the device
// wants to send and what came for it, and says what goes on the wire. It keeps
// its session as long as the server does: a new one is asked for when the server
// ended the last one, or said nothing at all to a whole request.
type line struct {
	link    *secure.Link // nil: no session
	shaking bool         // one is being made
	waiting [][]byte     // messages for it
	every   int          // messages between two sockets, 0: for ever the same one
	sent    int          // by this socket
}

// maxWaiting bounds the messages that wait for a session; the oldest goes. A
// device has one request under way, and repeats it.
const maxWaiting = 4

// seal makes datagrams of messages. Without a session they wait, and shake says
// that one is to be made.
func (l *line) seal(messages [][]byte) (datagrams [][]byte, shake bool) {
	if l.link != nil {
		for _, m := range messages {
			datagrams = append(datagrams, l.link.Seal(nil, m))
		}
		l.sent += len(messages)
		return datagrams, false
	}
	for _, m := range messages {
		if slices.ContainsFunc(l.waiting, func(w []byte) bool { return bytes.Equal(w, m) }) {
			continue // repeated meanwhile
		}
		l.waiting = append(l.waiting, m)
	}
	l.waiting = slices.Delete(l.waiting, 0, max(0, len(l.waiting)-maxWaiting))
	shake = !l.shaking && len(l.waiting) > 0
	l.shaking = l.shaking || shake
	return nil, shake
}

// open takes a datagram outside of handshakes. reused is how many of its records
// have a nonce that the server used before.
func (l *line) open(datagram []byte) (messages [][]byte, reused int) {
	if l.link == nil {
		return nil, 0
	}
	before := l.link.ReusedNonces()
	messages, _ = l.link.Open(datagram) // what is no good is dropped, as RFC 6347 section 4.1.2.7 says
	reused = l.link.ReusedNonces() - before
	if _, ended := l.link.Ended(); ended {
		l.link = nil
	} else {
		l.link.Sleep()
	}
	return messages, reused
}

// made ends a handshake, with a session or without: then what waited is lost, and
// what the device repeats asks for another one.
func (l *line) made(link *secure.Link) (datagrams [][]byte) {
	l.shaking, l.link = false, link
	waiting := l.waiting
	l.waiting = nil
	if link != nil {
		datagrams, _ = l.seal(waiting)
	}
	return datagrams
}

// silent forgets a session of which the server seems to know nothing.
func (l *line) silent() { l.link = nil }

// moves reports that the next messages are to leave by another socket. Without
// Connection ID the session would be lost with the old one.
func (l *line) moves() bool {
	return l.every > 0 && l.sent >= l.every && l.link != nil && len(l.link.CID()) > 0
}

// close ends the session, where there is one.
func (l *line) close() (datagrams [][]byte) {
	if l.link != nil {
		datagrams = append(datagrams, l.link.Close(nil))
	}
	l.link = nil
	return datagrams
}
