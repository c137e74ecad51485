package platform

import (
	"encoding/json"
	"fmt"
	"time"

	"dormouse/codec/ids"
)

// Status of an operation, in the platform's words.
type Status string

const (
	Pending    Status = "PENDING"
	Executing  Status = "EXECUTING"
	Successful Status = "SUCCESSFUL"
	Failed     Status = "FAILED"
)

// ParseStatus reads one of the four words.
func ParseStatus(s string) (Status, error) {
	switch status := Status(s); status {
	case Pending, Executing, Successful, Failed:
		return status, nil
	}
	return "", fmt.Errorf("%w: status %q is none of PENDING, EXECUTING, SUCCESSFUL, FAILED", ErrShape, s)
}

// Operation is one operation of the device control API: a shell command.
type Operation struct {
	ID               ids.Operation
	Device           ids.Object
	DeviceName       string
	Status           Status
	Created, Updated time.Time
	Text             string          // c8y_Command.text
	Result           string          // c8y_Command.result
	Results          json.RawMessage // dormouse_Results: an array with a result per line, nil for none
	Failure          string          // failureReason
	Retry            bool            // may run twice rather than end unknown
	// Fragments is all else of the creation. What c8y_Command held beside its
	// text stands here under that name.
	Fragments Fragments
}

// OperationsPath is where operations are found.
const OperationsPath = "/devicecontrol/operations"

const (
	commandName = "c8y_Command"
	resultsName = "dormouse_Results"
)

// reservedOperation are the members that Operation has fields for, and those
// that are the server's to say.
var reservedOperation = []string{"id", "self", "deviceId", "deviceName", "status", "creationTime", "lastUpdated",
	commandName, resultsName, "failureReason", "retry"}

// AppendOperation appends the operation as the platform shows it; base is as
// for AppendManagedObject.
func AppendOperation(dst []byte, p *Operation, base string) []byte {
	o := newObject(dst)
	o.text("id", p.ID.String())
	o.text("self", base+OperationsPath+"/"+p.ID.String())
	o.text("deviceId", p.Device.String())
	o.optional("deviceName", p.DeviceName)
	o.text("status", string(p.Status))
	o.time("creationTime", p.Created)
	o.time("lastUpdated", p.Updated)
	o.optional("failureReason", p.Failure)
	if p.Retry {
		o.raw("retry", json.RawMessage("true"))
	}
	o.name(commandName)
	o.buf = appendCommand(o.buf, p.Text, p.Result, p.Fragments)
	if len(p.Results) > 0 {
		o.raw(resultsName, p.Results)
	}
	o.fragments(p.Fragments.Without(commandName))
	return o.close()
}

// appendCommand joins the text, the result and what else the command held.
func appendCommand(dst []byte, text, result string, f Fragments) []byte {
	o := newObject(dst)
	o.text("text", text)
	o.optional("result", result)
	// What is kept under the name was parsed once; if it no longer is an
	// object, the command is shown without it.
	if rest, err := ParseFragments(f.Get(commandName)); err == nil {
		o.fragments(rest.Without("text", "result"))
	}
	return o.close()
}

// ParseOperation reads what AppendOperation wrote, as a client does.
func ParseOperation(body []byte) (p Operation, err error) {
	f, err := ParseFragments(body)
	if err != nil {
		return p, err
	}
	r := reader{fragments: f}
	id, status := r.text("id"), r.text("status")
	p.DeviceName, p.Failure = r.text("deviceName"), r.text("failureReason")
	p.Created, p.Updated = r.time("creationTime"), r.time("lastUpdated")
	if r.err != nil {
		return Operation{}, r.err
	}
	n, result, err := takeCommand(f)
	if err != nil {
		return Operation{}, err
	}
	if p.ID, err = ids.ParseOperation(id); err != nil {
		return Operation{}, fmt.Errorf("%w: id %q: %w", ErrShape, id, err)
	}
	if p.Status, err = ParseStatus(status); err != nil {
		return Operation{}, err
	}
	p.Device, p.Text, p.Result, p.Retry, p.Fragments = n.Device, n.Text, result, n.Retry, n.Fragments
	p.Results = f.Get(resultsName)
	return p, nil
}

// takeCommand reads what creation and representation have in common.
func takeCommand(f Fragments) (n NewOperation, result string, err error) {
	r := reader{fragments: f}
	device, retry := r.text("deviceId"), r.bool("retry")
	if r.err != nil {
		return n, "", r.err
	}
	if n.Device, err = ids.ParseObject(device); err != nil {
		return NewOperation{}, "", fmt.Errorf("%w: deviceId %q is no ID of a managed object", ErrShape, device)
	}
	command, err := ParseFragments(f.Get(commandName))
	if err != nil {
		return NewOperation{}, "", fmt.Errorf("%w: %s is no object with a text", ErrShape, commandName)
	}
	r = reader{fragments: command}
	n.Text, result = r.text("text"), r.text("result")
	if r.err != nil {
		return NewOperation{}, "", r.err
	}
	n.Retry = retry
	n.Fragments = f.Without(reservedOperation...)
	if rest := command.Without("text", "result"); len(rest) > 0 {
		n.Fragments = n.Fragments.With(commandName, rest.Append(nil))
	}
	return n, result, nil
}
