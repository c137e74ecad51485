package exchange

import (
	"bytes"
	"testing"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
)

// TestUpload plays messages in order; each is answered with a code and options,
// or completes the body, written "done body=0+150".
func TestUpload(t *testing.T) {
	type step struct{ message, want string }
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"without blocks", []step{
			{"CON POST 1 01 path=rd body=0+100", "done body=0+100"},
			{"CON POST 2 01 path=rd", "done"},
			{"CON POST 3 01 path=rd body=0+201", "4.13 size1=200"},
		}},
		{"three blocks under as many tokens", []step{
			{"CON POST 1 01 path=rd query=ep=a block1=0/1/64 size1=150 body=0+64", "2.31"},
			{"CON POST 2 02 path=rd query=ep=a block1=1/1/64 body=64+64", "2.31"},
			{"CON POST 3 03 path=rd query=ep=a block1=2/0/64 body=128+22", "done body=0+150"},
			{"CON POST 4 03 path=rd query=ep=a block1=2/0/64 body=128+22", "4.08"},
		}},
		{"one block", []step{{"CON POST 1 01 path=dp block1=0/0/64 body=0+10", "done body=0+10"}}},
		{"smaller blocks on the way", []step{
			{"CON POST 1 01 path=dp block1=0/1/64 body=0+64", "2.31"},
			{"CON POST 2 01 path=dp block1=4/1/16 body=64+16", "2.31"},
			{"CON POST 3 01 path=dp block1=5/0/16 body=80+4", "done body=0+84"},
		}},
		{"the last block again, as a new message", []step{
			{"CON POST 1 01 path=dp block1=0/1/16 body=0+16", "2.31"},
			{"CON POST 2 01 path=dp block1=1/1/16 body=16+16", "2.31"},
			{"CON POST 3 01 path=dp block1=1/1/16 body=16+16", "2.31"},
			{"CON POST 4 01 path=dp block1=2/0/16 body=32+16", "done body=0+48"},
		}},
		{"the last block again, with other bytes", []step{
			{"CON POST 1 01 path=dp block1=0/1/16 body=0+16", "2.31"},
			{"CON POST 2 01 path=dp block1=1/1/16 body=16+16", "2.31"},
			{"CON POST 3 01 path=dp block1=1/1/16 body=32+16", "4.08"},
			{"CON POST 4 01 path=dp block1=2/0/16 body=32+16", "4.08"},
		}},
		{"from the start again", []step{
			{"CON POST 1 01 path=dp block1=0/1/16 body=0+16", "2.31"},
			{"CON POST 2 01 path=dp block1=0/1/16 body=0+16", "2.31"},
			{"CON POST 3 01 path=dp block1=1/0/16 body=16+1", "done body=0+17"},
		}},
		{"a gap", []step{
			{"CON POST 1 01 path=dp block1=0/1/16 body=0+16", "2.31"},
			{"CON POST 2 01 path=dp block1=2/1/16 body=32+16", "4.08"},
			{"CON POST 3 01 path=dp block1=1/1/16 body=16+16", "4.08"},
		}},
		{"no beginning", []step{{"CON POST 1 01 path=dp block1=1/1/16 body=16+16", "4.08"}}},
		{"another path, query, format, tag, or method", []step{
			{"CON POST 1 01 path=dp query=a cf=110 tag=01 block1=0/1/16 body=0+16", "2.31"},
			{"CON POST 2 01 path=rd query=a cf=110 tag=01 block1=1/1/16 body=16+16", "4.08"},
			{"CON POST 3 01 path=dp query=b cf=110 tag=01 block1=1/1/16 body=16+16", "4.08"},
			{"CON POST 4 01 path=dp query=a cf=112 tag=01 block1=1/1/16 body=16+16", "4.08"},
			{"CON POST 5 01 path=dp query=a cf=110 tag=02 block1=1/1/16 body=16+16", "4.08"},
			{"CON PUT 6 01 path=dp query=a cf=110 tag=01 block1=1/1/16 body=16+16", "4.08"},
			{"CON POST 7 01 path=dp query=a cf=110 tag=01 block1=1/0/16 body=16+1", "done body=0+17"},
		}},
		{"another body takes its place", []step{
			{"CON POST 1 01 path=dp block1=0/1/16 body=0+16", "2.31"},
			{"CON POST 2 01 path=rd block1=0/1/16 body=0+16", "2.31"},
			{"CON POST 3 01 path=dp block1=1/0/16 body=16+1", "4.08"},
			{"CON POST 4 01 path=rd block1=1/0/16 body=16+1", "done body=0+17"},
		}},
		{"a message without blocks leaves it alone", []step{
			{"CON POST 1 01 path=rd block1=0/1/16 body=0+16", "2.31"},
			{"CON POST 2 01 path=dp body=0+10", "done body=0+10"},
			{"CON POST 3 01 path=rd block1=1/0/16 body=16+1", "done body=0+17"},
		}},
		{"too large, as it says", []step{
			{"CON POST 1 01 path=rd block1=0/1/64 size1=201 body=0+64", "4.13 size1=200"},
			{"CON POST 2 01 path=rd block1=1/1/64 body=64+64", "4.08"},
		}},
		{"too large, as it turns out", []step{
			{"CON POST 1 01 path=rd block1=0/1/128 body=0+128", "2.31"},
			{"CON POST 2 01 path=rd block1=1/0/128 body=128+73", "4.13 size1=200"},
			{"CON POST 3 01 path=rd block1=1/0/128 body=128+10", "4.08"},
		}},
		{"just not too large", []step{
			{"CON POST 1 01 path=rd block1=0/1/128 size1=200 body=0+128", "2.31"},
			{"CON POST 2 01 path=rd block1=1/0/128 body=128+72", "done body=0+200"},
		}},
		{"malformed", []step{
			{"CON POST 1 01 path=rd block1=0/1/64 body=0+64", "2.31"},
			{"CON POST 2 01 path=rd block1=1/1/64 body=64+63", "4.00"},
			{"CON POST 3 01 path=rd block1=1/0/64 body=64+65", "4.00"},
			{"CON POST 4 01 path=rd block1=1/1/2048 body=64+64", "4.00"},
			{"CON POST 5 01 path=rd block1=1/1/64", "4.00"},
			{"CON POST 6 01 path=rd block1=1/0/64", "done body=0+64"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var u Upload
			for _, s := range c.steps {
				m := message(t, s.message)
				body, done, a := u.Handle(t0, m, 200)
				if done == (a != nil) || !done && body != nil {
					t.Fatalf("%s: body %d, done %v, answer %v", s.message, len(body), done, a)
				}
				got := "done" + describeContent(&coap.Message{Payload: body})
				if !done {
					got = a.Code.String() + describeContent(&coap.Message{Options: a.Options})
				}
				if got != s.want {
					t.Errorf("%s: %s, want %s", s.message, got, s.want)
				}
				scribble(m)
			}
		})
	}
}

