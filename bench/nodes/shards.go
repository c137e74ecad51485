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

// settled waits until each shard is where the topology wants it.
func (n *Nodes) settled(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		list, err := n.groups(ctx)
		if err == nil {
			err = unsettled(list, min(3, len(n.list)))
		}
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

// unsettled says what is not yet as it should be. The system group is wherever
// it likes.
func unsettled(list []group, voters int) error {
	data := 0
	for _, g := range list {
		if _, err := strconv.ParseUint(g.Shard, 10, 16); err != nil {
			continue
		}
		data++
		switch {
		case len(g.Voters) != voters || len(g.Wanted) != voters:
			return fmt.Errorf("shard %s has %d voters and should have %d, want %d", g.Shard, len(g.Voters), len(g.Wanted), voters)
		case g.Leader != g.Wanted[0]:
			return fmt.Errorf("shard %s is led by %q, and should be by %q", g.Shard, g.Leader, g.Wanted[0])
		}
	}
	if data == 0 {
		return fmt.Errorf("there are no shards")
	}
	return nil
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
		shard, err := strconv.ParseUint(g.Shard, 10, 16)
		if err != nil {
			continue // the system group
		}
		shards++
		if i, ok := numbers[g.Leader]; ok {
			leaders[ids.Shard(shard)] = i
		}
	}
	return func(e ids.Endpoint) int {
		if i, ok := leaders[shards.Of(e)]; ok {
			return i
		}
		return -1
	}, nil
}
