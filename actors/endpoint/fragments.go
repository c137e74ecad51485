package endpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"dormouse/codec/lwm2m"
	"dormouse/codec/platform"
	"dormouse/codec/wire"
)

// maxFragments bounds what clients keep with a device, in bytes.
const maxFragments = 64 << 10

// setFragments changes the managed object. Fragments that are settings
// (platform 3) are checked and kept as such; the rest is kept as it is.
func (e *Endpoint) setFragments(ev *SetFragments, fx *Effects) {
	if !e.known {
		replyError(ev.Reply, ErrNotFound, fx)
		return
	}
	changed, err := e.reg().Settings.With(ev.Fragments)
	if err == nil {
		e.reg().Settings = changed
		e.saveRegistration = true
	}
	replyError(ev.Reply, err, fx)
}

// With is the settings with members in place of their own; null removes one.
// An error names the member, and nothing is changed.
func (s Settings) With(change platform.Fragments) (Settings, error) {
	var stored platform.Fragments
	if s.Fragments != "" {
		var err error
		if stored, err = platform.ParseFragments([]byte(s.Fragments)); err != nil {
			return s, fmt.Errorf("endpoint: stored fragments: %w", err)
		}
	}
	change = change.Without(reserved...) // the server's own: a client sends back what it read
	for _, f := range change {
		if read, ok := settings[f.Name]; ok {
			if err := read(&s, f.Raw); err != nil {
				return s, fmt.Errorf("%w: %s: %w", ErrFragment, f.Name, err)
			}
		}
	}
	s.Fragments = ""
	if merged := stored.Merge(change); len(merged) > 0 {
		s.Fragments = string(merged.Append(nil))
	}
	if len(s.Fragments) > maxFragments {
		return s, fmt.Errorf("%w: the fragments would be %d bytes, at most %d are kept", ErrFragment, len(s.Fragments), maxFragments)
	}
	return s, nil
}

// reserved are the fragments that the server makes itself.
var reserved = []string{
	"lwm2mEndpoint", "c8y_IsDevice", "c8y_Availability", "c8y_Connection",
	"c8y_LwM2MRegistration", "c8y_SupportedOperations",
}

// settings are the readers of the fragments that change what the server does.
var settings = map[string]func(*Settings, json.RawMessage) error{
	"awakeTimeRegistrationParameter": (*Settings).readAwakeTime,
	"lwm2mRequestTimeout":            (*Settings).readRequestTimeout,
	"serializationFormat":            (*Settings).readFormat,
	"c8y_RequiredAvailability":       (*Settings).readInterval,
}

func (s *Settings) readAwakeTime(raw json.RawMessage) error {
	ms, given, err := milliseconds(raw, 0, 1<<32)
	if err == nil {
		s.AwakeTime, s.HasAwake = ms, given
	}
	return err
}

func (s *Settings) readRequestTimeout(raw json.RawMessage) error {
	ms, _, err := milliseconds(raw, minRequestTimeout.Milliseconds(), 600_000)
	if err == nil {
		s.RequestTimeout = ms
	}
	return err
}

// milliseconds reads a whole number, also as text, from least to most; null
// and "" are not given.
func milliseconds(raw json.RawMessage, least, most int64) (d time.Duration, given bool, err error) {
	text := string(raw)
	var quoted string
	if json.Unmarshal(raw, &quoted) == nil {
		text = quoted
	}
	if text == "null" || text == "" {
		return 0, false, nil
	}
	ms, err := strconv.ParseInt(text, 10, 64)
	if err != nil || ms < least || ms > most {
		return 0, false, fmt.Errorf("%s is no number of milliseconds from %d to %d", clip(text, 40), least, most)
	}
	return time.Duration(ms) * time.Millisecond, true, nil
}

// readFormat takes a name of a format; an empty or unknown one is none
// (platform 3).
func (s *Settings) readFormat(raw json.RawMessage) error {
	var name string
	_ = json.Unmarshal(raw, &name)
	s.Format = lwm2m.FormatNone
	if f, ok := lwm2m.ParseFormat(name); ok {
		s.Format = f
	}
	return nil
}

var errInterval = errors.New("no object with a responseInterval in minutes")

func (s *Settings) readInterval(raw json.RawMessage) error {
	var v struct {
		ResponseInterval int64 `json:"responseInterval"`
	}
	if json.Unmarshal(raw, &v) != nil {
		return errInterval
	}
	s.Interval = max(v.ResponseInterval, 0)
	return nil
}

// remove deletes the device with all that belongs to it. Its timer stays and
// finds nothing.
func (e *Endpoint) remove(ev *Remove, fx *Effects) {
	if !e.known {
		replyError(ev.Reply, ErrNotFound, fx)
		return
	}
	if err := e.deleteOperations(fx); err != nil {
		replyError(ev.Reply, err, fx)
		return
	}
	key := wire.EndpointKey(e.id)
	end := wire.PrefixEnd(key)
	for _, class := range []wire.Class{wire.ClassActive, wire.ClassByDevice, wire.ClassValue} {
		fx.Batch.DeleteRange(class, key, end)
	}
	fx.Batch.Delete(wire.ClassRegistration, key)
	fx.Batch.Delete(wire.ClassContact, key)
	if e.at.Signposted {
		fx.Signposts = append(fx.Signposts, Signpost{Sign: wire.AddressSign(e.at.Path.Peer), Clear: true})
	}
	fx.notice(Removed, e.name(), "")
	replyError(ev.Reply, nil, fx)
	e.forget()
}

// forget makes the endpoint one that nothing is known of but its credentials and
// its session, where it has them.
func (e *Endpoint) forget() {
	e.Left()
	old := *e
	*e = *New(e.shard, e.id)
	if !old.at.Secured {
		return
	}
	e.at = Contact{
		Bare: true, Secured: true, Session: old.at.Session, Secret: old.at.Secret, Unproven: old.at.Unproven,
		Path: old.at.Path, LastContact: old.at.LastContact, LastUpdate: old.at.LastUpdate,
	}
	e.secure, e.proof, e.mids, e.saveContact = old.secure, old.proof, old.mids, true
}

// deleteOperations deletes all operations of the device, ended or not.
func (e *Endpoint) deleteOperations(fx *Effects) error {
	prefix := wire.EndpointKey(e.id)
	for _, op := range e.queue {
		fx.Batch.Delete(wire.ClassOperation, wire.OperationKey(op.ID))
	}
	return e.shard.Env.State.Scan(e.shard.ID, wire.ClassByDevice, prefix, wire.PrefixEnd(prefix), false, func(key, _ []byte) bool {
		fx.Batch.Delete(wire.ClassOperation, key[len(prefix):])
		return true
	})
}
