package app_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"dormouse/bench/device/secure"
	"dormouse/bench/load"
	"dormouse/bench/provision"
	"dormouse/codec/platform"
	"dormouse/node/app/apptest"
)

// TestRestart kills a node that has 10 000 DTLS sessions, half of them with a
// Connection ID, three times in a row. Each device goes on with its next message,
// and none makes a handshake; those that listen are reached without having spoken
// first. No nonce is used twice over all four lives of the node.
func TestRestart(t *testing.T) {
	devices, kills := 10_000, 3
	if testing.Short() || raced {
		devices = 1_000
	}
	data, log := t.TempDir(), filepath.Join(t.TempDir(), "audit")
	t.Setenv(auditVariable, log)
	p := must[*process](t)(launch(t, data))
	t.Cleanup(func() { check(t, p.stop()) })
	api := apptest.NewAPI(p.http)
	defer api.Close()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()

	g := must[*load.Generator](t)(load.Open(load.Options{
		Target: p.coaps, Devices: devices, Security: &load.Security{ClassicEvery: 2},
	}))
	defer g.Close()
	check(t, provision.Post(ctx, api.Base, devices, g.Credential))
	must[load.Result](t)(g.Handshake(ctx, 0, devices, 64))
	must[load.Result](t)(g.Register(ctx, 0, devices, 256))
	mice := []*mouse{
		newMouse(t, api, p.coaps, "mouse-cid", secure.Options{}),
		newMouse(t, api, p.coaps, "mouse-own-cid", secure.Options{CIDLength: 4}),
		newMouse(t, api, p.coaps, "mouse-classic", secure.Options{NoCID: true}),
	}
	for _, m := range mice {
		check(t, m.register("at=0")) // it listens always
	}

	for k := range kills {
		check(t, p.kill())
		p = relaunch(t, data, p.addresses())
		for _, m := range mice {
			check(t, reach(api, m, fmt.Sprintf("read /3/0/%d", k)))
			check(t, m.update())
		}
		r := must[load.Result](t)(g.Once(ctx, load.Update, 0, devices, 256))
		if r.Codes["2.04"] != uint64(devices) || r.Unanswered != 0 {
			t.Errorf("after restart %d: %v", k+1, &r)
		}
	}
	if s := g.Sessions(); s.Handshakes != uint64(devices) || s.ReusedNonces != 0 || s.Ended != 0 {
		t.Errorf("%d devices: %v", devices, s)
	}
	for _, m := range mice {
		if m.handshakes != 1 || m.link.ReusedNonces() != 0 {
			t.Errorf("%s: %d handshakes, %d nonces used twice", m.name, m.handshakes, m.link.ReusedNonces())
		}
	}
	a := apptest.NewAudit(nil)
	check(t, a.Read(log))
	check(t, a.Err())
	if least := devices * (2 + kills); a.Records() < least {
		t.Errorf("the audit saw %d records, not %d", a.Records(), least)
	}
}

// reach has an operation run by a device that says nothing before.
func reach(api *apptest.API, m *mouse, command string) error {
	object, err := api.DeviceAt(m.location, m.name)
	if err != nil {
		return err
	}
	op, err := api.Submit(object.ID, command, "")
	if err != nil {
		return err
	}
	if err := m.serveOne(); err != nil {
		return err
	}
	if op, err = api.Ended(op.ID); err == nil && op.Status != platform.Successful {
		err = fmt.Errorf("%s of %s: %s %s", command, m.name, op.Status, op.Failure)
	}
	return err
}
