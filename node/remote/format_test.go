package remote

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"dormouse/actors/claim"
	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/platform"
	"dormouse/codec/wire"
	"dormouse/node/admin"
)

// requests are the golden bytes of docs/formats/calls.md.
var requests = []struct {
	name  string
	bytes []byte
	hex   string
}{
	{"get", (&getRequest{0x0102, wire.ClassContact, true, []byte("key")}).append(nil), "01" + "0102" + "68" + "01" + "6b6579"},
	{"find", (&findRequest{wire.ClassOnce, []ids.Shard{1, 0x203}, []byte("key")}).append(nil), "01" + "78" + "02" + "0001" + "0203" + "6b6579"},
	{"scan", (&scanRequest{1, wire.ClassOperation, true, true, 129, []byte("a"), []byte("b")}).append(nil), "01" + "0001" + "6f" + "07" + "8101" + "0161" + "62"},
	{"scan to the end", (&scanRequest{1, wire.ClassOperation, false, false, 512, nil, nil}).append(nil), "01" + "0001" + "6f" + "00" + "8004" + "00"},
	{"sign", appendSign(nil, wire.SecureSign(netip.MustParseAddrPort("192.0.2.1:5684")), 0x0102030405060708, false),
		"01" + "00" + "41" + "0102030405060708" + "00000000000000000000ffffc0000201" + "1634"},
	{"clear", appendSign(nil, wire.CIDSign(ids.CID{1, 2, 3, 4, 5, 6, 7, 8}), 9, true), "01" + "01" + "43" + "0000000000000009" + "0102030405060708"},
}

func TestRequestsAreGolden(t *testing.T) {
	for _, tc := range requests {
		if got := hex.EncodeToString(tc.bytes); got != tc.hex {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.hex)
		}
	}
	ev := endpoint.Establish{Session: newSession(t, "i", ids.CID{1, 2, 3, 4, 5, 6, 7, 8}), Path: testPath, Serial: 300}
	const want = "01" + "0102030405060708" + "ac02" + "0c" + "0280" + "c0000201" + "1634" + "c6336407" +
		"39" + "0101" + "c0a8" + "7365637265742121" + "7365637265742121" + "7365637265742121" + "7365637265742121" + "7365637265742121" +
		"0102030405060708" + "020102" + "0169" + "10" + "45" + "03" + "0000000000000001"
	got := appendEstablish(nil, 0x0102030405060708, &ev)
	if text := hex.EncodeToString(got); text != want {
		t.Errorf("establish: %s, want %s", text, want)
	}
	id, again, err := parseEstablish(got[1:])
	if err != nil || id != 0x0102030405060708 || again.Path != testPath || again.Serial != 300 || again.Session.Identity != "i" {
		t.Errorf("%v, %+v, %v", id, again, err)
	}
	for n := range got[1:] {
		if _, _, err := parseEstablish(got[1:][:n]); err == nil {
			t.Errorf("establish cut at %d", n)
		}
	}
}

// full has a value in every field; a field that is new is set here too.
var full = []any{
	operationShape{1<<63 - 1, 1<<64 - 1, "name", platform.Failed, at(1), at(2), "read <&> \u2028", "result \x00", json.RawMessage(`[{"a":1.50e400}]`),
		"failure", true, fragments(`{"c8y_X":{"<&>":18446744073709551615},"b":[null,1.0]}`)},
	objectShape{1<<64 - 1, "type", "name", "owner", at(1), at(2), platform.References{platform.ChildAssets: {{ID: 1<<64 - 1, Name: "<child>"}}}, fragments(`{"a":"<>"}`)},
	objectChangeShape{text("type"), text(""), text("owner"), fragments(`{"a":null}`)},
	newOperationShape{1<<64 - 1, "text", true, fragments(`{"a":null}`)},
	operationChangeShape{platform.Failed, "reason"},
	filterShape{1<<64 - 1, true, platform.Failed, "fragment", at(1), at(2), true},
	cascadeShape{true, true},
	newCredentialsShape{"endpoint", "identity", []byte{0, 255}},
	credentialsShape{"endpoint", "identity", at(1)},
	claimArgs{[]byte{0, 255}, "endpoint", at(1)},
	reservationShape{true, at(1)},
}

func at(ms int64) time.Time { return time.UnixMilli(1_800_000_000_000 + ms).UTC() }

func text(s string) *string { return &s }

func fragments(body string) platform.Fragments {
	f, err := platform.ParseFragments([]byte(body))
	if err != nil {
		panic(err)
	}
	return f
}

