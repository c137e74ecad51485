package cli

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dormouse/codec/ids"
	"dormouse/node/admin"
	"dormouse/node/admin/admintest"
)

// crew is an admin.Cluster in memory. A node that is drained holds one shard less
// with every look.
type crew struct {
	mu     sync.Mutex // guards all below
	nodes  []admin.Node
	groups []admin.ShardGroup
	looks  func(c *crew) // at the shards
	fault  error
	format admin.Format
}

func newCrew() *crew {
	return &crew{
		nodes: []admin.Node{
			{Name: "mouse-1", ID: "00000000000000a1", Zone: "attic", Address: "127.0.0.1:7946", State: "up", Replicas: 2, Leads: 1, Self: true, Formats: "1-2"},
			{Name: "mouse 2", ID: "00000000000000a2", Address: "127.0.0.1:7956", State: "up", Replicas: 2, Leads: 1},
			{Name: "mouse-3", ID: "00000000000000a3", Address: "127.0.0.1:7966", State: "down", Replicas: 2},
		},
		groups: []admin.ShardGroup{
			{Shard: "system", Leader: "mouse-1", Term: 3, Voters: []string{"mouse-1", "mouse 2", "mouse-3"}, Learners: []string{}},
			{Shard: "0", Leader: "mouse-1", Term: 3, Voters: []string{"mouse-1", "mouse 2"}, Learners: []string{"mouse-3"}, Wanted: []string{"mouse-1", "mouse-3", "mouse 2"}},
			{Shard: "1", Voters: []string{}, Learners: []string{}, Wanted: []string{"mouse 2", "mouse-3", "mouse-1"}},
		},
	}
}

func (c *crew) Nodes(context.Context) ([]admin.Node, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.nodes), c.fault
}

func (c *crew) Self(ctx context.Context) (admin.Node, error) {
	list, err := c.Nodes(ctx)
	return list[0], err
}

func (c *crew) Shards(context.Context) ([]admin.ShardGroup, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.looks != nil {
		c.looks(c)
	}
	return slices.Clone(c.groups), c.fault
}

func (c *crew) find(name string) (int, error) {
	at := slices.IndexFunc(c.nodes, func(n admin.Node) bool { return n.Name == name || n.ID == name })
	if at < 0 {
		return at, admin.Refuse(admin.ErrNotFound, "There is no node %q.", name)
	}
	return at, c.fault
}

func (c *crew) Drain(_ context.Context, name string, keep bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, err := c.find(name)
	if err != nil {
		return err
	}
	if c.nodes[at].State = "draining"; keep {
		c.nodes[at].State = "up"
	}
	return nil
}

func (c *crew) Remove(_ context.Context, name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, err := c.find(name)
	if err != nil {
		return err
	}
	if c.nodes[at].State == "up" {
		return admin.Refuse(admin.ErrConflict, "Node %q is there and holds data: drain it first, or end it.", name)
	}
	c.nodes = slices.Delete(c.nodes, at, at+1)
	return nil
}

func (c *crew) Format(context.Context) (admin.Format, error) { return c.format, c.fault }

func (c *crew) Finalize(context.Context) (admin.Format, error) {
	if c.format.Next == 0 {
		return c.format, admin.Refuse(admin.ErrConflict, "Level %d is in force: %s.", c.format.Level, c.format.Waits)
	}
	c.format = admin.Format{Level: c.format.Next, Waits: "there is nothing to finalize"}
	return c.format, c.fault
}

// leave takes a node out of the groups, one at a time, the last one first. A learner of the
// system group it stays.
func (c *crew) leave(name string) {
	for i := range slices.Backward(c.groups) {
		g := &c.groups[i]
		held := len(g.Voters) + len(g.Wanted)
		others := func(list []string) []string {
			return slices.DeleteFunc(slices.Clone(list), func(n string) bool { return n == name })
		}
		g.Leader, g.Voters, g.Wanted = "mouse-1", others(g.Voters), others(g.Wanted)
		if g.Learners = others(g.Learners); g.Shard == "system" {
			g.Learners = append(g.Learners, name)
		}
		if len(g.Voters)+len(g.Wanted) < held {
			return
		}
	}
}

