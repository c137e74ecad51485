package certs

import (
	"bytes"
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dormouse/cluster/stream"
	"dormouse/codec/wire"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// made is a CA with the certificate of a node.
func made(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "ca")
	_, err := Init(New{Dir: dir, Cluster: "mice"})
	check(t, err)
	_, err = Issue(Wanted{Dir: dir, Name: "n1", Hosts: []string{"n1.example", "192.0.2.1", "2001:db8::1"}})
	check(t, err)
	return dir
}

func load(dir string) (*Identity, error) {
	return LoadIdentity(filepath.Join(dir, NodeFile), filepath.Join(dir, NodeKeyFile), filepath.Join(dir, CAFile))
}

func TestInitAndIssue(t *testing.T) {
	dir := made(t)
	for name, mode := range map[string]fs.FileMode{
		"ca.crt": 0o644, "ca.key": 0o600, "cluster.key": 0o600, "n1/node.crt": 0o644, "n1/node.key": 0o600, "n1/ca.crt": 0o644,
	} {
		info, err := os.Stat(filepath.Join(dir, name))
		check(t, err)
		if info.Mode().Perm() != mode {
			t.Errorf("%s has the mode %04o", name, info.Mode().Perm())
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*.new")); err != nil || len(left) > 0 {
		t.Errorf("%q, %v", left, err)
	}
	identity, err := load(filepath.Join(dir, "n1"))
	check(t, err)
	leaf := identity.Credentials().Certificate.Leaf
	if leaf.Subject.CommonName != "n1" || leaf.Issuer.CommonName != "dormouse CA of mice" || leaf.IsCA ||
		len(leaf.DNSNames) != 1 || len(leaf.IPAddresses) != 2 || leaf.SerialNumber.Sign() <= 0 {
		t.Errorf("%+v", leaf)
	}
	if days := time.Until(identity.Until()).Hours() / 24; days < NodeDays-1 || days > NodeDays {
		t.Errorf("good for %f days", days)
	}
}

// TestNodesMeet: what is made here is what cluster/stream wants, and no other CA's.
func TestNodesMeet(t *testing.T) {
	dir := made(t)
	for name, tc := range map[string]struct {
		dir  string
		meet bool
	}{"same": {dir, true}, "other": {made(t), false}} {
		t.Run(name, func(t *testing.T) {
			here, err := load(filepath.Join(dir, "n1"))
			check(t, err)
			there, err := load(filepath.Join(tc.dir, "n1"))
			check(t, err)
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			check(t, err)
			self := wire.Node{ID: 1, Incarnation: 1}
			mesh, err := stream.New(stream.Options{
				Self: self, Cluster: "mice", Listener: listener, Identity: here.Credentials, Frame: func(wire.Node, []byte) {},
				Serve: func(_ context.Context, _ wire.Node, _ byte, request []byte) ([]byte, error) { return request, nil },
			})
			check(t, err)
			defer mesh.Close()
			client, err := stream.Dial(t.Context(), listener.Addr().String(), stream.DialOptions{Self: wire.Node{ID: 2}, Cluster: "mice", Identity: there.Credentials})
			if !tc.meet {
				if !errors.Is(err, stream.ErrRefused) {
					t.Error(err)
				}
				return
			}
			check(t, err)
			defer client.Close()
			if answer, err := client.Call(t.Context(), 1, []byte("x")); err != nil || string(answer) != "x" {
				t.Errorf("%q, %v", answer, err)
			}
		})
	}
}

// TestNames: a certificate is a node's where it has the name, letter by letter.
func TestNames(t *testing.T) {
	for _, tc := range []struct {
		common string
		dns    []string
		says   string // of the node n1; "" nothing
	}{
		{"n1", nil, ""},
		{"somebody", []string{"x", "n1"}, ""},
		{"", []string{"n1"}, ""},
		{"n2", []string{"n2", "n2.example"}, `it names "n2, n2.example", and not "n1"`},
		{"N1", nil, `it names "N1", and not "n1"`},
		{"*", []string{"*.example"}, `it names "*, *.example", and not "n1"`},
		{"n1.example", nil, `and not "n1"`},
		{"", nil, `it names nobody, and must name "n1" as common name or DNS name`},
	} {
		err := MayBe(&x509.Certificate{Subject: pkix.Name{CommonName: tc.common}, DNSNames: tc.dns}, "n1")
		if (err == nil) != (tc.says == "") || err != nil && (!errors.Is(err, ErrName) || !strings.Contains(err.Error(), tc.says)) {
			t.Errorf("%q, %q: %v", tc.common, tc.dns, err)
		}
	}
}

// TestBoundIdentity: what a reload finds must be of the node, too.
func TestBoundIdentity(t *testing.T) {
	dir := made(t)
	identity, err := load(filepath.Join(dir, "n1"))
	check(t, err)
	if err := identity.Bind("n2"); !errors.Is(err, ErrName) || !strings.Contains(err.Error(), filepath.Join("n1", NodeFile)) || !strings.Contains(err.Error(), "--name n2") {
		t.Error(err)
	}
	check(t, identity.Bind("n1"))
	before := identity.Credentials().Certificate
	_, err = Issue(Wanted{Dir: dir, Name: "n2", Out: filepath.Join(dir, "n1"), Force: true})
	check(t, err)
	if err := identity.Reload(); !errors.Is(err, ErrName) || identity.Credentials().Certificate != before {
		t.Error(err)
	}
}

func TestNothingIsOverwritten(t *testing.T) {
	dir := made(t)
	read := func() (all []byte) {
		for _, name := range []string{"ca.crt", "ca.key", "cluster.key", "n1/node.crt", "n1/node.key"} {
			text, err := os.ReadFile(filepath.Join(dir, name))
			check(t, err)
			all = append(all, text...)
		}
		return all
	}
	before := read()
	if _, err := Init(New{Dir: dir}); !errors.Is(err, ErrExists) {
		t.Error(err)
	}
	if _, err := Issue(Wanted{Dir: dir, Name: "n1"}); !errors.Is(err, ErrExists) {
		t.Error(err)
	}
	check(t, os.Rename(filepath.Join(dir, CAFile), filepath.Join(dir, "away")))
	if _, err := Init(New{Dir: dir}); !errors.Is(err, ErrExists) { // the keys are there
		t.Error(err)
	}
	check(t, os.Rename(filepath.Join(dir, "away"), filepath.Join(dir, CAFile)))
	if !bytes.Equal(read(), before) {
		t.Error("a file is another")
	}
	_, err := Issue(Wanted{Dir: dir, Name: "n1", Force: true})
	check(t, err)
	_, err = Init(New{Dir: dir, Force: true})
	check(t, err)
	if _, err := Issue(Wanted{Dir: dir, Name: "n2", Out: dir}); err != nil {
		t.Error(err)
	}
	if _, err := load(dir); err != nil {
		t.Error(err)
	}
}

// TestReload keeps what it has until what it finds is good.
func TestReload(t *testing.T) {
	dir := made(t)
	out := filepath.Join(dir, "n1")
	identity, err := load(out)
	check(t, err)
	first := identity.Credentials().Certificate.Leaf
	_, err = Issue(Wanted{Dir: made(t), Name: "n1", Out: out, Days: 1, Force: true}) // of another CA, which it brings along
	check(t, err)
	old, err := os.ReadFile(filepath.Join(dir, CAFile))
	check(t, err)
	check(t, os.WriteFile(filepath.Join(out, CAFile), old, 0o644))
	if err := identity.Reload(); !errors.Is(err, ErrFile) || identity.Credentials().Certificate.Leaf != first {
		t.Error(err)
	}
	_, err = Issue(Wanted{Dir: dir, Name: "n1", Days: 1, Force: true})
	check(t, err)
	if err := identity.Reload(); err != nil || time.Until(identity.Until()) > 25*time.Hour {
		t.Errorf("%v, until %v", err, identity.Until())
	}
}

func TestUnusableFiles(t *testing.T) {
	foreign := made(t)
	for name, spoil := range map[string]func(dir string) error{
		"open key":  func(dir string) error { return os.Chmod(filepath.Join(dir, "n1", NodeKeyFile), 0o640) },
		"no key":    func(dir string) error { return os.Remove(filepath.Join(dir, "n1", NodeKeyFile)) },
		"empty key": func(dir string) error { return os.WriteFile(filepath.Join(dir, "n1", NodeKeyFile), nil, 0o600) },
		"other's key": func(dir string) error {
			return os.Rename(filepath.Join(foreign, "n1", NodeKeyFile), filepath.Join(dir, "n1", NodeKeyFile))
		},
		"no CA": func(dir string) error { return os.WriteFile(filepath.Join(dir, "n1", CAFile), []byte("x"), 0o644) },
		"other CA": func(dir string) error {
			return os.Rename(filepath.Join(foreign, CAFile), filepath.Join(dir, "n1", CAFile))
		},
		"no file": func(dir string) error { return os.Remove(filepath.Join(dir, "n1", NodeFile)) },
	} {
		dir := made(t)
		check(t, spoil(dir))
		if i, err := load(filepath.Join(dir, "n1")); i != nil || err == nil || strings.Contains(err.Error(), "PRIVATE") {
			t.Errorf("%s: %v", name, err)
		}
	}
	dir := made(t)
	check(t, os.Chmod(filepath.Join(dir, CAKeyFile), 0o644))
	if _, err := Issue(Wanted{Dir: dir, Name: "n2"}); !errors.Is(err, ErrFile) {
		t.Error(err)
	}
	// A node's certificate is no CA.
	check(t, os.Rename(filepath.Join(dir, "n1", NodeFile), filepath.Join(dir, "n1", CAFile)))
	check(t, os.Rename(filepath.Join(dir, "n1", NodeKeyFile), filepath.Join(dir, "n1", CAKeyFile)))
	if _, err := Issue(Wanted{Dir: filepath.Join(dir, "n1"), Name: "n2"}); !errors.Is(err, ErrFile) {
		t.Error(err)
	}
	if _, err := Issue(Wanted{Dir: t.TempDir(), Name: "n2"}); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestSenselessWishes(t *testing.T) {
	dir := made(t)
	for _, w := range []Wanted{
		{Name: ""}, {Name: "../n"}, {Name: ".."}, {Name: "a b"}, {Name: strings.Repeat("n", 65)}, {Name: "n2", Days: -1},
		{Name: "n2", Days: MaxDays + 1}, {Name: "n2", Hosts: []string{"a b"}}, {Name: "n2", Hosts: []string{""}},
	} {
		w.Dir = dir
		if _, err := Issue(w); !errors.Is(err, ErrAsked) {
			t.Errorf("%+v: %v", w, err)
		}
	}
	for _, n := range []New{{Days: MaxDays + 1}, {Cluster: "a\nb"}, {Cluster: strings.Repeat("m", 33)}} {
		n.Dir = t.TempDir()
		if _, err := Init(n); !errors.Is(err, ErrAsked) {
			t.Errorf("%+v: %v", n, err)
		}
	}
	// A node's certificate ends with its CA.
	short := t.TempDir()
	until, err := Init(New{Dir: short, Days: 10})
	check(t, err)
	if got, err := Issue(Wanted{Dir: short, Name: "n"}); err != nil || !got.Equal(until) {
		t.Errorf("until %v, %v; the CA until %v", got, err, until)
	}
}

func TestClusterKeys(t *testing.T) {
	path := filepath.Join(made(t), ClusterKeyFile)
	first, err := LoadClusterKeys(path)
	if err != nil || len(first) != 1 || len(first[0]) != 32 {
		t.Fatalf("%d keys, %v", len(first), err)
	}
	one, two := strings.Repeat("0a", 32), strings.Repeat("0B", 32)
	check(t, os.WriteFile(path, []byte("# new\n"+two+"\n\n  "+one+"\n"), 0o600))
	keys, err := LoadClusterKeys(path)
	if err != nil || len(keys) != 2 || hex.EncodeToString(keys[0]) != strings.ToLower(two) {
		t.Errorf("%d keys, %v", len(keys), err)
	}
	for _, text := range []string{"", "# none\n", one[2:], one + "0a", "x" + one[1:], one + "\n" + one} {
		check(t, os.WriteFile(path, []byte(text), 0o600))
		if _, err := LoadClusterKeys(path); !errors.Is(err, ErrFile) || strings.Contains(err.Error(), "0a0a") {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	check(t, os.Chmod(path, 0o644))
	if _, err := LoadClusterKeys(path); !errors.Is(err, ErrFile) {
		t.Error(err)
	}
}

func TestZonesAreNoHosts(t *testing.T) {
	dir := made(t)
	_, err := Issue(Wanted{Dir: dir, Name: "n2", Hosts: []string{"fe80::1%eth0"}})
	check(t, err)
	identity, err := load(filepath.Join(dir, "n2"))
	check(t, err)
	ip := identity.Credentials().Certificate.Leaf.IPAddresses[0]
	if got, _ := netip.AddrFromSlice(ip); got != netip.MustParseAddr("fe80::1") {
		t.Error(got)
	}
}