// TestShapesBothWays: full ones and empty ones.
func TestShapesBothWays(t *testing.T) {
	for _, v := range full {
		if fields := reflect.ValueOf(v); true {
			for i := range fields.NumField() {
				if fields.Field(i).IsZero() {
					t.Errorf("%T: %s is not set", v, fields.Type().Field(i).Name)
				}
			}
		}
		for _, v := range []any{v, reflect.Zero(reflect.TypeOf(v)).Interface()} {
			raw, err := encode(nil, v)
			if err != nil {
				t.Fatal(err)
			}
			again := reflect.New(reflect.TypeOf(v))
			if err := json.Unmarshal(raw, again.Interface()); err != nil || !reflect.DeepEqual(again.Elem().Interface(), v) {
				t.Errorf("%s\nbecame %+v, want %+v, %v", raw, again.Elem(), v, err)
			}
		}
	}
	for _, k := range []admin.IdempotencyKey{{}, key("name", "body")} {
		raw, _ := encode(nil, createObjectArgs{Key: shapeOf(k)})
		var a createObjectArgs
		if err := json.Unmarshal(raw, &a); err != nil || a.Key.key() != k {
			t.Errorf("%s: %v, %v", raw, a.Key.key(), err)
		}
	}
}

// TestMethodsAreGolden, with their arguments.
func TestMethodsAreGolden(t *testing.T) {
	for want, args := range map[string]any{
		`{"id":18446744073709551615,"change":{"name":"","fragments":[{"Name":"a","Raw":null}]}}`: objectArgs{
			ID: 1<<64 - 1, Change: objectChangeShape{Name: text(""), Fragments: fragments(`{"a":null}`)}},
		`{"id":5,"cascade":{"children":true}}`: objectArgs{ID: 5, Cascade: cascadeShape{Children: true}},
		`{"shard":3,"change":{"type":"t"},"key":{"name":"AQAAAAAAAAAAAAAAAAAAAA==","body":"AgAAAAAAAAAAAAAAAAAAAA=="}}`: createObjectArgs{
			3, objectChangeShape{Type: text("t")}, shapeOf(admin.IdempotencyKey{Name: [16]byte{1}, Body: [16]byte{2}})},
		`{"operation":{"device":7,"text":"read /3","retry":true}}`: createOperationArgs{Operation: newOperationShape{Device: 7, Text: "read /3", Retry: true}},
		`{"id":7,"change":{"status":"FAILED","reason":"no"}}`:      operationArgs{7, operationChangeShape{platform.Failed, "no"}},
		`{"id":7}`: operationArgs{ID: 7},
		`{"shard":3,"filter":{"device":0,"status":"PENDING","from":"2027-01-15T08:00:00.001Z"}}`: deleteOperationsArgs{
			3, filterShape{Status: platform.Pending, From: at(1)}},
		`{"credentials":{"endpoint":"e","identity":"i","key":"a2V5"},"replace":true}`: credentialsArgs{newCredentialsShape{"e", "i", []byte("key")}, true},
		`{"endpoint":"e"}`: nameArgs{"e"},
		`{"identity":"/w==","endpoint":"e","until":"2027-01-15T08:00:00.001Z"}`: claimArgs{[]byte{255}, "e", at(1)},
	} {
		if got, err := encode(nil, args); err != nil || string(got) != want+"\n" {
			t.Errorf("%s, %v; want %s", got, err, want)
		}
	}
	var names []string
	for name := range methods {
		names = append(names, name)
	}
	if len(names) != 11 {
		t.Errorf("%d methods: docs/formats/calls.md has 11", len(names))
	}
}

// TestRefusalsTravel: whatever a node refuses with, the other one answers so.
func TestRefusalsTravel(t *testing.T) {
	r := &Router{cluster: &node{w: &world{}}, logger: slog.New(slog.DiscardHandler)}
	travel := func(err error) error {
		_, got := parseAnswer(7, r.appendFault(nil, 3, err))
		return got
	}
	for _, sentinel := range []error{
		admin.ErrBadRequest, admin.ErrNotFound, admin.ErrConflict, admin.ErrUnprocessable, admin.ErrKeyReused, admin.ErrLimit,
		admin.ErrBusy, admin.ErrFull, admin.ErrUnknown, platform.ErrSyntax, platform.ErrBounds, platform.ErrShape,
		claim.ErrTaken, claim.ErrReserved, claim.ErrPending, endpoint.ErrCredentials, endpoint.ErrFull, endpoint.ErrBusy,
	} {
		for _, err := range []error{sentinel, fmt.Errorf("trying: %w", sentinel), admin.Refuse(sentinel, "A %s.", "sentence")} {
			got := travel(err)
			kind, sentence := admin.Describe(err)
			if k, s := admin.Describe(got); !errors.Is(got, sentinel) || k != kind || s != sentence {
				t.Errorf("%v became %v: %q, %q", err, got, k, s)
			}
		}
	}
	var away *elsewhere
	for _, err := range []error{endpoint.ErrElsewhere, endpoint.ErrClosed, fmt.Errorf("%w (%w)", admin.ErrBusy, endpoint.ErrElsewhere)} {
		if got := travel(err); !errors.As(got, &away) || away.hint != 0 {
			t.Errorf("%v became %v", err, got)
		}
	}
	if got := travel(fmt.Errorf("%w: %v", admin.ErrUnknown, endpoint.ErrElsewhere)); !errors.Is(got, admin.ErrUnknown) || errors.As(got, &away) {
		t.Errorf("what may have been done became %v", got)
	}
	if kind, _ := admin.Describe(travel(errors.New("disk"))); kind != "" {
		t.Errorf("a fault became %q", kind)
	}
	for _, answer := range []string{"", "\x20", "\x11", "\x11\x01a", "\x11\x01a\x01bc", "\x12\x00", "\x12\x00\x00\x00\x00\x00\x00\x00\x00\x00"} {
		if _, err := parseAnswer(7, []byte(answer)); !errors.Is(err, errAnswer) {
			t.Errorf("%q: %v", answer, err)
		}
	}
}

