package provider

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

const (
	// helloWait bounds a peer's answer to our greeting, and a TCP connect.
	helloWait = 3 * time.Second
	// leastPause and mostPause lie between two attempts to connect.
	leastPause = 20 * time.Millisecond
	mostPause  = time.Second
	// maxBatch bounds the envelopes of one gRPC message, unless it is one alone.
	maxBatch = 1 << 20
	// maxMessage is what a receiver takes.
	maxMessage = maxBatch + MaxPayload + 1<<16
)

// line is our side of a stream that we opened to a peer.
type line struct {
	stream remote.Remoting_ReceiveClient
	end    context.CancelFunc
	over   chan struct{} // closed when the stream has ended; err says why
	err    error

	mu   sync.Mutex // of writing
	half bool       // nothing more is written
}

// serveLine is the goroutine of a peer: it connects when there is something to
// write, and from then on as soon as the line is lost, until the peer's life is
// over. That it greets again tells the peer to ask again for the answers that
// were lost with the line.
func (n *Node) serveLine(p *peer) {
	conn, err := grpc.NewClient("passthrough:///"+p.address, n.dialOptions()...)
	if err != nil { // of the options: Start has tried them
		p.close(fmt.Errorf("provider: dialing %s: %w", p.address, err))
		return
	}
	defer conn.Close()
	select {
	case <-p.ctx.Done():
		return
	case <-p.filled:
	}
	var batch []parcel
	for l := n.connect(p, conn); l != nil; l = n.connect(p, conn) {
		for open := true; open; {
			if batch = p.take(batch[:0]); len(batch) > 0 {
				l.write(batch)
				clear(batch)
			}
			select {
			case <-p.filled:
			case <-l.over:
				open = false
			}
		}
		l.end()
		n.hungUp(p, l)
	}
}

// connect returns a line, however long that takes, or nil when the peer's life
// is over.
func (n *Node) connect(p *peer, conn *grpc.ClientConn) *line {
	p.trying()
	for pause := leastPause; ; pause = min(2*pause, mostPause) {
		l, err := n.greet(p, conn)
		if err == nil {
			p.connected(l)
			return l
		}
		p.failed(err)
		n.stats.failedDials.Add(1)
		select {
		case <-p.ctx.Done():
			return nil
		case <-p.kicked:
			conn.ResetConnectBackoff()
			pause = leastPause
		case <-time.After(pause/2 + rand.N(pause)):
		}
	}
}

// hungUp follows the end of a line. What was written on it may not have arrived.
func (n *Node) hungUp(p *peer, l *line) {
	if p.ctx.Err() != nil {
		return
	}
	n.stats.lostLines.Add(1)
	p.connected(nil)
	p.failed(l.err)
	n.stats.resent.Add(int64(p.askAgain(n.self)))
}

// greet opens a stream and says who we are; the peer says who it is.
func (n *Node) greet(p *peer, conn *grpc.ClientConn) (*line, error) {
	ctx, end := context.WithCancel(metadata.NewOutgoingContext(p.ctx, n.card()))
	late := time.AfterFunc(helloWait, end)
	l := &line{end: end, over: make(chan struct{})}
	err := func() (err error) {
		if l.stream, err = remote.NewRemotingClient(conn).Receive(ctx); err != nil {
			return err
		}
		if err = l.stream.Send(n.hello()); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		greeting, err := l.stream.Recv()
		if err != nil {
			return err
		}
		return n.whoIsThere(p, l, greeting)
	}()
	if !late.Stop() && err == nil {
		err = context.DeadlineExceeded
	}
	if err != nil {
		end()
		return nil, fmt.Errorf("provider: greeting %s: %w", p.address, err)
	}
	go l.listen()
	return l, nil
}

// whoIsThere holds the peer to the life that the line is for.
func (n *Node) whoIsThere(p *peer, l *line, greeting *remote.RemoteMessage) error {
	if greeting.GetConnectResponse() == nil {
		return errors.New("it does not greet back")
	}
	md, err := l.stream.Header()
	if err != nil {
		return err
	}
	who, err := readCard(md)
	switch {
	case err != nil:
		return err
	case who.cluster != n.o.Cluster:
		return fmt.Errorf("a node of the cluster %q", who.cluster)
	case who.node != p.node || who.incarnation != p.incarnation:
		return fmt.Errorf("it is %s with incarnation %d, not %s with %d", who.node, who.incarnation, p.node, p.incarnation)
	}
	return n.believe(who.node, l.stream.Context())
}

// listen waits for the end. Whatever comes before is a request to disconnect.
func (l *line) listen() {
	if _, l.err = l.stream.Recv(); l.err == nil {
		l.err = errors.New("provider: the peer asks to disconnect")
	}
	close(l.over)
}

// write writes parcels in messages that the peer takes. It does not fail: listen
// does.
func (l *line) write(all []parcel) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(all) > 0 && !l.half {
		count, size := 1, len(all[0].data)
		for count < len(all) && size+len(all[count].data) <= maxBatch {
			size += len(all[count].data)
			count++
		}
		if l.stream.Send(message(all[:count])) != nil {
			return
		}
		all = all[count:]
	}
}

// hangUp ends the line when the peer has read everything, or ctx ends.
func (l *line) hangUp(ctx context.Context) {
	l.mu.Lock()
	l.half = true
	_ = l.stream.CloseSend()
	l.mu.Unlock()
	select {
	case <-l.over:
	case <-ctx.Done():
	}
}

// message joins parcels: of types, targets and senders each once.
func message(all []parcel) *remote.RemoteMessage {
	b := &remote.MessageBatch{Envelopes: make([]*remote.MessageEnvelope, len(all))}
	types, targets, senders := map[string]int32{}, map[string]int32{}, map[string]int32{}
	envelopes := make([]remote.MessageEnvelope, len(all))
	for i := range all {
		m, e := &all[i], &envelopes[i]
		e.MessageData = m.data
		if m.header != nil {
			e.MessageHeader = &remote.MessageHeader{HeaderData: m.header}
		}
		e.TypeId = index(types, m.typeName, func() { b.TypeNames = append(b.TypeNames, m.typeName) })
		e.Target = index(targets, m.target.Id, func() { b.Targets = append(b.Targets, bare(m.target)) })
		e.TargetRequestId = m.target.RequestId
		if m.sender != nil {
			e.Sender = 1 + index(senders, m.sender.Id, func() { b.Senders = append(b.Senders, bare(m.sender)) })
			e.SenderRequestId = m.sender.RequestId
		}
		b.Envelopes[i] = e
	}
	return &remote.RemoteMessage{MessageType: &remote.RemoteMessage_MessageBatch{MessageBatch: b}}
}

// index is the place of a key, which add makes where there is none yet.
func index(places map[string]int32, key string, add func()) int32 {
	at, ok := places[key]
	if !ok {
		at = int32(len(places))
		places[key] = at
		add()
	}
	return at
}

func bare(pid *actor.PID) *actor.PID { return actor.NewPID(pid.Address, pid.Id) }

func dialer(ctx context.Context, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: helloWait}
	return d.DialContext(ctx, "tcp", address)
}
