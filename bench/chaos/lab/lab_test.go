package lab_test

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"dormouse/bench/chaos/lab"
	"dormouse/bench/chaos/lab/labtest"
)

// echo is what the test program does in the network of a node, where it is
// called so: it answers, and says to others what it is told to.
const echo = "echo-at"

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == echo {
		os.Exit(echoes(os.Args[2]))
	}
	os.Exit(m.Run())
}

// echoes sends what it gets on to the address that it begins with, or else back.
func echoes(address string) int {
	at := net.UDPAddrFromAddrPort(netip.MustParseAddrPort(address))
	conn, err := net.ListenUDP("udp4", at)
	if err != nil {
		return 1
	}
	for b := make([]byte, 1500); ; {
		n, peer, err := conn.ReadFromUDPAddrPort(b)
		if err != nil {
			return 1
		}
		if address, text, passed := bytes.Cut(b[:n], []byte{' '}); passed {
			if next, err := netip.ParseAddrPort(string(address)); err == nil {
				_, _ = conn.WriteToUDPAddrPort(text, next)
				continue
			}
		}
		_, _ = conn.WriteToUDPAddrPort(b[:n], peer)
	}
}

const (
	port    = 7000
	nodes   = 3
	patient = 20 * time.Second // for what must come
)

func at(node int) netip.AddrPort { return netip.AddrPortFrom(lab.Address(node), port) }

// bench is who speaks to all nodes.
type bench struct {
	t    *testing.T
	conn *net.UDPConn
	mine netip.AddrPort
}

func (b *bench) send(to netip.AddrPort, text string) {
	b.t.Helper()
	if _, err := b.conn.WriteToUDPAddrPort([]byte(text), to); err != nil {
		b.t.Fatal(err)
	}
}

// hears returns what comes next.
func (b *bench) hears() string {
	b.t.Helper()
	if err := b.conn.SetReadDeadline(time.Now().Add(patient)); err != nil {
		b.t.Fatal(err)
	}
	p := make([]byte, 1500)
	n, _, err := b.conn.ReadFromUDPAddrPort(p)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(p[:n])
}

// passes reports whether a datagram gets from one node to another: a second one
// that takes the way by a node of its own comes after it.
func (b *bench) passes(from, to int) bool {
	b.t.Helper()
	b.send(at(from), at(to).String()+" "+b.mine.String()+" passed")
	b.send(at(from), b.mine.String()+" sent") // it has sent the first
	if first := b.hears(); first == "passed" {
		b.hears()
		return true
	}
	// Whatever has come to the other is handled before this.
	b.send(at(to), b.mine.String()+" done")
	if b.hears() == "passed" {
		b.hears()
		return true
	}
	return false
}

// A cut has one direction, between two nodes or of one and all others, and the
// bench reaches all of them all the time, from any address of a device.
func TestCut(t *testing.T) {
	l := labtest.Open(t, nodes)
	if l == nil {
		return
	}
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 5, 6, 7)})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t, conn, conn.LocalAddr().(*net.UDPAddr).AddrPort()}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for node := range nodes {
		c := exec.Command(self, echo, at(node).String())
		c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := l.Start(node, c); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _, _ = c.Process.Kill(), c.Wait() })
		for heard := false; !heard; { // it may not have begun
			b.send(at(node), "hello")
			if err := conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			_, _, err := conn.ReadFromUDPAddrPort(make([]byte, 1500))
			heard = err == nil
		}
	}
	b.settle()

	const all = lab.Everybody
	for _, cut := range [][2]int{{0, 1}, {1, 0}, {2, all}, {all, 0}} {
		heal, err := l.Cut(cut[0], cut[1])
		if err != nil {
			t.Fatal(err)
		}
		for from := range nodes {
			for to := range nodes {
				within := (cut[0] == from || cut[0] == all) && (cut[1] == to || cut[1] == all)
				if from != to && b.passes(from, to) == within {
					t.Errorf("with %d cut off from %d: from %d to %d it is otherwise", cut[0], cut[1], from, to)
				}
			}
		}
		if err := heal(); err != nil {
			t.Fatal(err)
		}
		if !b.passes(0, 1) || !b.passes(1, 0) || !b.passes(2, 0) {
			t.Errorf("after %v: not healed", cut)
		}
	}
}

// settle drops answers to greetings that were sent more than once.
func (b *bench) settle() {
	b.t.Helper()
	b.send(at(nodes-1), "settled")
	for b.hears() != "settled" {
	}
}

// A disk is full for a while, and then it is not.
func TestDisk(t *testing.T) {
	dir := t.TempDir() // removed once the lab is closed
	l := labtest.Open(t, 1)
	if l == nil {
		return
	}
	if err := l.Disk(dir); err != nil {
		t.Fatal(err)
	}
	write := func(name string) error { return os.WriteFile(filepath.Join(dir, name), make([]byte, 1<<20), 0o600) }
	if err := write("before"); err != nil {
		t.Fatal(err)
	}
	if err := l.Fill(dir, 64<<10); err != nil {
		t.Fatal(err)
	}
	if err := write("meanwhile"); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a write on a full disk: %v", err)
	}
	if err := l.Empty(dir); err != nil {
		t.Fatal(err)
	}
	if err := write("after"); err != nil {
		t.Error(err)
	}
}

func TestOutside(t *testing.T) {
	if _, err := lab.Open(1); err == nil {
		t.Error("a lab in nobody's namespaces")
	}
}
