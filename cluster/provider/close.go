package provider

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// Close ends the node: from now on nothing new is served, what is being served
// may end and be answered until ctx ends, then streams and listener are closed.
// It returns when no goroutine of this package runs any more, but for calls of
// Serve that outlive ctx and ignore their own: then with an error. The actor
// system stays usable, without other nodes.
func (n *Node) Close(ctx context.Context) error {
	n.closing.Do(func() { n.closed = n.shut(ctx) })
	return n.closed
}

func (n *Node) shut(ctx context.Context) (err error) {
	n.pool.close()
	select {
	case <-n.pool.ended:
	case <-ctx.Done():
		err = fmt.Errorf("provider: closing: waiting for what is served: %w", ctx.Err())
	}
	n.flush(ctx)
	n.doors.close()
	n.end()
	n.peers.close()
	n.server.Stop()
	n.serving.Wait()
	<-n.doors.empty
	_ = n.provider.Shutdown(true)
	n.o.System.ProcessRegistry.Remove(actor.NewPID("", GateName))
	return err
}

// flushWait bounds flush.
const flushWait = time.Second

// flush waits until the peers that are connected have read all answers.
func (n *Node) flush(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, flushWait)
	defer cancel()
	var group sync.WaitGroup
	defer group.Wait()
	for _, p := range n.peers.all() {
		group.Go(func() { p.flush(ctx) })
	}
}

func (p *peer) flush(ctx context.Context) {
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for {
		l, waiting := p.current()
		if l == nil {
			return
		}
		if !waiting {
			l.hangUp(ctx)
			return
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return
		}
	}
}
