package senml

import (
	"errors"
	"fmt"

	"dormouse/codec/lwm2m"
	"dormouse/codec/nodes"
)

// ErrMalformed is wrapped by errors about records; those about the syntax below
// wrap what codec/jsontext and codec/cbor have, those about paths and numbers
// what codec/nodes has. ErrValue is about a value that cannot be written.
var (
	ErrMalformed = errors.New("senml: malformed pack")
	ErrValue     = errors.New("senml: value cannot be written")
)

// record is one SenML record as it was read.
type record struct {
	base     base // with what this record sets
	name     string
	time     lwm2m.Stamp
	value    lwm2m.Value
	hasName  bool
	hasValue bool
	hasSum   bool
}

// base is what a record inherits from those in front of it.
type base struct {
	name    string
	time    lwm2m.Stamp
	value   lwm2m.Value // a number, or KindNone
	version int64       // 0: not given
}

// scalar is what stands behind a label: as a value, and the digits where it
// is a number.
type scalar struct {
	value  lwm2m.Value
	number string
}

func (s scalar) isNumber() bool {
	switch s.value.Kind() {
	case lwm2m.KindInteger, lwm2m.KindUnsigned, lwm2m.KindFloat:
		return true
	}
	return false
}

func (s scalar) isText() bool { return s.value.Kind() == lwm2m.KindString }

// wrong is the error of a field with a value of another type.
func wrong(l label, s scalar) error {
	return fmt.Errorf("%w: %s for %q", ErrMalformed, s.value.Kind(), texts[l])
}

// set takes one field.
func (r *record) set(l label, s scalar) error {
	switch l {
	case labelBaseName, labelName, labelUnit, labelBaseUnit:
		return r.setText(l, s)
	case labelBaseVersion:
		return r.setVersion(s)
	case labelBaseTime, labelTime, labelUpdateTime, labelBaseValue, labelBaseSum, labelSum:
		return r.setNumber(l, s)
	case labelValue, labelString, labelBoolean, labelData, labelLink:
		return r.setValue(l, s)
	}
	return nil
}

// setVersion takes "bver". Up to 10 it is SenML as of RFC 8428; 26 adds units
// (RFC 9100), which are dropped here. Others may mean anything.
func (r *record) setVersion(s scalar) error {
	v := s.value.Int()
	if s.value.Kind() != lwm2m.KindInteger || v < 1 || v > 10 && v != 26 {
		return fmt.Errorf("%w: version %s", ErrMalformed, s.value)
	}
	if r.base.version != 0 && r.base.version != v {
		return fmt.Errorf("%w: version %d behind %d", ErrMalformed, v, r.base.version)
	}
	r.base.version = v
	return nil
}

func (r *record) setText(l label, s scalar) error {
	if !s.isText() {
		return wrong(l, s)
	}
	switch l {
	case labelBaseName:
		r.base.name = s.value.Text()
	case labelName:
		r.name, r.hasName = s.value.Text(), true
	}
	return nil
}

func (r *record) setNumber(l label, s scalar) (err error) {
	time := s.value.Kind() == lwm2m.KindTime && s.number != "" // tag 1 of CBOR
	if !s.isNumber() && !time {
		return wrong(l, s)
	}
	switch l {
	case labelBaseTime:
		r.base.time, err = nodes.ParseSeconds(s.number)
	case labelTime:
		r.time, err = nodes.ParseSeconds(s.number)
	case labelBaseValue:
		r.base.value = s.value
	case labelSum:
		r.hasSum = true
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}

// setValue takes one of the five value fields; null means "no value" in any.
func (r *record) setValue(l label, s scalar) (err error) {
	if r.hasValue {
		return fmt.Errorf("%w: record of two values", ErrMalformed)
	}
	r.hasValue, r.value = true, s.value
	kind := s.value.Kind()
	if kind == lwm2m.KindNone {
		return nil
	}
	ok := false
	switch l {
	case labelValue:
		ok = s.isNumber()
	case labelString:
		ok = kind == lwm2m.KindString
	case labelBoolean:
		ok = kind == lwm2m.KindBoolean
	case labelData:
		if ok = kind == lwm2m.KindOpaque; s.isText() {
			r.value, err = nodes.ParseBase64(s.value.Text())
			ok = err == nil
		}
	case labelLink:
		r.value, err = nodes.ParseObjlnk(s.value.Text())
		ok = err == nil
	}
	if kind == lwm2m.KindTime { // a number or text with a tag of CBOR
		ok = l == labelValue || l == labelString
	}
	if !ok {
		return errors.Join(wrong(l, s), err)
	}
	return nil
}
