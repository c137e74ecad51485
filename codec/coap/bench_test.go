package coap

import "testing"

// register is a Register as a device sends it.
func register(tb testing.TB) []byte {
	m := Message{Type: Confirmable, Code: POST, MessageID: 7, Token: []byte("12345678"), Payload: []byte("</1/0>,</3/0>")}
	m.AddPath("rd")
	m.AddUint(OptContentFormat, 40)
	for _, q := range []string{"ep=urn:imei:490154203237518", "lt=86400", "lwm2m=1.1", "b=U", "Q"} {
		m.AddString(OptUriQuery, q)
	}
	b, err := m.Append(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func BenchmarkParse(b *testing.B) {
	datagram := register(b)
	var m Message
	b.ReportAllocs()
	for b.Loop() {
		if err := Parse(datagram, &m); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkQueries(b *testing.B) {
	var m Message
	if err := Parse(register(b), &m); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if len(m.Queries()) != 5 {
			b.Fatal("queries")
		}
	}
}

func BenchmarkAdd(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		var m Message
		m.AddLocation("rd/abcdefghijklmnop")
		m.AddUint(OptContentFormat, 40)
	}
}

func BenchmarkAppend(b *testing.B) {
	var m Message
	if err := Parse(register(b), &m); err != nil {
		b.Fatal(err)
	}
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if out, err = m.Append(out[:0]); err != nil {
			b.Fatal(err)
		}
	}
}
