package provider

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dormouse/codec/ids"
)

// authority is a CA that certifies nodes.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pool        *x509.CertPool
	serial      atomic.Int64
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a CA of a test"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{key: key, pool: x509.NewCertPool()}
	if a.certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pool.AddCert(a.certificate)
	return a
}

const serverName = "node.dormouse"

func (a *authority) certify(t testing.TB) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1 + a.serial.Add(1)), Subject: pkix.Name{CommonName: "a node"}, NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{serverName}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// sides are both sides of a node that trusts the authority; the certificate is
// read at every handshake.
func (a *authority) sides(certificate func() *tls.Certificate) (server, client *tls.Config) {
	server = &tls.Config{
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: a.pool,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return certificate(), nil },
	}
	client = &tls.Config{
		RootCAs: a.pool, ServerName: serverName,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return certificate(), nil },
	}
	return server, client
}

func (a *authority) secure(t testing.TB, o Options) Options {
	c := a.certify(t)
	o.ServerTLS, o.ClientTLS = a.sides(func() *tls.Certificate { return c })
	return o
}

func TestMutualTLS(t *testing.T) {
	ca := newAuthority(t)
	a, b := start(t, ca.secure(t, options(nodeA, echo))), start(t, ca.secure(t, options(nodeB, echo)))
	meet(a, b)
	if got := ask(t, a, nodeB, "x"); got != nodeA.String()+" 7 x" {
		t.Error(got)
	}
	if got := ask(t, b, nodeA, "x"); got != nodeB.String()+" 7 x" {
		t.Error(got)
	}
}

// A node with another certificate needs no restart.
func TestCertificateIsReloaded(t *testing.T) {
	ca, foreign := newAuthority(t), newAuthority(t)
	var certificate atomic.Pointer[tls.Certificate]
	certificate.Store(foreign.certify(t))
	o := options(nodeB, echo)
	o.ServerTLS, o.ClientTLS = ca.sides(certificate.Load)
	a, b := start(t, ca.secure(t, options(nodeA, echo))), start(t, o)
	meet(a, b)
	until(t, "refusals", func() bool {
		ctx, cancel := context.WithTimeout(within(t), 20*time.Millisecond)
		defer cancel()
		_, err := a.Call(ctx, nodeB, 1, nil)
		return errors.Is(err, ErrNotSent) && a.Stats().FailedDials > 0
	})
	certificate.Store(ca.certify(t))
	ask(t, a, nodeB, "x")
	ask(t, b, nodeA, "x")
}

// A certificate that may not speak as the node is refused, whichever end has it.
func TestClaim(t *testing.T) {
	ca := newAuthority(t)
	claim := func(node ids.Node, c *x509.Certificate) error {
		if node == nodeA && c.Subject.CommonName == "a node" {
			return errors.New("its certificate is of another node")
		}
		return nil
	}
	with := func(node ids.Node, claimed bool) Options {
		o := ca.secure(t, options(node, echo))
		o.Patience = 100 * time.Millisecond
		if claimed {
			o.Claim = claim
		}
		return o
	}
	a, b := start(t, with(nodeA, false)), start(t, with(nodeB, true))
	meet(a, b)
	for _, way := range []struct {
		from *Node
		to   ids.Node
	}{{a, nodeB}, {b, nodeA}} {
		until(t, "the refusal", func() bool { // the handshake may take longer than a call waits
			_, err := way.from.Call(within(t), way.to, 1, nil)
			if !errors.Is(err, ErrNotSent) {
				t.Fatalf("to %v: %v", way.to, err)
			}
			return strings.Contains(err.Error(), "its certificate is of another node")
		})
	}
	if s := a.Stats().Served + b.Stats().Served; s != 0 {
		t.Errorf("%d calls were served", s)
	}
}

