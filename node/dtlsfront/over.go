package dtlsfront

import (
	"errors"
	"time"

	"dormouse/codec/dtlsrec"
)

// keep makes r one whose last flight is kept, and nothing else. mu is held.
func (f *Front) keep(r *running) {
	r.stage = finished
	r.talk, r.flight, r.identity, r.early = nil, nil, nil, nil
	r.timer.Reset(f.o.Timeout)
	f.finals = append(f.finals, r)
	f.trim()
}

// trim takes those off the beginning of finals that are forgotten, or too many.
// mu is held.
func (f *Front) trim() {
	for len(f.finals) > 0 && (f.finals[0].dropped || len(f.finals) > f.o.MaxFinal) {
		f.drop(f.finals[0])
		f.finals[0] = nil
		f.finals = f.finals[1:]
	}
	if len(f.finals) == 0 {
		f.finals = nil
	}
}

// drop forgets r. mu is held.
func (f *Front) drop(r *running) {
	if r.dropped {
		return
	}
	r.dropped = true
	r.timer.Stop()
	r.cipher, r.final, r.hello = nil, nil, nil // it may wait in finals for long
	if f.handshakes[r.path] == r {
		delete(f.handshakes, r.path)
		f.count.Store(int64(len(f.handshakes)))
	}
}

// giveUp ends a handshake at any stage; nil if it was finished or is over. mu is
// held.
func (f *Front) giveUp(r *running, kind Failure, err error) *Failed {
	if r.dropped {
		return nil
	}
	f.drop(r)
	if r.stage == finished {
		return nil
	}
	now := time.Now()
	if kind == WrongKey || kind == UnknownIdentity {
		f.admission.fail(r.prefix, now)
	}
	f.admission.end(r.prefix, now)
	r.talk.stop(err)
	return &Failed{Path: r.path, Kind: kind, Identity: r.identity, Err: err}
}

// fail is how lead ends without success. Whoever gave the handshake up has told
// of it.
func (f *Front) fail(r *running, err error) {
	f.mu.Lock()
	kind := failureOf(err, r.unknown)
	failed := f.giveUp(r, kind, err)
	if failed == nil {
		f.mu.Unlock()
		return
	}
	var alert []byte
	switch kind {
	case WrongKey, UnknownIdentity:
		alert = r.alert(dtlsrec.DecryptError)
	case Broken:
		alert = r.alert(dtlsrec.HandshakeFailure)
	}
	f.mu.Unlock()
	if alert != nil {
		f.o.Send(r.path, alert)
	}
	f.o.Events.failed(*failed)
}

// failureOf names the cause of a talk's end. A Finished that can be opened but
// is wrong was sealed under the right key.
func failureOf(err error, unknown bool) Failure {
	switch {
	case errors.Is(err, errWrongKey) && unknown:
		return UnknownIdentity
	case errors.Is(err, errWrongKey):
		return WrongKey
	case errors.Is(err, errAlert):
		return PeerAlert
	}
	return Broken
}

// expire ends a handshake that takes too long, and the keeping of a last flight.
func (f *Front) expire(r *running) {
	f.mu.Lock()
	failed := f.giveUp(r, TimedOut, errTimedOut)
	f.trim()
	f.mu.Unlock()
	if failed != nil {
		f.o.Events.failed(*failed)
	}
}
