package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"dormouse/bench/chaos/lab"
	"dormouse/bench/chaos/syncs"
	"dormouse/bench/nodes"
	"dormouse/bench/server"
	"dormouse/codec/platform"
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
	dir   string
	all   *nodes.Nodes
	nodes []*node
	lab   *lab.Lab          // where nodes are that can be cut off; nil: on the machine's loopback
	lacks map[string]string // by the fault: why there can be none of it
}

// startPatience is how long a node, or a cluster, may take until it serves.
const startPatience = 60 * time.Second

// askEvery is how often it is asked meanwhile.
const askEvery = 20 * time.Millisecond

// start starts nodes and waits until all serve and know one another. close must be
// called, also after an error.
func start(ctx context.Context, o Options) (c *cluster, err error) {
	c = &cluster{}
	c.prepare(o)
	if c.dir, err = os.MkdirTemp(o.Dir, "dormouse-chaos-"); err != nil {
		return c, fmt.Errorf("chaos: making a directory: %w", err)
	}
	for range o.Nodes {
		c.nodes = append(c.nodes, &node{})
	}
	c.all, err = nodes.Start(ctx, nodes.Options{
		Program: o.Program, Flags: o.Flags, Count: o.Nodes, Dir: c.dir, Log: o.Log, Addresses: c.meeting(o.Nodes),
		Node: func(i int) (server.Options, error) {
			data, err := c.disk(o, i)
			return server.Options{Data: data, Host: c.host(i), Begin: c.begin(o, c.nodes[i], i)}, err
		},
		Answers: func(ctx context.Context, i int, p *server.Process) error {
			c.nodes[i].process = p
			return c.serves(ctx, i)
		},
	})
	return c, err
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
	if c.all != nil {
		err = c.all.Close()
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
