package cli

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"dormouse/node/admin"
)

const (
	membersUsage = `Usage:
  dormouse members list [--json]
  dormouse members drain NODE
  dormouse members keep NODE
  dormouse members remove NODE
  dormouse members finalize

The nodes of a cluster, asked of any one of them. NODE is a name or an ID. drain
moves all data off a node that is to go, keep takes that back. remove says that a
node is gone for good, drained or lost: its replicas are made anew on others, and
its data directory is of no use any more. finalize ends an upgrade, when all nodes
run the new release: the cluster writes the formats of that from then on, and the
release before cannot come back.

  --json     what the API answered
  --api URL  where the API of a node is (DORMOUSE_API; ` + DefaultAPI + `)
`

	drainUsage = `Usage:
  dormouse drain NODE [--wait]
  dormouse drain NODE --keep

Moves all data off a node that is to go, at the API of any node. When it holds
nothing, stop it, and dormouse members remove NODE.

  --wait     until the node holds nothing
  --keep     takes a drain back
  --api URL  where the API of a node is (DORMOUSE_API; ` + DefaultAPI + `)
`

	shardsUsage = `Usage:
  dormouse shards [--json]

Who leads each shard and who has copies of it. Copies that do not vote are in
brackets. WANTED is where the copies are to be, the preferred leader first; it
stands there only where that is not yet so.

  --json     what the API answered
  --api URL  where the API of a node is (DORMOUSE_API; ` + DefaultAPI + `)
`
)

// pollEvery is how often drain --wait looks, and pollFaults is how many looks in
// a row may fail: a node that is asked may be one that restarts.
const (
	pollEvery  = 500 * time.Millisecond
	pollFaults = 60
)

// clusterCommand is a command about nodes and shards.
type clusterCommand struct {
	System
	api       *api
	arguments []string
	json      bool
	every     time.Duration // of drain --wait
}

// flags takes those that all commands have; more are the command's own.
func (c *clusterCommand) flags(name string, args []string, more func(*flag.FlagSet)) (err error) {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	address := flags.String("api", "", "")
	more(flags)
	if c.arguments, err = parse(flags, args); err != nil {
		return err
	}
	c.api, err = newAPI(*address, c.Getenv)
	return err
}

func (c *clusterCommand) jsonFlag(flags *flag.FlagSet) { flags.BoolVar(&c.json, "json", false, "") }

// Members runs `dormouse members` with the arguments behind it.
func Members(args []string, system System) int {
	c := clusterCommand{System: system}
	return system.status("members", membersUsage, c.members(args))
}

func (c *clusterCommand) members(args []string) error {
	if err := c.flags("members", args, c.jsonFlag); err != nil {
		return err
	}
	if len(c.arguments) == 0 {
		return wrong("what is to be done is missing: list, drain, keep, remove or finalize")
	}
	what, names := c.arguments[0], c.arguments[1:]
	switch {
	case !slices.Contains([]string{"list", "drain", "keep", "remove", "finalize"}, what):
		return wrong("%q is none of list, drain, keep, remove and finalize", what)
	case (what == "list" || what == "finalize") && len(names) > 0:
		return wrong("%s wants no arguments", what)
	case what == "list":
		return c.list()
	case c.json:
		return wrong("--json belongs to list")
	case what == "finalize":
		return c.finalize()
	case len(names) != 1 || names[0] == "":
		return wrong("%s wants the name of a node", what)
	}
	return c.act(what, names[0])
}

// Drain runs `dormouse drain` with the arguments behind it.
func Drain(args []string, system System) int {
	c := clusterCommand{System: system, every: pollEvery}
	return system.status("drain", drainUsage, c.drain(args))
}

func (c *clusterCommand) drain(args []string) error {
	var keep, wait bool
	err := c.flags("drain", args, func(flags *flag.FlagSet) {
		flags.BoolVar(&keep, "keep", false, "")
		flags.BoolVar(&wait, "wait", false, "")
	})
	switch {
	case err != nil:
		return err
	case len(c.arguments) != 1 || c.arguments[0] == "":
		return wrong("the name of one node is wanted")
	case keep && wait:
		return wrong("--keep takes a drain back: there is nothing to --wait for")
	case keep:
		return c.act("keep", c.arguments[0])
	}
	if err := c.act("drain", c.arguments[0]); err != nil || !wait {
		return err
	}
	return c.wait(c.arguments[0])
}

// Shards runs `dormouse shards` with the arguments behind it.
func Shards(args []string, system System) int {
	c := clusterCommand{System: system}
	return system.status("shards", shardsUsage, c.shards(args))
}

