package provider

import (
	"fmt"
	"strconv"

	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc/metadata"

	"dormouse/codec/ids"
)

// card is what a node says of itself in the metadata of a stream, on both
// sides.
type card struct {
	cluster     string
	node        ids.Node
	incarnation uint64
}

const (
	keyCluster     = "dormouse-cluster"
	keyNode        = "dormouse-node"
	keyIncarnation = "dormouse-incarnation"
)

func (n *Node) card() metadata.MD {
	return metadata.Pairs(keyCluster, n.o.Cluster, keyNode, n.o.Node.String(), keyIncarnation, strconv.FormatUint(n.o.Incarnation, 10))
}

func readCard(md metadata.MD) (c card, err error) {
	one := func(key string) string {
		if values := md.Get(key); len(values) == 1 {
			return values[0]
		}
		return ""
	}
	c.cluster = one(keyCluster)
	if c.node, err = ids.ParseNode(one(keyNode)); err != nil {
		return c, fmt.Errorf("provider: reading who a peer is: %w", err)
	}
	if c.incarnation, err = strconv.ParseUint(one(keyIncarnation), 10, 64); err != nil {
		return c, fmt.Errorf("provider: reading the incarnation of a peer: %w", err)
	}
	return c, nil
}

// hello is how protoactor's remote greets.
func (n *Node) hello() *remote.RemoteMessage {
	return &remote.RemoteMessage{MessageType: &remote.RemoteMessage_ConnectRequest{ConnectRequest: &remote.ConnectRequest{
		ConnectionType: &remote.ConnectRequest_ServerConnection{ServerConnection: &remote.ServerConnection{
			SystemId: n.o.System.ID, Address: n.o.System.Address(),
		}},
	}}}
}

// welcome is how it greets back.
func (n *Node) welcome() *remote.RemoteMessage {
	return &remote.RemoteMessage{MessageType: &remote.RemoteMessage_ConnectResponse{
		ConnectResponse: &remote.ConnectResponse{MemberId: n.o.System.ID},
	}}
}
