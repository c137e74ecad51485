package admin

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"dormouse/codec/filter"
	"dormouse/codec/platform"
)

// Whatever the query, a page stays within its bounds and a fault is a bad
// request; and what is taken means the same when its parameters are sorted and
// escaped anew.
func FuzzQuery(f *testing.F) {
	for _, q := range []string{
		"", "pageSize=2000&currentPage=2&withTotalPages=true", "ids=1,2,3&type=a&text=b", "cursor=abc&pageSize=1",
		"query=$filter%3D(name+eq+'x*')+$orderby%3Dname&fragmentType=a.b", "q=(", "query=bygroupid(1)",
		"deviceId=1&agentId=1&status=PENDING&revert=true", "dateFrom=2026-01-31&dateTo=2026-01-31T12:00:00+01:00", "path=/3/0", "a=%zz", "currentPage=2147483648&pageSize=2000",
	} {
		f.Add(q)
	}
	type reading struct {
		objects    filter.Selection
		operations OperationFilter
		page       Page
	}
	read := func(raw string) (reading, error) {
		q := parseQuery(raw)
		r := reading{q.selection(), q.operationFilter(), q.paging(platform.DefaultPageSize).page()}
		q.below()
		return r, q.err
	}
	f.Fuzz(func(t *testing.T, raw string) {
		first, err := read(raw)
		if err != nil {
			if v, _ := judge(err); v.status != http.StatusBadRequest && v.status != http.StatusUnprocessableEntity {
				t.Fatalf("%q: %v", raw, err)
			}
			return
		}
		p := first.page
		if p.Size < 1 || p.Size > platform.MaxPageSize || p.Skip < 0 || len(first.objects.IDs) > filter.MaxIDs || len(p.Cursor) > 512 || (p.Cursor != "" && p.Skip != 0) {
			t.Fatalf("%q is out of bounds: %+v", raw, first)
		}
		values, err := url.ParseQuery(raw)
		if err != nil {
			t.Fatalf("%q was taken and is %v", raw, err)
		}
		if second, err := read(values.Encode()); err != nil || !reflect.DeepEqual(first, second) {
			t.Fatalf("%q is %+v, and as %q %+v, %v", raw, first, values.Encode(), second, err)
		}
	})
}

func TestQueryIsBounded(t *testing.T) {
	var many strings.Builder
	for i := range maxQuery + 1 {
		many.WriteString("&p" + strings.Repeat("x", i) + "=1")
	}
	if err := parseQuery(many.String()[1:]).err; !errors.Is(err, ErrBadRequest) {
		t.Errorf("%d parameters: %v", maxQuery+1, err)
	}
}

func TestEmptyFilters(t *testing.T) {
	if !(OperationFilter{Revert: true}).Empty() || (OperationFilter{HasDevice: true}).Empty() || (OperationFilter{Status: platform.Failed}).Empty() {
		t.Error("Empty is wrong")
	}
}

func TestIdempotencyKeysDiffer(t *testing.T) {
	keys := map[[16]byte]string{}
	for _, c := range [][2]string{{"a", "b"}, {"ab", ""}, {"", "ab"}, {"a", "c"}} {
		k := NewIdempotencyKey(c[0], c[1], []byte("body"))
		if other, twice := keys[k.Name]; twice || k.IsZero() {
			t.Errorf("%q and %q share a name", c, other)
		}
		keys[k.Name] = c[0] + "/" + c[1]
	}
	one, two := NewIdempotencyKey("a", "b", []byte("x")), NewIdempotencyKey("a", "b", []byte("y"))
	if one.Name != two.Name || one.Body == two.Body {
		t.Error("the body is not told apart")
	}
}

// Every kind has a sentence or a parser's own, and a status of its class.
func TestVerdicts(t *testing.T) {
	for _, v := range verdicts {
		got, sentence := judge(v.kind)
		if got.status != v.status || sentence == "" || v.status < 400 || http.StatusText(v.status) == "" {
			t.Errorf("%v: %d %q", v.kind, got.status, sentence)
		}
		if _, err := url.Parse(infoOf(v.status)); err != nil {
			t.Error(err)
		}
	}
}

// Whatever the bytes, the parsers of bodies refuse with 4xx or take them.
func FuzzBody(f *testing.F) {
	f.Add([]byte(`{"deviceId":"1","c8y_Command":{"text":"read /3"}}`))
	f.Add([]byte(`{"name":"x","c8y_X":null}`))
	f.Add([]byte(`{"status":"FAILED","failureReason":"x"}`))
	handler := NewHandler(Options{Backend: nowhere{}})
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, target := range []string{"POST /inventory/managedObjects", "PUT /inventory/managedObjects/1", "POST /devicecontrol/operations", "PUT /devicecontrol/operations/1"} {
			method, path, _ := strings.Cut(target, " ")
			req := httptest.NewRequest(method, "http://localhost"+path, strings.NewReader(string(body)))
			req.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, req)
			if _, err := platform.ParseFault(w.Body.Bytes()); err != nil || w.Code < 400 || w.Code >= 500 {
				t.Fatalf("%s %q: %d %s, %v", target, body, w.Code, w.Body, err)
			}
		}
	})
}
