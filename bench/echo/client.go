package echo

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	tick       = 50 * time.Millisecond // between two looks for lost datagrams
	lostTicks  = 20                    // a datagram unanswered for so long is lost
	drainTicks = 4                     // of silence, after which nothing more is awaited
	pace       = time.Millisecond      // between two bursts at a fixed rate
)

// client asks. Its datagrams begin with what it knows answers by:
//
//	slot(8) number(8) zeros...
type client struct {
	conn    *net.UDPConn
	options Options

	sent, answered, lost atomic.Uint64
	stopping             chan struct{}
	stop                 sync.Once
	loops                sync.WaitGroup
	errs                 chan error // one for each loop
}

func dial(server netip.AddrPort, o Options) (*client, error) {
	conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(server))
	if err != nil {
		return nil, fmt.Errorf("echo: dialling the server: %w", err)
	}
	_ = conn.SetReadBuffer(4 << 20) // less shows as loss
	return &client{conn: conn, options: o, stopping: make(chan struct{}), errs: make(chan error, 2)}, nil
}

// start begins to ask, until finish or close.
func (c *client) start() {
	if c.options.Rate == 0 {
		c.loops.Go(func() { c.errs <- c.keepInFlight() })
		return
	}
	c.loops.Go(func() { c.errs <- c.sendAtRate() })
	c.loops.Go(func() { c.errs <- c.countAnswers() })
}

// finish stops asking, waits for answers that are on their way, and returns
// how many datagrams were lost.
func (c *client) finish() (lost uint64, err error) {
	c.stop.Do(func() { close(c.stopping) })
	c.loops.Wait()
	close(c.errs)
	for e := range c.errs {
		err = errors.Join(err, e)
	}
	if c.options.Rate > 0 {
		return c.sent.Load() - c.answered.Load(), err
	}
	return c.lost.Load(), err
}

// close gives everything back; it is harmless after finish.
func (c *client) close() {
	c.stop.Do(func() { close(c.stopping) })
	_ = c.conn.Close()
	c.loops.Wait()
}

func (c *client) stopped() bool {
	select {
	case <-c.stopping:
		return true
	default:
		return false
	}
}

// slot is one of the datagrams in flight.
type slot struct {
	number uint64 // of the question, so that a late answer is not taken for another
	sent   uint64 // tick
}

// keepInFlight answers each answer with the next question. One goroutine does
// both: it costs less than two that wake each other.
func (c *client) keepInFlight() error {
	slots := make([]slot, c.options.InFlight)
	payload, buffer := make([]byte, c.options.PayloadBytes), make([]byte, MaxPayload)
	now := uint64(0)
	for i := range slots {
		if err := c.ask(slots, i, now, payload); err != nil {
			return err
		}
	}
	for !c.stopped() {
		_ = c.conn.SetReadDeadline(time.Now().Add(tick))
		for {
			n, err := c.read(buffer)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				break
			}
			if err != nil {
				return err
			}
			i, ok := answers(slots, buffer[:n])
			if !ok {
				continue
			}
			c.answered.Add(1)
			if err := c.ask(slots, i, now, payload); err != nil {
				return err
			}
		}
		now++
		if err := c.askAgain(slots, now, payload); err != nil {
			return err
		}
	}
	return nil
}

func answers(slots []slot, datagram []byte) (i int, ok bool) {
	if len(datagram) < MinPayload {
		return 0, false
	}
	at := binary.BigEndian.Uint64(datagram)
	return int(at), at < uint64(len(slots)) && slots[at].number == binary.BigEndian.Uint64(datagram[8:])
}

func (c *client) ask(slots []slot, i int, now uint64, payload []byte) error {
	slots[i] = slot{number: slots[i].number + 1, sent: now}
	binary.BigEndian.PutUint64(payload, uint64(i))
	binary.BigEndian.PutUint64(payload[8:], slots[i].number)
	return c.write(payload)
}

// askAgain replaces datagrams that were lost, else fewer and fewer would be in
// flight.
func (c *client) askAgain(slots []slot, now uint64, payload []byte) error {
	for i := range slots {
		if now-slots[i].sent < lostTicks {
			continue
		}
		c.lost.Add(1)
		if err := c.ask(slots, i, now, payload); err != nil {
			return err
		}
	}
	return nil
}

// sendAtRate sends what is due, whether or not anything is answered.
func (c *client) sendAtRate() error {
	payload := make([]byte, c.options.PayloadBytes)
	began := time.Now()
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	for {
		select {
		case <-c.stopping:
			return nil
		case now := <-ticker.C:
			for due := uint64(now.Sub(began).Seconds() * float64(c.options.Rate)); c.sent.Load() < due; {
				if err := c.write(payload); err != nil {
					return err
				}
			}
		}
	}
}

// countAnswers counts until it was told to stop and nothing more comes.
func (c *client) countAnswers() error {
	buffer := make([]byte, MaxPayload)
	for silent := 0; silent < drainTicks; {
		_ = c.conn.SetReadDeadline(time.Now().Add(tick))
		n, err := c.read(buffer)
		switch {
		case n >= MinPayload:
			c.answered.Add(1)
			silent = 0
		case err == nil: // a refusal
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return err
		case c.stopped():
			silent++
		}
	}
	return nil
}

// read and write take a closed socket for the end that close asked for, and a
// refused datagram for a lost one.

func (c *client) read(buffer []byte) (n int, err error) {
	n, err = c.conn.Read(buffer)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return 0, nil
	}
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return 0, fmt.Errorf("echo: waiting for answers: %w", err)
	}
	return n, err
}

func (c *client) write(payload []byte) error {
	_, err := c.conn.Write(payload)
	if err != nil && !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("echo: sending: %w", err)
	}
	c.sent.Add(1)
	return nil
}
