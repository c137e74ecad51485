package provider

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	transportpeer "google.golang.org/grpc/peer"

	"dormouse/codec/ids"
)

// tls13 is the configuration with nothing older than TLS 1.3. What
// GetConfigForClient returns is held to it, too.
func tls13(c *tls.Config) *tls.Config {
	c = c.Clone()
	c.MinVersion = tls.VersionTLS13
	if inner := c.GetConfigForClient; inner != nil {
		c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			chosen, err := inner(hello)
			if chosen == nil || err != nil {
				return nil, err
			}
			chosen = chosen.Clone()
			chosen.MinVersion, chosen.NextProtos = tls.VersionTLS13, []string{"h2"}
			chosen.ClientAuth = tls.RequireAndVerifyClientCert
			return chosen, nil
		}
		c.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return c
}

func transport(c *tls.Config) credentials.TransportCredentials {
	if c == nil {
		return insecure.NewCredentials()
	}
	return credentials.NewTLS(tls13(c))
}

// believe holds who says that it is a node to the certificate that it has shown on
// the connection of a stream.
func (n *Node) believe(node ids.Node, stream context.Context) error {
	who, ok := transportpeer.FromContext(stream)
	if n.o.Claim == nil || !ok {
		return nil
	}
	info, ok := who.AuthInfo.(credentials.TLSInfo)
	if !ok || len(info.State.PeerCertificates) == 0 {
		return nil // on loopback; TLS wants a certificate
	}
	if err := n.o.Claim(node, info.State.PeerCertificates[0]); err != nil {
		return fmt.Errorf("provider: node %s: %w", node, err)
	}
	return nil
}

var errTooMany = errors.New("provider: too many connections")

// porter is the server's side of the credentials. It counts the connections
// from before their handshake on.
type porter struct {
	credentials.TransportCredentials
	shared *connections
}

type connections struct {
	mu      sync.Mutex
	open    map[net.Conn]struct{}
	most    int
	refused func(error)
}

func newPorter(inner credentials.TransportCredentials, most int, refused func(error)) porter {
	return porter{inner, &connections{open: map[net.Conn]struct{}{}, most: most, refused: refused}}
}

func (p porter) Clone() credentials.TransportCredentials {
	return porter{p.TransportCredentials.Clone(), p.shared}
}

func (p porter) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	if err := p.shared.enter(raw); err != nil {
		p.shared.refused(err)
		return nil, nil, err
	}
	conn, info, err := p.TransportCredentials.ServerHandshake(raw)
	if err != nil {
		p.shared.leave(raw)
		p.shared.refused(err)
		return nil, nil, err
	}
	return &guest{conn, raw, p.shared}, info, nil
}

func (p porter) ClientHandshake(context.Context, string, net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, errors.New("provider: the porter dials nobody")
}

// guest is a connection that is counted until it is closed.
type guest struct {
	net.Conn
	raw    net.Conn
	shared *connections
}

func (g *guest) Close() error {
	g.shared.leave(g.raw)
	return g.Conn.Close()
}

func (c *connections) enter(conn net.Conn) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.open) >= c.most {
		return errTooMany
	}
	c.open[conn] = struct{}{}
	return nil
}

func (c *connections) leave(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, conn)
}
