package bootstrap

import (
	"encoding/hex"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"dormouse/codec/coap"
	"dormouse/codec/content"
	"dormouse/codec/lwm2m"
)

// vector is the pack of OMA Transport 6.4.1.
const vector = `[{"bn":"/0/1/","n":"0","vs":"coaps://server1.example.com"},{"n":"1","vb":false},{"n":"2","v":0},{"n":"3","vd":"YjMxM2NjMjItZjk2OS00MmVjLWFkNDI"},{"n":"4","vd":""},{"n":"5","vd":"HKICjXGXx3jprvXvaQgr6g"},{"n":"10","v":101},` +
	`{"bn":"/1/0/","n":"0","v":101},{"n":"1","v":86400},{"n":"2","v":300},{"n":"3","v":6000},{"n":"5","v":86400},{"n":"6","vb":true},{"n":"7","vs":"U"}]`

func vectorConfig() *Config {
	key, _ := hex.DecodeString("1ca2028d7197c778e9aef5ef69082bea")
	return &Config{Serial: 1, Servers: []Server{{
		URI: "coaps://server1.example.com", ShortID: 101, Lifetime: 86400,
		MinPeriod: ptr[int64](300), MaxPeriod: ptr[int64](6000), DisableTimeout: ptr[int64](86400),
		Security: Security{Mode: PSK, Identity: "b313cc22-f969-42ec-ad42", Key: NewSecret(key)},
	}}, Account: Account{Security: Security{Mode: NoSec}}}
}

// pack asks for all blocks of a pack.
func pack(t *testing.T, nd *node, s *Session, accept lwm2m.Format, queries ...string) (body []byte, notices []Notice, result *Result) {
	t.Helper()
	var etag []byte
	for num := uint32(0); ; num++ {
		m := request(coap.GET, "bspack", uint16(100+num), queries...)
		m.AddUint(coap.OptAccept, uint32(accept))
		if num > 0 {
			m.AddBlock(coap.OptBlock2, coap.Block{Num: num, SZX: 4})
		}
		sent, fx := hear(t, s, nd.net.now, &Datagram{Path: testPath, Message: m})
		if len(sent) != 1 || sent[0].Code != coap.Content || sent[0].ContentFormat() != accept {
			t.Fatalf("block %d: %v", num, sent)
		}
		body = append(body, sent[0].Payload...)
		notices = append(notices, fx.Notices...)
		if fx.Result != nil {
			result = fx.Result
		}
		if fx.Record != nil {
			nd.record = fx.Record
		}
		b, blocked, _ := sent[0].Block(coap.OptBlock2)
		tag, _ := sent[0].Option(coap.OptETag)
		if blocked && num > 0 && string(tag) != string(etag) {
			t.Errorf("block %d: another representation", num)
		}
		etag = tag
		if !b.More {
			return body, notices, result
		}
		num = uint32(len(body)/256) - 1
	}
}

func TestInt1212PackIsTheVector(t *testing.T) {
	n := newNetwork(t, 1)
	nd := newNode(n, vectorConfig())
	body, notices, r := pack(t, nd, New(nd.env, testID, testName), lwm2m.FormatSenMLJSON, "ep="+testName, "acc=</0/0>")
	got, err := content.Decode(lwm2m.FormatSenMLJSON, lwm2m.Path{}, body, options(false))
	want, err2 := content.Decode(lwm2m.FormatSenMLJSON, lwm2m.Path{}, []byte(vector), options(false))
	if err != nil || err2 != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("pack\n%s, %v\nwant\n%s, %v", body, err, vector, err2)
	}
	if lifecycle(notices) != "Start End" || r == nil || !r.Pack || fmt.Sprint(r.Security, r.Servers, *r.Account) != "[1] [0] 0" {
		t.Errorf("%v, %+v", notices, r)
	}
	if key := string(nd.config.Servers[0].Key.Reveal()); strings.Contains(string(nd.record), key) {
		t.Error("the record holds the key")
	}
}

