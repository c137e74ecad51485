package jsontext

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"dormouse/codec/lwm2m"
	"dormouse/codec/nodes"
)

// ErrMalformed is wrapped by every error of a Reader.
var ErrMalformed = errors.New("jsontext: malformed JSON")

// maxLabels bounds the labels of one object; SenML has fifteen.
const maxLabels = 64

// Reader takes tokens from the front of a JSON text.
type Reader struct{ dec *json.Decoder }

// NewReader reads from b.
func NewReader(b []byte) *Reader {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	return &Reader{dec: dec}
}

// Scalar is a string, number, boolean or null.
type Scalar struct {
	Value  lwm2m.Value // String, Integer, Unsigned, Float, Boolean; KindNone for null
	Number string      // the digits of a number
}

// Array reads an array and calls element in front of each of its elements.
func (r *Reader) Array(element func() error) error {
	if err := r.delimiter('['); err != nil {
		return err
	}
	for r.dec.More() {
		if err := element(); err != nil {
			return err
		}
	}
	return r.delimiter(']')
}

// Object reads an object and calls member in front of the value of each label.
func (r *Reader) Object(member func(label string) error) error {
	if err := r.delimiter('{'); err != nil {
		return err
	}
	seen := make(map[string]bool, 8)
	for r.dec.More() {
		token, err := r.token()
		if err != nil {
			return err
		}
		label, _ := token.(string)
		if seen[label] || len(seen) == maxLabels {
			return fmt.Errorf("%w: label %q repeated, or too many", ErrMalformed, label)
		}
		seen[label] = true
		if err := member(label); err != nil {
			return err
		}
	}
	return r.delimiter('}')
}

// Scalar reads one value that is no array or object.
func (r *Reader) Scalar() (Scalar, error) {
	token, err := r.token()
	if err != nil {
		return Scalar{}, err
	}
	switch t := token.(type) {
	case string:
		return Scalar{Value: lwm2m.String(t)}, nil
	case json.Number:
		v, err := nodes.ParseNumber(t.String())
		return Scalar{Value: v, Number: t.String()}, err
	case bool:
		return Scalar{Value: lwm2m.Boolean(t)}, nil
	case nil:
		return Scalar{}, nil
	}
	return Scalar{}, fmt.Errorf("%w: array or object for a value", ErrMalformed)
}

// Skip passes over one value of any shape. encoding/json bounds its depth.
func (r *Reader) Skip() error {
	var raw json.RawMessage
	if err := r.dec.Decode(&raw); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}

// End refuses text behind the value.
func (r *Reader) End() error {
	if _, err := r.dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: text behind the value", ErrMalformed)
	}
	return nil
}

func (r *Reader) delimiter(want json.Delim) error {
	token, err := r.token()
	if err != nil {
		return err
	}
	if token != want {
		return fmt.Errorf("%w: %v where %v belongs", ErrMalformed, token, want)
	}
	return nil
}

func (r *Reader) token() (json.Token, error) {
	token, err := r.dec.Token()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return token, nil
}
