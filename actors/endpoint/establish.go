package endpoint

import (
	"fmt"
	"time"

	"dormouse/actors/session"
	"dormouse/codec/exchange"
	"dormouse/codec/wire"
)

// Establish says that a handshake is done: its last flight leaves when Reply is
// called with nil. ErrCredentials says that the endpoint has others by now.
type Establish struct {
	Session *session.Session // the endpoint's from now on
	Path    wire.ReturnPath
	Serial  uint64 // of the credentials that the handshake was made with
	Reply   func(error)
}

func (*Establish) event() {}

// establish puts a session in the place of the one before it. The device may
// have restarted: its memory of message IDs, and ours of its messages, mean
// nothing any more. It is asked nothing before it has said something.
func (e *Endpoint) establish(now time.Time, ev *Establish, fx *Effects) {
	if err := e.mayBegin(ev); err != nil {
		replyError(ev.Reply, err, fx)
		return
	}
	e.interrupt(now, fx)
	e.voidAttempts(fx)
	e.clearSession(fx)
	s := ev.Session
	s.Audit = e.shard.Env.Audit
	e.secure.session = s
	e.sealSecret()
	e.at.Session = s.AppendState(nil)
	e.at.Path, e.at.Unproven = ev.Path, false
	e.at.Asleep, e.saveContact = true, true
	fx.Signposts = append(fx.Signposts, Signpost{Sign: e.sessionSign()})
	fx.notice(SessionBegun, e.name(), s.Secrets.Suite.String())
	replyError(ev.Reply, nil, fx)
}

// mayBegin checks the credentials again: they may have changed while the
// handshake was under way.
func (e *Endpoint) mayBegin(ev *Establish) error {
	c, found, err := e.credentials()
	switch {
	case err != nil:
		return err
	case !found || c.Identity != ev.Session.Identity || c.Serial != ev.Serial:
		return fmt.Errorf("%w: they were changed during the handshake", ErrCredentials)
	case e.shard.Env.Full() && e.at.Session == nil:
		return ErrFull
	}
	return nil
}

// voidAttempts lets the redelivery rule take operations for such as the device
// does not recognise (platform 10: a new session voids its memory).
func (e *Endpoint) voidAttempts(fx *Effects) {
	e.answers = exchange.Answers{}
	e.client = nil
	if e.at.Active == 0 || !e.readQueue() {
		return
	}
	for _, op := range e.queue {
		if op.Attempt.Token != "" {
			op.Attempt.Token = ""
			e.putOperation(op, fx)
		}
	}
}

// sessionSign is what the session's records are found by.
func (e *Endpoint) sessionSign() wire.Sign {
	if s := e.secure.session; s.HasLocal {
		return wire.CIDSign(s.Local)
	}
	return wire.SecureSign(e.at.Path.Peer)
}

// clearSession removes the session, if there is one.
func (e *Endpoint) clearSession(fx *Effects) {
	if e.at.Session == nil {
		return
	}
	// One that cannot be read leaves its signpost, which leads to records that do
	// not open.
	if _, err := e.readable(); err == nil {
		fx.Signposts = append(fx.Signposts, Signpost{Sign: e.sessionSign(), Clear: true})
	}
	e.secure = secure{}
	e.at.Session, e.at.Secret, e.at.Unproven = nil, nil, false
	e.saveContact = true
}

// endSession ends the session and not the registration: the device is out of
// reach until it makes another.
func (e *Endpoint) endSession(now time.Time, why string, fx *Effects) {
	e.interrupt(now, fx)
	e.clearSession(fx)
	e.at.Asleep = true
	fx.notice(SessionEnded, e.name(), why)
}
