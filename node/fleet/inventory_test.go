package fleet

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"testing"

	"dormouse/actors/endpoint"
	"dormouse/codec/filter"
	"dormouse/codec/ids"
	"dormouse/codec/lwm2m"
	"dormouse/codec/platform"
	"dormouse/codec/wire"
	"dormouse/node/admin"
)

func isRefusal(err, kind error) bool { return errors.Is(err, kind) }

// selected reads the parameters of a list.
func selected(t testing.TB, parameters string) filter.Selection {
	t.Helper()
	values, err := url.ParseQuery(parameters)
	if err != nil {
		t.Fatal(err)
	}
	s, err := filter.Language{}.Selection(values)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func change(t *testing.T, body string) platform.ObjectChange {
	t.Helper()
	c, err := platform.ParseObjectChange([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func key(name, body string) admin.IdempotencyKey {
	return admin.NewIdempotencyKey("test", name, []byte(body))
}

// TestObjectsByPages: devices and others together, in the order of their IDs.
func TestObjectsByPages(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 5))
		n := newNode()
		var all []ids.Object
		for i := range random.IntN(300) {
			if random.IntN(3) == 0 {
				m, err := n.CreateObject(context.Background(), change(t, `{"type":"other"}`), admin.IdempotencyKey{})
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, m.ID)
				continue
			}
			all = append(all, n.device(fmt.Sprintf("d%d", i), nil).Object())
		}
		slices.Sort(all)
		for _, f := range []filter.Selection{selected(t, ""), selected(t, "type=other"), selected(t, "fragmentType=c8y_IsDevice"), {IDs: wanted(random, all)}} {
			checkObjects(t, n, seed, all, f, 1+random.IntN(150), random.IntN(2) == 0)
		}
	}
}

// wanted are some IDs, one twice, and one that is nobody's.
func wanted(random *rand.Rand, all []ids.Object) []ids.Object {
	list := []ids.Object{12345}
	for _, id := range all {
		if random.IntN(3) == 0 {
			list = append(list, id)
		}
	}
	return append(list, list[len(list)-1])
}

