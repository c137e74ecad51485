package servertest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Build builds the node itself, for tests that need no stand-in.
func Build(t *testing.T) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "dormouse")
	c := exec.Command("go", "build", "-o", program, "dormouse/node")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("building the node: %v\n%s", err, out)
	}
	return program
}