// office is an API over a crew.
type office struct {
	*testing.T
	crew *crew
	url  string
}

func newOffice(t *testing.T) *office {
	o := &office{T: t, crew: newCrew()}
	server := httptest.NewServer(admin.NewHandler(admin.Options{Backend: admintest.New(), Cluster: o.crew}))
	t.Cleanup(server.Close)
	o.url = server.URL
	return o
}

// run runs a command line.
func (o *office) run(status int, args ...string) (out, told string) {
	o.Helper()
	var o1, e strings.Builder
	system := System{strings.NewReader(""), &o1, &e, func(name string) string {
		return map[string]string{APIVariable: o.url}[name]
	}}
	got := Commands[args[0]](args[1:], system)
	if got != status {
		o.Fatalf("%q: status %d, want %d: %s%s", args, got, status, o1.String(), e.String())
	}
	return o1.String(), e.String()
}

func TestFinalize(t *testing.T) {
	o := newOffice(t)
	o.crew.format = admin.Format{Level: 1, Next: 2}
	if _, told := o.run(Done, "members", "finalize"); !strings.Contains(told, "level 2 now") {
		t.Error(told)
	}
	if _, told := o.run(Failed, "members", "finalize"); !strings.Contains(told, "there is nothing to finalize") {
		t.Error(told)
	}
	o.run(Usage, "members", "finalize", "mouse-1")
}

func TestMembers(t *testing.T) {
	o := newOffice(t)
	out, told := o.run(Done, "members", "list")
	const list = `NODE       STATE  COPIES  LEADS  ADDRESS         ZONE   FORMATS  ID
mouse-1    up     2       1      127.0.0.1:7946  attic  1-2      00000000000000a1
"mouse 2"  up     2       1      127.0.0.1:7956  -      -        00000000000000a2
mouse-3    down   2       0      127.0.0.1:7966  -      -        00000000000000a3
`
	if out != list || told != "" {
		t.Errorf("listed\n%s%s\nwant\n%s", out, told, list)
	}
	for _, step := range []struct{ args, told, state string }{
		{"drain", "\"mouse 2\" is being drained.\n", "draining"},
		{"keep", "\"mouse 2\" is not drained any more.\n", "up"},
	} {
		if _, told := o.run(Done, "members", step.args, "mouse 2"); told != step.told || o.crew.nodes[1].State != step.state {
			t.Errorf("%s: %s, %+v", step.args, told, o.crew.nodes[1])
		}
	}
	if _, told := o.run(Failed, "members", "remove", "mouse 2"); !strings.Contains(told, "drain it first") {
		t.Error(told)
	}
	if _, told := o.run(Failed, "members", "drain", "a/b"); told != "dormouse members: There is no node \"a/b\".\n" {
		t.Error(told)
	}
	o.run(Done, "members", "remove", "00000000000000a3")
	out, _ = o.run(Done, "members", "list", "--json", "--api", o.url+"/")
	var answer struct{ Nodes []admin.Node }
	if err := json.Unmarshal([]byte(out), &answer); err != nil || !slices.Equal(answer.Nodes, o.crew.nodes) || len(answer.Nodes) != 2 {
		t.Errorf("%s: %v", out, err)
	}
	o.crew.fault = errors.New("the disk is broken")
	if _, told := o.run(Failed, "members", "list"); told != "dormouse members: The node failed; its log says more.\n" {
		t.Error(told)
	}
}

func TestShards(t *testing.T) {
	o := newOffice(t)
	out, told := o.run(Done, "shards")
	const list = `SHARD   LEADER   COPIES                       WANTED
system  mouse-1  mouse-1 "mouse 2" mouse-3    -
0       mouse-1  mouse-1 "mouse 2" (mouse-3)  -
1       -        -                            "mouse 2" mouse-3 mouse-1
`
	if out != list || told != "" {
		t.Errorf("listed\n%s%s\nwant\n%s", out, told, list)
	}
	out, _ = o.run(Done, "shards", "--json")
	var answer struct{ Shards []admin.ShardGroup }
	if err := json.Unmarshal([]byte(out), &answer); err != nil || len(answer.Shards) != 3 || answer.Shards[1].Learners[0] != "mouse-3" {
		t.Errorf("%s: %v", out, err)
	}
}

