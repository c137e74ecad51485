package admin

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dormouse/codec/ids"
)

// fakeCluster is two nodes, of which n1 is asked.
type fakeCluster struct{ done []string }

func (f *fakeCluster) Nodes(context.Context) ([]Node, error) {
	return []Node{{Name: "n1", ID: "0000000000000001", State: "up", Self: true}, {Name: "n2", ID: "0000000000000002", State: "down"}}, nil
}

func (f *fakeCluster) Self(context.Context) (Node, error) { return Node{Name: "n1", State: "up"}, nil }

func (f *fakeCluster) Shards(context.Context) ([]ShardGroup, error) {
	return []ShardGroup{{Shard: "system", Leader: "n1", Term: 7, Voters: []string{"n1"}, Learners: []string{}}}, nil
}

func (f *fakeCluster) Drain(_ context.Context, name string, keep bool) error {
	if name != "n2" {
		return Refuse(ErrNotFound, "There is no node %q.", name)
	}
	f.done = append(f.done, map[bool]string{false: "drain", true: "keep"}[keep])
	return nil
}

func (f *fakeCluster) Remove(context.Context, string) error {
	return Refuse(ErrConflict, "Node %q is there.", "n2")
}

func (f *fakeCluster) Recover(_ context.Context, shard ids.Shard) error {
	f.done = append(f.done, "recover "+ShardName(shard))
	return nil
}

func (f *fakeCluster) Reload(context.Context) (map[string]string, error) {
	return map[string]string{"n2": "no such file"}, nil
}

func (f *fakeCluster) Format(context.Context) (Format, error) {
	return Format{Level: 1, Next: 2}, nil
}

func (f *fakeCluster) Finalize(context.Context) (Format, error) {
	if len(f.done) == 0 {
		return Format{}, Refuse(ErrConflict, "Node n2 is not there.")
	}
	return Format{Level: 2}, nil
}

func TestClusterResources(t *testing.T) {
	f := &fakeCluster{}
	h := NewHandler(Options{Cluster: f})
	for _, tc := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"GET", "/cluster/nodes", "", 200, `{"nodes":[{"name":"n1"`},
		{"GET", "/cluster/nodes/n2", "", 200, `"state":"down"`},
		{"GET", "/cluster/nodes/0000000000000002", "", 200, `"name":"n2"`},
		{"GET", "/cluster/nodes/n3", "", 404, `There is no node`},
		{"GET", "/cluster/self", "", 200, `"name":"n1"`},
		{"GET", "/cluster/format", "", 200, `{"level":1,"next":2}`},
		{"POST", "/cluster/format/finalize", "", 409, "Node n2 is not there."},
		{"GET", "/cluster/format/finalize", "", 405, ""},
		{"GET", "/cluster/shards", "", 200, `"shard":"system"`},
		{"POST", "/cluster/nodes/n2/drain", "", 204, ""},
		{"DELETE", "/cluster/nodes/n2/drain", "", 204, ""},
		{"POST", "/cluster/format/finalize", "", 200, `{"level":2}`},
		{"POST", "/cluster/nodes/n3/drain", "", 404, "There is no node"},
		{"POST", "/cluster/nodes/n2/remove", "", 409, "is there"},
		{"GET", "/cluster/nodes/n2/remove", "", 405, ""},
		{"POST", "/cluster/shards/3/unsafe-recover", `{}`, 422, "data may be lost"},
		{"POST", "/cluster/shards/3/unsafe-recover", `{"confirm":"data may be lost"}`, 204, ""},
		{"POST", "/cluster/shards/system/unsafe-recover", `{"confirm":"data may be lost"}`, 204, ""},
		{"POST", "/cluster/shards/x/unsafe-recover", `{"confirm":"data may be lost"}`, 404, "There is no shard"},
		{"POST", "/cluster/keys", "", 409, "n2: no such file"},
	} {
		r := httptest.NewRequest(tc.method, "http://localhost"+tc.path, strings.NewReader(tc.body))
		if tc.body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.says) {
			t.Errorf("%s %s: %d %s", tc.method, tc.path, w.Code, w.Body)
		}
	}
	if got := strings.Join(f.done, ", "); got != "drain, keep, recover 3, recover system" {
		t.Errorf("done: %s", got)
	}
}

func TestNoCluster(t *testing.T) {
	w := httptest.NewRecorder()
	NewHandler(Options{}).ServeHTTP(w, httptest.NewRequest("GET", "http://localhost/cluster/nodes", nil))
	if w.Code != http.StatusNotFound {
		t.Error(w.Code)
	}
	if _, err := parseShard("2048"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}
