package provider

import (
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/keepalive"
)

// Times of keepalive. A peer that was cut off is noticed within pingAfter and
// pingWait, and within pingWait where something was written to it.
const (
	pingAfter = 10 * time.Second // gRPC's least for clients
	pingWait  = 5 * time.Second
	shakeWait = 5 * time.Second // for a peer's handshake
	flow      = 1 << 20         // bytes that may be under way in a stream
)

func (n *Node) serverOptions() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.Creds(newPorter(transport(n.o.ServerTLS), n.o.Connections, n.refused)),
		grpc.ConnectionTimeout(shakeWait),
		grpc.MaxConcurrentStreams(4), // a peer opens one
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.MaxHeaderListSize(4 << 10),
		grpc.InitialWindowSize(flow), grpc.InitialConnWindowSize(flow),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: pingAfter, Timeout: pingWait}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: pingAfter / 2}),
	}
}

func (n *Node) dialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithTransportCredentials(transport(n.o.ClientTLS)),
		grpc.WithContextDialer(dialer), // and no proxy
		grpc.WithDisableServiceConfig(), grpc.WithDisableRetry(),
		grpc.WithIdleTimeout(0),
		grpc.WithInitialWindowSize(flow), grpc.WithInitialConnWindowSize(flow),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingAfter, Timeout: pingWait}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: leastPause, Multiplier: 2, Jitter: 0.2, MaxDelay: mostPause},
			MinConnectTimeout: helloWait,
		}),
	}
}