func checkObjects(t *testing.T, n *node, seed uint64, all []ids.Object, f filter.Selection, size int, total bool) {
	t.Helper()
	var want, got []ids.Object
	for _, id := range all {
		m, err := n.Object(context.Background(), id)
		if err != nil {
			t.Fatal(err)
		}
		if f.Match(&m) {
			want = append(want, id)
		}
	}
	for p := (admin.Page{Size: size, Total: total}); ; {
		list, err := n.Objects(context.Background(), f, p)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range list.Items {
			got = append(got, m.ID)
		}
		if len(list.Items) > size || total && list.Total != int64(len(want)) {
			t.Fatalf("seed %d, %+v: %d items, total %d of %d", seed, f, len(list.Items), list.Total, len(want))
		}
		if p.Cursor = list.Cursor; p.Cursor == "" {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("seed %d, %+v, pages of %d:\n got %v\nwant %v", seed, f, size, got, want)
	}
}

func TestObjectFilters(t *testing.T) {
	n := newNode()
	n.device("urn:imei:1", func(r *endpoint.Registration, _ *endpoint.Contact) {
		r.Settings.Fragments = `{"type":"meter","owner":"ann","note":"In the cellar"}`
	})
	n.device("urn:imei:2", nil)
	if _, err := n.CreateObject(context.Background(), change(t, `{"type":"group","name":"Cellars","x":{}}`), admin.IdempotencyKey{}); err != nil {
		t.Fatal(err)
	}
	for parameters, want := range map[string]int{
		"": 3, "type=meter": 1, "type=" + deviceType: 1, "owner=ann": 1, "fragmentType=c8y_IsDevice": 2, "fragmentType=x": 1,
		"text=URN:IMEI": 2, "text=in+the": 1, "text=cellar": 1, "type=meter&owner=bob": 0, "text=met&owner=ann": 1,
		"query=name+eq+'urn:*'": 2, "query=name+eq+'Cellars'+or+note+eq+'*cellar'": 2, "query=lwm2mEndpoint+eq+'urn:imei:2'": 1,
		"query=lwm2mEndpoint+eq+'urn:imei:3'": 0, "query=c8y_LwM2MRegistration.lifetime+eq+600": 2, "query=not(type+eq+'meter')": 2,
		"query=id+eq+5": 0, "query=id+eq+'x'": 0, "q=": 2,
	} {
		s := selected(t, parameters)
		list, err := n.Objects(context.Background(), s, admin.Page{Size: 10, Total: true})
		if err != nil || len(list.Items) != want || list.Total != int64(want) {
			t.Errorf("%s: %d of %d, %v; want %d", parameters, len(list.Items), list.Total, err, want)
		}
	}
}

func TestObjectIsChangedAndDeleted(t *testing.T) {
	inTime(t, func(t *testing.T, n *node) {
		ctx := context.Background()
		m, err := n.CreateObject(ctx, change(t, `{"type":"group","name":"a","x":1,"y":2}`), admin.IdempotencyKey{})
		if err != nil || m.ID == 0 || !m.Created.Equal(begin) {
			t.Fatalf("%+v, %v", m, err)
		}
		if m, err = n.UpdateObject(ctx, m.ID, change(t, `{"name":"b","x":null,"z":3}`)); err != nil {
			t.Fatal(err)
		}
		stored, err := n.Object(ctx, m.ID)
		if got := string(stored.Fragments.Append(nil)); err != nil || stored.Name != "b" || stored.Type != "group" || got != `{"y":2,"z":3}` {
			t.Errorf("%+v, %s, %v", stored, got, err)
		}
		if err := n.DeleteObject(ctx, m.ID, admin.Cascade{}); err != nil || n.count(wire.ClassObject) != 0 {
			t.Errorf("%v, %d left", err, n.count(wire.ClassObject))
		}
		_, err1 := n.Object(ctx, m.ID)
		_, err2 := n.UpdateObject(ctx, m.ID, change(t, `{}`))
		if err3 := n.DeleteObject(ctx, m.ID, admin.Cascade{}); !isRefusal(err1, admin.ErrNotFound) || !isRefusal(err2, admin.ErrNotFound) || !isRefusal(err3, admin.ErrNotFound) {
			t.Errorf("deleted: %v, %v, %v", err1, err2, err3)
		}
	})
}

func TestDeviceIsChangedAndDeleted(t *testing.T) {
	inTime(t, func(t *testing.T, n *node) {
		ctx := context.Background()
		id := n.device("d", nil).Object()
		m, err := n.UpdateObject(ctx, id, change(t, `{"name":"Cellar","awakeTimeRegistrationParameter":5000,"lwm2mEndpoint":"forged"}`))
		if err != nil || m.Name != "Cellar" || string(m.Fragments.Get("awakeTimeRegistrationParameter")) != "5000" || string(m.Fragments.Get("lwm2mEndpoint")) != `"d"` {
			t.Errorf("%+v, %v", m, err)
		}
		if _, err := n.UpdateObject(ctx, id, change(t, `{"awakeTimeRegistrationParameter":"soon"}`)); !isRefusal(err, admin.ErrUnprocessable) {
			t.Errorf("a setting that is none: %v", err)
		}
		if err := n.DeleteObject(ctx, id, admin.Cascade{}); err != nil || len(n.records) != 0 {
			t.Errorf("%v, %d records left", err, len(n.records))
		}
		if err := n.DeleteObject(ctx, id, admin.Cascade{}); !isRefusal(err, admin.ErrNotFound) {
			t.Errorf("deleted twice: %v", err)
		}
	})
}

func TestValuesByPages(t *testing.T) {
	n := newNode()
	e := n.device("d", nil)
	var want []string
	for _, text := range []string{"/1/0/1", "/3/0/0", "/3/0/7/0", "/3/0/7/1", "/3/0/13", "/3303/0/5700"} {
		p, err := lwm2m.ParsePath(text)
		if err != nil {
			t.Fatal(err)
		}
		v := endpoint.LastValue{Value: lwm2m.Integer(1), At: begin, Received: begin}
		n.put(n.env.Shards.Of(e), wire.ClassValue, wire.ValueKey(e, p), v.Append(nil))
		want = append(want, text)
	}
	for size := 1; size < 8; size++ {
		for below, prefix := range map[string]int{"/": len(want), "/3": 4, "/3/0/7": 2, "/5": 0} {
			p, _ := lwm2m.ParsePath(below)
			var got []string
			for page := (admin.Page{Size: size, Total: true}); ; {
				list, err := n.Values(context.Background(), e.Object(), p, page)
				if err != nil || list.Total != int64(prefix) {
					t.Fatalf("below %s: total %d, %v", below, list.Total, err)
				}
				for _, v := range list.Items {
					got = append(got, v.Path.String())
				}
				if page.Cursor = list.Cursor; page.Cursor == "" {
					break
				}
			}
			if len(got) != prefix || below == "/" && !slices.Equal(got, want) {
				t.Errorf("below %s, pages of %d: %v", below, size, got)
			}
		}
	}
	if _, err := n.Values(context.Background(), 99, lwm2m.Path{}, admin.Page{Size: 1}); !isRefusal(err, admin.ErrNotFound) {
		t.Errorf("of nobody: %v", err)
	}
	if _, err := n.Values(context.Background(), e.Object(), lwm2m.Path{}, admin.Page{Size: 1, Cursor: "3-x"}); !isRefusal(err, admin.ErrBadRequest) {
		t.Errorf("behind 3-x: %v", err)
	}
}

// TestBrokenDisk: an error of the store is no answer about what is stored.
func TestBrokenDisk(t *testing.T) {
	n := newNode()
	e := n.device("d", nil)
	n.operation(ids.NextOperation(n.env.Shards.Of(e), begin, 0), e, 3)
	n.broken = errBroken
	ctx := context.Background()
	for name, call := range map[string]func() error{
		"Object":  func() error { _, err := n.Object(ctx, e.Object()); return err },
		"Objects": func() error { _, err := n.Objects(ctx, filter.Selection{}, admin.Page{Size: 1}); return err },
		"named": func() error {
			_, err := n.Objects(ctx, filter.Selection{IDs: []ids.Object{1}}, admin.Page{Size: 1})
			return err
		},
		"Update": func() error { _, err := n.UpdateObject(ctx, e.Object(), platform.ObjectChange{}); return err },
		"Delete": func() error { return n.DeleteObject(ctx, e.Object(), admin.Cascade{}) },
		"Create": func() error { _, err := n.CreateObject(ctx, platform.ObjectChange{}, key("k", "")); return err },
		"Values": func() error { _, err := n.Values(ctx, e.Object(), lwm2m.Path{}, admin.Page{Size: 1}); return err },
		"Operations": func() error {
			_, err := n.Operations(ctx, admin.OperationFilter{}, admin.Page{Size: 1})
			return err
		},
		"of a device": func() error {
			_, err := n.Operations(ctx, admin.OperationFilter{HasDevice: true, Device: e.Object()}, admin.Page{Size: 1})
			return err
		},
		"CreateOperation": func() error {
			_, err := n.CreateOperation(ctx, platform.NewOperation{Device: e.Object(), Text: "read /3"}, key("k", ""))
			return err
		},
	} {
		if err := call(); !errors.Is(err, errBroken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
