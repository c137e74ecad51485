package cli

import (
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"time"

	"dormouse/node/certs"
)

const certsUsage = `Usage:
  dormouse certs init --dir DIR [--cluster-name NAME] [--days N] [--force]
  dormouse certs issue --dir DIR --name NODE [--host HOST]... [--days N] [--out DIR] [--force]

What the nodes of a cluster know each other by. init makes a private CA, ca.crt
and ca.key, and cluster.key, which all nodes share for gossip and datagrams.
issue makes node.crt and node.key for one node, with a copy of ca.crt, in --out
or in a folder of that name in --dir. A node needs these and cluster.key; ca.key
is needed by issue alone, and belongs on no node.

  --dir DIR            the folder of the CA
  --cluster-name NAME  stands in the CA's name, for people
  --name NODE          the name of the node (--node): the others hold it to that
  --host HOST          a name or an address that stands in it, too; may be repeated
  --days N             how long it is good: 3650 a CA, 825 a node where it is not given
  --out DIR            the folder of the node's files
  --force              overwrite; certificates of a CA that is gone are worth nothing
`

// Certs runs `dormouse certs` with the arguments behind it.
func Certs(args []string, system System) int {
	return system.status("certs", certsUsage, runCerts(args, system))
}

// certsFlags are those of both commands.
type certsFlags struct {
	dir, cluster, name, out string
	hosts                   []string
	days                    int
	force                   bool
}

// parseCerts also returns the flags that were given.
func parseCerts(args []string) (f certsFlags, arguments []string, given map[string]bool, err error) {
	flags := flag.NewFlagSet("certs", flag.ContinueOnError)
	flags.StringVar(&f.dir, "dir", "", "")
	flags.StringVar(&f.cluster, "cluster-name", "", "")
	flags.StringVar(&f.name, "name", "", "")
	flags.StringVar(&f.out, "out", "", "")
	flags.IntVar(&f.days, "days", 0, "")
	flags.BoolVar(&f.force, "force", false, "")
	flags.Func("host", "", func(host string) error {
		f.hosts = append(f.hosts, host)
		return nil
	})
	arguments, err = parse(flags, args)
	given = map[string]bool{}
	flags.Visit(func(one *flag.Flag) { given[one.Name] = true })
	return f, arguments, given, err
}

func runCerts(args []string, system System) error {
	f, arguments, given, err := parseCerts(args)
	if err != nil {
		return err
	}
	if len(arguments) != 1 {
		return wrong("what is to be done is missing, or more than one thing: init or issue")
	}
	switch what := arguments[0]; {
	case what != "init" && what != "issue":
		return wrong("%q is neither init nor issue", what)
	case f.dir == "":
		return wrong("--dir is missing: the folder of the CA")
	case given["days"] && f.days <= 0:
		return wrong("--days must be 1 or more")
	case what == "init":
		return f.init(system, given)
	}
	return f.issue(system, given)
}

func (f certsFlags) init(system System, given map[string]bool) error {
	for _, name := range []string{"name", "host", "out"} {
		if given[name] {
			return wrong("--%s belongs to issue", name)
		}
	}
	until, err := certs.Init(certs.New{Dir: f.dir, Cluster: f.cluster, Days: f.days, Force: f.force})
	if err != nil {
		return told(err)
	}
	fmt.Fprintf(system.Err, "A CA that is good until %s, and a cluster key, are in %s. Keep %s to yourself.\n",
		until.Format(time.DateOnly), f.dir, filepath.Join(f.dir, certs.CAKeyFile))
	return nil
}

func (f certsFlags) issue(system System, given map[string]bool) error {
	switch {
	case given["cluster-name"]:
		return wrong("--cluster-name belongs to init")
	case f.name == "":
		return wrong("--name is missing: that of the node")
	}
	w := certs.Wanted{Dir: f.dir, Name: f.name, Hosts: f.hosts, Days: f.days, Out: f.out, Force: f.force}
	until, err := certs.Issue(w)
	if err != nil {
		return told(err)
	}
	fmt.Fprintf(system.Err, "A certificate of %s that is good until %s is in %s. The node needs %s, too.\n",
		f.name, until.Format(time.DateOnly), w.Folder(), filepath.Join(f.dir, certs.ClusterKeyFile))
	return nil
}

// told adds the way out, and tells what cannot be carried out as it stands.
func told(err error) error {
	switch {
	case errors.Is(err, certs.ErrExists):
		return fmt.Errorf("%w; --force overwrites it", err)
	case errors.Is(err, certs.ErrAsked):
		return wrong("%v", err)
	}
	return err
}
