package coap

import (
	"errors"
	"testing"

	"github.com/plgd-dev/go-coap/v3/message"
	"github.com/plgd-dev/go-coap/v3/udp/coder"
)

// TestDecoderDiffers keeps the reasons of docs/decisions/2026-11-22-coap-parser.md:
// go-coap takes each of these for a message in order, and we must not.
func TestDecoderDiffers(t *testing.T) {
	for _, c := range []struct {
		name, hex string
		format    bool     // we find a format error
		bad       OptionID // or this option to be unrecognised
	}{
		{"critical option of illegal length", "40010001 73616263", false, OptUriPort},
		{"marker without payload", "40010001 b161 ff", true, 0},
		{"number beyond 65535", "40010001 e0fef2 c161", true, 0},
		{"second Accept", "40010001 d10428 0128", false, OptAccept},
		{"token in an empty message", "41000001 aa", true, 0},
	} {
		raw := message.Message{Options: make(message.Options, 0, 8)}
		if _, err := coder.DefaultCoder.Decode(unhex(t, c.hex), &raw); err != nil {
			t.Errorf("%s: go-coap now says %v", c.name, err)
		}
		var m Message
		err := Parse(unhex(t, c.hex), &m)
		if errors.Is(err, ErrFormat) != c.format || m.BadOption != c.bad && !c.format {
			t.Errorf("%s: %v, bad option %v", c.name, err, m.BadOption)
		}
	}
}
