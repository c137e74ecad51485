package provider

import (
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// porch implements the service of protoactor's remote. Of its methods nodes use
// Receive alone.
type porch struct {
	remote.UnimplementedRemotingServer
	node *Node
}

// door is our side of a stream that a peer opened.
type door struct {
	stream remote.Remoting_ReceiveServer
	node   *Node
	who    card
	life   Member
	peer   *peer
}

// Receive lets a peer in, and takes what it sends until it hangs up.
func (p *porch) Receive(stream remote.Remoting_ReceiveServer) error {
	n := p.node
	if !n.doors.enter() {
		return status.Error(codes.Unavailable, errClosing.Error())
	}
	defer n.doors.leave()
	d := &door{stream: stream, node: n}
	if err := d.greet(); err != nil {
		n.refused(err)
		return status.Error(codes.PermissionDenied, err.Error())
	}
	defer func() { n.peers.leave(d.peer) }()
	for {
		m, err := stream.Recv()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		if err := d.still(); err != nil {
			return status.Error(codes.PermissionDenied, err.Error())
		}
		if b := m.GetMessageBatch(); b != nil && !n.doors.isClosed() {
			d.deliver(b)
		}
	}
}

// greet takes the peer in. A node that knows of no peer at this address makes one
// of it, to answer it.
func (d *door) greet() (err error) {
	md, _ := metadata.FromIncomingContext(d.stream.Context())
	if d.who, err = readCard(md); err != nil {
		return err
	}
	if d.who.cluster != d.node.o.Cluster {
		return fmt.Errorf("provider: %s is of the cluster %q", d.who.node, d.who.cluster)
	}
	if err = d.node.believe(d.who.node, d.stream.Context()); err != nil {
		return err
	}
	m, err := d.stream.Recv()
	if err != nil {
		return fmt.Errorf("provider: %s does not greet: %w", d.who.node, err)
	}
	if d.life, err = d.member(m.GetConnectRequest().GetServerConnection()); err != nil {
		return err
	}
	p, err := d.node.peers.welcome(d.life)
	if err != nil {
		return err
	}
	d.peer = p
	if err = d.stream.SetHeader(d.node.card()); err == nil {
		err = d.stream.Send(d.node.welcome())
	}
	if err != nil {
		d.node.peers.leave(p)
		return fmt.Errorf("provider: greeting %s back: %w", d.who.node, err)
	}
	// Answers may have been lost with an earlier stream, or dropped for the want of
	// one.
	d.node.stats.resent.Add(int64(p.askAgain(d.node.self)))
	return nil
}

// still takes the peer in again, as a guest, when the membership says that it has
// left: it is there. It is refused when it has started again.
func (d *door) still() error {
	if d.peer.ctx.Err() == nil {
		return nil
	}
	p, err := d.node.peers.welcome(d.life)
	if err != nil {
		return err
	}
	d.node.peers.leave(d.peer)
	d.peer = p
	return nil
}

// member is the life that greets.
func (d *door) member(c *remote.ServerConnection) (m Member, err error) {
	host, digits, err := net.SplitHostPort(c.GetAddress())
	if err != nil {
		return m, fmt.Errorf("provider: reading the address of %s: %w", d.who.node, err)
	}
	port, err := strconv.ParseUint(digits, 10, 16)
	if err != nil {
		return m, fmt.Errorf("provider: reading the port of %s: %w", d.who.node, err)
	}
	m = Member{ID: c.SystemId, Node: d.who.node, Incarnation: d.who.incarnation, Host: host, Port: int(port)}
	if m.Address() != c.Address {
		return m, fmt.Errorf("provider: %s writes its address as %q", d.who.node, c.Address)
	}
	return m, nil
}

var (
	envelopeType   = string((&wrapperspb.BytesValue{}).ProtoReflect().Descriptor().FullName())
	deadLetterType = string((&actor.DeadLetterResponse{}).ProtoReflect().Descriptor().FullName())
)

// deliver hands over what is for a gate or a future of this node, comes from the
// peer itself, and is of a type that it can be of. Anything else is counted, and
// does no harm to what comes with it: a newer node may send what we do not know.
func (d *door) deliver(b *remote.MessageBatch) {
	for _, e := range b.Envelopes {
		target, sender, ok := d.address(b, e)
		if !ok || !d.open(target, sender, b.TypeNames[e.TypeId], e) {
			d.node.stats.sifted.Add(1)
		}
	}
}

// address finds an envelope's target and sender.
func (d *door) address(b *remote.MessageBatch, e *remote.MessageEnvelope) (target, sender *actor.PID, ok bool) {
	if e.GetSerializerId() != remote.DefaultSerializerID || !indexes(e.TypeId, len(b.TypeNames)) || !indexes(e.Target, len(b.Targets)) || !indexes(e.Sender, len(b.Senders)+1) {
		return nil, nil, false
	}
	target = withRequest(b.Targets[e.Target], e.TargetRequestId)
	if e.Sender > 0 {
		sender = withRequest(b.Senders[e.Sender-1], e.SenderRequestId)
	}
	if target.GetAddress() != d.node.o.System.Address() || sender != nil && sender.GetAddress() != d.peer.address {
		return nil, nil, false
	}
	return target, sender, true
}

func indexes(i int32, n int) bool { return i >= 0 && int(i) < n }

func withRequest(pid *actor.PID, request uint32) *actor.PID {
	if request == 0 {
		return pid
	}
	pid = bare(pid)
	pid.RequestId = request
	return pid
}

// open reads the message and sends it on.
func (d *door) open(target, sender *actor.PID, typeName string, e *remote.MessageEnvelope) bool {
	future := strings.HasPrefix(target.GetId(), "future$")
	var content proto.Message
	switch {
	case typeName == envelopeType && (future || strings.HasPrefix(target.GetId(), "gate/")):
		value, ok := bytesOf(e.MessageData)
		if !ok {
			return false
		}
		content = wrapperspb.Bytes(value)
	case typeName == deadLetterType && future:
		content = &actor.DeadLetterResponse{}
	default:
		return false
	}
	process, ok := d.node.o.System.ProcessRegistry.GetLocal(target.GetId())
	if !ok && future {
		return false // it has timed out
	}
	process.SendUserMessage(target, &actor.MessageEnvelope{Header: e.GetMessageHeader().GetHeaderData(), Message: content, Sender: sender})
	return true
}

// bytesOf reads a serialized BytesValue; the bytes alias data.
func bytesOf(data []byte) ([]byte, bool) {
	if len(data) == 0 {
		return nil, true
	}
	number, kind, n := protowire.ConsumeTag(data)
	if n < 0 || number != 1 || kind != protowire.BytesType {
		return nil, false
	}
	value, m := protowire.ConsumeBytes(data[n:])
	return value, m >= 0 && n+m == len(data)
}

// appendBytes is the serialized BytesValue of an envelope.
func appendBytes(e *Envelope) []byte {
	size := envelopeHeader + len(e.Payload)
	data := make([]byte, 0, 1+protowire.SizeBytes(size))
	data = protowire.AppendTag(data, 1, protowire.BytesType)
	data = protowire.AppendVarint(data, uint64(size))
	return e.Append(data)
}

// serialized is the BytesValue of bytes.
func serialized(b []byte) []byte {
	data := make([]byte, 0, 1+protowire.SizeBytes(len(b)))
	data = protowire.AppendTag(data, 1, protowire.BytesType)
	return protowire.AppendBytes(data, b)
}

// doors counts the streams of peers, so that a Close can wait for them.
type doors struct {
	mu     sync.Mutex
	open   int
	closed bool
	empty  chan struct{} // closed when closed and none is open
}

func newDoors() *doors { return &doors{empty: make(chan struct{})} }

func (d *doors) enter() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return false
	}
	d.open++
	return true
}

func (d *doors) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open--; d.open == 0 && d.closed {
		close(d.empty)
	}
}

func (d *doors) isClosed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.closed
}

func (d *doors) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		if d.closed = true; d.open == 0 {
			close(d.empty)
		}
	}
}
