package exchange

import (
	"testing"
	"time"

	"dormouse/codec/coap"
)

// datagrams cuts fuzz input into datagrams: a byte of length, a byte of seconds
// that pass, and the bytes of each.
func datagrams(data []byte, f func(wait time.Duration, datagram []byte)) {
	for len(data) >= 2 {
		n := min(int(data[0]), len(data)-2)
		f(time.Duration(data[1])*time.Second, data[2:2+n])
		data = data[2+n:]
	}
}

// pack is the reverse of datagrams.
func pack(t testing.TB, messages ...string) (data []byte) {
	for _, text := range messages {
		b := wire(t, message(t, text))
		data = append(append(data, byte(len(b)), 1), b...)
	}
	return data
}

// FuzzClient feeds a client whatever a device may send. It never panics, sends
// at most two messages for each that it gets, has at most one result for each
// request, and none of its answers exceeds the bound.
func FuzzClient(f *testing.F) {
	f.Add(byte(0), pack(f, "ACK 0.00 1 -", "CON 2.05 9 aa payload=x", "CON 2.05 9 aa payload=x"))
	f.Add(byte(0), pack(f, "ACK 2.05 1 aa etag=01 block2=0/1/16 body=0+16", "ACK 2.05 2 aa etag=02 block2=1/0/16 body=16+4"))
	f.Add(byte(1), pack(f, "ACK 2.31 1 aa block1=0/1/16", "ACK 4.08 2 aa", "ACK 4.13 3 aa block1=0/0/16", "RST 0.00 4 -"))
	f.Add(byte(2), pack(f, "ACK 2.05 1 aa observe=3 block2=0/1/16 body=0+16", "NON 2.05 7 aa observe=4 block2=0/1/16 body=0+16"))
	f.Add(byte(3), pack(f, "ACK 2.05 1 aa block2=1/1/16 body=16+16"))
	f.Fuzz(func(t *testing.T, kind byte, data []byte) {
		const limit = 200
		c := NewClient(Params{BlockSize: 32, MaxBody: limit})
		var mids MIDs
		now := t0
		req := get("\xaa")
		check := func(out Out, running bool) {
			if out.Result != nil && (!running || c.Busy()) {
				t.Fatalf("result %+v of no request", out.Result)
			}
			if running && out.Result == nil && !c.Busy() {
				t.Fatal("the request is gone without a result")
			}
			if out.Result != nil && len(out.Result.Response.Payload) > limit && out.Result.Response.Code.IsSuccess() {
				t.Fatalf("an answer of %d bytes", len(out.Result.Response.Payload))
			}
			if len(out.Send) > 2 {
				t.Fatalf("%d messages at once", len(out.Send))
			}
			for _, m := range out.Send {
				wire(t, m)
			}
		}
		start(c, kind, req, &mids, check)
		datagrams(data, func(wait time.Duration, datagram []byte) {
			var m coap.Message
			if coap.Parse(datagram, &m) != nil {
				return
			}
			now = now.Add(wait)
			running := c.Busy()
			check(c.Tick(now), running)
			running = c.Busy()
			out, mine := c.Handle(now, &m, &mids)
			if !mine && (len(out.Send) > 0 || out.Result != nil) {
				t.Fatalf("not mine, but %+v", out)
			}
			check(out, running)
		})
		for ticks := 0; c.Busy(); ticks++ {
			if ticks > 10 {
				t.Fatal("silence does not end the request")
			}
			check(c.Tick(c.Deadline()), true)
		}
	})
}

// start begins one of the kinds of request.
func start(c *Client, kind byte, req *Request, mids *MIDs, check func(Out, bool)) {
	switch kind % 4 {
	case 1:
		req.Method, req.Payload = coap.PUT, pattern(100)
	case 2:
		req.Observe, req.RestToken = RegisterObserve, []byte{0xbb}
	case 3:
		first := &coap.Message{Type: coap.NonConfirmable, Code: coap.Content, Payload: pattern(16)}
		first.AddUint(coap.OptObserve, 7)
		first.AddBlock(coap.OptBlock2, coap.Block{More: true})
		check(c.FetchRest(t0, req, first, mids, 0), true)
		return
	}
	check(c.Start(t0, req, mids, 0), true)
}

// FuzzUpload feeds an upload whatever a device may send. It never panics, never
// holds more than the limit, and always either completes a body or answers.
func FuzzUpload(f *testing.F) {
	f.Add(pack(f, "CON POST 1 01 path=rd block1=0/1/16 body=0+16", "CON POST 2 01 path=rd block1=1/0/16 body=16+4"))
	f.Add(pack(f, "CON POST 1 01 path=rd block1=0/1/16 size1=999 body=0+16", "CON POST 2 01 path=rd block1=1/1/2048 body=16+4"))
	f.Add(pack(f, "CON POST 1 01 path=dp payload=x", "NON PUT 1 01 block1=7/1/16 body=0+16"))
	f.Fuzz(func(t *testing.T, data []byte) {
		const limit = 100
		var u Upload
		now := t0
		datagrams(data, func(wait time.Duration, datagram []byte) {
			var m coap.Message
			if coap.Parse(datagram, &m) != nil || !m.Code.IsRequest() {
				return
			}
			now = now.Add(wait)
			body, done, a := u.Handle(now, &m, limit)
			if done == (a != nil) || len(body) > limit || len(u.body) > limit {
				t.Fatalf("body %d, done %v, answer %v, %d held", len(body), done, a, len(u.body))
			}
			if (len(u.body) > 0) == u.Deadline().IsZero() {
				t.Fatalf("%d bytes held until %v", len(u.body), u.Deadline())
			}
			if a == nil {
				a = &Answer{Code: coap.Content, Payload: body}
			}
			if r := Reply(&m, Slice(&m, *a, 16), &MIDs{}); r != nil {
				wire(t, r)
			}
		})
		u.Tick(now.Add(ExchangeLifetime))
		if u.body != nil {
			t.Fatal("an unfinished body is kept for ever")
		}
	})
}
