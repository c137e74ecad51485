package bootstrap

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
	"dormouse/codec/wire"
)

var recordTime = time.UnixMilli(1_793_534_400_250)

// records are the golden bytes of docs/formats/bootstrap.md.
func records() []struct {
	name string
	r    record
} {
	account := uint16(1)
	return []struct {
		name string
		r    record
	}{
		{"begun", record{
			Name: "a", Phase: Running, Started: recordTime, Path: testPath, Format: lwm2m.FormatTLV, Serial: 1, Digest: 0x01020304,
			Token: "\x01\x02\x03\x04\x05\x06\x07\x08", Request: 0x1111, Message: 0x1111,
		}},
		{"failed", record{
			Name: "urn:dev:1", Phase: Failed, Started: recordTime, Ended: recordTime.Add(time.Second),
			Path: wire.ReturnPath{Peer: netip.MustParseAddrPort("[2001:db8::1]:5683"), Node: 7}, Sealed: true,
			Format: lwm2m.FormatSenMLCBOR, Serial: 300, Digest: 0xffffffff, Step: 6, Resets: 2, Message: 0x0102,
			Found: found{answered: true, server: true, access: true, version: lwm2m.V1_1, accounts: []uint16{1}, security: []uint16{0, 2},
				shared: []lwm2m.Path{lwm2m.NewPath(3, 0)}},
			Known: []uint16{1}, Taken: []lwm2m.Path{lwm2m.NewPath(0, 0), lwm2m.NewPath(1, 0)},
			Refused: []Refusal{{coap.DELETE, lwm2m.NewPath(2), coap.BadRequest}},
			Account: &account, Reason: "x",
		}},
	}
}

var goldenRecords = map[string]string{
	"begun": "0101000161f4dbd8efb268000001c00002019c402d160101020304000008010203040506070811111111000000000000000000",
	"failed": "01033d0975726e3a6465763a31f4dbd8efb268c4ebd8efb268090020010db8000000000000000000000001163300000000000000070070ac02ffffffff0602000000010201010100010200" +
		"000002010001010200030000020200000000020001000001040100028000010178",
}

func TestRecordBothWaysAndCut(t *testing.T) {
	for _, tc := range records() {
		raw := tc.r.append([]byte{0xee})[1:]
		if got := hex.EncodeToString(raw); got != goldenRecords[tc.name] {
			t.Errorf("%s:\n got %s\nwant %s", tc.name, got, goldenRecords[tc.name])
		}
		got, answers, err := parseRecord(append(raw, 0xaa))
		if err != nil || !reflect.DeepEqual(got, tc.r) || fmt.Sprintf("%x", answers) != "aa" {
			t.Errorf("%s: %+v, %x, %v\nwant %+v", tc.name, got, answers, err, tc.r)
		}
		for n := range raw {
			if _, _, err := parseRecord(raw[:n]); !errors.Is(err, ErrRecord) {
				t.Errorf("%s cut at %d: %v", tc.name, n, err)
			}
		}
		for i, value := range map[int]byte{0: 2, 1: 0, 2: 0x40} {
			other := append([]byte(nil), raw...)
			other[i] = value
			if _, _, err := parseRecord(other); !errors.Is(err, ErrRecord) {
				t.Errorf("%s: byte %d is %d: %v", tc.name, i, value, err)
			}
		}
	}
	long := records()[0].r
	long.Known = make([]uint16, maxList+1)
	if _, _, err := parseRecord(long.append(nil)); !errors.Is(err, ErrRecord) {
		t.Errorf("a list too long: %v", err)
	}
	if _, err := Load(&Env{}, 1, nil); !errors.Is(err, ErrRecord) {
		t.Error(err)
	}
}

func FuzzRecord(f *testing.F) {
	for _, tc := range records() {
		f.Add(tc.r.append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, answers, err := parseRecord(b)
		if err != nil {
			return
		}
		again := append(r.append(nil), answers...)
		r2, answers2, err := parseRecord(again)
		if err != nil || !reflect.DeepEqual(r, r2) || string(answers) != string(answers2) {
			t.Errorf("%x\n%+v, then %x\n%+v, %v", b, r, again, r2, err)
		}
		// Whatever is stored, the session goes on or fails.
		n := newNetwork(t, 1)
		nd := newNode(n, basic())
		s, err := Load(nd.env, testID, b)
		if err != nil {
			return
		}
		var fx Effects
		s.Handle(n.now, Tick{}, &fx)
	})
}
