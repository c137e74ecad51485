package coap

import (
	"github.com/plgd-dev/go-coap/v3/message"
)

// Option is one option: a number and its bytes.
type Option = message.Option

// OptionID is an option number.
type OptionID = message.OptionID

// Option numbers (RFC 7252, 7641, 7959, 7967, 8613, 9175).
const (
	OptIfMatch       OptionID = 1
	OptUriHost       OptionID = 3
	OptETag          OptionID = 4
	OptIfNoneMatch   OptionID = 5
	OptObserve       OptionID = 6
	OptUriPort       OptionID = 7
	OptLocationPath  OptionID = 8
	OptUriPath       OptionID = 11
	OptContentFormat OptionID = 12
	OptMaxAge        OptionID = 14
	OptUriQuery      OptionID = 15
	OptAccept        OptionID = 17
	OptLocationQuery OptionID = 20
	OptBlock2        OptionID = 23
	OptBlock1        OptionID = 27
	OptSize2         OptionID = 28
	OptProxyUri      OptionID = 35
	OptProxyScheme   OptionID = 39
	OptSize1         OptionID = 60
	OptEcho          OptionID = 252
	OptNoResponse    OptionID = 258
	OptRequestTag    OptionID = 292
)

// optionLengths bounds the value of each option that we know, in bytes. A
// value outside makes the option unrecognised (RFC 7252 section 5.4.3). The
// index is the option's number, nil one that we do not know: every option of
// every message is looked up here.
var optionLengths = [...]*struct{ min, max int }{
	OptIfMatch: {0, 8}, OptUriHost: {1, 255}, OptETag: {1, 8}, OptIfNoneMatch: {0, 0},
	OptObserve: {0, 3}, OptUriPort: {0, 2}, OptLocationPath: {0, 255}, OptUriPath: {0, 255},
	OptContentFormat: {0, 2}, OptMaxAge: {0, 4}, OptUriQuery: {0, 255}, OptAccept: {0, 2},
	OptLocationQuery: {0, 255}, OptBlock2: {0, 3}, OptBlock1: {0, 3}, OptSize2: {0, 4},
	OptProxyUri: {1, 1034}, OptProxyScheme: {1, 255}, OptSize1: {0, 4}, OptEcho: {1, 40},
	OptNoResponse: {0, 1}, OptRequestTag: {0, 8},
}

// repeatable options may appear more than once; the repetition of any other
// counts as unrecognised (RFC 7252 section 5.4.5).
func repeatable(id OptionID) bool {
	switch id {
	case OptIfMatch, OptETag, OptLocationPath, OptUriPath, OptUriQuery, OptLocationQuery, OptRequestTag:
		return true
	}
	return false
}

// recognised reports whether o is an option that we know, of a legal length,
// and no illegal repetition of the one before it.
func recognised(o Option, repeated bool) bool {
	if int(o.ID) >= len(optionLengths) || optionLengths[o.ID] == nil {
		return false
	}
	l := optionLengths[o.ID]
	return len(o.Value) >= l.min && len(o.Value) <= l.max && (!repeated || repeatable(o.ID))
}

// critical options must be understood (RFC 7252 section 5.4.1).
func critical(id OptionID) bool { return id&1 == 1 }

// appendUint is the shortest big-endian form, empty for 0 (RFC 7252 section 3.2).
func appendUint(dst []byte, v uint32) []byte {
	switch {
	case v == 0:
		return dst
	case v < 1<<8:
		return append(dst, byte(v))
	case v < 1<<16:
		return append(dst, byte(v>>8), byte(v))
	case v < 1<<24:
		return append(dst, byte(v>>16), byte(v>>8), byte(v))
	}
	return append(dst, byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
}

func parseUint(b []byte) uint32 {
	var v uint32
	for _, c := range b {
		v = v<<8 | uint32(c)
	}
	return v
}
