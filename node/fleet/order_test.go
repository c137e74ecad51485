package fleet

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"dormouse/actors/operations"
	"dormouse/codec/filter"
	"dormouse/codec/ids"
	"dormouse/codec/platform"
	"dormouse/node/admin"
)

// populate makes devices in all shards, and operations of them that are created
// at few instants, so that many share one.
func populate(n *node, random *rand.Rand, count int) (devices []ids.Endpoint, all []ids.Operation) {
	for i := range 20 {
		devices = append(devices, n.device(fmt.Sprintf("d%d", i), nil))
	}
	last := map[ids.Shard]ids.Operation{}
	for i := range count {
		e := devices[random.IntN(len(devices))]
		shard := n.env.Shards.Of(e)
		id := ids.NextOperation(shard, begin.Add(time.Duration(i/7)*time.Millisecond), last[shard])
		last[shard] = id
		n.operation(id, e, operations.Status(random.IntN(2)+3))
		all = append(all, id)
	}
	slices.SortFunc(all, compareOperations)
	return devices, all
}

// pages walks a list by its cursors and hands every page to look.
func pages(t *testing.T, n *node, f admin.OperationFilter, size int, total bool, look func(admin.List[platform.Operation])) {
	t.Helper()
	p := admin.Page{Size: size, Total: total}
	for range 10_000 {
		list, err := n.Operations(context.Background(), f, p)
		if err != nil {
			t.Fatal(err)
		}
		look(list)
		if p.Cursor = list.Cursor; p.Cursor == "" {
			return
		}
	}
	t.Fatal("the list has no end")
}

// TestOperationsAreMergedByTime: whatever the filter and the size of the pages,
// cursors lead through what matches, in order, each once.
func TestOperationsAreMergedByTime(t *testing.T) {
	for seed := range uint64(30) {
		random := rand.New(rand.NewPCG(seed, 2))
		n := newNode()
		devices, all := populate(n, random, random.IntN(600))
		for range 6 {
			f := admin.OperationFilter{Revert: random.IntN(2) == 0}
			if random.IntN(3) == 0 {
				f.From = begin.Add(time.Duration(random.IntN(60)) * time.Millisecond)
			}
			if random.IntN(3) == 0 {
				f.To = begin.Add(time.Duration(random.IntN(90)) * time.Millisecond)
			}
			if random.IntN(3) == 0 {
				f.Status = platform.Status([]string{"SUCCESSFUL", "FAILED", "PENDING"}[random.IntN(3)])
			}
			if random.IntN(3) == 0 {
				f.HasDevice, f.Device = true, devices[random.IntN(len(devices))].Object()
			}
			checkList(t, n, seed, all, f, 1+random.IntN(300), random.IntN(2) == 0)
		}
	}
}

func checkList(t *testing.T, n *node, seed uint64, all []ids.Operation, f admin.OperationFilter, size int, total bool) {
	t.Helper()
	var want, got []ids.Operation
	for _, id := range all {
		if op, err := n.stored(id); err == nil && wantedOperation(op, f) {
			want = append(want, id)
		}
	}
	if f.Revert {
		slices.Reverse(want)
	}
	pages(t, n, f, size, total, func(list admin.List[platform.Operation]) {
		for _, op := range list.Items {
			got = append(got, op.ID)
		}
		if len(list.Items) > size || list.Cursor != "" && len(list.Items) < size || total && list.Total != int64(len(want)) {
			t.Fatalf("seed %d, %+v: a page of %d with %d items, total %d of %d", seed, f, size, len(list.Items), list.Total, len(want))
		}
	})
	if !slices.Equal(got, want) {
		t.Fatalf("seed %d, %+v, pages of %d:\n got %v\nwant %v", seed, f, size, got, want)
	}
}

// TestCursorsOutliveChanges: what comes and goes between two pages, the item of
// the cursor too, changes nothing for the others.
func TestCursorsOutliveChanges(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 3))
		n := newNode()
		_, all := populate(n, random, 200)
		f := admin.OperationFilter{Revert: random.IntN(2) == 0}
		gone, seen := map[ids.Operation]bool{}, map[ids.Operation]bool{}
		pages(t, n, f, 1+random.IntN(20), false, func(list admin.List[platform.Operation]) {
			for _, op := range list.Items {
				if seen[op.ID] {
					t.Fatalf("seed %d: %s twice", seed, op.ID)
				}
				seen[op.ID] = true
			}
			victims := []ids.Operation{all[random.IntN(len(all))]}
			if len(list.Items) > 0 && random.IntN(2) == 0 {
				victims = append(victims, list.Items[len(list.Items)-1].ID)
			}
			for _, id := range victims {
				if gone[id] {
					continue
				}
				if gone[id] = true; n.DeleteOperation(context.Background(), id) != nil {
					t.Fatalf("seed %d: %s cannot be deleted", seed, id)
				}
			}
		})
		for _, id := range all {
			if !seen[id] && !gone[id] {
				t.Errorf("seed %d: %s is missing", seed, id)
			}
		}
	}
}

func TestSkipAndTotal(t *testing.T) {
	n := newNode()
	_, all := populate(n, rand.New(rand.NewPCG(1, 4)), 50)
	for skip := int64(0); skip < 60; skip += 7 {
		list, err := n.Operations(context.Background(), admin.OperationFilter{}, admin.Page{Size: 10, Skip: skip, Total: true})
		want := all[min(skip, 50):min(skip+10, 50)]
		if err != nil || len(list.Items) != len(want) || list.Total != 50 || (list.Cursor != "") != (skip+10 < 50) {
			t.Fatalf("skip %d: %d items, total %d, cursor %q, %v", skip, len(list.Items), list.Total, list.Cursor, err)
		}
		for i, op := range list.Items {
			if op.ID != want[i] {
				t.Errorf("skip %d: item %d is %s, want %s", skip, i, op.ID, want[i])
			}
		}
	}
}

func TestStrangeCursors(t *testing.T) {
	n := newNode()
	for _, cursor := range []string{"x", "-1", "99999999999999999999", "1 "} {
		if _, err := n.Operations(context.Background(), admin.OperationFilter{}, admin.Page{Size: 1, Cursor: cursor}); !isRefusal(err, admin.ErrBadRequest) {
			t.Errorf("operations behind %q: %v", cursor, err)
		}
		if _, err := n.Objects(context.Background(), filter.Selection{}, admin.Page{Size: 1, Cursor: cursor}); !isRefusal(err, admin.ErrBadRequest) {
			t.Errorf("objects behind %q: %v", cursor, err)
		}
	}
}
