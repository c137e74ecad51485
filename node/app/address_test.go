package app_test

import (
	"net"
	"net/netip"
	"testing"

	"dormouse/codec/platform"
	"dormouse/node/app"
	"dormouse/node/app/apptest"
)

// needIPv6 skips where the machine has no IPv6 loopback.
func needIPv6(t *testing.T) {
	t.Helper()
	c, err := net.ListenPacket("udp6", "[::1]:0")
	if err != nil {
		t.Skipf("this machine has no ::1: %v", err)
	}
	check(t, c.Close())
}

// served registers a device at an address of the node, and reads it: the
// client takes what comes from that address alone, so both the answers and
// the requests of the node must leave from there.
func (n node) served(t *testing.T, server netip.AddrPort) {
	t.Helper()
	d := device(t, server, "at "+server.Addr().String())
	update(t, d)
	m := n.object(t, d)
	if op := n.run(t, m.ID, "read /3/0/0"); op.Status != platform.Successful {
		t.Errorf("%s: read: %s %s", d.Name, op.Status, op.Failure)
	}
	if strays := d.Strays(); len(strays) > 0 {
		t.Errorf("%s: strays: %q", d.Name, strays)
	}
}

func TestBothFamiliesAtTheSameTime(t *testing.T) {
	needIPv6(t)
	c := settings(t.TempDir())
	c.CoAP = []string{"127.0.0.1:0", "[::1]:0"}
	n := start(t, c, app.Options{})
	for _, server := range n.CoAP() {
		n.served(t, server)
	}
}

func TestAnswersLeaveFromTheAddressThatWasAsked(t *testing.T) {
	tests := []struct {
		listen string
		ask    []string
		ipv6   bool
	}{
		{"0.0.0.0:0", []string{"127.0.0.1", "127.0.0.2", "127.1.2.3"}, false},
		{":0", []string{"127.0.0.2", "127.0.0.3", "::1"}, true},
		{"[::]:0", []string{"::1", "127.0.0.2"}, true},
	}
	for _, tt := range tests {
		t.Run(tt.listen, func(t *testing.T) {
			if tt.ipv6 {
				needIPv6(t)
			}
			c := settings(t.TempDir())
			c.CoAP = []string{tt.listen}
			n := start(t, c, app.Options{})
			for _, address := range tt.ask {
				n.served(t, netip.AddrPortFrom(netip.MustParseAddr(address), n.CoAP()[0].Port()))
			}
		})
	}
}

// A device that comes from another port is found at the new one, and its old
// one is a stranger's.
func TestADeviceMoves(t *testing.T) {
	n := start(t, settings(t.TempDir()), app.Options{})
	d := n.device(t, "mover", "at=0")
	m := n.object(t, d)
	moved := must[*apptest.Device](t)(apptest.NewDevice(n.CoAP()[0], d.Name))
	t.Cleanup(func() { check(t, moved.Close()) })
	moved.Location = d.Location
	update(t, moved)
	if op := n.run(t, m.ID, "execute /3/0/4"); op.Status != platform.Successful {
		t.Errorf("%s %s", op.Status, op.Failure)
	}
	if before, now := len(d.Executed()), len(moved.Executed()); before != 0 || now != 1 {
		t.Errorf("executed %d times at the old port, %d times at the new one", before, now)
	}
}
