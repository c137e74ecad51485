package cli

import (
	"flag"
	"fmt"
	"net/http"
	"net/url"
)

const (
	recoverUsage = `Usage:
  dormouse unsafe-recover SHARD --i-accept-data-loss

Makes the node that is asked the only voter of a shard (a number, or system) whose
majority is lost for good. What the lost nodes had and this one has not is lost with
them, acknowledged or not. Ask the node that has the most recent copy, and never
start the lost ones again with the data that they had. Others join it again by
themselves.

  --i-accept-data-loss  is needed
  --api URL             where the API of that node is (DORMOUSE_API; ` + DefaultAPI + `)
`

	reloadUsage = `Usage:
  dormouse reload

Lets all nodes of a cluster read their settings, keys and certificates anew: limits are
in force at once, and the log of each node names what needs a restart. To replace
the cluster's key: put the new one behind the old in the file of every node and
reload; then in front, and reload; then take the old one out, and reload.

  --api URL  where the API of any node is (DORMOUSE_API; ` + DefaultAPI + `)
`
)

// UnsafeRecover runs `dormouse unsafe-recover` with the arguments behind it.
func UnsafeRecover(args []string, system System) int {
	c := clusterCommand{System: system}
	return system.status("unsafe-recover", recoverUsage, c.recover(args))
}

func (c *clusterCommand) recover(args []string) error {
	accepted := false
	err := c.flags("unsafe-recover", args, func(flags *flag.FlagSet) { flags.BoolVar(&accepted, "i-accept-data-loss", false, "") })
	switch {
	case err != nil:
		return err
	case len(c.arguments) != 1 || c.arguments[0] == "":
		return wrong("one shard is wanted")
	case !accepted:
		return wrong("data may be lost: say --i-accept-data-loss")
	}
	path := "/cluster/shards/" + url.PathEscape(c.arguments[0]) + "/unsafe-recover"
	if _, err := c.api.do(http.MethodPost, path, []byte(`{"confirm":"data may be lost"}`)); err != nil {
		return err
	}
	fmt.Fprintf(c.Err, "Shard %s goes on with what this node has.\n", shown(c.arguments[0]))
	return nil
}

// Reload runs `dormouse reload` with the arguments behind it.
func Reload(args []string, system System) int {
	c := clusterCommand{System: system}
	return system.status("reload", reloadUsage, c.reload(args))
}

func (c *clusterCommand) reload(args []string) error {
	if err := c.flags("reload", args, func(*flag.FlagSet) {}); err != nil {
		return err
	}
	if len(c.arguments) > 0 {
		return wrong("no arguments are wanted")
	}
	if _, err := c.api.do(http.MethodPost, "/cluster/keys", nil); err != nil {
		return err
	}
	fmt.Fprintln(c.Err, "All nodes have read their settings, keys and certificates.")
	return nil
}
