package remote

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"dormouse/actors/claim"
	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
	"dormouse/node/admin"
)

// Every request begins with its version, and every answer with version and
// status in one byte (docs/formats/calls.md).
const version = 1

const (
	statusDone      = version<<4 | 0 // what was asked for follows
	statusRefused   = version<<4 | 1 // kind and sentence
	statusElsewhere = version<<4 | 2 // the node that is taken for the leader, 8 bytes, 0 for none
)

// requestError is the answer to bytes that are no request, or none of a version
// that is known here.
type requestError string

func (e requestError) Error() string { return "remote: " + string(e) }

// Code is what travels of it.
func (requestError) Code() uint16 { return 1 }

// errAnswer says that an answer cannot be read.
var errAnswer = errors.New("remote: malformed answer")

// refusals are those that travel beside the API's, for credentials and sessions.
var refusals = []struct {
	kind string
	err  error
}{
	{"claim taken", claim.ErrTaken}, {"claim reserved", claim.ErrReserved}, {"claim pending", claim.ErrPending},
	{"endpoint credentials", endpoint.ErrCredentials}, {"endpoint full", endpoint.ErrFull}, {"endpoint busy", endpoint.ErrBusy},
}

// describe takes a refusal apart; kind is "" for the failure of a node.
func describe(err error) (kind, sentence string) {
	kind, sentence = admin.Describe(err)
	if kind != "" {
		return kind, sentence
	}
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			return r.kind, err.Error()
		}
	}
	return "", sentence
}

func described(from ids.Node, kind, sentence string) error {
	for _, r := range refusals {
		if r.kind == kind {
			return fmt.Errorf("%w (at node %s)", r.err, from)
		}
	}
	if err, ok := admin.Described(kind, sentence); ok {
		return err
	}
	return fmt.Errorf("remote: node %s answers %q: %s", from, kind, sentence)
}

// isElsewhere reports that nothing was done because another node has to do it.
func isElsewhere(err error) bool {
	return (errors.Is(err, endpoint.ErrElsewhere) || errors.Is(err, endpoint.ErrClosed)) && !errors.Is(err, admin.ErrUnknown)
}

// appendFault appends the answer that says why there is none.
func (r *Router) appendFault(dst []byte, shard ids.Shard, err error) []byte {
	if isElsewhere(err) {
		node, self, known := r.cluster.Owner(shard)
		if self || !known { // the shell is about to take or to give up the shard
			node = 0
		}
		return binary.BigEndian.AppendUint64(append(dst, statusElsewhere), uint64(node))
	}
	kind, sentence := describe(err)
	if kind == "" {
		r.logger.Error("a request of another node failed", "shard", shard, "error", err)
	}
	return wire.AppendText(wire.AppendText(append(dst, statusRefused), kind), sentence)
}

// parseAnswer is what follows statusDone, or the error that another status means.
func parseAnswer(from ids.Node, answer []byte) ([]byte, error) {
	f := wire.NewFields(answer)
	switch status := f.Byte(); status {
	case statusDone:
		return f.Rest(), nil
	case statusRefused:
		kind, sentence := f.Text(), f.Text()
		if f.Err() == nil {
			return nil, described(from, kind, sentence)
		}
	case statusElsewhere:
		hint := ids.Node(f.Uint64())
		if f.Err() == nil {
			return nil, &elsewhere{"node " + from.String(), hint}
		}
	}
	return nil, fmt.Errorf("%w of node %s", errAnswer, from)
}

// ask calls another node.
func (r *Router) ask(ctx context.Context, to ids.Node, kind byte, request []byte) ([]byte, error) {
	answer, err := r.cluster.Call(ctx, to, kind, request)
	if err == nil {
		return parseAnswer(to, answer)
	}
	var sent interface{ NotSent() bool }
	var served interface{ Code() uint16 }
	switch {
	case errors.As(err, &sent) && sent.NotSent():
		return nil, notSent{fmt.Errorf("remote: call node %s: %w", to, err)}
	case errors.As(err, &served):
		return nil, fmt.Errorf("remote: node %s did not understand: %w", to, err)
	}
	return nil, fmt.Errorf("%w: call node %s: %v", admin.ErrUnknown, to, err)
}
