package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"
)

// MaxNodes is how many nodes find room in a lab.
const MaxNodes = 250

// Address is where a node is.
func Address(node int) netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 1, byte(node + 1)}) }

// everyNode has all of these, and no device.
const everyNode = "127.0.1.0/24"

// Lab is the hub, and the nodes' namespaces. Its methods must not be called
// concurrently.
type Lab struct {
	hub   *os.File
	nodes []*os.File
	disks []string // that are mounted
}

// Open makes a lab for so many nodes. It is to be called once in a program that
// Enter runs; Close must be called.
func Open(nodes int) (l *Lab, err error) {
	if !Inside() {
		return nil, errors.New("lab: this program is in nobody's namespaces")
	}
	if nodes < 1 || nodes > MaxNodes {
		return nil, fmt.Errorf("lab: %d nodes, want 1 to %d", nodes, MaxNodes)
	}
	if _, err := exec.LookPath("ip"); err != nil {
		return nil, errors.New("lab: there is no ip (iproute2) on this machine")
	}
	l = &Lab{}
	if l.hub, err = current(); err != nil {
		return nil, err
	}
	if err := l.connect(nodes); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *Lab) connect(nodes int) error {
	// What is mounted here is not seen outside.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("lab: taking the mounts for itself: %w", err)
	}
	if err := allow("ip_forward", "conf/all/route_localnet"); err != nil {
		return err
	}
	// The rules of cuts come before all routes, those to this namespace itself too.
	err := configure(nil, "link set lo up", "rule add pref 100 lookup local", "rule del pref 0")
	for i := 0; i < nodes && err == nil; i++ {
		err = l.add(i)
	}
	return err
}

// add makes the namespace of a node and its way to the hub.
func (l *Lab) add(node int) (err error) {
	var space *os.File
	if err := enter(nil, func() (err error) { space, err = current(); return err }); err != nil {
		return err
	}
	l.nodes = append(l.nodes, space)
	port, address := fmt.Sprintf("node%d", node), Address(node)
	err = configure(space,
		fmt.Sprintf("link add %s type veth peer name eth0 netns /proc/self/fd/3", port),
		fmt.Sprintf("link set %s up", port),
		fmt.Sprintf("route add %s/32 dev %s src 127.0.0.1 table local", address, port))
	if err != nil {
		return err
	}
	return l.within(node, func() error {
		if err := allow("conf/all/route_localnet"); err != nil {
			return err
		}
		return configure(nil, "link set lo up", "address del 127.0.0.1/8 dev lo",
			fmt.Sprintf("address add %s/32 dev eth0", address), "link set eth0 up",
			fmt.Sprintf("route add default via 127.0.0.1 dev eth0 onlink src %s", address))
	})
}

// Start starts a command in the network of a node.
func (l *Lab) Start(node int, c *exec.Cmd) error { return l.within(node, c.Start) }

func (l *Lab) within(node int, f func() error) error { return enter(l.nodes[node], f) }

// Cut swallows what one node sends to another until heal is called. Everybody
// stands for all other nodes.
func (l *Lab) Cut(from, to int) (heal func() error, err error) {
	rule := fmt.Sprintf("pref 10 from %s to %s blackhole", place(from), place(to))
	if err := configure(nil, "rule add "+rule); err != nil {
		return nil, err
	}
	return func() error { return configure(nil, "rule del "+rule) }, nil
}

// Everybody is all nodes, on one side of a Cut.
const Everybody = -1

func place(node int) string {
	if node == Everybody {
		return everyNode
	}
	return Address(node).String()
}

// Close takes the disks away and gives the namespaces back, which end with the
// last process in them.
func (l *Lab) Close() (err error) {
	for _, dir := range l.disks {
		if failed := unix.Unmount(dir, unix.MNT_DETACH); failed != nil {
			err = errors.Join(err, fmt.Errorf("lab: unmounting %s: %w", dir, failed))
		}
	}
	l.disks = nil
	for _, space := range append(l.nodes, l.hub) {
		err = errors.Join(err, space.Close())
	}
	return err
}

// configure has ip do what each line says, in the network of this thread. It has
// another namespace as file descriptor 3.
func configure(other *os.File, lines ...string) error {
	c := exec.Command("ip", "-batch", "-")
	c.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	if other != nil {
		c.ExtraFiles = []*os.File{other}
	}
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("lab: ip %s: %w: %s", strings.Join(lines, "; "), err, out)
	}
	return nil
}

// allow sets settings of this thread's network to 1, and has addresses not
// checked for the way that they came (rp_filter), which cuts would confuse.
func allow(names ...string) error {
	values := map[string]string{"conf/all/rp_filter": "0", "conf/default/rp_filter": "0"}
	for _, name := range names {
		values[name] = "1"
	}
	for name, value := range values {
		if err := os.WriteFile("/proc/sys/net/ipv4/"+name, []byte(value), 0); err != nil {
			return fmt.Errorf("lab: setting %s: %w", name, err)
		}
	}
	return nil
}
