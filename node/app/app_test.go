package app_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"dormouse/codec/platform"
	"dormouse/node/app"
	"dormouse/node/app/apptest"
	"dormouse/persistence/store"
)

func TestLifeCycle(t *testing.T) {
	before := runtime.NumGoroutine()
	a := must[*app.App](t)(app.New(settings(t.TempDir()), app.Options{Store: small, Version: "1.2.3"}))
	if a.HTTP() != nil {
		t.Error("the API listens before Start")
	}
	for range 2 {
		check(t, a.Start())
	}
	if ports := a.CoAP(); len(ports) != 1 || ports[0].Port() == 0 {
		t.Errorf("CoAP on %v", ports)
	}
	api := apptest.NewAPI(a.HTTP().String())
	for path, want := range map[string]string{"/livez": "alive", "/readyz": "ready", "/version": "1.2.3"} {
		r := must[apptest.Reply](t)(api.Expect(http.StatusOK, http.MethodGet, path, ""))
		var body struct{ Status, Version string }
		if err := json.Unmarshal(r.Body, &body); err != nil || body.Status+body.Version != want {
			t.Errorf("%s: %s", path, r.Body)
		}
	}
	api.Close()
	for range 2 {
		check(t, a.Stop())
	}
	if err := a.Start(); err != nil {
		t.Errorf("Start of what was started: %v", err)
	}
	if _, err := api.Do(http.MethodGet, "/livez", ""); err == nil {
		t.Error("a stopped node answers")
	}
	// Stop gave back all that was acquired: goroutines end soon after.
	check(t, apptest.Eventually(func() error {
		if now := runtime.NumGoroutine(); now > before {
			buffer := make([]byte, 1<<20)
			return fmt.Errorf("%d goroutines, %d before:\n%s", now, before, buffer[:runtime.Stack(buffer, true)])
		}
		return nil
	}))
}

func TestStopBeforeStart(t *testing.T) {
	data := t.TempDir()
	for range 2 { // the directory and the ports are free again
		a := must[*app.App](t)(app.New(settings(data), app.Options{Store: small}))
		check(t, a.Stop())
		check(t, a.Stop())
		if err := a.Start(); !errors.Is(err, app.ErrStopped) {
			t.Errorf("Start after Stop: %v", err)
		}
	}
}

func TestWithoutListeners(t *testing.T) {
	c := settings(t.TempDir())
	c.HTTP, c.CoAP, c.CoAPS = "", nil, nil
	n := start(t, c, app.Options{})
	if n.HTTP() != nil || n.CoAP() != nil {
		t.Errorf("listening on %v and %v", n.HTTP(), n.CoAP())
	}
}

// A directory belongs to one process. The second one says what is the matter,
// and does no harm to the first.
func TestOneProcessPerDirectory(t *testing.T) {
	c := settings(t.TempDir())
	n := start(t, c, app.Options{})
	d := n.device(t, "first")
	a, err := app.New(c, app.Options{Store: small})
	if a != nil || !errors.Is(err, store.ErrLocked) || !strings.Contains(err.Error(), c.Data) {
		t.Errorf("a second node in this process: %v", err)
	}
	_, err = launch(t, c.Data)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !strings.Contains(string(exit.Stderr), c.Data) || !strings.Contains(string(exit.Stderr), store.ErrLocked.Error()) {
		t.Errorf("a second process: %v", err)
	}
	update(t, d)
}

func TestPortsThatAreTaken(t *testing.T) {
	tcp := must[net.Listener](t)(net.Listen("tcp", "127.0.0.1:0"))
	defer tcp.Close()
	udp := must[net.PacketConn](t)(net.ListenPacket("udp", "127.0.0.1:0"))
	defer udp.Close()
	c := settings(t.TempDir())

	c.CoAP = []string{"127.0.0.1:0", udp.LocalAddr().String()}
	if _, err := app.New(c, app.Options{Store: small}); err == nil || !strings.Contains(err.Error(), c.CoAP[1]) {
		t.Errorf("with a CoAP port that is taken: %v", err)
	}
	c.CoAP, c.HTTP = c.CoAP[:1], tcp.Addr().String()
	a, err := app.New(c, app.Options{Store: small})
	if err == nil {
		err = errors.Join(a.Start(), a.Stop())
	}
	if err == nil || !strings.Contains(err.Error(), c.HTTP) {
		t.Errorf("with an HTTP port that is taken: %v", err)
	}
	c.HTTP = "127.0.0.1:0"
	start(t, c, app.Options{}) // nothing was left behind
}

// Stop in the middle of Registers and operations: what was acknowledged before
// it or while it ran is there afterwards.
func TestStopDrains(t *testing.T) {
	c := settings(t.TempDir())
	a := must[*app.App](t)(app.New(c, app.Options{Store: small}))
	check(t, a.Start())
	api := apptest.NewAPI(a.HTTP().String())
	defer api.Close()
	var mu sync.Mutex
	var acknowledged atomic.Int64
	names, operations := map[string]bool{}, map[string]bool{}
	var workers sync.WaitGroup
	var devices []*apptest.Device
	for i := range 16 {
		d := must[*apptest.Device](t)(apptest.NewDevice(a.CoAP()[0], ""))
		devices = append(devices, d)
		workers.Go(func() {
			for k := 0; ; k++ {
				answer, err := d.Exchange(d.Registration(fmt.Sprintf("device-%d-%d", i, k), "at=1"))
				if err != nil {
					return // closed below
				}
				name := fmt.Sprintf("device-%d-%d", i, k)
				mu.Lock()
				names[name] = true
				mu.Unlock()
				acknowledged.Add(1)
				m, err := api.DeviceAt(answer.LocationPath(), name)
				if err != nil {
					continue // the API is gone
				}
				if op, err := api.Submit(m.ID, "read /3/0/0", ""); err == nil {
					mu.Lock()
					operations[op.ID.String()] = true
					mu.Unlock()
				}
			}
		})
	}
	check(t, apptest.Eventually(func() error {
		if n := acknowledged.Load(); n < 500 {
			return fmt.Errorf("%d Registers are acknowledged", n)
		}
		return nil
	}))
	check(t, a.Stop())
	for _, d := range devices {
		check(t, d.Close())
	}
	workers.Wait()

	n := start(t, c, app.Options{})
	found := n.names(t)
	for name := range names {
		if found[name] != 1 {
			t.Errorf("%s is there %d times", name, found[name])
		}
	}
	check(t, n.api.Each(platform.OperationsPath+"?pageSize=2000", platform.Operations, func(item []byte) error {
		op, err := platform.ParseOperation(item)
		delete(operations, op.ID.String())
		return err
	}))
	if len(operations) > 0 {
		t.Errorf("%d operations that were answered 201 are lost", len(operations))
	}
}
