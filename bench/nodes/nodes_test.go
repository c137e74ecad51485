package nodes

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dormouse/bench/load"
	"dormouse/bench/server/servertest"
	"dormouse/codec/ids"
)

// Three nodes are started; updates that are aimed at owners cross no link, and
// those that go astray cross two each, there and back.
func TestAimedUpdates(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	dir := t.TempDir()
	n, err := Start(ctx, Options{Program: servertest.Build(t), Count: 3, Dir: dir})
	defer func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}()
	if err != nil {
		t.Fatal(err)
	}
	owner, err := n.Leaders(ctx)
	if err != nil {
		t.Fatal(err)
	}
	led := map[int]int{}
	for handle := range 32 { // the first of each shard
		led[owner(ids.Endpoint(uint64(handle)<<(64-5)))]++
	}
	if len(led) != 3 || led[-1] > 0 {
		t.Errorf("of 32 shards are led, by node: %v", led)
	}
	const devices = 30
	addresses := n.CoAP()
	g, err := load.Open(load.Options{Target: addresses[0], Others: addresses[1:], Devices: devices, Owner: owner, Watch: n})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if _, err := g.Register(ctx, 0, devices, 10); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		aim  load.Aim
		each float64 // datagrams on links for each answered Update, at least and at most
	}{{load.AtOwner, 0}, {load.Astray, 2}} {
		before, err := n.Counter(ctx, "dormouse_link_datagrams_sent_total")
		if err != nil {
			t.Fatal(err)
		}
		result, err := g.Run(ctx, load.Traffic{Kind: load.Update, Aim: tc.aim, InFlight: 5, Duration: time.Second})
		if err != nil || result.Exchanges == 0 || result.Codes["2.04"] != result.Exchanges {
			t.Fatalf("%v: %v", result, err)
		}
		after, err := n.Counter(ctx, "dormouse_link_datagrams_sent_total")
		if err != nil {
			t.Fatal(err)
		}
		crossed := after - before
		if tc.each == 0 && crossed != 0 || crossed < tc.each*float64(result.Exchanges) {
			t.Errorf("aim %d: %v datagrams crossed links in %d updates", tc.aim, crossed, result.Exchanges)
		}
	}
	if cpu, err := n.CPU(); err != nil || cpu <= 0 {
		t.Errorf("CPU %v, %v", cpu, err)
	}
	if _, err := n.Counter(ctx, "dormouse_nothing"); err == nil {
		t.Error("a metric that is not there was read")
	}
}

func TestUnsettled(t *testing.T) {
	well := group{Shard: "0", Leader: "a", Voters: []string{"a", "b", "c"}, Wanted: []string{"a", "b", "c"}}
	system := group{Shard: "system", Leader: "b", Voters: []string{"a", "b", "c"}}
	if err := unsettled([]group{system, well}, 3); err != nil {
		t.Error(err)
	}
	few, elsewhere := well, well
	few.Voters, elsewhere.Leader = few.Voters[:2], "b"
	for want, list := range map[string][]group{
		"no shards": {system}, "has 2 voters": {well, few}, `led by "b"`: {elsewhere, well},
	} {
		if err := unsettled(list, 3); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// The flags of a cluster: the first node founds it, the others know all others.
func TestFlags(t *testing.T) {
	n := &Nodes{dir: t.TempDir()}
	within, err := addresses(3)
	if err != nil {
		t.Fatal(err)
	}
	all, err := n.flags(Options{Count: 3, Flags: []string{"--cache", "1MiB"}, Addresses: within})
	if err != nil {
		t.Fatal(err)
	}
	for i, flags := range all {
		line := strings.Join(flags, " ")
		for j, address := range within {
			joins := strings.Contains(line, "--join") && strings.Contains(line[strings.Index(line, "--join"):], address.String())
			if joins != (i > 0 && i != j) {
				t.Errorf("node %d joins node %d: %t", i, j, joins)
			}
		}
		if !strings.Contains(line, "--cache 1MiB") || !strings.Contains(line, "--cluster "+within[i].String()) {
			t.Errorf("node %d: %s", i, line)
		}
	}
	key, err := os.ReadFile(filepath.Join(n.dir, "cluster.key"))
	if err != nil || len(key) != 65 {
		t.Errorf("a key of %d characters, %v", len(key), err)
	}
	if alone, err := n.flags(Options{Count: 1}); err != nil || len(alone) != 1 || len(alone[0]) > 0 {
		t.Errorf("one alone: %q, %v", alone, err)
	}
}

func TestAddresses(t *testing.T) {
	list, err := addresses(5)
	if err != nil || len(list) != 5 {
		t.Fatalf("%v, %v", list, err)
	}
	for i, a := range list {
		if a.Addr() != netip.MustParseAddr("127.0.0.1") || !apart(list[:i], int(a.Port())) {
			t.Errorf("%v among %v", a, list)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, count := range []int{0, 10} {
		n, err := Start(t.Context(), Options{Program: "nobody", Count: count, Dir: t.TempDir()})
		if err == nil {
			t.Errorf("%d nodes are started", count)
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}
}
