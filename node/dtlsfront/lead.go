package dtlsfront

import (
	"bytes"
	"context"
	"errors"
	"time"

	"dormouse/codec/dtlsrec"
)

var (
	errReplaced = errors.New("dtlsfront: the client began anew")
	errClosed   = errors.New("dtlsfront: closed")
	errTimedOut = errors.New("dtlsfront: not done in time")
	errAlert    = errors.New("dtlsfront: the client gave up")
)

// lead is the goroutine of one handshake, until it is committed or has failed.
func (f *Front) lead(ctx context.Context, r *running, t *talk) {
	err := t.run(ctx)
	t.stop(nil)
	if err != nil {
		f.fail(r, err)
		return
	}
	f.mu.Lock()
	if r.dropped {
		f.mu.Unlock()
		return
	}
	r.stage, r.cipher = committing, t.cipher
	r.final = r.stamp(t.final)
	e := Established{
		Path: r.path, Identity: r.identity, Endpoint: r.credential.Endpoint, Serial: r.credential.Serial, Secrets: t.secrets,
		LocalCID: t.cid, HasCID: t.localCID != nil,
		NextSequence: t.sent + 1, ReceivedSequence: t.received,
	}
	if e.HasCID {
		e.PeerCID = t.hello.cid
	}
	f.mu.Unlock()
	f.o.Commit(e, func(err error) { f.committed(r, err) })
}

// key is the PSK of an identity, or one that nobody has. Both are made in any
// case, so that neither takes longer.
func (f *Front) key(r *running, identity []byte) []byte {
	c, known := f.o.PSK(identity)
	nobodys := f.secrets.nobodysKey(identity)
	if !known || len(c.Key) == 0 {
		c, known = Credential{Key: nobodys}, false
	}
	key := c.Key
	c.Key = nil // pion has it; a handshake that waits for its commit need not
	f.mu.Lock()
	defer f.mu.Unlock()
	r.identity, r.credential, r.unknown = bytes.Clone(identity), c, !known
	return key
}

// sendFlight sends what pion wrote, and keeps it for a client that asks again.
func (f *Front) sendFlight(r *running, cid, datagram []byte) {
	f.mu.Lock()
	r.cid = bytes.Clone(cid) // not a part of the talk, which may go before r
	r.flight = append(r.flight, datagram...)
	out := r.stamp(datagram)
	f.mu.Unlock()
	f.o.Send(r.path, out)
}

// repeat answers the same ClientHello again; record is its number. If the
// session is there already, the client has moved on: nothing.
func (r *running) repeat(record uint64) []byte {
	if r.stage != talking || r.flight == nil {
		return nil
	}
	r.next = max(r.next, record)
	return r.stamp(r.flight)
}

// receive takes what a client sends after its ClientHello, and returns what is
// to be sent.
func (r *running) receive(datagram []byte) (answer []byte) {
	for len(datagram) > 0 {
		h, fragment, rest, err := dtlsrec.ParseHeader(datagram, len(r.cid))
		if err != nil {
			return answer
		}
		record := datagram[:len(datagram)-len(rest)]
		datagram = rest
		switch {
		case h.Epoch != 0 && r.owns(h):
			if again := r.receiveSealed(h, fragment, record); again != nil {
				answer = again
			}
		case h.Epoch == 0 && r.stage == talking:
			r.receivePlain(h, fragment)
		}
	}
	return answer
}

func (r *running) receivePlain(h dtlsrec.Header, fragment []byte) {
	switch h.Type {
	case dtlsrec.TypeAlert:
		if a, err := dtlsrec.ParseAlert(fragment); err == nil && a.Ends() {
			r.talk.stop(errAlert)
		}
	case dtlsrec.TypeHandshake:
		for len(fragment) > 0 {
			m, body, rest, err := dtlsrec.ParseHandshake(fragment)
			if err != nil {
				return
			}
			fragment = rest
			r.receiveKey(m, body)
		}
	}
}

// receiveKey gives pion the ClientKeyExchange when it is whole, and then the
// Finished that came before it.
func (r *running) receiveKey(m dtlsrec.Handshake, body []byte) {
	if r.flight == nil {
		return // it answers nothing of ours
	}
	message := r.key.add(m, body)
	if message == nil {
		return
	}
	r.talk.pushKey(message)
	if r.early != nil {
		r.pushFinished(r.early)
		r.early = nil
	}
}

// receiveSealed takes a record of epoch 1: the first is pion's, and when the
// last flight has left, each that is a Finished is answered by it.
func (r *running) receiveSealed(h dtlsrec.Header, fragment, record []byte) (answer []byte) {
	if h.Type != dtlsrec.TypeHandshake && h.Type != dtlsrec.TypeCID {
		return nil
	}
	switch {
	case r.stage == finished:
		if _, t, err := r.cipher.Open(nil, h, fragment); err == nil && t == dtlsrec.TypeHandshake {
			return r.final
		}
	case r.stage != talking || r.tried || r.flight == nil:
	case r.key.done:
		r.pushFinished(record)
	default:
		r.early = bytes.Clone(record)
	}
	return nil
}

func (r *running) pushFinished(record []byte) {
	r.tried = true
	r.talk.pipe.push(bytes.Clone(record))
}

// committed releases the last flight, unless it is too late.
func (f *Front) committed(r *running, err error) {
	f.mu.Lock()
	if r.dropped || r.stage != committing {
		f.mu.Unlock()
		return
	}
	now := time.Now()
	if err != nil {
		failed := f.giveUp(r, NotCommitted, err)
		alert := r.alert(dtlsrec.InternalError)
		f.mu.Unlock()
		f.o.Send(r.path, alert)
		f.o.Events.failed(*failed)
		return
	}
	done := Done{Path: r.path, Endpoint: r.credential.Endpoint, Suite: r.talk.hello.suite, CID: r.cid != nil, Took: now.Sub(r.since)}
	f.admission.end(r.prefix, now)
	f.keep(r)
	final := r.final
	f.mu.Unlock()
	f.o.Send(r.path, final)
	f.o.Events.done(done)
}