func TestPackKeepsClearOfTheAccount(t *testing.T) {
	for _, tc := range []struct {
		acc    string
		known  []uint16
		offset *uint16
		first  string
	}{
		{"acc=</0/0>", nil, nil, "1 2"}, {"acc=</0/1>", nil, nil, "0 2"}, {"acc=</0/2>,</21/0>", nil, nil, "0 1"},
		{"", nil, nil, "2 3"}, {"", []uint16{1}, nil, "0 2"}, {"acc=</0/0>", []uint16{1}, nil, "1 2"},
		{"", nil, ptr[uint16](7), "7 8"}, {"acc=</0/7>", nil, ptr[uint16](7), "8 9"},
	} {
		c := two()
		c.Offset = tc.offset
		c.Account.Rewrite, c.Account.URI = true, "coap://bs.example.com"
		n := newNetwork(t, 1)
		nd := newNode(n, c)
		s := New(nd.env, testID, testName)
		s.r.Known = tc.known
		body, _, r := pack(t, nd, s, lwm2m.FormatLwM2MCBOR, "ep="+testName, tc.acc)
		if got := fmt.Sprint(r.Security[0], r.Security[1]); got != tc.first {
			t.Errorf("%s, %v: %s, want %s", tc.acc, tc.known, got, tc.first)
		}
		nodes, err := content.Decode(lwm2m.FormatLwM2MCBOR, lwm2m.Path{}, body, options(false))
		for _, node := range nodes {
			if node.Path.Object() == 0 && node.Path.Resource() == 1 && node.Value.Bool() {
				t.Errorf("%s holds the account", tc.acc)
			}
		}
		if err != nil || len(nodes) < 30 {
			t.Errorf("%d nodes, %v", len(nodes), err)
		}
		loaded, err := Load(nd.env, testID, nd.record)
		if err != nil {
			t.Fatal(err)
		}
		if last := loaded.Last(); !reflect.DeepEqual(last.Security, r.Security) || last.At != r.At {
			t.Errorf("stored %+v, was %+v", last, r)
		}
	}
}

func TestPackInBlocks(t *testing.T) {
	c := two()
	c.Servers[0].ServerKey = make([]byte, 2000)
	n := newNetwork(t, 1)
	nd := newNode(n, c)
	body, notices, _ := pack(t, nd, New(nd.env, testID, testName), lwm2m.FormatSenMLCBOR, "ep="+testName, "acc=</0/0>")
	nodes, err := content.Decode(lwm2m.FormatSenMLCBOR, lwm2m.Path{}, body, options(false))
	if err != nil || len(body) < 2000 || len(nodes) < 30 || lifecycle(notices) != "Start End" {
		t.Errorf("%d bytes, %d nodes, %v, %v", len(body), len(nodes), notices, err)
	}
}

func TestPackRefused(t *testing.T) {
	never := basic()
	never.NoPack = true
	sealed := basic()
	sealed.Account.Security = Security{Mode: PSK, Identity: "bs-id", Key: NewSecret([]byte("k"))}
	ep := "ep=" + testName
	for _, tc := range []struct {
		name   string
		c      *Config
		err    error
		off    bool
		accept lwm2m.Format
		q      []string
		code   coap.Code
	}{
		{"switched off", basic(), nil, true, 112, []string{ep}, coap.NotImplemented},
		{"not for this one", never, nil, false, 112, []string{ep}, coap.MethodNotAllowed},
		{"TLV", basic(), nil, false, 11542, []string{ep}, coap.NotAcceptable},
		{"unknown", nil, ErrUnknown, false, 112, []string{ep}, coap.NotFound},
		{"nothing to give", nil, ErrUnconfigured, false, 112, []string{ep}, coap.NotFound},
		{"no ep", basic(), nil, false, 112, nil, coap.BadRequest},
		{"acc of no links", basic(), nil, false, 112, []string{ep, "acc=</0/0></0/1>"}, coap.BadRequest},
		{"without DTLS", sealed, nil, false, 112, []string{ep}, coap.Unauthorized},
	} {
		n := newNetwork(t, 1)
		nd := newNode(n, tc.c)
		nd.err, nd.env.NoPack = tc.err, tc.off
		m := request(coap.GET, "bspack", 5, tc.q...)
		m.AddUint(coap.OptAccept, uint32(tc.accept))
		d := &Datagram{Path: testPath, Message: m}
		s := New(nd.env, testID, testName)
		sent, fx := hear(t, s, n.now, d)
		if len(sent) != 1 || sent[0].Code != tc.code || lifecycle(fx.Notices) != "Failure" || fx.Record != nil || fx.Result != nil {
			t.Errorf("%s: %v, %+v", tc.name, sent, fx)
		}
		if sent, fx := hear(t, s, n.now, d); len(sent) != 1 || sent[0].Code != tc.code || len(fx.Notices) > 0 {
			t.Errorf("%s: repeated: %v, %+v", tc.name, sent, fx)
		}
	}
}

// int-12-12 with a client as it is: the pack first, and the long way where there is none.
func TestInt1212ThenTheLongWay(t *testing.T) {
	nd, d := play(t, basic(), anjay, nil)
	if d.state != deviceDone || lifecycle(nd.notices) != "Start End" || len(d.asked) != 0 {
		t.Errorf("%d, %v, %v", d.state, nd.notices, d.asked)
	}
	holds(t, basic(), d, accountOf(d.stored, 1))
	nd, d = play(t, basic(), anjay, func(nd *node, _ *device) { nd.env.NoPack = true })
	if d.state != deviceDone || lifecycle(nd.notices) != "Failure Start End" {
		t.Errorf("%d, %v", d.state, nd.notices)
	}
	if got := strings.Join(d.asked, "; "); got != "GET /; PUT /0/0; PUT /1/0; POST /bs" {
		t.Error(got)
	}
}
