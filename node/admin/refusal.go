package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"dormouse/codec/filter"
	"dormouse/codec/platform"
)

// Kinds of refusal that a Backend knows.
var (
	ErrBadRequest    = errors.New("admin: bad request")
	ErrNotFound      = errors.New("admin: not found")
	ErrConflict      = errors.New("admin: conflict with the present state")
	ErrUnprocessable = errors.New("admin: cannot be processed")
	ErrKeyReused     = errors.New("admin: idempotency key was used with another body")
	ErrLimit         = errors.New("admin: a limit is reached")
	ErrBusy          = errors.New("admin: overloaded, try again")
	// ErrUnknown says that a change may have been made, or may be made yet.
	ErrUnknown = errors.New("admin: the outcome is unknown")
	ErrFull    = errors.New("admin: the disk is full")
)

// Kinds that the HTTP layer finds itself.
var (
	errForbidden     = errors.New("admin: forbidden")
	errMethod        = errors.New("admin: method not allowed")
	errNotAcceptable = errors.New("admin: not acceptable")
	errTooLarge      = errors.New("admin: body too large")
	errMediaType     = errors.New("admin: unsupported media type")
	errMisdirected   = errors.New("admin: misdirected request")
)

// refusal is an error of a kind with a sentence for the client.
type refusal struct {
	kind     error
	sentence string
}

func (r *refusal) Error() string { return r.kind.Error() + ": " + r.sentence }
func (r *refusal) Unwrap() error { return r.kind }

// Refuse makes an error of one of the kinds whose sentence the client reads.
func Refuse(kind error, format string, args ...any) error {
	return &refusal{kind, fmt.Sprintf(format, args...)}
}

// verdict is what a kind of error means in HTTP. Its name is that between nodes
// (docs/formats/calls.md), and stays.
type verdict struct {
	name     string
	kind     error
	status   int
	sentence string // where the error brings none
	retry    string // Retry-After in seconds, "" for none
}

// verdicts in the order in which they are tried.
var verdicts = []verdict{
	{"not found", ErrNotFound, http.StatusNotFound, "There is nothing at this address.", ""},
	{"conflict", ErrConflict, http.StatusConflict, "The present state does not allow this.", ""},
	{"key reused", ErrKeyReused, http.StatusUnprocessableEntity, "This Idempotency-Key was used with another body.", ""},
	{"unprocessable", ErrUnprocessable, http.StatusUnprocessableEntity, "The request cannot be processed.", ""},
	{"limit", ErrLimit, http.StatusTooManyRequests, "A limit is reached: try again when there is room.", "60"},
	{"busy", ErrBusy, http.StatusServiceUnavailable, "The node is overloaded or starting: try again.", "1"},
	{"unknown outcome", ErrUnknown, http.StatusServiceUnavailable, unknownOutcome, "1"},
	{"full", ErrFull, http.StatusInsufficientStorage, "The disk is full: nothing new is accepted until there is room.", "30"},
	{"bad request", ErrBadRequest, http.StatusBadRequest, "The request is malformed.", ""},
	{"forbidden", errForbidden, http.StatusForbidden, "The request is forbidden.", ""},
	{"method", errMethod, http.StatusMethodNotAllowed, "The method is not allowed here.", ""},
	{"not acceptable", errNotAcceptable, http.StatusNotAcceptable, "Answers are application/json.", ""},
	{"too large", errTooLarge, http.StatusRequestEntityTooLarge, "The body is too large.", ""},
	{"media type", errMediaType, http.StatusUnsupportedMediaType, "Bodies are application/json.", ""},
	{"misdirected", errMisdirected, http.StatusMisdirectedRequest, "This node is not known by that name.", ""},
	{"syntax", platform.ErrSyntax, http.StatusBadRequest, "", ""},
	{"bounds", platform.ErrBounds, http.StatusRequestEntityTooLarge, "", ""},
	{"shape", platform.ErrShape, http.StatusUnprocessableEntity, "", ""},
	{"query syntax", filter.ErrSyntax, http.StatusBadRequest, "", ""},
	{"query parameter", filter.ErrParameter, http.StatusBadRequest, "", ""},
	{"query bounds", filter.ErrBounds, http.StatusUnprocessableEntity, "", ""},
	{"query unsupported", filter.ErrUnsupported, http.StatusUnprocessableEntity, "", ""},
	{"deadline", context.DeadlineExceeded, http.StatusServiceUnavailable, "The node did not get to it in time: try again.", "1"},
	{"canceled", context.Canceled, http.StatusServiceUnavailable, "The request was given up.", "1"},
}

// internal is the verdict on every error that is nobody's refusal.
var internal = verdict{"", nil, http.StatusInternalServerError, "The node failed; its log says more.", ""}

// judge finds the verdict on an error and the sentence that the client reads.
func judge(err error) (verdict, string) {
	var r *refusal
	for _, v := range verdicts {
		if !errors.Is(err, v.kind) {
			continue
		}
		switch {
		case errors.As(err, &r):
			return v, r.sentence
		case v.sentence == "":
			return v, err.Error() // a parser's, which speaks of the body or the query alone
		}
		return v, v.sentence
	}
	return internal, internal.sentence
}

// unknownOutcome is what a client reads whose change may have been made.
const unknownOutcome = "The node that had the request was lost, and whether it was carried out is unknown: look, and try again. With an Idempotency-Key a POST is safe to repeat."

// Describe takes an error apart so that it can travel to another node: the name
// of its kind, "" for one that is nobody's refusal, and the sentence that a client
// reads. Described puts it together again.
func Describe(err error) (kind, sentence string) {
	v, sentence := judge(err)
	return v.name, sentence
}

// Described is an error that is answered as the one that Describe took apart. ok
// is false where no kind has that name.
func Described(kind, sentence string) (err error, ok bool) {
	for _, v := range verdicts {
		if v.name == kind {
			return &refusal{v.kind, sentence}, true
		}
	}
	return nil, false
}

// infoOf is a link that explains a status.
func infoOf(status int) string {
	if status == http.StatusTooManyRequests {
		return "https://www.rfc-editor.org/rfc/rfc6585#section-4"
	}
	if status == http.StatusInsufficientStorage {
		return "https://www.rfc-editor.org/rfc/rfc4918#section-11.5"
	}
	return fmt.Sprintf("https://www.rfc-editor.org/rfc/rfc9110#status.%d", status)
}