func TestUploadIsDropped(t *testing.T) {
	var u Upload
	if !u.Deadline().IsZero() {
		t.Error("the zero value has a deadline")
	}
	u.Handle(t0, message(t, "CON POST 1 01 path=rd block1=0/1/16 body=0+16"), 200)
	u.Handle(t0.Add(time.Minute), message(t, "CON POST 2 01 path=rd block1=1/1/16 body=16+16"), 200)
	if want := t0.Add(time.Minute + ExchangeLifetime); !u.Deadline().Equal(want) {
		t.Errorf("deadline %v, want %v", u.Deadline(), want)
	}
	u.Tick(u.Deadline().Add(-1))
	if u.Deadline().IsZero() {
		t.Error("dropped before its deadline")
	}
	late := u // the block comes before the tick does
	u.Tick(u.Deadline())
	if !u.Deadline().IsZero() || u.body != nil {
		t.Error("kept beyond its deadline")
	}
	_, done, a := late.Handle(late.Deadline(), message(t, "CON POST 3 01 path=rd block1=2/0/16 body=32+1"), 200)
	if done || a.Code != coap.RequestEntityIncomplete {
		t.Errorf("continued beyond its deadline: %v %v", done, a)
	}
}

// TestUploadTakesWhatClientSends has both ends of Block1 at work on every length.
func TestUploadTakesWhatClientSends(t *testing.T) {
	for n := range 300 {
		var u Upload
		var mids, theirs MIDs
		c := NewClient(Params{BlockSize: 32})
		req := &Request{Method: coap.PUT, Path: "5/0/0", Format: lwm2m.FormatOpaque, Accept: lwm2m.FormatNone, Observe: NoObserve, Payload: pattern(n)}
		out := c.Start(t0, req, &mids, 0)
		var got []byte
		for rounds := 0; out.Result == nil && rounds < 20; rounds++ {
			m := received(t, out.Send[0])
			body, done, a := u.Handle(t0, m, 1000)
			if done {
				got, a = body, &Answer{Code: coap.Changed}
			}
			out, _ = c.Handle(t0, received(t, Reply(m, *a, &theirs)), &mids)
		}
		if out.Result == nil || out.Result.Response.Code != coap.Changed || !bytes.Equal(got, req.Payload) {
			t.Fatalf("%d bytes: %d arrived, %+v", n, len(got), out.Result)
		}
	}
}
