package coap

import "testing"

func TestCodes(t *testing.T) {
	for _, c := range []struct {
		code              Code
		text              string
		request, response bool
	}{
		{Empty, "0.00", false, false}, {GET, "0.01", true, false}, {IPATCH, "0.07", true, false},
		{Code(31), "0.31", true, false}, {Code(1 << 5), "1.00", false, false},
		{Created, "2.01", false, true}, {Content, "2.05", false, true}, {Continue, "2.31", false, true},
		{Code(3 << 5), "3.00", false, false}, {BadOption, "4.02", false, true},
		{RequestEntityIncomplete, "4.08", false, true}, {RequestEntityTooLarge, "4.13", false, true},
		{UnsupportedContentFormat, "4.15", false, true}, {TooManyRequests, "4.29", false, true},
		{ProxyingNotSupported, "5.05", false, true}, {Code(6 << 5), "6.00", false, false},
		{Code(255), "7.31", false, false},
	} {
		if c.code.String() != c.text || c.code.IsRequest() != c.request || c.code.IsResponse() != c.response {
			t.Errorf("%s (want %s): request %v, response %v", c.code, c.text, c.code.IsRequest(), c.code.IsResponse())
		}
		if c.code.IsSuccess() != (c.text[0] == '2') {
			t.Errorf("%s: success %v", c.text, c.code.IsSuccess())
		}
	}
}

func TestTypes(t *testing.T) {
	for typ, want := range map[Type]string{Confirmable: "CON", NonConfirmable: "NON", Acknowledgement: "ACK", Reset: "RST"} {
		if typ.String() != want {
			t.Errorf("%d is %s", typ, typ)
		}
	}
}
