package apptest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/exchange"
)

// Repetition of what is not answered: sooner than RFC 7252 section 4.8 has it,
// for there is but a loopback between, and for longer, for the node may be
// down for a while.
const (
	repeatFirst = 250 * time.Millisecond
	repeatMost  = time.Second
	patience    = 60 * time.Second
)

// ErrClosed is returned where Close ended the wait for an answer.
var ErrClosed = errors.New("apptest: the client is closed")

// Client is one UDP socket. It listens to nobody but the address that it asks:
// an answer from another one is a stray. Its methods may be called concurrently; the
// messages that are under way at a time must differ in message ID and token.
type Client struct {
	conn   *net.UDPConn
	server netip.AddrPort
	handle func(*coap.Message) exchange.Answer
	done   chan struct{} // closed when the reader has ended

	mu      sync.Mutex // guards all below; never held during I/O or handle
	mids    exchange.MIDs
	last    uint32 // token
	waiting map[string]chan *coap.Message
	answers memory // to the node's requests
	late    memory // what was sent more than once, and so may be answered again
	strays  []string
}

// Dial opens a socket of the server's address family. handle answers the
// node's requests, one at a time, each once; nil answers 4.04.
func Dial(server netip.AddrPort, handle func(*coap.Message) exchange.Answer) (*Client, error) {
	local := net.IPv6loopback
	if server.Addr().Unmap().Is4() {
		local = net.IPv4zero // the kernel chooses the source by the destination
	}
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: local})
	if err != nil {
		return nil, fmt.Errorf("apptest: open a socket: %w", err)
	}
	if handle == nil {
		handle = func(*coap.Message) exchange.Answer { return exchange.Answer{Code: coap.NotFound} }
	}
	c := &Client{conn: conn, server: server, handle: handle, done: make(chan struct{}), waiting: map[string]chan *coap.Message{}}
	port := c.Port()
	c.mids.Last, c.last = port*7, uint32(port)<<16
	go c.read()
	return c, nil
}

// Port is that of the client's socket.
func (c *Client) Port() uint16 { return uint16(c.conn.LocalAddr().(*net.UDPAddr).Port) }

// Server is the address that the client asks.
func (c *Client) Server() netip.AddrPort { return c.server }

// Close ends the client and whatever waits for an answer.
func (c *Client) Close() error {
	err := c.conn.Close()
	<-c.done
	return err
}

// New is a message with a fresh message ID and token, to a path such as
// "rd/abc".
func (c *Client) New(t coap.Type, code coap.Code, path string, queries ...string) *coap.Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := &coap.Message{Type: t, Code: code, MessageID: c.mids.Next()}
	if code != coap.Empty {
		c.last++
		m.Token = binary.BigEndian.AppendUint32(nil, c.last)
	}
	m.AddPath(path)
	for _, q := range queries {
		m.AddString(coap.OptUriQuery, q)
	}
	return m
}

// Exchange sends m until it is answered: a request by a response, anything
// else by an Acknowledgement or Reset. Sent again later, m is a duplicate.
func (c *Client) Exchange(m *coap.Message) (*coap.Message, error) {
	payload, err := m.Append(nil)
	if err != nil {
		return nil, err
	}
	return c.ExchangeBytes(m, payload)
}

// ExchangeBytes is Exchange with other bytes in the place of m's; the answer
// is known by m's message ID and token.
func (c *Client) ExchangeBytes(m *coap.Message, payload []byte) (*coap.Message, error) {
	return c.exchange(m, payload, repeatFirst)
}

// ExchangeOnce is Exchange without repetitions: what is lost is not made up for.
func (c *Client) ExchangeOnce(m *coap.Message) (*coap.Message, error) {
	payload, err := m.Append(nil)
	if err != nil {
		return nil, err
	}
	return c.exchange(m, payload, 2*patience)
}

// exchange repeats for the first time after interval.
func (c *Client) exchange(m *coap.Message, payload []byte, interval time.Duration) (*coap.Message, error) {
	answer, forget := c.expect(m)
	defer forget()
	sent := 0
	defer func() {
		if sent > 1 {
			c.repeated(m)
		}
	}()
	deadline, again := time.NewTimer(patience), time.NewTimer(interval)
	defer deadline.Stop()
	defer again.Stop()
	for {
		if err := c.Write(payload); err != nil {
			return nil, err
		}
		sent++
		select {
		case a := <-answer:
			return a, nil
		case <-again.C:
			interval = min(2*interval, repeatMost)
			again.Reset(interval)
		case <-deadline.C:
			return nil, fmt.Errorf("apptest: no answer to %s %s /%s in %v", m.Type, m.Code, m.Path(), patience)
		case <-c.done:
			return nil, ErrClosed
		}
	}
}

// Write sends bytes as they are; nobody waits for an answer.
func (c *Client) Write(datagram []byte) error {
	_, err := c.conn.WriteToUDPAddrPort(datagram, c.server)
	return err
}

// Silence sends bytes that must not be answered, and a ping behind them. An
// answer that comes before that of the ping is an error, a later one a stray.
func (c *Client) Silence(datagram []byte) error {
	before := len(c.Strays())
	if err := c.Write(datagram); err != nil {
		return err
	}
	a, err := c.Exchange(c.New(coap.Confirmable, coap.Empty, ""))
	switch strays := c.Strays(); {
	case err != nil:
		return err
	case a.Type != coap.Reset:
		return fmt.Errorf("apptest: a ping was answered %s %s", a.Type, a.Code)
	case len(strays) > before:
		return fmt.Errorf("apptest: %x should not be answered: %s", datagram, strays[before])
	}
	return nil
}

// Strays are the messages that nobody waited for, the first few of them.
func (c *Client) Strays() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.strays...)
}

// repeated takes note of a message that was sent more than once: a second
// answer to it is no stray.
func (c *Client) repeated(m *coap.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.late.keep(midKey(m.MessageID), nil)
	c.late.keep("t"+string(m.Token), nil)
}

// expect makes the channel on which the answer to m comes.
func (c *Client) expect(m *coap.Message) (<-chan *coap.Message, func()) {
	answer := make(chan *coap.Message, 1)
	keys := []string{midKey(m.MessageID)}
	if m.Code.IsRequest() {
		keys = append(keys, "t"+string(m.Token))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range keys {
		c.waiting[k] = answer
	}
	return answer, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, k := range keys {
			delete(c.waiting, k)
		}
	}
}

func midKey(mid uint16) string { return string([]byte{'m', byte(mid >> 8), byte(mid)}) }
