package apptest

import (
	"fmt"
	"net/netip"

	"dormouse/codec/coap"
	"dormouse/codec/exchange"
)

// read is the client's goroutine; it ends with the socket.
func (c *Client) read() {
	defer close(c.done)
	buffer := make([]byte, 64<<10)
	for {
		n, from, err := c.conn.ReadFromUDPAddrPort(buffer)
		if err != nil {
			return
		}
		if from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port()); from != c.server {
			c.stray(fmt.Sprintf("%d bytes from %s, not from %s", n, from, c.server))
			continue
		}
		var m coap.Message
		if err := coap.Parse(buffer[:n], &m); err != nil {
			c.stray(fmt.Sprintf("%x: %v", buffer[:n], err))
			continue
		}
		c.receive(m.Clone())
	}
}

// receive brings a message to whoever waits for it.
func (c *Client) receive(m *coap.Message) {
	switch {
	case m.Code.IsRequest():
		c.serve(m)
		return
	case m.Type == coap.Acknowledgement && m.Code == coap.Empty && c.separate(m.MessageID):
		return // the answer comes later
	case m.Type == coap.Confirmable:
		c.transmit(exchange.Ack(m))
	}
	key := "t" + string(m.Token)
	if m.Type == coap.Acknowledgement || m.Type == coap.Reset {
		key = midKey(m.MessageID)
	}
	c.mu.Lock()
	answer := c.waiting[key]
	_, late := c.late.find(key)
	c.mu.Unlock()
	if answer == nil && late {
		return
	}
	if answer == nil {
		c.stray(fmt.Sprintf("%s %s, message ID %d, token %x, payload %q", m.Type, m.Code, m.MessageID, m.Token, m.Payload))
		return
	}
	select {
	case answer <- m:
	default: // repeated: what was repeated to the node was answered twice
	}
}

// separate reports that the message with the ID is a request: an empty
// Acknowledgement is not the whole answer to it.
func (c *Client) separate(mid uint16) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	own := c.waiting[midKey(mid)]
	if own == nil {
		return false
	}
	for key, answer := range c.waiting {
		if key[0] == 't' && answer == own {
			return true
		}
	}
	return false
}

// serve answers a request of the node, a repeated one as before.
func (c *Client) serve(m *coap.Message) {
	key := midKey(m.MessageID) + string(m.Token)
	c.mu.Lock()
	answer, known := c.answers.find(key)
	c.mu.Unlock()
	if !known {
		a := c.handle(m)
		c.mu.Lock()
		reply := exchange.Reply(m, a, &c.mids)
		c.mu.Unlock()
		answer, _ = reply.Append(nil)
		c.mu.Lock()
		c.answers.keep(key, answer)
		c.mu.Unlock()
	}
	_ = c.Write(answer) // a closed socket: the reader ends
}

func (c *Client) transmit(m *coap.Message) {
	if payload, err := m.Append(nil); err == nil {
		_ = c.Write(payload)
	}
}

// maxStrays bounds what is kept of messages that nobody waited for.
const maxStrays = 64

func (c *Client) stray(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.strays) < maxStrays {
		c.strays = append(c.strays, text)
	}
}

// memory is a client's duplicate detection: its newest answers.
type memory struct {
	order []string
	bytes map[string][]byte
}

// remembered is how many answers a client keeps.
const remembered = 1024

func (m *memory) find(key string) ([]byte, bool) {
	answer, ok := m.bytes[key]
	return answer, ok
}

func (m *memory) keep(key string, answer []byte) {
	if m.bytes == nil {
		m.bytes = map[string][]byte{}
	}
	if _, known := m.bytes[key]; known {
		return
	}
	if len(m.order) == remembered {
		delete(m.bytes, m.order[0])
		m.order = m.order[1:]
	}
	m.order = append(m.order, key)
	m.bytes[key] = answer
}
