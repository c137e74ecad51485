package secure

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"
)

// largest is the longest datagram that Over reads whole.
const largest = 2048

// queued is how many datagrams may wait for pion; more are lost, and repeated.
const queued = 16

// Over is Handshake over a connected socket, which is read by nobody else
// meanwhile. The read deadline is none afterwards.
func Over(ctx context.Context, conn net.Conn, o Options) (*Link, error) {
	received, over := make(chan []byte, queued), make(chan struct{})
	go func() {
		defer close(over)
		read(conn, received)
	}()
	link, err := Handshake(ctx, func(b []byte) { _, _ = conn.Write(b) }, received, o) // what is lost is repeated
	stopped := conn.SetReadDeadline(time.Unix(1, 0))
	if stopped != nil {
		return nil, errors.Join(err, fmt.Errorf("secure: taking the socket back: %w", stopped))
	}
	<-over
	if restored := conn.SetReadDeadline(time.Time{}); restored != nil {
		return nil, errors.Join(err, fmt.Errorf("secure: taking the socket back: %w", restored))
	}
	return link, err
}

// read passes datagrams on until the deadline. That nobody listens at the
// server's port, yet or again, is no end.
func read(conn net.Conn, received chan<- []byte) {
	b := make([]byte, largest)
	for {
		n, err := conn.Read(b)
		switch {
		case errors.Is(err, syscall.ECONNREFUSED):
			continue
		case err != nil:
			return
		}
		select {
		case received <- bytes.Clone(b[:n]):
		default:
		}
	}
}
