package fleet

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/codec/filter"
	"dormouse/codec/ids"
	"dormouse/codec/platform"
	"dormouse/codec/wire"
	"dormouse/node/admin"
)

// mixed makes devices and others that share few names and numbers.
func mixed(t *testing.T, n *node, random *rand.Rand, count int) (all []platform.ManagedObject) {
	t.Helper()
	ctx := context.Background()
	for i := range count {
		var id ids.Object
		fragments := fmt.Sprintf(`{"name":"n%d","x":{"y":%d}}`, random.IntN(9), random.IntN(4))
		switch random.IntN(3) {
		case 0:
			m, err := n.CreateObject(ctx, change(t, fragments), admin.IdempotencyKey{})
			if err != nil {
				t.Fatal(err)
			}
			id = m.ID
		case 1:
			id = n.device(fmt.Sprintf("d%d", i), nil).Object()
		case 2:
			id = n.device(fmt.Sprintf("d%d", i), func(r *endpoint.Registration, _ *endpoint.Contact) { r.Settings.Fragments = fragments }).Object()
		}
		m, err := n.Object(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b platform.ManagedObject) int {
		return strings.Compare(string(a.ID.Append(nil)), string(b.ID.Append(nil)))
	})
	return all
}

// TestSortedLists: pages by cursor and by number show what a sort of everything
// shows, each object once.
func TestSortedLists(t *testing.T) {
	for seed := range uint64(8) {
		random := rand.New(rand.NewPCG(seed, 7))
		n := newNode()
		all := mixed(t, n, random, random.IntN(200))
		for _, parameters := range []string{"query=$orderby%3Dname", "query=$orderby%3Dx.y+desc,name", "q=$orderby%3Dname+desc", "query=name+eq+'n*'+$orderby%3DcreationTime,x.y"} {
			s := selected(t, parameters)
			var want []ids.Object
			for _, m := range sortedBy(s, all) {
				if s.Match(&m) {
					want = append(want, m.ID)
				}
			}
			size := 5 + random.IntN(60)
			byCursor, byNumber := admin.Page{Size: size, Total: random.IntN(2) == 0}, admin.Page{Size: size}
			var got []ids.Object
			for {
				list, err := n.Objects(context.Background(), s, byCursor)
				again, err2 := n.Objects(context.Background(), s, byNumber)
				if err != nil || err2 != nil || len(list.Items) > size || byCursor.Total && list.Total != int64(len(want)) {
					t.Fatalf("seed %d, %s: %d items, total %d of %d, %v, %v", seed, parameters, len(list.Items), list.Total, len(want), err, err2)
				}
				for i, m := range list.Items {
					got = append(got, m.ID)
					if again.Items[i].ID != m.ID {
						t.Fatalf("seed %d, %s: by number another object", seed, parameters)
					}
				}
				byNumber.Skip += int64(size)
				if byCursor.Cursor = list.Cursor; list.Cursor == "" {
					break
				}
				if len(list.Cursor) > filter.MaxCursor {
					t.Fatalf("a cursor of %d bytes", len(list.Cursor))
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d, %s, pages of %d:\n got %v\nwant %v", seed, parameters, size, got, want)
			}
		}
	}
}

func sortedBy(s filter.Selection, all []platform.ManagedObject) []platform.ManagedObject {
	all = slices.Clone(all) // in the order of the IDs, which decides between those that are alike
	slices.SortStableFunc(all, func(a, b platform.ManagedObject) int {
		return s.Query.Compare(s.Query.SortKey(filter.Managed{ManagedObject: &a}), s.Query.SortKey(filter.Managed{ManagedObject: &b}))
	})
	return all
}

// TestSortedCursorOutlivesItsObject, whose key it holds.
func TestSortedCursorOutlivesItsObject(t *testing.T) {
	n := newNode()
	mixed(t, n, rand.New(rand.NewPCG(1, 8)), 60)
	s := selected(t, "query=$orderby%3Dname")
	ctx := context.Background()
	whole, err := n.Objects(ctx, s, admin.Page{Size: 100})
	if err != nil {
		t.Fatal(err)
	}
	first, err := n.Objects(ctx, s, admin.Page{Size: 20})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.DeleteObject(ctx, first.Items[19].ID, admin.Cascade{}); err != nil {
		t.Fatal(err)
	}
	rest, err := n.Objects(ctx, s, admin.Page{Size: 100, Cursor: first.Cursor})
	if err != nil || len(rest.Items) != 40 || rest.Items[0].ID != whole.Items[20].ID {
		t.Errorf("%d items behind, %v", len(rest.Items), err)
	}
}

// TestSortedListsAreBounded by place and by number.
func TestSortedListsAreBounded(t *testing.T) {
	n := newNode()
	n.device("d", nil)
	s := selected(t, "query=$orderby%3Dname")
	ctx := context.Background()
	if _, err := n.Objects(ctx, s, admin.Page{Size: 100, Skip: maxPlaces - 100}); err != nil {
		t.Error(err)
	}
	if _, err := n.Objects(ctx, s, admin.Page{Size: 100, Skip: maxPlaces - 99}); !isRefusal(err, admin.ErrUnprocessable) {
		t.Errorf("beyond the last place: %v", err)
	}
	for _, cursor := range []string{"x", "AAAA", "AAAAAAAAAAAAAA", strings.Repeat("_", 40)} {
		if _, err := n.Objects(ctx, s, admin.Page{Size: 1, Cursor: cursor}); !isRefusal(err, admin.ErrBadRequest) {
			t.Errorf("behind %q: %v", cursor, err)
		}
	}
	for range maxOrdered {
		n.sorting <- struct{}{}
	}
	if _, err := n.Objects(ctx, s, admin.Page{Size: 1}); !isRefusal(err, admin.ErrBusy) {
		t.Errorf("one list more than can be sorted: %v", err)
	}
	if _, err := n.Objects(ctx, selected(t, "q="), admin.Page{Size: 1}); err != nil {
		t.Errorf("a list without an order: %v", err)
	}
}

// TestCandidatesShowWhatObjectsDo, though they are looked at before they are made.
func TestCandidatesShowWhatObjectsDo(t *testing.T) {
	n := newNode()
	queries := []string{"name", "type", "owner", "id", "creationTime", "lastUpdated", "c8y_IsDevice", "lwm2mEndpoint", "x", "c8y_Availability.status", "nothing"}
	all := mixed(t, n, rand.New(rand.NewPCG(3, 9)), 40)
	for i, fragments := range []string{`{"type":"","name":"x","owner":"ann"}`, `{"type":5,"name":null,"x":null}`, `{"c8y_IsDevice":1,"c8y_Availability":"text","x":"y"}`, `{`} {
		id := n.device(fmt.Sprint("own", i), func(r *endpoint.Registration, _ *endpoint.Contact) { r.Settings.Fragments = fragments }).Object()
		m, err := n.Object(context.Background(), id)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	for _, m := range all {
		for _, name := range queries {
			q, err := filter.Parse("$orderby=" + name)
			if err != nil {
				t.Fatal(err)
			}
			at := &turn{view: n.view, q: Select{Shard: n.env.Shards.OfObject(m.ID)}, now: time.Now()}
			c, found, err := at.candidate(m.ID)
			if err != nil || !found {
				t.Fatal(found, err)
			}
			if got, want := q.SortKey(c), q.SortKey(filter.Managed{ManagedObject: &m}); q.Compare(got, want) != 0 {
				t.Errorf("%s of %s is %v, want %v", name, m.ID, got, want)
			}
		}
	}
}

// reading counts the records that a list reads.
type reading struct {
	*node
	gets, scans int
}

func (r *reading) Get(s ids.Shard, c wire.Class, key, dst []byte) ([]byte, bool, error) {
	r.gets++
	return r.node.Get(s, c, key, dst)
}

func (r *reading) Scan(s ids.Shard, c wire.Class, from, to []byte, reverse bool, f func(key, value []byte) bool) error {
	r.scans++
	return r.node.Scan(s, c, from, to, reverse, f)
}

// TestNamedObjectsAreLookedUp without a look at others.
func TestNamedObjectsAreLookedUp(t *testing.T) {
	n := newNode()
	var device ids.Object
	for i := range 100 {
		device = n.device(fmt.Sprint("d", i), nil).Object()
	}
	r := &reading{node: n}
	n.state = r
	for parameters, want := range map[string]int{
		"ids=" + device.String():                                            1,
		"query=id+eq+" + device.String():                                    1,
		"query=lwm2mEndpoint+eq+'d5'+or+lwm2mEndpoint+eq+'d7'":              2,
		"query=lwm2mEndpoint+eq+'d5'+and+name+eq+'d6'":                      0,
		"query=id+eq+'" + device.String() + "'+and+lwm2mEndpoint+eq+'d5'":   0,
		"query=lwm2mEndpoint+eq+'d5'+and+has(c8y_IsDevice)+$orderby%3Dname": 1,
		"ids=1,2&query=id+eq+" + device.String():                            0,
	} {
		r.gets, r.scans = 0, 0
		list, err := n.Objects(context.Background(), selected(t, parameters), admin.Page{Size: 5, Total: true})
		if err != nil || len(list.Items) != want || list.Total != int64(want) || r.scans > want || r.gets > 8 {
			t.Errorf("%s: %d of %d, %d gets, %d scans, %v", parameters, len(list.Items), list.Total, r.gets, r.scans, err)
		}
	}
}

// TestTurnsEnd at every bound, and go on with nothing left out.
func TestTurnsEnd(t *testing.T) {
	n := newNode()
	const all = 3000
	for i := range all {
		n.device(fmt.Sprint("d", i), nil)
	}
	for _, parameters := range []string{"", "query=name+eq+'d*'", "query=$orderby%3Dname"} {
		seen, turns := map[ids.Object]bool{}, 0
		for shard := range ids.Shard(shards) {
			q := Select{Shard: shard, What: selected(t, parameters), Limit: platform.MaxPageSize}
			if len(q.What.Query.Order()) > 0 {
				q.Best = all
			}
			for {
				s, err := n.SelectFrom(context.Background(), n, q)
				if err != nil || s.Later+s.Before+s.Skipped > 0 {
					t.Fatalf("%+v, %v", s, err)
				}
				for _, m := range s.Objects {
					seen[m.ID] = true
				}
				for _, r := range s.Best {
					seen[r.ID] = true
				}
				turns++
				if q.From = s.Next; q.From == 0 {
					break
				}
			}
		}
		if len(seen) != all || turns < shards {
			t.Errorf("%q: %d objects in %d turns", parameters, len(seen), turns)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := n.Objects(ctx, selected(t, "q="), admin.Page{Size: 5}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestExternalIDs(t *testing.T) {
	n := newNode()
	ctx := context.Background()
	device := n.device("urn:1", nil).Object()
	want := platform.ExternalID{Type: platform.Serial, ID: "urn:1", Object: device}
	if e, err := n.ExternalID(ctx, platform.Serial, "urn:1"); err != nil || e != want {
		t.Errorf("%+v, %v", e, err)
	}
	if list, err := n.ExternalIDs(ctx, device); err != nil || !slices.Equal(list, []platform.ExternalID{want}) {
		t.Errorf("%+v, %v", list, err)
	}
	group, err := n.CreateObject(ctx, change(t, `{"name":"urn:1"}`), admin.IdempotencyKey{})
	if err != nil {
		t.Fatal(err)
	}
	if list, err := n.ExternalIDs(ctx, group.ID); err != nil || len(list) > 0 {
		t.Errorf("of no device: %+v, %v", list, err)
	}
	_, err1 := n.ExternalID(ctx, platform.Serial, "urn:2")
	_, err2 := n.ExternalID(ctx, "other", "urn:1")
	if _, err3 := n.ExternalIDs(ctx, 7); !isRefusal(err1, admin.ErrNotFound) || !isRefusal(err2, admin.ErrNotFound) || !isRefusal(err3, admin.ErrNotFound) {
		t.Error(err1, err2, err3)
	}
	n.broken = errBroken
	if _, err := n.ExternalID(ctx, platform.Serial, "urn:1"); !errors.Is(err, errBroken) {
		t.Error(err)
	}
}
