package app

import (
	"fmt"
	"testing"

	"dormouse/codec/coap"
	"dormouse/codec/wire"
	"dormouse/node/config"
	"dormouse/node/ingress"
)

// BenchmarkUpdate drives a node over loopback with 256 Updates in flight. Both
// ends share the process: `make bench` has the figures of the node alone; this
// is for profiles.
func BenchmarkUpdate(b *testing.B) {
	for _, devices := range []int{1000, 20000} {
		b.Run(fmt.Sprintf("devices=%d", devices), func(b *testing.B) { benchmarkUpdate(b, devices, devices > 1000) })
	}
}

func benchmarkUpdate(b *testing.B, devices int, sleepy bool) {
	c := config.Default()
	c.Data, c.HTTP, c.CoAP, c.CoAPS, c.AcceptUnknown = b.TempDir(), "", []string{"127.0.0.1:0"}, nil, true
	if sleepy {
		c.MaxAwake = 600
	}
	node, err := New(c, Options{})
	if err != nil {
		b.Fatal(err)
	}
	if err := node.Start(); err != nil {
		b.Fatal(err)
	}
	defer node.Stop()
	answers := make(chan coap.Message, 1024)
	client, err := ingress.Listen(ingress.Options{Addresses: []string{"127.0.0.1:0"}, Receive: func(in []ingress.In) {
		for i := range in {
			var m coap.Message
			if coap.Parse(append([]byte(nil), in[i].Payload...), &m) == nil {
				answers <- m
			}
		}
	}})
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	path := wire.ReturnPath{Peer: node.CoAP()[0]}
	mid := uint16(0)
	send := func(fill func(m *coap.Message)) {
		mid++
		m := coap.Message{Code: coap.POST, MessageID: mid, Token: []byte{byte(mid >> 8), byte(mid)}}
		fill(&m)
		raw, err := m.Append(nil)
		if err != nil {
			b.Fatal(err)
		}
		_ = client.Send([]ingress.Out{{Path: path, Payload: raw}})
	}
	locations := make([]string, 0, devices)
	const flight = 256
	run := func(n int, fill func(i int, m *coap.Message), take func(m *coap.Message)) {
		for i := range n {
			if i >= flight {
				m := <-answers
				take(&m)
			}
			send(func(m *coap.Message) { fill(i, m) })
		}
		for range min(n, flight) {
			m := <-answers
			take(&m)
		}
	}
	run(devices, func(i int, m *coap.Message) {
		m.AddPath("rd")
		m.AddUint(coap.OptContentFormat, 40)
		m.AddString(coap.OptUriQuery, fmt.Sprintf("ep=urn:dev:%d", i))
		m.AddString(coap.OptUriQuery, "lt=86400")
		m.AddString(coap.OptUriQuery, "lwm2m=1.1")
		m.AddString(coap.OptUriQuery, "b=U")
		m.Payload = []byte(`</>;rt="oma.lwm2m";ct="60 110 112 11542",</1/0>,</3/0>,</4/0>,</5/0>,</3303/0>`)
	}, func(m *coap.Message) { locations = append(locations, m.LocationPath()) })
	next := 0
	b.ReportAllocs()
	b.ResetTimer()
	run(b.N, func(_ int, m *coap.Message) {
		m.AddPath(locations[next%len(locations)])
		next++
	}, func(m *coap.Message) {
		if m.Code != coap.Changed {
			b.Fatalf("answer %s", m.Code)
		}
	})
}