// Strangers get nothing, and are counted: who has no certificate, one of another
// CA, no TLS 1.3, or another cluster's name.
func TestStrangersAreRefused(t *testing.T) {
	ca, foreign := newAuthority(t), newAuthority(t)
	b := start(t, ca.secure(t, options(nodeB, echo)))
	strangers := map[string]func(o *Options){
		"no TLS":          func(*Options) {},
		"foreign":         func(o *Options) { *o = foreign.secure(t, *o); o.ClientTLS.RootCAs = ca.pool },
		"no certificate":  func(o *Options) { *o = ca.secure(t, *o); o.ClientTLS.GetClientCertificate = nil },
		"another cluster": func(o *Options) { *o = ca.secure(t, *o); o.Cluster = "other" },
	}
	for name, change := range strangers {
		t.Run(name, func(t *testing.T) {
			o := options(nodeA, echo)
			o.Patience = 100 * time.Millisecond
			change(&o)
			a := start(t, o)
			a.SetMembers([]Member{b.Self()})
			before := b.Stats().Refused
			if _, err := a.Call(within(t), nodeB, 1, nil); !errors.Is(err, ErrNotSent) {
				t.Error(err)
			}
			until(t, "the refusal", func() bool { return b.Stats().Refused > before })
		})
	}
	if s := b.Stats(); s.Served != 0 {
		t.Errorf("%+v", s)
	}
	c := &tls.Config{RootCAs: ca.pool, ServerName: serverName, MaxVersion: tls.VersionTLS12, NextProtos: []string{"h2"}}
	if conn, err := tls.Dial("tcp", b.o.System.Address(), c); err == nil {
		_ = conn.Close()
		t.Error("TLS 1.2 is spoken")
	}
}

// A node does not believe a server that is of the CA, but another node.
func TestAnotherNodeAtTheAddress(t *testing.T) {
	o := options(nodeA, nil)
	o.Patience = 100 * time.Millisecond
	a, b := start(t, o), start(t, options(nodeB, echo))
	wrong := b.Self()
	wrong.Node = nodeC
	a.SetMembers([]Member{wrong})
	if _, err := a.Call(within(t), nodeC, 1, nil); !errors.Is(err, ErrNotSent) {
		t.Error(err)
	}
	if s := b.Stats(); s.Served != 0 {
		t.Errorf("%+v", s)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	ca := newAuthority(t)
	for name, change := range map[string]func(*Options){
		"no system":               func(o *Options) { o.System = nil },
		"no cluster":              func(o *Options) { o.Cluster = "" },
		"a name that is no text":  func(o *Options) { o.Cluster = "a\nb" },
		"no node":                 func(o *Options) { o.Node = 0 },
		"no incarnation":          func(o *Options) { o.Incarnation = 0 },
		"no address":              func(o *Options) { o.Listen = "nowhere" },
		"a bound below 0":         func(o *Options) { o.Serving = -1 },
		"no TLS on any interface": func(o *Options) { o.Listen, o.Advertise = "0.0.0.0:0", "192.0.2.1:5" },
		"no TLS on the network":   func(o *Options) { o.Listen = "192.0.2.1:0" },
		"nothing to advertise":    func(o *Options) { *o = ca.secure(t, *o); o.Listen = "[::]:0" },
		"one side of TLS":         func(o *Options) { *o = ca.secure(t, *o); o.ClientTLS = nil },
		"any client":              func(o *Options) { *o = ca.secure(t, *o); o.ServerTLS.ClientAuth = tls.RequestClientCert },
		"clients of any CA":       func(o *Options) { *o = ca.secure(t, *o); o.ServerTLS.ClientCAs = nil },
		"any server":              func(o *Options) { *o = ca.secure(t, *o); o.ClientTLS.InsecureSkipVerify = true },
		"servers of any CA":       func(o *Options) { *o = ca.secure(t, *o); o.ClientTLS.RootCAs = nil },
	} {
		o := options(nodeA, nil)
		change(&o)
		if n, err := Start(o); err == nil {
			shut(t, n)
			t.Errorf("%s is taken", name)
		}
	}
}
