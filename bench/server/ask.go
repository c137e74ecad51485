package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// ping is an empty Confirmable message, which every CoAP server answers with a
// Reset (RFC 7252 section 4.3).
var ping = []byte{0x40, 0, 0x70, 0x69}

// askEvery is how often a question is repeated: the exactness of the time that
// it takes a server to start.
const askEvery = 5 * time.Millisecond

// Ask sends a datagram again and again until the server answers, and returns
// the answer: what it takes a server that has just been started to serve. It
// fails when the process ends.
func (p *Process) Ask(ctx context.Context, datagram []byte) ([]byte, error) {
	conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(p.coap))
	if err != nil {
		return nil, fmt.Errorf("server: asking it: %w", err)
	}
	defer conn.Close()
	answer := make([]byte, 1500)
	for p.running() {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("server: it does not answer: %w; it printed: %s", err, p.log)
		}
		_, sent := conn.Write(datagram)
		_ = conn.SetReadDeadline(time.Now().Add(askEvery))
		n, err := conn.Read(answer)
		if err == nil {
			return answer[:n], nil
		}
		if sent != nil || !errors.Is(err, os.ErrDeadlineExceeded) { // refused: nobody has the port yet
			pause(ctx, askEvery)
		}
	}
	return nil, fmt.Errorf("server: it ended; it printed: %s", p.log)
}

// pause waits, or not so long where the context ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
