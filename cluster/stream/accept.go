package stream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

const (
	// maxGreetings bounds the connections that have not greeted yet; more are
	// closed at once, and whoever dialled comes again.
	maxGreetings = 128
	// farewell is how long a refused connection is kept so that the refusal
	// arrives, and how many bytes of it are thrown away: closing a connection
	// with something unread would take back what was written.
	farewell      = time.Second
	farewellBytes = 64 << 10
	// acceptPause is the pause after the listener failed, say for want of file
	// descriptors.
	acceptPause = 50 * time.Millisecond
)

// accept lets connections in until the Mesh is closed.
func (m *Mesh) accept() {
	greetings := make(chan struct{}, maxGreetings)
	for {
		raw, err := m.o.Listener.Accept()
		switch {
		case m.ctx.Err() != nil:
			if err == nil {
				raw.Close()
			}
			return
		case err != nil:
			m.count.acceptErrors.Add(1)
			m.pause(acceptPause)
			continue
		}
		select {
		case greetings <- struct{}{}:
			m.done.Go(func() { m.receive(raw, func() { <-greetings }) })
		default:
			m.count.crowded.Add(1)
			raw.Close()
		}
	}
}

// receive is the life of a connection that was accepted. greeted is called once,
// when it is known what it is.
func (m *Mesh) receive(raw net.Conn, greeted func()) {
	defer raw.Close()
	stop := context.AfterFunc(m.ctx, func() { raw.Close() })
	defer stop()
	c, g, p, err := m.welcome(raw)
	if err != nil {
		m.turnAway(raw, err)
		greeted()
		return
	}
	greeted()
	defer m.guests.leave(g, c)
	defer context.AfterFunc(m.ctx, func() { c.fail(ErrClosed) })()
	var writer sync.WaitGroup
	writer.Go(func() { c.write(func(int, int) {}) })
	if p == forFrames {
		c.fail(m.hearFrames(c, g))
	} else {
		s := &serving{pipe: c, serve: m.o.Serve, slots: g.slots, count: &m.count, cancels: map[uint64]context.CancelFunc{}}
		s.run()
	}
	writer.Wait()
}

// welcome greets, and lets the connection in.
func (m *Mesh) welcome(raw net.Conn) (*pipe, *guest, purpose, error) {
	if err := raw.SetDeadline(time.Now().Add(m.terms.greetTimeout)); err != nil {
		return nil, nil, 0, err
	}
	conn, err := m.terms.secure(m.ctx, raw, tls.Server)
	if err != nil {
		return nil, nil, 0, err
	}
	hello, err := m.terms.hear(conn)
	if err != nil {
		if errors.Is(err, ErrRefused) {
			refuse(conn, err)
		}
		return nil, nil, 0, tellTLS(err)
	}
	if sentence := m.terms.believe(hello.self, conn); sentence != "" {
		err := fmt.Errorf("%w: %s", ErrRefused, sentence)
		refuse(conn, err)
		return nil, nil, 0, err
	}
	c := newPipe(m.terms, raw, conn, hello.purpose, hello)
	g, sentence := m.guests.admit(c, hello.purpose)
	if sentence != "" {
		err := fmt.Errorf("%w: %s", ErrRefused, sentence)
		refuse(conn, err)
		return nil, nil, 0, err
	}
	_, err = conn.Write(m.terms.greeting(wordWelcome, hello.purpose, hello.self.ID).append(nil))
	if err == nil {
		err = raw.SetDeadline(time.Time{})
	}
	if err != nil {
		c.fail(err)
		m.guests.leave(g, c)
		return nil, nil, 0, err
	}
	return c, g, hello.purpose, nil
}

// refuse says why. Whether it arrives is not known.
func refuse(conn net.Conn, why error) {
	g := greeting{word: wordRefusal, sentence: strings.TrimPrefix(why.Error(), ErrRefused.Error()+": ")}
	_, _ = conn.Write(g.append(nil))
}

// turnAway tells of a connection that was not let in. Who came and went without a
// word, as a probe does, is counted alone.
func (m *Mesh) turnAway(raw net.Conn, err error) {
	if m.ctx.Err() != nil {
		return
	}
	m.count.refusedIn.Add(1)
	if errors.Is(err, io.EOF) {
		return
	}
	m.refused(raw.RemoteAddr().String(), err)
	if half, ok := raw.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		if raw.SetDeadline(time.Now().Add(farewell)) == nil {
			_, _ = io.CopyN(io.Discard, raw, farewellBytes)
		}
	}
}

// hearFrames hands frames over until the connection breaks. A newer connection of
// the node waits until the older one's last frame is taken.
func (m *Mesh) hearFrames(c *pipe, g *guest) error {
	var frame []byte
	for {
		var err error
		if frame, err = c.readFrame(frame); err != nil {
			return err
		}
		select {
		case g.turn <- struct{}{}:
		case <-c.broken:
			return c.cause
		}
		if !c.isBroken() {
			m.count.received.Add(1)
			m.count.receivedBytes.Add(uint64(frameHeader + len(frame)))
			m.o.Frame(c.peer, frame)
		}
		<-g.turn
	}
}
