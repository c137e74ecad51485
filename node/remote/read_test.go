package remote

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/codec/filter"
	"dormouse/codec/ids"
	"dormouse/codec/lwm2m"
	"dormouse/codec/platform"
	"dormouse/codec/wire"
	"dormouse/node/admin"
)

// pages reads a list page by page.
func pages[T any](t *testing.T, list func(p admin.Page) (admin.List[T], error), size int) (all []admin.List[T]) {
	t.Helper()
	for p := (admin.Page{Size: size, Total: true}); ; {
		l, err := list(p)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
		if p.Cursor = l.Cursor; p.Cursor == "" {
			return all
		}
	}
}

// TestListsAreThoseOfOneNode: the same order, cursors and totals on all.
func TestListsAreThoseOfOneNode(t *testing.T) {
	inTime(t, func(w *world) {
		b := w.nodes[0].backend
		var device ids.Object
		for i := range 40 {
			e := w.device(fmt.Sprint("d", i))
			device = e.Object()
			for range i % 4 {
				if _, err := b.CreateOperation(background, read(e), admin.IdempotencyKey{}); err != nil {
					t.Fatal(err)
				}
				pass(time.Duration(i%2) * time.Millisecond)
			}
			for r := range uint16(i % 3) {
				v := endpoint.LastValue{Value: lwm2m.Integer(int64(i)), Received: time.Now()}
				path, _ := lwm2m.ParsePath(fmt.Sprintf("/3/0/%d", r))
				w.put(w.shard(e), wire.ClassValue, wire.ValueKey(e, path), v.Append(nil))
			}
			if _, err := b.CreateObject(background, platform.ObjectChange{}, admin.IdempotencyKey{}); err != nil {
				t.Fatal(err)
			}
			c := platform.NewCredentials{Endpoint: fmt.Sprint("c", i), Identity: fmt.Sprint("i", i), Key: []byte("k")}
			if _, _, err := w.nodes[i%nodes].backend.Credentials().Add(background, c, false); err != nil {
				t.Fatal(err)
			}
		}
		one := w.single()
		for _, n := range w.nodes {
			for _, size := range []int{7, 100} {
				for _, s := range []filter.Selection{{}, selected(t, "q="), selected(t, "query=name+eq+'d1*'+$orderby%3Dname+desc"), selected(t, "fragmentType=a.b"),
					selected(t, "query=lwm2mEndpoint+eq+'d7'"), {IDs: []ids.Object{device, 5}}} {
					same(t, pages(t, func(p admin.Page) (admin.List[platform.ManagedObject], error) {
						return n.backend.Objects(background, s, p)
					}, size), pages(t, func(p admin.Page) (admin.List[platform.ManagedObject], error) {
						return one.Objects(background, s, p)
					}, size))
				}
				for _, filter := range []admin.OperationFilter{{}, {Revert: true}, {HasDevice: true, Device: device}, {From: begin.Add(5 * time.Millisecond)}} {
					same(t, pages(t, func(p admin.Page) (admin.List[platform.Operation], error) {
						return n.backend.Operations(background, filter, p)
					}, size), pages(t, func(p admin.Page) (admin.List[platform.Operation], error) {
						return one.Operations(background, filter, p)
					}, size))
				}
				same(t, pages(t, func(p admin.Page) (admin.List[platform.Credentials], error) {
					return n.backend.Credentials().List(background, p)
				}, size), pages(t, func(p admin.Page) (admin.List[platform.Credentials], error) {
					return one.Credentials().List(background, p)
				}, size))
				for i := range 3 {
					e := n.env.Key.Endpoint(fmt.Sprint("d", i))
					same(t, pages(t, func(p admin.Page) (admin.List[platform.LastValue], error) {
						return n.backend.Values(background, e.Object(), lwm2m.Path{}, p)
					}, size), pages(t, func(p admin.Page) (admin.List[platform.LastValue], error) {
						return one.Values(background, e.Object(), lwm2m.Path{}, p)
					}, size))
				}
			}
		}
		if err := w.nodes[1].backend.DeleteOperations(background, admin.OperationFilter{Status: platform.Pending}); err != nil || w.count(wire.ClassOperation) != 0 {
			t.Errorf("%v, %d operations are left", err, w.count(wire.ClassOperation))
		}
	})
}

func same[T any](t *testing.T, got, want []admin.List[T]) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%d pages %.300v\nwant %d %.300v", len(got), got, len(want), want)
	}
}

// TestScan: all records of a shard that is elsewhere, in chunks, both ways, between
// bounds, and no further than they are wanted.
func TestScan(t *testing.T) {
	inTime(t, func(w *world) {
		const all = 2000
		for i := range all {
			w.put(1, wire.ClassObject, fmt.Appendf(nil, "%04d", i), bytes.Repeat([]byte{byte(i)}, i%400))
		}
		for _, n := range w.nodes {
			for _, tc := range []struct {
				from, to string
				want     [2]int
			}{{"", "", [2]int{0, all}}, {"0005", "", [2]int{5, all}}, {"0005", "0137", [2]int{5, 137}}, {"", "0000", [2]int{0, 0}}, {"3", "4", [2]int{0, 0}}} {
				for _, reverse := range []bool{false, true} {
					for _, most := range []int{0, 1, 129, 600, all} {
						scan(t, n, tc.from, tc.to, reverse, most, tc.want)
					}
				}
			}
		}
	})
}

