package chaos

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"dormouse/bench/chaos/history"
	"dormouse/bench/chaos/lab"
	"dormouse/bench/chaos/syncs"
)

// NeedsLab reports faults that need namespaces: who asks for them calls Run in a
// program that lab.Enter runs. Elsewhere they are skipped.
func NeedsLab(names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return name == cutName || name == fullName })
}

// Names of faults that take equipment.
const (
	cutName  = "cut"
	slowName = history.SlowDisk
	fullName = history.FullDisk
)

// prepare gets what the faults take. What it cannot get is lacking, and no error.
func (c *cluster) prepare(o Options) {
	c.lacks = map[string]string{}
	if NeedsLab(o.Faults) {
		if !lab.Inside() {
			c.lack("this run has no namespaces of its own", cutName, fullName)
		} else if l, err := lab.Open(o.Nodes); err != nil {
			c.lack(err.Error(), cutName, fullName)
		} else {
			c.lab = l
		}
	}
	if o.Nodes == 1 {
		c.lack("one node has nobody to be cut off from", cutName)
	}
	if slices.Contains(o.Faults, slowName) {
		if err := syncs.Missing(); err != nil {
			c.lack(err.Error(), slowName)
		}
	}
}

func (c *cluster) lack(why string, names ...string) {
	for _, name := range names {
		c.lacks[name] = why
	}
}

// has reports a fault that was asked for and can be.
func (c *cluster) has(o Options, name string) bool {
	return slices.Contains(o.Faults, name) && c.lacks[name] == ""
}

// disk makes the directory of a node, on a disk of its own where that is to be
// full.
func (c *cluster) disk(o Options, i int) (dir string, err error) {
	dir = filepath.Join(c.dir, fmt.Sprintf("node-%d", i))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", fmt.Errorf("chaos: making a directory: %w", err)
	}
	if c.has(o, fullName) {
		return dir, c.lab.Disk(dir)
	}
	return dir, nil
}

// host is where a node listens; zero: where the machine does.
func (c *cluster) host(i int) (a netip.Addr) {
	if c.lab != nil {
		return lab.Address(i)
	}
	return a
}

// meeting is where nodes hear one another; nil: where there is room on the machine.
func (c *cluster) meeting(count int) (list []netip.AddrPort) {
	if c.lab == nil {
		return nil
	}
	const port = 7946 // each has all of its address, below those that are picked for it
	for i := range count {
		list = append(list, netip.AddrPortFrom(lab.Address(i), port))
	}
	return list
}

// begin starts the process of a node in its network and behind its gate.
func (c *cluster) begin(o Options, n *node, i int) func(*exec.Cmd) error {
	start := (*exec.Cmd).Start
	if c.lab != nil {
		start = func(command *exec.Cmd) error { return c.lab.Start(i, command) }
	}
	if !c.has(o, slowName) {
		return start
	}
	return func(command *exec.Cmd) (err error) {
		n.gate, err = syncs.Start(command, start)
		return err
	}
}
