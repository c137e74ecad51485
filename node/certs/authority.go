package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"dormouse/cluster/link"
)

// Days that certificates are good for where nothing else is asked, and at most.
const (
	CADays   = 3650
	NodeDays = 825
	MaxDays  = 36500
)

// backdated is how long before it was made a certificate begins, for clocks that
// are behind.
const backdated = time.Hour

// New is a CA to be made.
type New struct {
	Dir     string // of ca.crt, ca.key and cluster.key
	Cluster string // stands in the CA's name, at most 32 bytes; may be empty
	Days    int    // 0: CADays
	Force   bool   // overwrite: certificates of the old CA are worth nothing then
}

// Init makes a CA and a cluster key, and returns until when the CA is good.
func Init(n New) (until time.Time, err error) {
	days, err := lifetime(n.Days, CADays)
	if err != nil {
		return until, err
	}
	if n.Cluster != "" && !validName(n.Cluster, 32) {
		return until, fmt.Errorf("%w: the cluster's name %q: letters, digits, and behind the first - _ . too, at most 32", ErrAsked, n.Cluster)
	}
	if err := vacant(n.Force, n.Dir, CAFile, CAKeyFile, ClusterKeyFile); err != nil {
		return until, err
	}
	name := "dormouse CA"
	if n.Cluster != "" {
		name += " of " + n.Cluster
	}
	template := newTemplate(name, days)
	template.IsCA, template.BasicConstraintsValid, template.MaxPathLenZero = true, true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	certificate, key, err := sign(template, template, nil)
	if err != nil {
		return until, err
	}
	shared := make([]byte, link.KeySize)
	rand.Read(shared) // never fails (crypto/rand)
	return template.NotAfter, writeAll(n.Dir,
		file{CAKeyFile, key, secret},
		file{ClusterKeyFile, []byte(hex.EncodeToString(shared) + "\n"), secret},
		file{CAFile, certificate, public})
}

// Wanted is a node's certificate to be issued.
type Wanted struct {
	Dir   string   // of the CA
	Name  string   // of the node: peers take the certificate for no other (MayBe)
	Hosts []string // names and addresses that stand in it, too; none is needed
	Days  int      // 0: NodeDays
	Out   string   // folder of node.crt, node.key and ca.crt; "": the name, in Dir
	Force bool
}

// Folder is where the certificate is written to.
func (w Wanted) Folder() string {
	if w.Out == "" {
		return filepath.Join(w.Dir, w.Name)
	}
	return w.Out
}

// Issue makes a key and a certificate of the CA for it, good for both ends of a
// connection, and returns until when: not longer than the CA.
func Issue(w Wanted) (until time.Time, err error) {
	days, err := lifetime(w.Days, NodeDays)
	if err != nil {
		return until, err
	}
	if !validName(w.Name, 64) {
		return until, fmt.Errorf("%w: the node's name %q: letters, digits, and behind the first - _ . too, 1 to 64", ErrAsked, w.Name)
	}
	if err := vacant(w.Force, w.Folder(), NodeFile, NodeKeyFile); err != nil {
		return until, err
	}
	ca, caKey, caText, err := loadCA(w.Dir)
	if err != nil {
		return until, err
	}
	template := newTemplate(w.Name, days)
	if template.NotAfter.After(ca.NotAfter) {
		template.NotAfter = ca.NotAfter
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	if err := addHosts(template, w.Hosts); err != nil {
		return until, err
	}
	certificate, key, err := sign(template, ca, caKey)
	if err != nil {
		return until, err
	}
	files := []file{{NodeKeyFile, key, secret}, {NodeFile, certificate, public}}
	if filepath.Clean(w.Folder()) != filepath.Clean(w.Dir) {
		files = append(files, file{CAFile, caText, public})
	}
	return template.NotAfter, writeAll(w.Folder(), files...)
}

func lifetime(days, otherwise int) (time.Duration, error) {
	if days == 0 {
		days = otherwise
	}
	if days < 1 || days > MaxDays {
		return 0, fmt.Errorf("%w: %d days, want 1 to %d", ErrAsked, days, MaxDays)
	}
	return time.Duration(days) * 24 * time.Hour, nil
}

func newTemplate(name string, lifetime time.Duration) *x509.Certificate {
	serial := make([]byte, 16)
	rand.Read(serial)              // never fails (crypto/rand)
	serial[0] = 1 | serial[0]&0x7f // positive, and not 0 (RFC 5280 section 4.1.2.2)
	now := time.Now().UTC().Truncate(time.Second)
	return &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    now.Add(-backdated),
		NotAfter:     now.Add(lifetime),
	}
}

// sign makes a key, and a certificate for it; of a CA for itself where there is no
// other's key.
func sign(template, ca *x509.Certificate, caKey crypto.Signer) (certificate, key []byte, err error) {
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("certs: making a key: %w", err)
	}
	if caKey == nil {
		caKey = own
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca, own.Public(), caKey)
	if err != nil {
		return nil, nil, fmt.Errorf("certs: signing: %w", err)
	}
	key, err = keyPEM(own)
	return certificatePEM(der), key, err
}

// loadCA reads the CA that Init made, and its text.
func loadCA(dir string) (ca *x509.Certificate, key crypto.Signer, text []byte, err error) {
	path := filepath.Join(dir, CAFile)
	if text, err = os.ReadFile(path); err != nil {
		return nil, nil, nil, fmt.Errorf("certs: reading the CA: %w", err)
	}
	keyText, err := readSecret(filepath.Join(dir, CAKeyFile))
	if err != nil {
		return nil, nil, nil, err
	}
	pair, err := tls.X509KeyPair(text, keyText)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("%w: %s and its key: %w", ErrFile, path, err)
	}
	key, ok := pair.PrivateKey.(crypto.Signer)
	if !ok || !pair.Leaf.IsCA {
		return nil, nil, nil, fmt.Errorf("%w: %s is no CA", ErrFile, path)
	}
	if time.Now().After(pair.Leaf.NotAfter) {
		return nil, nil, nil, fmt.Errorf("%w: %s was good until %s", ErrFile, path, pair.Leaf.NotAfter.Format(time.DateOnly))
	}
	return pair.Leaf, key, text, nil
}
