package device

import (
	"hash/fnv"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/exchange"
)

// keepLong is how long the device keeps a representation whose blocks the server
// fetches. Values may change meanwhile, and blocks must fit together.
const keepLong = time.Minute

// representation is an answer or notification of several blocks.
type representation struct {
	key    uint64
	answer exchange.Answer
	until  time.Time
}

func (c *Client) longDeadline() time.Time {
	if c.long == nil {
		return time.Time{}
	}
	return c.long.until
}

// sliced answers a request by the block of the answer that it asks for. The
// first block is made anew, the others are cut from the same representation.
func (c *Client) sliced(r request, make func(request) exchange.Answer) exchange.Answer {
	b, asked, err := r.Block(coap.OptBlock2)
	if err != nil {
		return exchange.Answer{Code: coap.BadRequest}
	}
	if asked && b.Num > 0 {
		if key := keyOf(r.Message); c.long != nil && c.long.key == key {
			return exchange.Slice(r.Message, c.long.answer, c.product.options.BlockSize)
		}
		r.Message = withoutObserve(r.Message)
	}
	a := make(r)
	size := c.product.options.BlockSize
	if asked {
		size = min(size, b.Size())
	}
	c.keep(r.now, keyOf(r.Message), a, size)
	return exchange.Slice(r.Message, a, c.product.options.BlockSize)
}

// keep remembers a successful answer of more than one block. Later blocks have no
// Observe option.
func (c *Client) keep(now time.Time, key uint64, a exchange.Answer, size int) {
	if !a.Code.IsSuccess() || len(a.Payload) <= size {
		return
	}
	var m coap.Message
	m.Options = append(m.Options, a.Options...)
	m.Remove(coap.OptObserve)
	a.Options = m.Options
	c.long = &representation{key, a, now.Add(keepLong)}
}

// withoutObserve is a request for a later block, which observes nothing.
func withoutObserve(m *coap.Message) *coap.Message {
	m = m.Clone()
	m.Remove(coap.OptObserve)
	return m
}

// keyOf tells representations apart: method, path, queries, formats and, for a
// FETCH, the paths.
func keyOf(m *coap.Message) uint64 {
	f := fnv.New64a()
	f.Write([]byte{byte(m.Code)})
	for _, o := range m.Options {
		switch o.ID {
		case coap.OptUriPath, coap.OptUriQuery, coap.OptAccept, coap.OptContentFormat:
			f.Write([]byte{byte(o.ID), byte(len(o.Value) >> 8), byte(len(o.Value))})
			f.Write(o.Value)
		}
	}
	if m.Code == coap.FETCH {
		f.Write(m.Payload)
	}
	return f.Sum64()
}