// drainAndWait is `dormouse drain NODE --wait` that looks without a pause.
func (o *office) drainAndWait(name string) (told string, err error) {
	var words strings.Builder
	c := clusterCommand{System: System{Err: &words, Getenv: func(string) string { return o.url }}, every: time.Nanosecond}
	err = c.drain([]string{name, "--wait"})
	return words.String(), err
}

func TestDrainWaits(t *testing.T) {
	o := newOffice(t)
	o.crew.looks = func(c *crew) {
		if c.nodes[2].State == "draining" {
			c.leave("mouse-3")
		}
	}
	told, err := o.drainAndWait("mouse-3")
	if want := "mouse-3 is being drained.\n2 shards to go.\n1 shards to go.\nmouse-3 holds nothing: stop it, and remove it.\n"; err != nil || told != want {
		t.Errorf("%v: told\n%swant\n%s", err, told, want)
	}
	if _, told := o.run(Done, "drain", "mouse-3", "--keep"); told != "mouse-3 is not drained any more.\n" || o.crew.nodes[2].State != "up" {
		t.Error(told)
	}
	if _, told := o.run(Done, "drain", "mouse-3"); told != "mouse-3 is being drained.\n" {
		t.Error(told)
	}
}

// TestDrainGivesUp where it waits for what will not come.
func TestDrainGivesUp(t *testing.T) {
	o := newOffice(t)
	o.crew.looks = func(c *crew) { c.nodes[1].State = "up" }
	if told, err := o.drainAndWait("mouse 2"); err == nil || !strings.Contains(err.Error(), "somebody keeps it") {
		t.Error(told, err)
	}
	o.crew.looks = func(c *crew) { c.fault = errors.New("the disk is broken") }
	if told, err := o.drainAndWait("mouse 2"); err == nil || !strings.Contains(err.Error(), "failed") {
		t.Error(told, err)
	}
}

func TestClusterUsage(t *testing.T) {
	o := newOffice(t)
	for usage, lines := range map[string][]string{
		membersUsage: {"members", "members ?", "members list x", "members drain", "members keep a b", "members drain a --json", "members list --api x", "members --wait list"},
		drainUsage:   {"drain", "drain a b", "drain a --keep --wait", "drain a --json"},
		shardsUsage:  {"shards x", "shards --wait"},
	} {
		for _, line := range lines {
			args := strings.Fields(line)
			if out, told := o.run(Usage, args...); out != "" || !strings.HasPrefix(told, "dormouse "+args[0]+": ") || !strings.Contains(told, usage) {
				t.Errorf("%s: %s%s", line, out, told)
			}
			if out, _ := o.run(Done, args[0], "--help"); out != usage {
				t.Errorf("%s --help: %s", args[0], out)
			}
		}
	}
}

func (c *crew) Recover(context.Context, ids.Shard) error { return nil }

func (c *crew) Reload(context.Context) (map[string]string, error) { return nil, nil }

func TestRecoverAndReload(t *testing.T) {
	o := newOffice(t)
	if _, told := o.run(Done, "unsafe-recover", "3", "--i-accept-data-loss"); !strings.Contains(told, "Shard 3 goes on") {
		t.Error(told)
	}
	if _, told := o.run(Usage, "unsafe-recover", "3"); !strings.Contains(told, "--i-accept-data-loss") {
		t.Error(told)
	}
	if _, told := o.run(Failed, "unsafe-recover", "x", "--i-accept-data-loss"); !strings.Contains(told, "no shard") {
		t.Error(told)
	}
	if _, told := o.run(Done, "reload"); !strings.Contains(told, "All nodes have read") {
		t.Error(told)
	}
}
