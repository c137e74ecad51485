package dtlsfront

import (
	"bytes"
	"testing"

	"dormouse/codec/dtlsrec"
)

func parsed(t *testing.T, body []byte) (*clientHello, error) {
	t.Helper()
	h, fragment, _, err := dtlsrec.ParseHeader(helloRecord(4, 1, body), 0)
	if err != nil {
		t.Fatal(err)
	}
	return parseHello(h, fragment)
}

func TestParseHello(t *testing.T) {
	body := helloBody(9, []byte("cookie"), 0, 54, 0, 4, 3, 'c', 'i', 'd', 0xff, 1, 0, 1, 0, 0, 10, 0, 2, 1, 2)
	c, err := parsed(t, body)
	if err != nil {
		t.Fatal(err)
	}
	if c.record != 4 || c.sequence != 1 || c.version != version12 || c.random != [32]byte(bytes.Repeat([]byte{9}, 32)) || string(c.cookie) != "cookie" ||
		c.suite != dtlsrec.CCM8 || !c.uncompressed || !c.extendedMaster || !c.renegotiation || !c.hasCID || string(c.cid) != "cid" ||
		!bytes.Equal(c.message[dtlsrec.HandshakeHeaderLen:], body) {
		t.Errorf("%+v", c)
	}
	if got := append(append([]byte{}, c.beforeCookie...), c.afterCookie...); !bytes.Equal(got, append(append([]byte{}, body[:35]...), body[42:54]...)) {
		t.Errorf("bound to the cookie: % x", got)
	}
	own := c.clone()
	clear(body)
	if string(own.cid) != "cid" || own.cookie != nil || own.suite != c.suite {
		t.Errorf("clone %+v", own)
	}
}

func TestParseHelloVariants(t *testing.T) {
	plainHello := helloBody(1, nil)
	noExtensions := plainHello[:len(plainHello)-6]
	c, err := parsed(t, noExtensions)
	if err != nil || c.extendedMaster || c.hasCID || c.renegotiation {
		t.Errorf("without extensions: %+v, %v", c, err)
	}
	c, err = parsed(t, bytes.Replace(plainHello, []byte{0xc0, 0xa8, 0, 0xae}, []byte{0xc0, 0x2b, 0, 0xff}, 1))
	if err != nil || c.suite != dtlsrec.GCM || !c.renegotiation {
		t.Errorf("GCM behind a stranger, and the signal suite: %+v, %v", c, err)
	}
	c, err = parsed(t, helloBody(1, nil, 0, 54, 0, 1, 0))
	if err != nil || !c.hasCID || len(c.cid) != 0 {
		t.Errorf("an empty CID: %+v, %v", c, err)
	}
	for name, body := range map[string][]byte{
		"second extended master": helloBody(1, nil, 0, 23, 0, 0), "extended master with content": helloBody(1, nil, 0xff, 1, 0, 1, 0, 0, 23, 0, 1, 7),
		"CID cut": helloBody(1, nil, 0, 54, 0, 2, 2, 1), "CID with a tail": helloBody(1, nil, 0, 54, 0, 3, 1, 1, 1),
		"two CIDs": helloBody(1, nil, 0, 54, 0, 1, 0, 0, 54, 0, 1, 0), "a renegotiation": helloBody(1, nil, 0xff, 1, 0, 3, 2, 1, 1),
		"extension cut": helloBody(1, nil, 0, 99, 0, 2, 1), "a tail": append(helloBody(1, nil), 0),
		"no suites":  bytes.Replace(plainHello, []byte{0, 8, 0xc0, 0xa8, 0x00, 0xae, 0x00, 0xa8, 0xc0, 0xa4}, []byte{0, 0}, 1),
		"odd suites": bytes.Replace(plainHello, []byte{0, 8, 0xc0, 0xa8, 0x00, 0xae, 0x00, 0xa8, 0xc0, 0xa4}, []byte{0, 3, 1, 1, 1}, 1),
	} {
		if c, err := parsed(t, body); err == nil {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

// Cut anywhere but before the extensions, it is none.
func TestHelloCutAtEveryByte(t *testing.T) {
	body := helloBody(1, []byte("cookie"), 0, 54, 0, 1, 0)
	for n := range body {
		if _, err := parsed(t, body[:n]); (err == nil) != (n == len(body)-2-4-5) {
			t.Errorf("%d of %d bytes: %v", n, len(body), err)
		}
	}
}

// What pion gets is itself a hello that says the same, whatever the client's.
func FuzzHello(f *testing.F) {
	f.Add(helloBody(1, []byte("cookie"), 0, 54, 0, 4, 3, 'c', 'i', 'd'))
	f.Add(helloBody(2, nil, 0xff, 1, 0, 1, 0))
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > 2000 {
			return
		}
		c, err := parsed(t, body)
		if err != nil {
			return
		}
		m := c.standIn(1, []byte("pion's"))
		s, err := parseHello(dtlsrec.Header{}, m)
		if err != nil {
			t.Fatalf("% x: %v", m, err)
		}
		if s.random != c.random || string(s.cookie) != "pion's" || s.extendedMaster != c.extendedMaster || s.hasCID != c.hasCID || !bytes.Equal(s.cid, c.cid) || s.sequence != 1 {
			t.Errorf("%+v stands for %+v", s, c)
		}
	})
}
