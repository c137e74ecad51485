// Package interop holds tests of a whole node against clients that others
// wrote, so that our own reading of the specifications does not check itself.
//
// Two kinds run live: libcoap's command-line clients, which know CoAP and
// nothing of LwM2M, in the clear and by the DTLS of OpenSSL and of GnuTLS, and
// the npm package coap-node, an LwM2M client of the 1.0 era. Where one of them
// is missing its tests are left out, except in CI.
//
// What other clients once said to a node lies in testdata/clients as
// recordings, and is said again here (see recording); they bring what the live
// ones have not: LwM2M 1.1 and 1.2, composites, SenML, Send, queue mode.
package interop

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"dormouse/codec/ids"
	"dormouse/codec/platform"
	"dormouse/node/app"
	"dormouse/node/app/apptest"
	"dormouse/node/config"
	"dormouse/persistence/store"
)

// node is a running one with a client of its API.
type node struct {
	*apptest.API
	coap, coaps netip.AddrPort
	log         *journal
}

// journal is a log to be looked at.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write is called by the log's handler.
func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

// count is how often a text stands in it.
func (j *journal) count(text string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), text)
}

// start runs a node on ports that the kernel chooses, until the end of the test.
func start(t *testing.T) node {
	t.Helper()
	c := config.Default()
	c.Data, c.HTTP, c.CoAP, c.CoAPS = t.TempDir(), "127.0.0.1:0", []string{"127.0.0.1:0"}, []string{"127.0.0.1:0"}
	c.AcceptUnknown = true
	c.Cache = 8 << 20
	c.LowSpace, c.FullSpace = 2, 1 // how full the disk of the machine is does not matter
	log, audit := new(journal), apptest.NewAudit(nil)
	t.Cleanup(func() {
		if err := audit.Err(); err != nil {
			t.Error(err)
		}
	})
	a, err := app.New(c, app.Options{
		Audit: audit.Seal, Sending: audit.Leave,
		Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Store:  func(o *store.Options) { o.MemTableBytes, o.BallastBytes = 4<<20, -1 },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := a.Start(); err != nil {
		t.Fatal(err)
	}
	api := apptest.NewAPI(a.HTTP().String())
	t.Cleanup(api.Close)
	return node{api, a.CoAP()[0], a.CoAPS()[0], log}
}

// tool is the path of a program that the test cannot do without.
func tool(t *testing.T, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, "%s is not installed (Debian: %s)", name, debian)
	}
	return path
}

// missing ends a test for want of something that CI must have.
func missing(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// device is the managed object of a device that is registered at the location.
func (n node) device(t *testing.T, location, name string) platform.ManagedObject {
	t.Helper()
	m, err := n.DeviceAt(location, name)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// run has a device execute a command, to its end.
func (n node) run(t *testing.T, device ids.Object, command string) platform.Operation {
	t.Helper()
	p, err := n.Submit(device, command, "")
	if err == nil {
		p, err = n.Ended(p.ID)
	}
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	return p
}

// results runs a command that must succeed, and compares its results.
func (n node) results(t *testing.T, device ids.Object, command, want string) {
	t.Helper()
	p := n.run(t, device, command)
	if got := string(p.Results); p.Status != platform.Successful || got != want {
		t.Errorf("%s: %s %s\n got %s\nwant %s", command, p.Status, p.Failure, got, want)
	}
}

// value waits until the last value at a path is want, as JSON.
func (n node) value(t *testing.T, device ids.Object, path, want string) {
	t.Helper()
	err := apptest.Eventually(func() error {
		got, err := n.last(device, path)
		if err == nil && got != want {
			err = fmt.Errorf("the last value of %s is %s, not %s", path, got, want)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// last is the last value at a path as JSON, "" for none.
func (n node) last(device ids.Object, path string) (value string, err error) {
	err = n.Each(platform.ValuesPath(device.String())+"?path="+path, platform.Values, func(item []byte) error {
		f, err := platform.ParseFragments(item)
		if err != nil {
			return err
		}
		if at, err := f.Text("path"); err != nil || at != path {
			return err
		}
		value = string(f.Get("value"))
		return nil
	})
	return value, err
}

// registration is the fragment that tells of a device's registration.
func registration(t *testing.T, m platform.ManagedObject) platform.Fragments {
	t.Helper()
	f, err := platform.ParseFragments(m.Fragments.Get("c8y_LwM2MRegistration"))
	if err != nil {
		t.Fatalf("the registration of %s: %v", m.Name, err)
	}
	return f
}

// set changes fragments of a device's managed object.
func (n node) set(t *testing.T, device ids.Object, change string) {
	t.Helper()
	if _, err := n.Expect(http.StatusOK, http.MethodPut, platform.ObjectsPath+"/"+device.String(), change); err != nil {
		t.Fatal(err)
	}
}
