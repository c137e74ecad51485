package remote

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"dormouse/codec/filter"
	"dormouse/codec/ids"
	"dormouse/codec/platform"
	"dormouse/node/admin"
	"dormouse/node/fleet"
)

// selected reads the parameters of a list.
func selected(t *testing.T, parameters string) filter.Selection {
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

// TestObjectsAreSelectedWhereTheyAre: a list asks each node once for each of its
// shards, and reads no record of it.
func TestObjectsAreSelectedWhereTheyAre(t *testing.T) {
	inTime(t, func(w *world) {
		for i := range 60 {
			w.device(fmt.Sprint("d", i))
		}
		for _, n := range w.nodes {
			for _, parameters := range []string{"", "query=name+eq+'d5*'", "query=name+eq+'none'+$orderby%3Dname"} {
				w.called()
				if _, err := n.backend.Objects(background, selected(t, parameters), admin.Page{Size: 100}); err != nil {
					t.Fatal(err)
				}
				calls := w.called()
				for _, call := range calls {
					if !strings.HasSuffix(call, fmt.Sprint(" ", KindSelect)) {
						t.Errorf("%q: call %s", parameters, call)
					}
				}
				if led := shards - len(calls); led < 2 || led > 3 {
					t.Errorf("%q: %d calls for %d shards", parameters, len(calls), shards)
				}
			}
		}
	})
}

// TestSelectWhileShardsMove goes on at the next owner.
func TestSelectWhileShardsMove(t *testing.T) {
	inTime(t, func(w *world) {
		for i := range 60 {
			w.device(fmt.Sprint("d", i))
		}
		tries := 0
		w.set(func(ids.Node, byte, []byte) (before, behind bool) {
			if tries++; tries%5 == 2 {
				w.move(ids.Shard(tries%shards), ids.Node(tries%nodes)+1)
			}
			return tries%3 == 0, tries%4 == 0
		})
		list, err := w.nodes[0].backend.Objects(background, selected(t, "query=$orderby%3Dname"), admin.Page{Size: 100, Total: true})
		if err != nil || len(list.Items) != 60 || list.Total != 60 {
			t.Errorf("%d of %d, %v", len(list.Items), list.Total, err)
		}
		ctx, cancel := context.WithCancel(background)
		cancel()
		if _, err := w.nodes[0].backend.Objects(ctx, selected(t, "q="), admin.Page{Size: 5}); err == nil {
			t.Error("a list was made though it was given up")
		}
	})
}

// older is a cluster whose other nodes know no selects.
type older struct{ Cluster }

func (o older) Call(ctx context.Context, to ids.Node, kind byte, request []byte) ([]byte, error) {
	if kind == KindSelect {
		return nil, requestError("a request of the unknown kind 7")
	}
	return o.Cluster.Call(ctx, to, kind, request)
}

// TestOlderNodesAreRead record by record.
func TestOlderNodesAreRead(t *testing.T) {
	inTime(t, func(w *world) {
		for i := range 40 {
			w.device(fmt.Sprint("d", i))
		}
		s := selected(t, "query=name+eq+'d1*'+$orderby%3Dname")
		want, err := w.single().Objects(background, s, admin.Page{Size: 7, Total: true})
		if err != nil {
			t.Fatal(err)
		}
		r := w.nodes[0].router
		r.cluster = older{r.cluster}
		got, err := w.nodes[0].backend.Objects(background, s, admin.Page{Size: 7, Total: true})
		same(t, []admin.List[platform.ManagedObject]{got}, []admin.List[platform.ManagedObject]{want})
		if err != nil || len(got.Items) != 7 || got.Total != 11 {
			t.Errorf("%d of %d, %v", len(got.Items), got.Total, err)
		}
	})
}

// TestSelectsAreGolden: docs/formats/calls.md.
func TestSelectsAreGolden(t *testing.T) {
	s := selected(t, "fragmentType=a.b&pageSize=7&query=$orderby%3Dname")
	s.IDs = []ids.Object{1<<64 - 1}
	rank := &fleet.Rank{ID: 5, Key: []filter.Value{filter.TextValue("x")}}
	full := fleet.Select{Shard: 3, What: s, From: 1, Behind: 2, Skip: 3, Limit: 4, Total: true, Best: 6, After: rank, Worst: rank}
	const wantFull = `{"shard":3,"behind":true,"ids":[18446744073709551615],"conditions":"fragmentType=a.b&query=%24orderby%3Dname","from":1,"cursor":2,` +
		`"skip":3,"limit":4,"total":true,"best":6,"after":{"id":5,"key":"AgF4"},"worst":{"id":5,"key":"AgF4"}}`
	for want, q := range map[string]fleet.Select{wantFull: full, `{"shard":0,"limit":5}`: {Limit: 5}} {
		args, err := selectArgsOf(q, q.Total)
		raw, err2 := encode(nil, args)
		if err != nil || err2 != nil || string(raw) != want+"\n" {
			t.Errorf("%s, %v, %v; want %s", raw, err, err2, want)
		}
		again, err := args.request()
		back, err2 := selectArgsOf(again, q.Total)
		if text, _ := encode(nil, back); err != nil || err2 != nil || string(text) != want+"\n" {
			t.Errorf("%s came back as %s, %v, %v", want, text, err, err2)
		}
	}
	if _, err := selectArgsOf(fleet.Select{What: filter.Selection{Query: filter.Has("a")}}, false); err == nil {
		t.Error("a selection without parameters travels as one for all")
	}
	found := fleet.Selected{Objects: []platform.ManagedObject{{ID: 5, Name: "<n>"}}, Before: 1, Skipped: 2, Later: 3, Next: 4,
		Best: []fleet.Rank{*rank}, Matched: 5, Passed: 6}
	const wantFound = `{"objects":[{"id":5,"name":"<n>","created":"0001-01-01T00:00:00Z","updated":"0001-01-01T00:00:00Z"}],"before":1,"skipped":2,"later":3,` +
		`"next":4,"best":[{"id":5,"key":"AgF4"}],"matched":5,"passed":6}`
	shape := selectedShapeOf(found)
	raw, err := encode(nil, shape)
	if err != nil || string(raw) != wantFound+"\n" {
		t.Errorf("%s, %v; want %s", raw, err, wantFound)
	}
	again, err := shape.selected(1)
	if text, _ := encode(nil, selectedShapeOf(again)); err != nil || string(text) != string(raw) {
		t.Errorf("came back as %s, %v", text, err)
	}
	if _, err := shape.selected(2); !errors.Is(err, errAnswer) {
		t.Errorf("a key that is too short: %v", err)
	}
}

// TestStrangeSelects are refused by whoever gets them.
func TestStrangeSelects(t *testing.T) {
	inTime(t, func(w *world) {
		for _, request := range []string{"", "{", "[]", `{"shard":8}`, `{"shard":65536}`, `{"shard":0,"limit":2001}`, `{"shard":0,"limit":-1}`, `{"shard":0,"skip":-1}`,
			`{"shard":0,"conditions":"query=("}`, `{"shard":0,"conditions":"%zz"}`, `{"shard":0,"best":-1}`, `{"shard":0,"best":5,"after":{"id":1,"key":"AgF4"}}`} {
			answer, err := w.nodes[0].router.Serve(background, 2, KindSelect, append([]byte{version}, request...))
			if code, ok := err.(requestError); !ok || code.Code() != 1 {
				t.Errorf("%s: %q, %v", request, answer, err)
			}
		}
	})
}
