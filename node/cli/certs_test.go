package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dormouse/node/certs"
)

// certify runs `dormouse certs` in a folder that stands as D in the arguments.
func certify(t *testing.T, status int, dir string, args ...string) (told string) {
	t.Helper()
	for i, arg := range args {
		if rest, ok := strings.CutPrefix(arg, "D"); ok {
			args[i] = dir + rest
		}
	}
	var out, e strings.Builder
	if got := Certs(args, System{strings.NewReader(""), &out, &e, os.Getenv}); got != status {
		t.Fatalf("certs %q: status %d, want %d: %s%s", args, got, status, out.String(), e.String())
	}
	return out.String() + e.String()
}

func TestCertificates(t *testing.T) {
	dir := t.TempDir()
	certify(t, Done, dir, "init", "--dir", "D/ca", "--cluster-name", "mice", "--days", "100")
	told := certify(t, Done, dir, "issue", "--dir", "D/ca", "--name", "n1", "--host", "n1.example", "--host=192.0.2.1")
	if !strings.Contains(told, filepath.Join(dir, "ca", "n1")) || !strings.Contains(told, "cluster.key") {
		t.Error(told)
	}
	certify(t, Done, dir, "issue", "--dir", "D/ca", "--name", "n2", "--days", "3", "--out", "D/n2")
	for _, out := range []string{"ca/n1", "n2"} {
		out = filepath.Join(dir, out)
		i, err := certs.LoadIdentity(filepath.Join(out, "node.crt"), filepath.Join(out, "node.key"), filepath.Join(dir, "ca/ca.crt"))
		if err != nil {
			t.Fatal(err)
		}
		if leaf := i.Credentials().Certificate.Leaf; leaf.Issuer.CommonName != "dormouse CA of mice" || (leaf.Subject.CommonName == "n1") != (len(leaf.DNSNames) == 1) {
			t.Errorf("%+v", leaf)
		}
	}
	if _, err := certs.LoadClusterKeys(filepath.Join(dir, "ca/cluster.key")); err != nil {
		t.Error(err)
	}
	for _, args := range [][]string{{"init", "--dir", "D/ca"}, {"issue", "--dir", "D/ca", "--name", "n1"}} {
		if told := certify(t, Failed, dir, args...); !strings.Contains(told, "--force overwrites it") {
			t.Error(told)
		}
		certify(t, Done, dir, append(args, "--force")...)
	}
	certify(t, Failed, dir, "issue", "--dir", "D/none", "--name", "n1")
}

func TestCertsUsage(t *testing.T) {
	dir := t.TempDir()
	for _, args := range []string{"", "?", "init", "init D", "init --dir D --name n", "init --dir D --host h", "init --dir D --out o", "init --dir D --days 0",
		"init --dir D --days x", "init --dir D --cluster-name a/b", "issue --dir D", "issue --dir D --name a/b", "issue --dir D --name n --cluster-name s", "issue --name n", "init issue --dir D"} {
		if told := certify(t, Usage, dir, strings.Fields(args)...); !strings.HasPrefix(told, "dormouse certs: ") || !strings.Contains(told, certsUsage) {
			t.Errorf("%s: %s", args, told)
		}
	}
	if told := certify(t, Done, dir, "--help"); told != certsUsage {
		t.Error(told)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
}
