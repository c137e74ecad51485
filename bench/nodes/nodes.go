package nodes

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"dormouse/bench/server"
)

// Options of Start. Program and Count are needed.
type Options struct {
	Program string   // of the nodes
	Flags   []string // of each, beside those that make it a node of the cluster
	Count   int      // 1 to 9; one is alone, and no cluster
	Dir     string   // where the directory of all is made; "": that of temporary files
	Log     io.Writer

	// Where nodes hear one another, each with PortsOfNode ports; nil: on the loopback.
	Addresses []netip.AddrPort
	// Node has what a node needs besides, Data, Host and Begin of it; nil: nothing.
	Node func(i int) (server.Options, error)
	// Answers is called when a node answers for the first time, and the next one is
	// started behind it; nil: at once.
	Answers func(ctx context.Context, i int, p *server.Process) error
}

// Most is how many nodes there may be.
const Most = 9

// Nodes are processes, in one directory.
type Nodes struct {
	list []*server.Process
	dir  string
}

// patience is how long a cluster may take until it stands.
const patience = 60 * time.Second

// askEvery is how often it is asked meanwhile.
const askEvery = 20 * time.Millisecond

// Start starts nodes one after another, and waits until all know one another,
// and every shard is led by whom it should be. Close must be called, also after
// an error.
func Start(ctx context.Context, o Options) (n *Nodes, err error) {
	n = &Nodes{}
	if o.Count < 1 || o.Count > Most {
		return n, fmt.Errorf("nodes: %d nodes, want 1 to %d", o.Count, Most)
	}
	if n.dir, err = os.MkdirTemp(o.Dir, "dormouse-nodes-"); err != nil {
		return n, fmt.Errorf("nodes: making a directory: %w", err)
	}
	flags, err := n.flags(o)
	if err != nil {
		return n, err
	}
	for i := range o.Count {
		if err := n.start(ctx, o, i, flags[i]); err != nil {
			return n, fmt.Errorf("nodes: starting node %d of %d: %w", i, o.Count, err)
		}
	}
	if o.Count == 1 {
		return n, nil
	}
	return n, n.settled(ctx)
}

// start starts the next node.
func (n *Nodes) start(ctx context.Context, o Options, i int, flags []string) (err error) {
	var node server.Options
	if o.Node != nil {
		if node, err = o.Node(i); err != nil {
			return err
		}
	}
	node.Program, node.Flags, node.Log = o.Program, flags, o.Log
	if node.Data == "" {
		node.Data = filepath.Join(n.dir, name(i))
		if err := os.Mkdir(node.Data, 0o700); err != nil {
			return fmt.Errorf("making a directory: %w", err)
		}
	}
	p, err := server.Start(ctx, node)
	if err != nil {
		return err
	}
	n.list = append(n.list, p)
	if o.Answers != nil {
		return o.Answers(ctx, i, p)
	}
	return nil
}

func name(i int) string { return fmt.Sprintf("node-%d", i) }

// flags are those of each node: the first one founds the cluster.
func (n *Nodes) flags(o Options) (all [][]string, err error) {
	if o.Count == 1 {
		return [][]string{o.Flags}, nil
	}
	clusterKey, err := n.keyFile("cluster.key")
	if err != nil {
		return nil, err
	}
	sealKey, err := n.keyFile("seal.key")
	if err != nil {
		return nil, err
	}
	within := o.Addresses
	if within == nil {
		if within, err = addresses(o.Count); err != nil {
			return nil, err
		}
	}
	for i, address := range within {
		f := append([]string{
			"--node", name(i), "--cluster", address.String(), "--cluster-key-file", clusterKey, "--seal-key-file", sealKey,
		}, o.Flags...)
		if i > 0 {
			var others []string
			for j, other := range within {
				if j != i {
					others = append(others, other.String())
				}
			}
			f = append(f, "--join", strings.Join(others, ","))
		}
		all = append(all, f)
	}
	return all, nil
}

// keyFile writes a new key, 64 hex digits.
func (n *Nodes) keyFile(name string) (path string, err error) {
	key := make([]byte, 32)
	rand.Read(key)
	path = filepath.Join(n.dir, name)
	if err := os.WriteFile(path, []byte(hex.EncodeToString(key)+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("nodes: writing a key: %w", err)
	}
	return path, nil
}

// List are the processes, in the order of their starts.
func (n *Nodes) List() []*server.Process { return n.list }

// CoAP are where the nodes hear devices in the clear.
func (n *Nodes) CoAP() (list []netip.AddrPort) {
	for _, p := range n.list {
		list = append(list, p.CoAP())
	}
	return list
}

// Close ends all nodes and removes what they wrote.
func (n *Nodes) Close() (err error) {
	for _, p := range n.list {
		err = errors.Join(err, p.Kill())
	}
	if n.dir == "" {
		return err
	}
	return errors.Join(err, os.RemoveAll(n.dir))
}

// CPU is what all nodes took since their start.
func (n *Nodes) CPU() (sum time.Duration, err error) {
	for _, p := range n.list {
		cpu, err := p.Meter().CPU()
		if err != nil {
			return 0, err
		}
		sum += cpu
	}
	return sum, nil
}

// Memory is the resident set of all, in bytes.
func (n *Nodes) Memory() (sum int64, err error) {
	for _, p := range n.list {
		rss, err := p.Meter().Memory()
		if err != nil {
			return 0, err
		}
		sum += rss
	}
	return sum, nil
}

// Counter is the sum of a metric of all nodes.
func (n *Nodes) Counter(ctx context.Context, metric string) (sum float64, err error) {
	for _, p := range n.list {
		v, err := server.Counter(ctx, p.API(), metric)
		if err != nil {
			return 0, err
		}
		sum += v
	}
	return sum, nil
}
