package dtlsfront

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"dormouse/codec/dtlsrec"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// Front is the handshakes of a node. Its methods are safe for concurrent use.
type Front struct {
	o       Options
	secrets secrets
	wait    sync.WaitGroup // goroutines of lead

	// count is len(handshakes): most datagrams need no lock to see that it is 0.
	count atomic.Int64

	// mu is never held while a function of Options is called.
	mu         sync.Mutex
	closed     bool
	admission  *admission
	handshakes map[wire.ReturnPath]*running
	finals     []*running // finished ones in the order of time, some dropped
}

// New makes a front. ErrOptions says what is missing.
func New(o Options) (*Front, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Front{
		o: o, secrets: secrets{o.CookieKey}, admission: newAdmission(o),
		handshakes: map[wire.ReturnPath]*running{},
	}, nil
}

// HalfOpen is how many handshakes are under way: begun, and neither committed
// nor failed.
func (f *Front) HalfOpen() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.admission.halfOpen
}

// SetMaxHalfOpen changes Options.MaxHalfOpen, at least 1, at any time, and PerPrefix
// to a quarter of it. Handshakes under way go on.
func (f *Front) SetMaxHalfOpen(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.admission.maxHalfOpen, f.admission.perPrefix = n, max(1, n/4)
}

// Handles reports that a datagram belongs to a handshake of its path: that it is
// for Receive, and not for a session. A session of the same path goes on beside
// a handshake. Datagrams whose first record is of epoch 0 are for Receive in any
// case and need not be asked about.
func (f *Front) Handles(path wire.ReturnPath, datagram []byte) bool {
	h, fragment, _, err := dtlsrec.ParseHeader(datagram, ids.CIDLen)
	if err != nil {
		return false
	}
	if h.Epoch == 0 {
		return true
	}
	if f.count.Load() == 0 {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.handshakes[path]
	switch {
	case r == nil || !r.owns(h):
		return false
	case r.stage != finished:
		return h.Type != dtlsrec.TypeApplicationData && h.Type != dtlsrec.TypeAlert
	}
	_, t, err := r.cipher.Open(nil, h, fragment)
	if err == nil && t != dtlsrec.TypeHandshake {
		f.drop(r) // the client has its Finished: it uses the session
		f.trim()
	}
	return err == nil && t == dtlsrec.TypeHandshake
}

// owns reports that a record of epoch 1 has the Connection ID of r, or none
// where r has none.
func (r *running) owns(h dtlsrec.Header) bool {
	return h.Epoch == 1 && string(h.CID) == string(r.cid)
}

// Receive takes a datagram of a handshake, which it does not keep.
func (f *Front) Receive(path wire.ReturnPath, datagram []byte) {
	h, fragment, _, err := dtlsrec.ParseHeader(datagram, ids.CIDLen)
	if err != nil {
		f.o.Events.refused(path, Malformed)
		return
	}
	if h.Epoch == 0 && h.Type == dtlsrec.TypeHandshake && len(fragment) > 0 && fragment[0] == byte(dtlsrec.ClientHello) {
		f.receiveHello(path, h, fragment)
		return
	}
	f.mu.Lock()
	r := f.handshakes[path]
	if r == nil {
		f.mu.Unlock()
		f.o.Events.refused(path, Stray)
		return
	}
	answer := r.receive(datagram)
	f.mu.Unlock()
	if answer != nil {
		f.o.Send(path, answer)
	}
}

// receiveHello answers a ClientHello from what is in it, or begins a handshake.
func (f *Front) receiveHello(path wire.ReturnPath, h dtlsrec.Header, fragment []byte) {
	c, err := parseHello(h, fragment)
	switch {
	case err == errFragmented:
		f.o.Events.refused(path, Fragmented)
		return
	case err != nil:
		f.o.Events.refused(path, Malformed)
		return
	}
	now := time.Now()
	// Whoever numbers its hello otherwise has had another HelloVerifyRequest
	// than ours, and its later messages would not fit.
	if c.sequence != 1 || !f.secrets.cookieGood(path, c, now) {
		if len(c.cookie) > 0 {
			f.o.Events.refused(path, BadCookie)
		}
		f.o.Send(path, f.secrets.helloVerifyRequest(path, c, now))
		return
	}
	if c.version != version12 {
		f.refuse(path, c, BadVersion, dtlsrec.ProtocolVersion)
		return
	}
	if c.suite == 0 || !c.uncompressed {
		f.refuse(path, c, NoSuite, dtlsrec.HandshakeFailure)
		return
	}
	f.begin(path, c, now)
}

func (f *Front) refuse(path wire.ReturnPath, c *clientHello, kind Refusal, d dtlsrec.AlertDescription) {
	f.o.Events.refused(path, kind)
	f.o.Send(path, (&running{next: c.record}).alert(d))
}

// begin starts a handshake, unless it is under way: then the client has not
// heard us.
func (f *Front) begin(path wire.ReturnPath, c *clientHello, now time.Time) {
	f.mu.Lock()
	old := f.handshakes[path]
	if old != nil && string(old.hello) == string(c.message) {
		answer := old.repeat(c.record)
		f.mu.Unlock()
		if answer != nil {
			f.o.Send(path, answer)
		}
		return
	}
	if f.closed {
		f.mu.Unlock()
		return
	}
	refusal, admitted := f.admission.admit(prefixOf(path.Peer.Addr()), now)
	if !admitted {
		f.mu.Unlock()
		f.o.Events.refused(path, refusal)
		return
	}
	var over *Failed
	if old != nil {
		over = f.giveUp(old, Replaced, errReplaced)
	}
	f.start(path, c, now)
	f.mu.Unlock()
	if over != nil {
		f.o.Events.failed(*over)
	}
}

// start makes the goroutine of an admitted handshake. mu is held.
func (f *Front) start(path wire.ReturnPath, c *clientHello, now time.Time) {
	c = c.clone()
	r := &running{path: path, prefix: prefixOf(path.Peer.Addr()), since: now, hello: c.message, next: c.record}
	t := newTalk(net.UDPAddrFromAddrPort(path.Peer), c)
	t.newCID, t.audit = f.o.NewCID, f.o.Audit
	t.psk = func(identity []byte) []byte { return f.key(r, identity) }
	t.flight = func(cid, datagram []byte) { f.sendFlight(r, cid, datagram) }
	var ctx context.Context
	ctx, t.stop = context.WithCancelCause(context.Background())
	r.talk = t
	r.timer = time.AfterFunc(f.o.Timeout, func() { f.expire(r) })
	f.handshakes[path] = r
	f.count.Store(int64(len(f.handshakes)))
	f.wait.Go(func() { f.lead(ctx, r, t) })
}

// Close ends all handshakes and waits until PSK is not called any more. What
// was given to Commit may still be done, without effect.
func (f *Front) Close() {
	f.mu.Lock()
	f.closed = true
	var over []*Failed
	for _, r := range f.handshakes {
		over = append(over, f.giveUp(r, Closed, errClosed))
	}
	f.finals = nil
	f.mu.Unlock()
	for _, failed := range over {
		if failed != nil {
			f.o.Events.failed(*failed)
		}
	}
	f.wait.Wait()
}
