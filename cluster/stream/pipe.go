package stream

import (
	"bufio"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"dormouse/codec/wire"
)

const (
	// piece is what is written under one deadline, in bytes.
	piece = 64 << 10
	// readBuffer is that of each connection, in bytes; longer bodies pass it by.
	readBuffer = 16 << 10
	// silentBeats is how many beats of nothing are the peer's end.
	silentBeats = 4
)

// pipe is a connection behind its greetings. One goroutine writes what is in out,
// one reads (its owner's); whatever goes wrong breaks it, once.
type pipe struct {
	peer    wire.Node // as it said itself
	longest int       // body in either direction, in bytes
	terms   *terms
	raw     net.Conn // closed to end all
	conn    net.Conn // raw, or TLS over it
	reader  *bufio.Reader
	head    [messageHeader]byte // what the reader reads headers into
	out     *outbox
	life    []byte // says that this side is alive

	reading atomic.Bool  // the reader waits for the network, not for who takes what it read
	quiet   atomic.Int32 // beats in which it did and got nothing

	once    sync.Once
	broken  chan struct{}
	cause   error  // why; read behind broken
	taken   uint64 // the last batch that may have left; likewise
	dropped int    // messages that did not leave; likewise
}

func newPipe(t *terms, raw, conn net.Conn, p purpose, peer greeting) *pipe {
	c := &pipe{
		peer: peer.self, longest: min(t.maxFrame, int(peer.longest)), terms: t,
		raw: raw, conn: conn, out: newOutbox(t.queueBytes), broken: make(chan struct{}),
	}
	c.reader = bufio.NewReaderSize(heard{c}, readBuffer)
	c.life = make([]byte, frameHeader)
	if p == forCalls {
		c.life = make([]byte, messageHeader)
	}
	return c
}

// fail breaks the connection; the first cause is the one that counts.
func (c *pipe) fail(cause error) {
	c.once.Do(func() {
		c.cause = cause
		c.raw.Close()
		c.taken, c.dropped = c.out.close()
		close(c.broken)
	})
}

func (c *pipe) isBroken() bool {
	select {
	case <-c.broken:
		return true
	default:
		return false
	}
}

// heard reads from the connection, and notes that something came.
type heard struct{ c *pipe }

func (h heard) Read(b []byte) (int, error) {
	h.c.reading.Store(true)
	n, err := h.c.conn.Read(b)
	h.c.reading.Store(false)
	if n > 0 {
		h.c.quiet.Store(0)
	}
	return n, err
}

// silent counts a beat.
func (c *pipe) silent() bool {
	return c.reading.Load() && c.quiet.Add(1) > silentBeats
}

// write writes what waits until the connection breaks, and a sign of life where
// nothing was written for a beat. wrote is told of messages that the kernel took.
func (c *pipe) write(wrote func(messages, bytes int)) {
	beat := time.NewTicker(c.terms.beat)
	defer beat.Stop()
	var spare []byte
	for idle := false; ; {
		select {
		case <-c.out.wake:
		case <-beat.C:
			if c.silent() {
				c.fail(errSilent)
				return
			}
			if idle {
				c.out.addSmall(c.life)
			}
			idle = true
		case <-c.broken:
			return
		}
		batch, messages := c.out.take(spare)
		for len(batch) > 0 {
			if err := c.put(batch); err != nil {
				c.fail(err)
				return
			}
			if messages > 0 {
				idle = false
				wrote(messages, len(batch))
			}
			batch, messages = c.out.take(batch)
		}
		spare = batch
	}
}

// put writes piece by piece, so that the deadline is one for the peer's pace, not
// for the length.
func (c *pipe) put(batch []byte) error {
	for len(batch) > 0 {
		now := batch[:min(len(batch), piece)]
		batch = batch[len(now):]
		if err := c.conn.SetWriteDeadline(time.Now().Add(c.terms.writeTimeout)); err != nil {
			return err
		}
		if _, err := c.conn.Write(now); err != nil {
			return err
		}
	}
	return nil
}

// readFrame reads a frame into buf, or into a new one where it is too short. Signs
// of life are passed over.
func (c *pipe) readFrame(buf []byte) ([]byte, error) {
	for {
		if _, err := io.ReadFull(c.reader, c.head[:frameHeader]); err != nil {
			return nil, err
		}
		length, err := parseFrameHeader([frameHeader]byte(c.head[:]), c.longest)
		if err != nil {
			return nil, err
		}
		if length == 0 {
			continue
		}
		if length > cap(buf) || cap(buf) > keepBuffer && length < cap(buf)/4 {
			buf = make([]byte, max(length, 4<<10))
		}
		_, err = io.ReadFull(c.reader, buf[:length])
		return buf[:length], err
	}
}

// readMessage reads a header; the body is still to be read.
func (c *pipe) readMessage() (message, error) {
	if _, err := io.ReadFull(c.reader, c.head[:]); err != nil {
		return message{}, err
	}
	return parseMessage(c.head, c.longest)
}

func (c *pipe) readBody(m message) ([]byte, error) {
	body := make([]byte, m.length)
	_, err := io.ReadFull(c.reader, body)
	return body, err
}

func (c *pipe) skipBody(m message) error {
	_, err := c.reader.Discard(m.length)
	return err
}