// TestStrangeRequests are told so, with nothing of what is in them.
func TestStrangeRequests(t *testing.T) {
	inTime(t, func(w *world) {
		for name, tc := range map[string]struct {
			kind    byte
			request string
		}{
			"nothing": {KindGet, ""}, "another version": {KindGet, "\x02secret"}, "another kind": {99, "\x01secret"},
			"get of a shard that there is not": {KindGet, "\x01\x00\x08h\x00secret"}, "the system's": {KindGet, "\x01\x08\x00h\x00secret"},
			"no JSON": {KindMethod, "\x01{secret"}, "another method": {KindMethod, "\x01" + `{"method":"x","args":"secret"}`},
			"arguments of another type": {KindMethod, "\x01" + `{"method":"addCredentials","args":{"credentials":"secret"}}`},
			"no shard":                  {KindMethod, "\x01" + `{"method":"createObject","args":{"shard":8,"change":{}}}`},
		} {
			answer, err := w.nodes[0].router.Serve(background, 2, tc.kind, []byte(tc.request))
			var coded interface{ Code() uint16 }
			if answer != nil || !errors.As(err, &coded) || coded.Code() != 1 || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %q, %v", name, answer, err)
			}
		}
		lonely := New(Options{Cluster: w.nodes[0], Env: w.nodes[0].env, Logger: slog.New(slog.DiscardHandler)})
		if answer, err := lonely.Serve(background, 2, KindMethod, []byte("\x01{}")); err != nil || answer[0] != statusElsewhere {
			t.Errorf("before it is joined: %x, %v", answer, err)
		}
	})
}

// FuzzRequests: what is read is written again as it was, and nothing panics.
func FuzzRequests(f *testing.F) {
	for i, tc := range requests {
		f.Add([]byte{KindGet, KindFind, KindScan, KindScan, KindSign, KindSign}[i], tc.bytes)
	}
	f.Add(KindMethod, []byte("\x01"+`{"method":"updateObject","args":{"id":1,"change":{"name":"x"}}}`))
	f.Add(KindEstablish, appendEstablish(nil, 1, &endpoint.Establish{Session: newSession(f, "i", ids.CID{}), Path: testPath}))
	f.Fuzz(func(t *testing.T, kind byte, request []byte) {
		if len(request) == 0 || request[0] != version {
			return
		}
		body := request[1:]
		var again []byte
		switch kind {
		case KindGet:
			if q, err := parseGet(body); err == nil {
				again = q.append(nil)
			}
		case KindScan:
			if q, err := parseScan(body); err == nil {
				back, err := parseScan(q.append(nil)[1:])
				if err != nil || !reflect.DeepEqual(back, q) {
					t.Fatalf("%x became %+v", request, q)
				}
			}
			_, _, _ = parseRecords(body)
		case KindFind:
			if q, err := parseFind(body); err == nil {
				back, err := parseFind(q.append(nil)[1:])
				if err != nil || !reflect.DeepEqual(back, q) {
					t.Fatalf("%x became %+v", request, q)
				}
			}
		case KindSign:
			if sign, id, clear, err := parseSign(body); err == nil {
				again = appendSign(nil, sign, id, clear)
			}
		case KindEstablish:
			if id, ev, err := parseEstablish(body); err == nil {
				_, _, err := parseEstablish(appendEstablish(nil, id, &ev)[1:])
				if err != nil {
					t.Fatalf("%x cannot be read again: %v", request, err)
				}
			}
		case KindMethod:
			r := &Router{env: &endpoint.Env{Shards: shards}, cluster: &node{w: &world{}}}
			if _, _, err := r.serveMethod(background, body, nil); err == nil {
				t.Fatalf("%q is carried out by nobody", request)
			}
		}
		if again != nil && !bytes.Equal(again, request) {
			t.Fatalf("%x became %x", request, again)
		}
	})
}
