package app_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dormouse/codec/coap"
	"dormouse/node/app/apptest"
	"dormouse/node/cli"
)

// Variables of the test binary: the name that the namespaces begin with makes it
// the test within that of the router, an address makes it fetch what is there.
const (
	spaceVariable = "DORMOUSE_TEST_SPACE"
	fetchVariable = "DORMOUSE_TEST_FETCH"
)

// service is the address that every node has on its loopback interface.
var service = netip.MustParseAddrPort("10.77.0.1:5783")

// spaces is how the test is laid out: nodes n1, n2, n3 at 10.77.N.2, each behind a
// link of its own to the router r, which sends what is for the service to n1. The
// devices are at the router.
const spaces = `
ip netns add $P-r
ip -n $P-r link set lo up
ip netns exec $P-r sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward; for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $f; done'
for n in 1 2 3; do
	ip netns add $P-n$n
	ip -n $P-r link add to$n type veth peer name uplink netns $P-n$n
	ip netns exec $P-r sh -c "echo 0 > /proc/sys/net/ipv4/conf/to$n/rp_filter"
	ip -n $P-r addr add 10.77.$n.1/24 dev to$n
	ip -n $P-r link set to$n up
	ip -n $P-n$n link set lo up
	ip -n $P-n$n addr add 10.77.0.1/32 dev lo
	ip -n $P-n$n addr add 10.77.$n.2/24 dev uplink
	ip -n $P-n$n link set uplink up
	ip -n $P-n$n route add default via 10.77.$n.1 src 10.77.$n.2
done
ip -n $P-r route add 10.77.0.1/32 via 10.77.1.2
`

// TestDirectEgress: with --egress direct nodes that have the same address answer
// devices of which they heard by another node. It runs in network namespaces.
func TestDirectEgress(t *testing.T) {
	t.Parallel() // it waits more than it works
	if prefix := os.Getenv(spaceVariable); prefix != "" {
		directEgress(t, prefix)
		return
	}
	if os.Getuid() != 0 {
		t.Skip("network namespaces are root's")
	}
	prefix := fmt.Sprintf("dormouse%d", os.Getpid())
	t.Cleanup(func() {
		_ = exec.Command("sh", "-c", fmt.Sprintf("for n in r n1 n2 n3; do ip netns delete %s-$n; done", prefix)).Run() // those that there are
	})
	lay := exec.Command("sh", "-e", "-c", spaces)
	lay.Env = append(os.Environ(), "P="+prefix)
	if out, err := lay.CombinedOutput(); err != nil {
		t.Skipf("there are no network namespaces here: %v: %s", err, out)
	}
	within := inSpace(prefix+"-r", spaceVariable+"="+prefix, "-test.run", "^TestDirectEgress$", "-test.v")
	if out, err := within.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// inSpace is the test binary in a network namespace, and in no other: that of
// mounts is left as it is.
func inSpace(space, variable string, args ...string) *exec.Cmd {
	c := exec.Command("nsenter", append([]string{"--net=/var/run/netns/" + space, os.Args[0]}, args...)...)
	c.Env = append(os.Environ(), variable)
	return c
}

// fetch prints what a GET gives.
func fetch(url string) int {
	r, err := http.Get(url)
	if err == nil {
		_, err = io.Copy(os.Stdout, r.Body)
		r.Body.Close()
		if err == nil && r.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s: %s", url, r.Status)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func directEgress(t *testing.T, prefix string) {
	dir := t.TempDir()
	certify(t, "init", "--dir", dir, "--cluster-name", "mice")
	seal := keyFile(t, 7)
	for n := 1; n <= 3; n++ {
		name := fmt.Sprintf("n%d", n)
		certify(t, "issue", "--dir", dir, "--name", name)
		flags := []string{
			"--node", name, "--cluster", fmt.Sprintf("10.77.%d.2:7946", n), "--cluster-name", "mice", "--cluster-key-file", filepath.Join(dir, "cluster.key"),
			"--cluster-cert", filepath.Join(dir, name, "node.crt"), "--cluster-key", filepath.Join(dir, name, "node.key"), "--cluster-ca", filepath.Join(dir, "ca.crt"),
			"--seal-key-file", seal, "--data", filepath.Join(dir, name, "data"), "--coap", ":5783", "--coaps", "off", "--egress", "direct",
			"--accept-unknown", "--low-space", "2", "--full-space", "1", "--cache", "8MiB", "--shards", "8",
		}
		if n > 1 {
			flags = append(flags, "--join", "10.77.1.2:7946")
		}
		serve(t, inSpace(prefix+"-"+name, memberVariable+"=1", flags...))
	}
	for n := 1; n <= 3; n++ { // each has its time: three that start at once may take long
		check(t, apptest.Eventually(func() error {
			return inSpace(fmt.Sprintf("%s-n%d", prefix, n), fetchVariable+"=http://127.0.0.1:8080/readyz").Run()
		}))
	}
	// The sum of a figure of the nodes that devices do not reach.
	others := func(figure string) (sum float64, err error) {
		for _, n := range []string{"n2", "n3"} {
			out, err := inSpace(prefix+"-"+n, fetchVariable+"=http://127.0.0.1:8080/metrics").Output()
			if err != nil {
				return 0, err
			}
			for line := range strings.Lines(string(out)) {
				var value float64
				if _, err := fmt.Sscanf(line, figure+" %g", &value); err == nil {
					sum += value
				}
			}
		}
		return sum, nil
	}
	// Devices hear the service address alone, whichever node answers.
	devices := 0
	check(t, apptest.Eventually(func() error {
		d := must[*apptest.Device](t)(apptest.NewDevice(service, fmt.Sprintf("device-%d", devices)))
		defer d.Close()
		devices++
		if err := d.Register(); err != nil {
			return err
		}
		for range 3 {
			if code, err := d.Update(); err != nil || code != coap.Changed {
				return fmt.Errorf("an Update of device %d: %s, %w", devices, code, err)
			}
		}
		if direct, err := others("dormouse_datagrams_sent_direct_total"); err != nil || direct < 20 {
			return fmt.Errorf("%v datagrams left from nodes that heard nothing, %w", direct, err)
		}
		return nil
	}))
	sent, err := others("dormouse_datagrams_sent_total")
	heard, err2 := others("dormouse_datagrams_received_total")
	if err != nil || err2 != nil || sent < 20 || heard != 0 {
		t.Errorf("%v datagrams left by their sockets, %v came, %v, %v", sent, heard, err, err2)
	}
}

// serve runs a node until the end of the test.
func serve(t *testing.T, c *exec.Cmd) {
	t.Helper()
	var words bytes.Buffer
	c.Stderr = &words
	end := must[io.WriteCloser](t)(c.StdinPipe())
	check(t, c.Start())
	t.Cleanup(func() {
		_ = end.Close() // which ends it
		_ = c.Wait()    // an error is told by what is missing
		if t.Failed() {
			t.Logf("%s", &words)
		}
	})
}

// certify runs `dormouse certs`.
func certify(t *testing.T, args ...string) {
	t.Helper()
	var out, e strings.Builder
	if cli.Certs(args, cli.System{In: strings.NewReader(""), Out: &out, Err: &e, Getenv: os.Getenv}) != cli.Done {
		t.Fatalf("dormouse certs %q: %s%s", args, &out, &e)
	}
}
