package stream

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"

	"dormouse/codec/wire"
)

// Credentials are what a node proves itself with, and knows its peers by.
type Credentials struct {
	// Certificate with its key: for client and server authentication.
	Certificate *tls.Certificate
	// Roots is the cluster's private CA; the system's are never asked.
	Roots *x509.CertPool
}

// Identity gives the credentials in force. It is asked for each connection anew,
// so that a renewed certificate needs no restart; those that are open stay. It is
// called concurrently.
type Identity func() Credentials

// Verify says whether a peer with the same CA would take the certificate now.
func (c Credentials) Verify(now time.Time) error {
	chain, err := x509.ParseCertificates(bytes.Join(c.Certificate.Certificate, nil))
	if err != nil {
		return fmt.Errorf("stream: reading the certificate: %w", err)
	}
	return verify(chain, c.Roots, now)
}

// config is for one connection. Sessions are not resumed: each connection is
// judged by the credentials of its time.
func (c Credentials) config(now func() time.Time) (*tls.Config, error) {
	if c.Certificate == nil || c.Roots == nil {
		return nil, fmt.Errorf("%w: no certificate or no CA", ErrOptions)
	}
	return &tls.Config{
		MinVersion:                  tls.VersionTLS13,
		Certificates:                []tls.Certificate{*c.Certificate},
		SessionTicketsDisabled:      true,
		DynamicRecordSizingDisabled: true,
		Time:                        now,
		// VerifyConnection verifies on both sides, in the same way: nodes move, so
		// that no name of a host is looked at. Which node it is, Claim says later.
		ClientAuth:         tls.RequireAnyClientCert,
		InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			return verify(s.PeerCertificates, c.Roots, now())
		},
	}, nil
}

// verify wants a certificate of the CA that is good for both ends of a connection.
func verify(chain []*x509.Certificate, roots *x509.CertPool, now time.Time) error {
	if len(chain) == 0 {
		return fmt.Errorf("%w: no certificate", ErrRefused)
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
		_, err := chain[0].Verify(x509.VerifyOptions{
			Roots: roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{usage},
		})
		if err != nil {
			return fmt.Errorf("%w: the certificate %q: %w", ErrRefused, chain[0].Subject.CommonName, err)
		}
	}
	return nil
}

// secure does the TLS handshake on a connection, or leaves it plain where there is
// no identity: that is on loopback alone.
func (t *terms) secure(ctx context.Context, raw net.Conn, side func(net.Conn, *tls.Config) *tls.Conn) (net.Conn, error) {
	if t.identity == nil {
		if !isLoopback(raw.RemoteAddr()) {
			return nil, fmt.Errorf("%w: %s is no loopback address, and there is no certificate", ErrRefused, raw.RemoteAddr())
		}
		return raw, nil
	}
	config, err := t.identity().config(t.now)
	if err != nil {
		return nil, err
	}
	conn := side(raw, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, tellTLS(err)
	}
	return conn, nil
}

// certificateOf is what the other side has shown, nil where the connection is plain.
func certificateOf(conn net.Conn) *x509.Certificate {
	secured, ok := conn.(*tls.Conn)
	if !ok {
		return nil
	}
	return secured.ConnectionState().PeerCertificates[0] // verify wants one
}

// believe says in a sentence why the other side is not who it says it is.
func (t *terms) believe(node wire.Node, conn net.Conn) string {
	certificate := certificateOf(conn)
	if t.claim == nil || certificate == nil {
		return ""
	}
	if err := t.claim(node, certificate); err != nil {
		return fmt.Sprintf("node %s: %v", node.ID, err)
	}
	return ""
}

type certificateKey struct{}

// Certificate is what the node has shown that asks a Serve with this context; nil
// where its connection is plain.
func Certificate(ctx context.Context) *x509.Certificate {
	certificate, _ := ctx.Value(certificateKey{}).(*x509.Certificate)
	return certificate
}

// tellTLS makes a refusal of what the other side's TLS said, or of what was none.
func tellTLS(err error) error {
	var told *net.OpError
	var header tls.RecordHeaderError
	switch {
	case errors.As(err, &told) && told.Op == "remote error": // an alert, as crypto/tls says it
		return fmt.Errorf("%w by the other side: %w", ErrRefused, err)
	case errors.As(err, &header):
		return fmt.Errorf("%w: it speaks no TLS", ErrRefused)
	}
	return err
}

func isLoopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// TLS is both sides of mutual TLS for another listener of this node, as the mesh
// has it: who is of the CA is a peer. The credentials are asked for at each
// handshake anew.
func (i Identity) TLS() (server, client *tls.Config, err error) {
	if server, err = i().server(); err != nil {
		return nil, nil, err
	}
	server.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return i().server() }
	if client, err = i().config(time.Now); err != nil {
		return nil, nil, err
	}
	client.Certificates = nil
	client.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return i().Certificate, nil }
	client.VerifyConnection = func(s tls.ConnectionState) error { return verify(s.PeerCertificates, i().Roots, time.Now()) }
	return server, client, nil
}

// server is for those who want the usual fields, too.
func (c Credentials) server() (*tls.Config, error) {
	config, err := c.config(time.Now)
	if err == nil {
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, c.Roots
	}
	return config, err
}
