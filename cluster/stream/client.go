package stream

import (
	"context"
	"net"
	"sync"
	"time"

	"dormouse/codec/wire"
)

// DialOptions are those of Options that a connection of its own takes.
type DialOptions struct {
	Self     wire.Node
	Cluster  string
	Identity Identity // nil: plain TCP, to loopback addresses alone

	MaxFrame int           // default DefaultFrame
	MaxCalls int           // default DefaultCalls
	MaxSkew  time.Duration // default DefaultMaxSkew
	Now      func() time.Time

	dial func(ctx context.Context, address string) (net.Conn, error)
	beat time.Duration
}

// Client is one connection for calls to a node of which nothing but an address is
// known. It is not made again when it breaks.
type Client struct {
	pipe   *pipe
	caller *caller
	done   sync.WaitGroup
}

// Dial connects to whoever answers at "host:port". ctx is for that alone. An
// ErrRefused says that one side does not want the other.
func Dial(ctx context.Context, address string, o DialOptions) (*Client, error) {
	otherwise(&o.MaxFrame, DefaultFrame)
	otherwise(&o.MaxCalls, DefaultCalls)
	otherwise(&o.MaxSkew, DefaultMaxSkew)
	if o.Now == nil {
		o.Now = time.Now
	}
	t := terms{
		self: o.Self, cluster: o.Cluster, identity: o.Identity, now: o.Now, maxSkew: o.MaxSkew,
		maxFrame: o.MaxFrame, queueBytes: DefaultQueueBytes, dial: o.dial, beat: o.beat,
	}.lived()
	if err := t.validate(); err != nil {
		return nil, err
	}
	p, err := t.connect(ctx, address, forCalls, 0, 0)
	if err != nil {
		return nil, err
	}
	c := &Client{pipe: p, caller: newCaller(p, o.MaxCalls)}
	c.done.Go(func() { p.write(func(int, int) {}) })
	c.done.Go(func() {
		p.fail(c.caller.read())
		c.caller.end()
	})
	return c, nil
}

// Peer is who answered.
func (c *Client) Peer() wire.Node { return c.pipe.peer }

// Call is Mesh.Call to that node.
func (c *Client) Call(ctx context.Context, kind byte, request []byte) ([]byte, error) {
	return c.caller.call(ctx, kind, request)
}

// Close fails the calls under way. It may be called again.
func (c *Client) Close() error {
	c.pipe.fail(ErrClosed)
	c.done.Wait()
	return nil
}
