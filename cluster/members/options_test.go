package members

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestOptionsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Options)
		says   string
	}{
		"no name":           {func(o *Options) { o.Name = "" }, "node name"},
		"a slash":           {func(o *Options) { o.Name = "a/b" }, "node name"},
		"a long name":       {func(o *Options) { o.Name = strings.Repeat("n", MaxName+1) }, "node name"},
		"no ID":             {func(o *Options) { o.ID = 0 }, "node ID"},
		"a bad zone":        {func(o *Options) { o.Zone = "a b" }, "zone"},
		"no address":        {func(o *Options) { o.Bind = netip.AddrPort{} }, "no address"},
		"no way back":       {func(o *Options) { o.Bind = netip.MustParseAddrPort("0.0.0.0:7946") }, "advertise"},
		"no key":            {func(o *Options) { o.Keys, o.Bind = nil, netip.MustParseAddrPort("192.0.2.1:7946") }, "no key"},
		"a short key":       {func(o *Options) { o.Keys = [][]byte{key(1), key(2)[:16]} }, "key 2 has 16 bytes"},
		"a long label":      {func(o *Options) { o.Cluster = strings.Repeat("c", 256) }, "name"},
		"an address in use": {func(o *Options) { o.Bind = netip.MustParseAddrPort("192.0.2.1:7946") }, "listening on 192.0.2.1:7946"},
	} {
		o := options("a")
		c.change(&o)
		m, err := Start(o)
		if err == nil {
			_ = m.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLoopbackNeedsNoKey(t *testing.T) {
	o := options("a")
	o.Keys = nil
	a := begin(t, o)
	o = options("b", a)
	o.Keys = nil
	begin(t, o).awaitList(t, "a", "b")
}

// The arithmetic of profile.go: three nodes, of which one dies, and another
// cannot confirm it, for it died, too.
func TestProfileNoticesWithinThreeSeconds(t *testing.T) {
	const nodes = 3
	c := profile()
	suspicion := time.Duration(c.SuspicionMult) * c.ProbeInterval // log10(3+1) is below 1
	worst := nodes*c.ProbeInterval + time.Duration(c.SuspicionMaxTimeoutMult)*suspicion + c.GossipInterval
	if worst > 3*time.Second {
		t.Errorf("noticed after up to %v", worst)
	}
}
