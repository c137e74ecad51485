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
	key    key
	answer exchange.Answer
	until  time.Time
}

// key tells representations apart: by method, path, queries and accepted format,
// and for a FETCH by its paths.
type key struct{ head, body uint64 }

// of reports whether a request is for a block of the representation. A FETCH
// that came in blocks itself goes on without its paths.
func (k key) of(r request) bool {
	asked := r.key()
	return asked.head == k.head && (asked.body == k.body || len(r.body) == 0)
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
		if c.long != nil && c.long.key.of(r) {
			return exchange.Slice(r.Message, c.long.answer, c.product.options.BlockSize)
		}
		r.Message = withoutObserve(r.Message)
	}
	a := make(r)
	size := c.product.options.BlockSize
	if asked {
		size = min(size, b.Size())
	}
	c.keep(r.now, r.key(), a, size)
	return exchange.Slice(r.Message, a, c.product.options.BlockSize)
}

// keep remembers a successful answer of more than one block. Later blocks have no
// Observe option.
func (c *Client) keep(now time.Time, k key, a exchange.Answer, size int) {
	if !a.Code.IsSuccess() || len(a.Payload) <= size {
		return
	}
	var m coap.Message
	m.Options = append(m.Options, a.Options...)
	m.Remove(coap.OptObserve)
	a.Options = m.Options
	c.long = &representation{k, a, now.Add(keepLong)}
}

// withoutObserve is a request for a later block, which observes nothing.
func withoutObserve(m *coap.Message) *coap.Message {
	m = m.Clone()
	m.Remove(coap.OptObserve)
	return m
}

// key is that of the representation that a request is for.
func (r request) key() key {
	head, body := fnv.New64a(), fnv.New64a()
	head.Write([]byte{byte(r.Code)})
	for _, o := range r.Options {
		switch o.ID {
		case coap.OptUriPath, coap.OptUriQuery, coap.OptAccept:
			head.Write([]byte{byte(o.ID), byte(len(o.Value) >> 8), byte(len(o.Value))})
			head.Write(o.Value)
		}
	}
	if r.Code == coap.FETCH {
		body.Write(r.body)
	}
	return key{head.Sum64(), body.Sum64()}
}
