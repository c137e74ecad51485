package endpoint

import (
	"dormouse/actors/command"
	"dormouse/actors/observe"
	"dormouse/actors/operations"
	"dormouse/codec/exchange"
	"dormouse/codec/ids"
)

// lineToken is a new one, but that of the observation which the line makes
// again or ends (RFC 7641 section 3.1, 3.6).
func (e *Endpoint) lineToken(line *command.Line) []byte {
	if _, _, ok := line.Observation(); ok && line.Verb != command.WriteAttributes {
		if i := e.observationOf(line); i >= 0 && !e.reg().Observations[i].Pending {
			return e.onWire(e.reg().Observations[i].Token)
		}
	}
	return e.newToken()
}

// requestOf is what a line sends.
func (e *Endpoint) requestOf(line *command.Line, d *command.Device) (exchange.Request, error) {
	if line.Verb == command.CancelObservation {
		if i := e.observationOf(line); i >= 0 {
			return cancellation(&e.reg().Observations[i], d)
		}
	}
	return line.Request(d)
}

// cancellation is the request that made an observation, with the other Observe
// value: in its format, whatever was refused since.
func cancellation(o *observe.Observation, d *command.Device) (exchange.Request, error) {
	made := *d
	made.Refused = nil
	r, err := lineOf(o, o.Format).Request(&made)
	r.Observe = exchange.CancelObserve
	return r, err
}

// observationOf finds what a line makes or ends. `cancelobservation /p` ends
// the plain observation of the path, or else the composite of it alone.
func (e *Endpoint) observationOf(line *command.Line) int {
	paths, _, _ := line.Observation()
	set := e.reg().Observations
	if line.Verb == command.ObserveComposite {
		return set.ByPaths(paths, true)
	}
	if len(paths) == 1 {
		if i := set.ByPaths(paths, false); i >= 0 || line.Verb == command.Observe {
			return i
		}
	}
	return set.ByPaths(paths, true)
}

// script is the parsed command of the operation that is under way: its text is
// read once, and not for every line that starts or ends.
type script struct {
	op    ids.Operation
	lines []command.Line
}

// lines are those of an operation, none where its text cannot be read any more.
func (e *Endpoint) lines(op *operations.Operation) []command.Line {
	if e.script == nil || e.script.op != op.ID {
		parsed, _ := command.Parse(op.Text) // an error gives no lines
		e.script = &script{op.ID, parsed}
	}
	return e.script.lines
}