func (c *clusterCommand) shards(args []string) error {
	if err := c.flags("shards", args, c.jsonFlag); err != nil {
		return err
	}
	if len(c.arguments) > 0 {
		return wrong("no arguments are wanted")
	}
	groups, body, err := c.groups()
	if err != nil || c.json {
		return c.raw(body, err)
	}
	table := tabwriter.NewWriter(c.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SHARD\tLEADER\tCOPIES\tWANTED")
	for _, g := range groups {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", g.Shard, orNone(g.Leader), orNone(copies(g)), orNone(wanted(g)))
	}
	return flushed(table)
}

// act asks for a change of a node, by a verb of `dormouse members`.
func (c *clusterCommand) act(what, name string) error {
	address := nodesPath + "/" + url.PathEscape(name)
	request := map[string]struct{ method, path, done string }{
		"drain":  {http.MethodPost, address + "/drain", "%s is being drained.\n"},
		"keep":   {http.MethodDelete, address + "/drain", "%s is not drained any more.\n"},
		"remove": {http.MethodPost, address + "/remove", "%s is no node of the cluster any more.\n"},
	}[what]
	if _, err := c.api.do(request.method, request.path, nil); err != nil {
		return err
	}
	fmt.Fprintf(c.Err, request.done, shown(name))
	return nil
}

func (c *clusterCommand) list() error {
	nodes, body, err := c.nodes()
	if err != nil || c.json {
		return c.raw(body, err)
	}
	table := tabwriter.NewWriter(c.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NODE\tSTATE\tCOPIES\tLEADS\tADDRESS\tZONE\tFORMATS\tID")
	for _, n := range nodes {
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%s\t%s\t%s\t%s\n", shown(n.Name), n.State, n.Replicas, n.Leads, orNone(n.Address), orNone(n.Zone), orNone(n.Formats), n.ID)
	}
	return flushed(table)
}

func (c *clusterCommand) finalize() error {
	body, err := c.api.do(http.MethodPost, "/cluster/format/finalize", nil)
	if err != nil {
		return err
	}
	var f admin.Format
	if err := json.Unmarshal(body, &f); err != nil {
		return fmt.Errorf("reading the answer of %s: %w", c.api.base, err)
	}
	fmt.Fprintf(c.Err, "The cluster writes format level %d now; programs that do not read it cannot come back.\n", f.Level)
	return nil
}

func flushed(table *tabwriter.Writer) error {
	if err := table.Flush(); err != nil {
		return fmt.Errorf("writing the list: %w", err)
	}
	return nil
}

// raw prints what the API answered.
func (c *clusterCommand) raw(body []byte, err error) error {
	if err == nil {
		_, err = fmt.Fprintf(c.Out, "%s\n", body)
	}
	return err
}

const (
	nodesPath  = "/cluster/nodes"
	shardsPath = "/cluster/shards"
)

func (c *clusterCommand) nodes() (list []admin.Node, body []byte, err error) {
	var answer struct{ Nodes []admin.Node }
	body, err = c.get(nodesPath, &answer)
	return answer.Nodes, body, err
}

func (c *clusterCommand) groups() (list []admin.ShardGroup, body []byte, err error) {
	var answer struct{ Shards []admin.ShardGroup }
	body, err = c.get(shardsPath, &answer)
	return answer.Shards, body, err
}

func (c *clusterCommand) get(path string, v any) (body []byte, err error) {
	if body, err = c.api.do(http.MethodGet, path, nil); err != nil {
		return nil, err
	}
	if err = json.Unmarshal(body, v); err != nil {
		return nil, fmt.Errorf("reading the answer of %s: %w", c.api.base+path, err)
	}
	return body, nil
}

// copies names voters, and learners in brackets.
func copies(g admin.ShardGroup) string {
	var names []string
	for _, n := range g.Voters {
		names = append(names, shown(n))
	}
	for _, n := range g.Learners {
		names = append(names, "("+shown(n)+")")
	}
	return strings.Join(names, " ")
}

// wanted is empty where the copies are where they are wanted.
func wanted(g admin.ShardGroup) string {
	var names []string
	here := len(g.Wanted) == len(g.Voters)+len(g.Learners) && (len(g.Wanted) == 0 || g.Wanted[0] == g.Leader)
	for _, n := range g.Wanted {
		names = append(names, shown(n))
		here = here && (slices.Contains(g.Voters, n) || slices.Contains(g.Learners, n))
	}
	if here {
		return ""
	}
	return strings.Join(names, " ")
}

func orNone(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
