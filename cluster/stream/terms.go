package stream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// terms are what this side tells and asks on all of its connections.
type terms struct {
	self       wire.Node
	cluster    string
	identity   Identity
	claim      Claim // nil: all are believed
	now        func() time.Time
	maxSkew    time.Duration
	maxFrame   int
	queueBytes int

	beat         time.Duration
	writeTimeout time.Duration
	greetTimeout time.Duration // from the first byte to the answer
	dial         func(ctx context.Context, address string) (net.Conn, error)
}

// Times of every connection. They are fixed, so that both sides have the same.
const (
	beat         = time.Second
	writeTimeout = 5 * time.Second
	greetTimeout = 5 * time.Second
)

// lived fills in what is the same for all but tests.
func (t terms) lived() *terms {
	if t.beat == 0 {
		t.beat = beat
	}
	t.writeTimeout, t.greetTimeout = writeTimeout, greetTimeout
	if t.dial == nil {
		t.dial = func(ctx context.Context, address string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", address)
		}
	}
	return &t
}

func (t *terms) greeting(w word, p purpose, wanted ids.Node) *greeting {
	return &greeting{
		word: w, purpose: p, self: t.self, wanted: wanted,
		clock: t.now(), longest: uint32(t.maxFrame), cluster: t.cluster,
	}
}

// judge says in a sentence what both sides refuse of the other; "" for nothing.
func (t *terms) judge(g *greeting) string {
	skew := g.clock.Sub(t.now()).Abs()
	switch {
	case g.cluster != t.cluster:
		return fmt.Sprintf("node %s is of the cluster %q, and node %s of %q", t.self.ID, t.cluster, g.self.ID, g.cluster)
	case g.self.ID == t.self.ID:
		return fmt.Sprintf("node %s was reached by itself, or by another with its ID", t.self.ID)
	case g.wanted != 0 && g.wanted != t.self.ID:
		return fmt.Sprintf("this is node %s, not %s", t.self.ID, g.wanted)
	case skew > t.maxSkew:
		return fmt.Sprintf("the clocks of node %s and %s are %v apart, at most %v are borne", t.self.ID, g.self.ID, skew.Round(time.Second), t.maxSkew)
	}
	return ""
}

// connect dials, and returns a connection on which both sides have greeted. The
// node that is wanted may be 0. least is the incarnation it must have at least.
func (t *terms) connect(ctx context.Context, address string, p purpose, wanted ids.Node, least uint64) (*pipe, error) {
	ctx, cancel := context.WithTimeout(ctx, t.greetTimeout)
	defer cancel()
	raw, err := t.dial(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("stream: reaching %s: %w", address, err)
	}
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	c, err := t.greet(ctx, raw, p, wanted, least)
	if !stop() && !errors.Is(err, ErrRefused) {
		err = ctx.Err() // the rest is what closing did
	}
	if err != nil {
		raw.Close()
		return nil, fmt.Errorf("stream: greeting %s: %w", address, err)
	}
	return c, nil
}

func (t *terms) greet(ctx context.Context, raw net.Conn, p purpose, wanted ids.Node, least uint64) (*pipe, error) {
	conn, err := t.secure(ctx, raw, tls.Client)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write(t.greeting(wordHello, p, wanted).append(nil)); err != nil {
		return nil, tellTLS(err)
	}
	g, err := t.answered(conn)
	if err != nil {
		return nil, tellTLS(err)
	}
	sentence := t.judge(&g)
	if sentence == "" {
		sentence = t.believe(g.self, conn)
	}
	switch {
	case sentence != "":
	case g.word != wordWelcome || g.purpose != p:
		return nil, fmt.Errorf("%w: a greeting in answer that is none", ErrFormat)
	case wanted != 0 && g.self.ID != wanted:
		sentence = fmt.Sprintf("it is node %s, not %s", g.self.ID, wanted)
	case g.self.Incarnation < least:
		sentence = fmt.Sprintf("it is life %d of node %s, of which life %d was seen", g.self.Incarnation, wanted, least)
	}
	if sentence != "" {
		return nil, fmt.Errorf("%w: %s", ErrRefused, sentence)
	}
	return newPipe(t, raw, conn, p, g), nil
}

// answered reads the answer to a hello.
func (t *terms) answered(r io.Reader) (greeting, error) {
	o, err := readOpening(r)
	if err != nil {
		return greeting{}, err
	}
	if o.word != wordRefusal && !o.understood() {
		return greeting{}, fmt.Errorf("%w: it speaks version %d, for readers since %d; this is version %d", ErrRefused, o.version, o.since, version)
	}
	g, err := o.readBody(r)
	if err == nil && g.word == wordRefusal {
		err = fmt.Errorf("%w by the other side: %s", ErrRefused, g.sentence)
	}
	return g, err
}

// hear reads the greeting of who dialled. An error that is an ErrRefused is to be
// told to them.
func (t *terms) hear(r io.Reader) (greeting, error) {
	o, err := readOpening(r)
	if err != nil {
		return greeting{}, err
	}
	if !o.understood() {
		return greeting{}, fmt.Errorf("%w: version %d for readers since %d is not understood, this is version %d", ErrRefused, o.version, o.since, version)
	}
	g, err := o.readBody(r)
	if err != nil {
		return greeting{}, err
	}
	if g.word != wordHello {
		return greeting{}, fmt.Errorf("%w: word %d is no hello", ErrFormat, g.word)
	}
	if sentence := t.judge(&g); sentence != "" {
		return g, fmt.Errorf("%w: %s", ErrRefused, sentence)
	}
	return g, nil
}