func scan(t *testing.T, n *node, from, to string, reverse bool, most int, want [2]int) {
	t.Helper()
	var got []string
	var end []byte
	if to != "" {
		end = []byte(to)
	}
	err := n.router.State().Scan(1, wire.ClassObject, []byte(from), end, reverse, func(key, value []byte) bool {
		got = append(got, string(key))
		var i int
		if fmt.Sscan(string(bytes.TrimLeft(key, "0")), &i); len(value) != i%400 {
			t.Errorf("%s has %d bytes", key, len(value))
		}
		return len(got) < most
	})
	count := want[1] - want[0]
	if most = max(most, 1); count > most {
		count = most
	}
	if err != nil || len(got) != count {
		t.Fatalf("node %d, %q to %q: %d of %d, %v", n.id, from, to, len(got), count, err)
	}
	for i, key := range got {
		k := want[0] + i
		if reverse {
			k = want[1] - 1 - i
		}
		if key != fmt.Sprintf("%04d", k) {
			t.Fatalf("node %d, %q to %q, record %d is %s", n.id, from, to, i, key)
		}
	}
}

// TestScanAnswersAreBounded, but for a record that is longer by itself.
func TestScanAnswersAreBounded(t *testing.T) {
	inTime(t, func(w *world) {
		for i := range byte(6) {
			w.put(1, wire.ClassObject, []byte{i}, make([]byte, maxBytes/3))
		}
		w.put(1, wire.ClassObject, []byte{6}, make([]byte, 2*maxBytes))
		seen := 0
		err := w.nodes[0].router.State().Scan(1, wire.ClassObject, nil, nil, false, func([]byte, []byte) bool { seen++; return true })
		if calls := w.called(); err != nil || seen != 7 || len(calls) != 4 {
			t.Errorf("%d records by %d calls, %v", seen, len(calls), err)
		}
	})
}

// TestScanWhileTheShardMoves goes on at the next owner.
func TestScanWhileTheShardMoves(t *testing.T) {
	inTime(t, func(w *world) {
		for i := range 1500 {
			w.put(1, wire.ClassObject, fmt.Appendf(nil, "%04d", i), nil)
		}
		var seen []string
		err := w.nodes[0].router.State().Scan(1, wire.ClassObject, nil, nil, false, func(key, _ []byte) bool {
			if seen = append(seen, string(key)); len(seen)%600 == 0 {
				w.move(1, w.leader[1]%nodes+1) // node 3, then node 1 itself
			}
			return true
		})
		if err != nil || len(seen) != 1500 || seen[1499] != "1499" {
			t.Errorf("%d, %v", len(seen), err)
		}
	})
}

// TestGetTellsNothingFromEmpty, and appends to what there is.
func TestGetTellsNothingFromEmpty(t *testing.T) {
	inTime(t, func(w *world) {
		w.put(1, wire.ClassObject, []byte("empty"), nil)
		w.put(1, wire.ClassObject, []byte("full"), []byte("value"))
		for _, n := range w.nodes {
			for key, want := range map[string]string{"empty": "dst true", "full": "dstvalue true", "none": "dst false"} {
				value, found, err := n.router.State().Get(1, wire.ClassObject, []byte(key), []byte("dst"))
				if got := fmt.Sprint(string(value), " ", found); err != nil || got != want {
					t.Errorf("node %d: %s is %q, %v", n.id, key, got, err)
				}
			}
		}
	})
}

// TestOneNodeAsksNobody: where everything is led here, a read is one barrier.
func TestOneNodeAsksNobody(t *testing.T) {
	inTime(t, func(w *world) {
		for shard := range ids.Shard(shards) {
			w.move(shard, 1)
		}
		e := w.device("d")
		b := w.nodes[0].backend
		if _, err := b.CreateOperation(background, read(e), key("k", "")); err != nil {
			t.Error(err)
		}
		if l, err := b.Operations(background, admin.OperationFilter{}, admin.Page{Size: 5}); err != nil || len(l.Items) != 1 {
			t.Error(err)
		}
		if calls := w.called(); len(calls) > 0 {
			t.Errorf("called %v", calls)
		}
	})
}

// TestFind looks once, at each node.
func TestFind(t *testing.T) {
	inTime(t, func(w *world) {
		for shard := range ids.Shard(shards) {
			w.put(shard, wire.ClassOnce, []byte("k"), fmt.Append(nil, shard))
		}
		w.move(5, 0)
		var found []string
		w.nodes[0].router.State().Find(background, wire.ClassOnce, []byte("k"), []ids.Shard{0, 1, 2, 4, 5, 7}, func(value []byte) {
			found = append(found, string(value))
		})
		if len(found) != 5 || strings.Contains(strings.Join(found, ""), "5") || len(w.called()) != 2 {
			t.Errorf("found %v", found)
		}
		ctx, cancel := context.WithCancel(background)
		cancel()
		w.nodes[0].router.State().Find(ctx, wire.ClassOnce, []byte("none"), []ids.Shard{0, 1}, func([]byte) { t.Error("found") })
	})
}

// TestOneBarrierForAList and each shard, and a new one where the shard moved.
func TestOneBarrierForAList(t *testing.T) {
	inTime(t, func(w *world) {
		for i := range 40 {
			w.device(fmt.Sprint("d", i))
		}
		for _, n := range w.nodes {
			w.reads = 0
			list, err := n.backend.Objects(background, filter.Selection{}, admin.Page{Size: 50})
			if err != nil || len(list.Items) != 40 || w.reads != shards {
				t.Errorf("%d objects behind %d barriers, %v", len(list.Items), w.reads, err)
			}
		}
		w.reads = 0
		request := w.nodes[0].router.State().Request()
		get := func(barriers int) {
			t.Helper()
			if _, _, err := request.Get(1, wire.ClassObject, []byte("k"), nil); err != nil || w.reads != barriers {
				t.Errorf("%d barriers, want %d, %v", w.reads, barriers, err)
			}
		}
		get(1)
		get(1)
		for i, to := range []ids.Node{3, 1, 2} {
			w.move(1, to)
			get(i + 2)
			get(i + 2)
		}
	})
}
