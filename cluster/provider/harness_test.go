package provider

import (
	"context"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"dormouse/codec/ids"
)

const (
	nodeA ids.Node = 0xa
	nodeB ids.Node = 0xb
	nodeC ids.Node = 0xc
)

func newSystem() *actor.ActorSystem {
	return actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.DiscardHandler)
	}))
}

// options are those of a node on loopback, in its first life.
func options(node ids.Node, serve Serve) Options {
	return Options{System: newSystem(), Cluster: "test", Node: node, Incarnation: 1, Listen: "127.0.0.1:0", Serve: serve}
}

func start(t testing.TB, o Options) *Node {
	t.Helper()
	n, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, n) })
	return n
}

func shut(t testing.TB, n *Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := n.Close(ctx); err != nil {
		t.Error(err)
	}
}

// meet makes nodes members of one cluster.
func meet(nodes ...*Node) {
	var all []Member
	for _, n := range nodes {
		all = append(all, n.Self())
	}
	for _, n := range nodes {
		n.SetMembers(all)
	}
}

// within is a context that ends a test which would hang.
func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// echo answers with who asked, the kind and the request.
func echo(_ context.Context, from ids.Node, kind byte, request []byte) ([]byte, error) {
	return append([]byte(from.String()+" "+strconv.Itoa(int(kind))+" "), request...), nil
}

func ask(t testing.TB, n *Node, to ids.Node, request string) string {
	t.Helper()
	answer, err := n.Call(within(t), to, 7, []byte(request))
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

// until waits for a condition.
func until(t testing.TB, what string, condition func() bool) {
	t.Helper()
	ctx := within(t)
	for !condition() {
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("waiting for %s: %v", what, ctx.Err())
		}
	}
}

// wire is a TCP connection point that passes bytes on to a node behind it. It
// can be cut (nothing passes, nobody is told) and broken (all connections end,
// new ones are refused).
type wire struct {
	listener net.Listener

	mu     sync.Mutex
	to     string // empty: broken
	open   map[net.Conn]struct{}
	gate   *sync.Cond
	cut    bool
	closed bool
	group  sync.WaitGroup
}

func newWire(t testing.TB) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: l, open: map[net.Conn]struct{}{}}
	w.gate = sync.NewCond(&w.mu)
	w.group.Go(w.accept)
	t.Cleanup(func() {
		w.mu.Lock()
		w.closed, w.cut = true, false
		w.gate.Broadcast()
		w.mu.Unlock()
		_ = l.Close()
		w.lead("")
		w.group.Wait()
	})
	return w
}

func (w *wire) address() string { return w.listener.Addr().String() }

// lead breaks what is connected, and leads to another node, or to none.
func (w *wire) lead(to string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.to = to
	for c := range w.open {
		_ = c.Close()
	}
}

func (w *wire) setCut(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
	w.gate.Broadcast()
}

func (w *wire) accept() {
	for {
		in, err := w.listener.Accept()
		if err != nil {
			return
		}
		w.mu.Lock()
		to := w.to
		w.mu.Unlock()
		out, err := net.Dial("tcp", to)
		if to == "" || err != nil {
			_ = in.Close()
			continue
		}
		w.group.Go(func() { w.pass(in, out) })
		w.group.Go(func() { w.pass(out, in) })
	}
}

func (w *wire) pass(from, to net.Conn) {
	w.mu.Lock()
	w.open[from] = struct{}{}
	w.mu.Unlock()
	buffer := make([]byte, 16<<10)
	for {
		n, err := from.Read(buffer)
		w.mu.Lock()
		for w.cut {
			w.gate.Wait()
		}
		w.mu.Unlock()
		if err == nil {
			_, err = to.Write(buffer[:n])
		}
		if err != nil {
			break
		}
	}
	_, _ = from.Close(), to.Close()
	w.mu.Lock()
	delete(w.open, from)
	w.mu.Unlock()
}

// freeAddress is where a node listens, behind what it advertises.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// behind makes options of a node that is reached through a wire.
func behind(t testing.TB, o Options, w *wire) Options {
	o.Listen, o.Advertise = freeAddress(t), w.address()
	return o
}

func pidAt(address, id string) *actor.PID { return actor.NewPID(address, id) }
