package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"

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
	ErrFull          = errors.New("admin: the disk is full")
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

// verdict is what a kind of error means in HTTP.
type verdict struct {
	kind     error
	status   int
	sentence string // where the error brings none
	retry    string // Retry-After in seconds, "" for none
}

// verdicts in the order in which they are tried.
var verdicts = []verdict{
	{ErrNotFound, http.StatusNotFound, "There is nothing at this address.", ""},
	{ErrConflict, http.StatusConflict, "The present state does not allow this.", ""},
	{ErrKeyReused, http.StatusUnprocessableEntity, "This Idempotency-Key was used with another body.", ""},
	{ErrUnprocessable, http.StatusUnprocessableEntity, "The request cannot be processed.", ""},
	{ErrLimit, http.StatusTooManyRequests, "A limit is reached: try again when there is room.", "60"},
	{ErrBusy, http.StatusServiceUnavailable, "The node is overloaded or starting: try again.", "1"},
	{ErrFull, http.StatusInsufficientStorage, "The disk is full: nothing new is accepted until there is room.", "30"},
	{ErrBadRequest, http.StatusBadRequest, "The request is malformed.", ""},
	{errForbidden, http.StatusForbidden, "The request is forbidden.", ""},
	{errMethod, http.StatusMethodNotAllowed, "The method is not allowed here.", ""},
	{errNotAcceptable, http.StatusNotAcceptable, "Answers are application/json.", ""},
	{errTooLarge, http.StatusRequestEntityTooLarge, "The body is too large.", ""},
	{errMediaType, http.StatusUnsupportedMediaType, "Bodies are application/json.", ""},
	{errMisdirected, http.StatusMisdirectedRequest, "This node is not known by that name.", ""},
	{platform.ErrSyntax, http.StatusBadRequest, "", ""},
	{platform.ErrBounds, http.StatusRequestEntityTooLarge, "", ""},
	{platform.ErrShape, http.StatusUnprocessableEntity, "", ""},
	{context.DeadlineExceeded, http.StatusServiceUnavailable, "The node did not get to it in time: try again.", "1"},
	{context.Canceled, http.StatusServiceUnavailable, "The request was given up.", "1"},
}

// internal is the verdict on every error that is nobody's refusal.
var internal = verdict{nil, http.StatusInternalServerError, "The node failed; its log says more.", ""}

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
			return v, err.Error() // a parser's, which speaks of the body alone
		}
		return v, v.sentence
	}
	return internal, internal.sentence
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
