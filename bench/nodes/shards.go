package nodes

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"dormouse/bench/api"
	"dormouse/codec/ids"
)

// group is what /cluster/shards says of a shard: names of nodes.
type group struct {
	Shard  string   `json:"shard"`
	Leader string   `json:"leader"`
	Voters []string `json:"voters"`
	Wanted []string `json:"wanted"` // the leader first
}

func (n *Nodes) groups(ctx context.Context) (list []group, err error) {
	body, err := api.Call(ctx, http.MethodGet, n.list[0].API()+"/cluster/shards", nil)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Shards []group `json:"shards"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("nodes: reading the shards: %w", err)
	}
	return answer.Shards, nil
}

// settled waits until every node lists all, and each shard is where the topology
// wants it: a leadership that moves for balance is no fault of who measures.
func (n *Nodes) settled(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := n.complete(ctx)
		if err == nil {
			return nil
		}
		timer := time.NewTimer(askEvery)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("nodes: waiting for the cluster: %w, and last: %w", ctx.Err(), err)
		}
	}
}

// complete says what is missing.
func (n *Nodes) complete(ctx context.Context) error {
	for i, p := range n.list {
		body, err := api.Call(ctx, http.MethodGet, p.API()+"/cluster/nodes", nil)
		if err != nil {
			return err
		}
		var answer struct {
			Nodes []json.RawMessage `json:"nodes"`
		}
		if err := json.Unmarshal(body, &answer); err != nil {
			return fmt.Errorf("reading the nodes: %w", err)
		}
		if len(answer.Nodes) != len(n.list) {
			return fmt.Errorf("node %d knows %d of %d nodes", i, len(answer.Nodes), len(n.list))
		}
	}
	list, err := n.groups(ctx)
	if err != nil {
		return err
	}
	return unsettled(list, min(3, len(n.list)))
}

// unsettled says what is not yet as it should be. The system group has no place
// where it should be led.
func unsettled(list []group, voters int) error {
	data := 0
	for _, g := range list {
		if len(g.Voters) < voters {
			return fmt.Errorf("shard %s has %d voters, want %d", g.Shard, len(g.Voters), voters)
		}
		if _, isData := g.number(); !isData {
			continue
		}
		data++
		if len(g.Wanted) == 0 || g.Leader != g.Wanted[0] {
			return fmt.Errorf("shard %s is led by %q, and should be by the first of %q", g.Shard, g.Leader, g.Wanted)
		}
	}
	if data == 0 {
		return fmt.Errorf("there are no shards")
	}
	return nil
}

// number is that of the shard; false: it is the system group.
func (g *group) number() (ids.Shard, bool) {
	n, err := strconv.ParseUint(g.Shard, 10, 16)
	return ids.Shard(n), err == nil
}

// Leaders is who leads each endpoint's shard at this moment, by the number of the
// node; -1: nobody.
func (n *Nodes) Leaders(ctx context.Context) (func(ids.Endpoint) int, error) {
	list, err := n.groups(ctx)
	if err != nil {
		return nil, err
	}
	numbers := map[string]int{}
	for i := range n.list {
		numbers[name(i)] = i
	}
	leaders, shards := map[ids.Shard]int{}, ids.Shards(0)
	for _, g := range list {
		shard, isData := g.number()
		if !isData {
			continue
		}
		shards++
		if i, ok := numbers[g.Leader]; ok {
			leaders[shard] = i
		}
	}
	return func(e ids.Endpoint) int {
		if i, ok := leaders[shards.Of(e)]; ok {
			return i
		}
		return -1
	}, nil
}
