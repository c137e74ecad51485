package exchange

import (
	"testing"

	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
)

// BenchmarkReply answers a Register, and an Update, up to the datagram.
func BenchmarkReply(b *testing.B) {
	location := []coap.Option{
		{ID: coap.OptLocationPath, Value: []byte("rd")},
		{ID: coap.OptLocationPath, Value: []byte("abcdefghijklmnop")},
	}
	for _, c := range []struct {
		name   string
		answer Answer
	}{
		{"register", Answer{Code: coap.Created, Format: lwm2m.FormatNone, Options: location}},
		{"update", Answer{Code: coap.Changed, Format: lwm2m.FormatNone}},
	} {
		b.Run(c.name, func(b *testing.B) {
			req := coap.Message{Type: coap.Confirmable, Code: coap.POST, MessageID: 7, Token: []byte("12345678")}
			var mids MIDs
			var datagram []byte
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if datagram, err = Reply(&req, c.answer, &mids).Append(datagram[:0]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkAnswers is what a request costs an endpoint that was asleep: its
// answers are read, looked up, get one more, and are stored again.
func BenchmarkAnswers(b *testing.B) {
	answer := []byte("\x68\x41\x00\x0712345678\x82rd\x0dabcdefghijklmnop")
	var a Answers
	for mid := range uint16(2) {
		a.Remember(t0, 1, mid, true, answer)
	}
	stored := a.Append(nil, t0, 2)
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		a, err := ParseAnswers(stored)
		if err != nil {
			b.Fatal(err)
		}
		if _, dup := a.Lookup(t0, 1, 2); dup {
			b.Fatal("the message is new")
		}
		a.Remember(t0, 1, 2, true, answer)
		out = a.Append(out[:0], t0, 2)
	}
}
