package chaos

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"dormouse/bench/chaos/lab"
	"dormouse/bench/chaos/syncs"
	"dormouse/bench/server"
)

// node is a process. It is used by one goroutine at a time, but for alive.
type node struct {
	process *server.Process
	gate    *syncs.Gate  // of its process as it runs now; nil: none
	alive   atomic.Int64 // Unix nanoseconds since when it serves, 0: it does not
}

// cluster is the nodes, in one directory. It is what devices and clients ask who
// lives.
type cluster struct {
	dir    string
	nodes  []*node
	within []netip.AddrPort  // where nodes hear one another; nil: one alone
	lab    *lab.Lab          // where nodes are that can be cut off; nil: on the machine's loopback
	lacks  map[string]string // by the fault: why there can be none of it
}

// startPatience is how long a node, or a cluster, may take until it serves.
const startPatience = 60 * time.Second

// askEvery is how often it is asked meanwhile.
const askEvery = 20 * time.Millisecond

// start starts nodes one after another and waits until all serve and know one
// another. close must be called, also after an error.
func start(ctx context.Context, o Options) (c *cluster, err error) {
	c = &cluster{}
	c.prepare(o)
	if c.dir, err = os.MkdirTemp(o.Dir, "dormouse-chaos-"); err != nil {
		return c, fmt.Errorf("chaos: making a directory: %w", err)
	}
	var flags [][]string
	if flags, err = c.flags(o); err != nil {
		return c, err
	}
	for i := range o.Nodes {
		data, err := c.disk(o, i)
		if err != nil {
			return c, err
		}
		n := &node{}
		n.process, err = server.Start(ctx, server.Options{Program: o.Program, Flags: flags[i], Data: data, Log: o.Log, Host: c.host(i), Begin: c.begin(o, n, i)})
		if err != nil {
			return c, fmt.Errorf("chaos: starting node %d of %d: %w", i, o.Nodes, err)
		}
		c.nodes = append(c.nodes, n)
		if err := c.serves(ctx, i); err != nil {
			return c, err
		}
	}
	if o.Nodes > 1 {
		return c, c.formed(ctx)
	}
	return c, nil
}

// flags are those of each node. One alone has no cluster.
func (c *cluster) flags(o Options) (all [][]string, err error) {
	if o.Nodes == 1 {
		return [][]string{o.Flags}, nil
	}
	clusterKey, err := c.keyFile("cluster.key")
	if err != nil {
		return nil, err
	}
	sealKey, err := c.keyFile("seal.key")
	if err != nil {
		return nil, err
	}
	if c.within, err = c.meeting(o.Nodes); err != nil {
		return nil, err
	}
	for i, address := range c.within {
		f := append([]string{
			"--node", fmt.Sprintf("node-%d", i), "--cluster", address.String(), "--cluster-key-file", clusterKey, "--seal-key-file", sealKey,
		}, o.Flags...)
		if i > 0 { // the first one founds the cluster
			var others []string
			for j, other := range c.within {
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
func (c *cluster) keyFile(name string) (path string, err error) {
	key := make([]byte, 32)
	rand.Read(key)
	path = filepath.Join(c.dir, name)
	if err := os.WriteFile(path, []byte(hex.EncodeToString(key)+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("chaos: writing a key: %w", err)
	}
	return path, nil
}

// Alive says since when a node serves without a break.
func (c *cluster) Alive(i int) (since time.Time, ok bool) {
	at := c.nodes[i].alive.Load()
	return time.Unix(0, at), at != 0
}

// down takes note that a node does not serve.
func (c *cluster) down(i int) { c.nodes[i].alive.Store(0) }

// up takes note that it should serve from now on.
func (c *cluster) up(i int) { c.nodes[i].alive.Store(time.Now().UnixNano()) }

// serves waits until a node answers /readyz with 200, and takes note.
func (c *cluster) serves(ctx context.Context, i int) error {
	if err := c.ready(ctx, i); err != nil {
		return err
	}
	c.up(i)
	return nil
}

// ready waits until a node answers /readyz with 200.
func (c *cluster) ready(ctx context.Context, i int) error {
	p := c.nodes[i].process
	err := until(ctx, func(ctx context.Context) error {
		select {
		case <-p.Ended():
			return fmt.Errorf("%w; it printed: %s", errEnded, p.Said())
		default:
		}
		_, err := get(ctx, p.API()+"/readyz")
		return err
	})
	if err != nil {
		return fmt.Errorf("chaos: waiting for node %d: %w", i, err)
	}
	return nil
}

var errEnded = errors.New("it has ended")

// until asks again and again, for startPatience at most.
func until(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for {
		err := ask(ctx)
		if err == nil || errors.Is(err, errEnded) {
			return err
		}
		if !pause(ctx, askEvery) {
			return fmt.Errorf("%w, and last: %w", ctx.Err(), err)
		}
	}
}

// pause waits; false: the context has ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// api is the base of a node's API.
func (c *cluster) api(i int) string { return c.nodes[i].process.API() }

// addresses are the listeners for devices.
func (c *cluster) addresses() (coap, coaps []netip.AddrPort) {
	for _, n := range c.nodes {
		coap, coaps = append(coap, n.process.CoAP()), append(coaps, n.process.CoAPS())
	}
	return coap, coaps
}

// close ends all nodes and removes what they wrote.
func (c *cluster) close() (err error) {
	for _, n := range c.nodes {
		err = errors.Join(err, n.process.Kill())
	}
	if c.lab != nil {
		err = errors.Join(err, c.lab.Close())
	}
	if c.dir == "" {
		return err
	}
	return errors.Join(err, os.RemoveAll(c.dir))
}

// client has a short patience: a node that does not answer is a node to leave.
var client = &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 32}}
