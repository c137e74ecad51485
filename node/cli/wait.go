package cli

import (
	"fmt"
	"slices"
	"time"

	"dormouse/codec/ids"
	"dormouse/node/admin"
)

// wait looks until a node that is drained holds nothing, and tells of the way
// there.
func (c *clusterCommand) wait(name string) error {
	last, faults := -1, 0
	for {
		held, err := c.held(name)
		switch {
		case err == nil && held == 0:
			fmt.Fprintf(c.Err, "%s holds nothing: stop it, and remove it.\n", shown(name))
			return nil
		case err == nil && held != last:
			fmt.Fprintf(c.Err, "%d shards to go.\n", held)
			last = held
		}
		if faults++; err == nil {
			faults = 0
		}
		if faults >= pollFaults {
			return err
		}
		if err == nil && !c.drained(name) {
			return fmt.Errorf("%s is not drained any more: somebody keeps it", shown(name))
		}
		time.Sleep(c.every)
	}
}

// drained says that a node is not one that shall stay.
func (c *clusterCommand) drained(name string) bool {
	nodes, _, err := c.nodes()
	return err != nil || !slices.ContainsFunc(nodes, func(n admin.Node) bool {
		return (n.Name == name || n.ID == name) && n.State == "up"
	})
}

// held counts the shards that a node has, may have, or is to have. Of the system
// group every node has a copy until it is removed; a vote counts.
func (c *clusterCommand) held(name string) (held int, err error) {
	nodes, _, err := c.nodes()
	if err != nil {
		return 0, err
	}
	at := slices.IndexFunc(nodes, func(n admin.Node) bool { return n.Name == name || n.ID == name })
	if at < 0 {
		return 0, nil // it was removed meanwhile
	}
	groups, _, err := c.groups()
	if err != nil {
		return 0, err
	}
	for _, g := range groups {
		if has(g, nodes[at]) {
			held++
		}
	}
	return held, nil
}

// has is true, too, where nobody says how the group is now. A node without a
// record goes by its ID there.
func has(g admin.ShardGroup, n admin.Node) bool {
	lists := [][]string{{g.Leader}, g.Voters}
	if g.Shard != admin.ShardName(ids.System) {
		lists = append(lists, g.Learners, g.Wanted)
	}
	return g.Leader == "" || slices.ContainsFunc(lists, func(list []string) bool {
		return slices.Contains(list, n.Name) || slices.Contains(list, n.ID)
	})
}
