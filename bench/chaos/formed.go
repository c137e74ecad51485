package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"

	"dormouse/codec/platform"
)

// formed waits until every node lists all nodes, every shard has as many voters
// as it should, and is led by whom it should: a leadership that moves for balance
// is no fault of the run. It alone knows what /cluster/nodes and /cluster/shards
// look like: an array, or an object with one of the name; a shard has "leader",
// and arrays "voters" and "wanted", the preferred leader first.
func (c *cluster) formed(ctx context.Context) error {
	voters := 1
	if len(c.nodes) >= 3 {
		voters = 3
	}
	err := until(ctx, func(ctx context.Context) error {
		for i := range c.nodes {
			list, err := list(ctx, c.api(i)+"/cluster/nodes", "nodes")
			if err != nil {
				return err
			}
			if len(list) != len(c.nodes) {
				return fmt.Errorf("node %d knows %d of %d nodes", i, len(list), len(c.nodes))
			}
		}
		return c.replicated(ctx, voters)
	})
	if err != nil {
		return fmt.Errorf("chaos: waiting for the cluster: %w", err)
	}
	return nil
}

func (c *cluster) replicated(ctx context.Context, voters int) error {
	shards, err := list(ctx, c.api(0)+"/cluster/shards", "shards")
	if err != nil {
		return err
	}
	for i, raw := range shards {
		var shard struct {
			Leader string            `json:"leader"`
			Voters []json.RawMessage `json:"voters"`
			Wanted []string          `json:"wanted"`
		}
		if err := json.Unmarshal(raw, &shard); err != nil {
			return fmt.Errorf("reading shard %d: %w", i, err)
		}
		if len(shard.Voters) < voters {
			return fmt.Errorf("shard %d has %d voters, want %d", i, len(shard.Voters), voters)
		}
		if len(shard.Wanted) > 0 && shard.Leader != shard.Wanted[0] {
			return fmt.Errorf("shard %d is led by %q, want %q", i, shard.Leader, shard.Wanted[0])
		}
	}
	if len(shards) == 0 {
		return fmt.Errorf("there are no shards")
	}
	return nil
}

// list reads an array, or the member of an object that is one.
func list(ctx context.Context, url, name string) (items []json.RawMessage, err error) {
	body, err := get(ctx, url)
	if err != nil {
		return nil, err
	}
	if json.Unmarshal(body, &items) == nil {
		return items, nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(body, &object); err != nil {
		return nil, fmt.Errorf("reading %s: %w", url, err)
	}
	if err := json.Unmarshal(object[name], &items); err != nil {
		return nil, fmt.Errorf("reading %s: %q: %w", url, name, err)
	}
	return items, nil
}

// get asks for something that must be there.
func get(ctx context.Context, url string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	answer, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, platform.MaxCollection))
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s %.200s", url, answer.Status, body)
	}
	return body, err
}

// portsOfNode are the ports that a node of a cluster takes from its address on.
const portsOfNode = 3

// clusterAddresses are addresses of the loopback with portsOfNode free ports
// each. Somebody else could take one before the node does, which then does not
// start.
func clusterAddresses(n int) (list []netip.AddrPort, err error) {
	const attempts = 1000
	for range attempts {
		if len(list) == n {
			return list, nil
		}
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("chaos: looking for free ports: %w", err)
		}
		defer l.Close() // at the end: each has another
		port := l.Addr().(*net.TCPAddr).Port
		if free(port+1) && free(port+2) && port+portsOfNode < 1<<16 && apart(list, port) {
			list = append(list, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(port)))
		}
	}
	return nil, fmt.Errorf("chaos: there are no %d times %d free ports in a row", n, portsOfNode)
}

func apart(list []netip.AddrPort, port int) bool {
	for _, a := range list {
		if d := int(a.Port()) - port; d < portsOfNode && d > -portsOfNode {
			return false
		}
	}
	return true
}

func free(port int) bool {
	l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	u, err := net.ListenPacket("udp4", fmt.Sprintf("127.0.0.1:%d", port))
	if err == nil {
		u.Close()
	}
	return l.Close() == nil && err == nil
}
