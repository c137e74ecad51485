package app_test

import (
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/ids"
	"dormouse/codec/lwm2m"
	"dormouse/codec/platform"
	"dormouse/node/app"
	"dormouse/node/app/apptest"
	"dormouse/node/config"
	"dormouse/persistence/store"
)

// TestMain runs the tests, or, where the environment says so, a node: see
// process, mate and TestDirectEgress.
func TestMain(m *testing.M) {
	if os.Getenv(memberVariable) != "" {
		os.Exit(memberMain(os.Args[1:]))
	}
	if data := os.Getenv(dataVariable); data != "" {
		os.Exit(child(data, strings.Fields(os.Getenv(addressVariable))))
	}
	if url := os.Getenv(fetchVariable); url != "" {
		os.Exit(fetch(url))
	}
	os.Exit(m.Run())
}

// settings are those of a small node on ports that the kernel chooses.
func settings(data string) config.Config {
	c := config.Default()
	c.Data, c.HTTP, c.CoAP, c.CoAPS = data, "127.0.0.1:0", []string{"127.0.0.1:0"}, []string{"127.0.0.1:0"}
	c.AcceptUnknown = true
	c.Cache = 8 << 20
	c.LowSpace, c.FullSpace = 2, 1 // how full the disk of the machine is does not matter
	return c
}

// small makes a store that takes little memory and room.
func small(o *store.Options) {
	o.MemTableBytes, o.BallastBytes = 4<<20, -1
}

// allNodes is the audit of the nodes in this process.
var allNodes = apptest.NewAudit(nil)

// node is a running one with a client of its API.
type node struct {
	*app.App
	api *apptest.API
}

// start runs a node until the end of the test, which it must reach in peace.
func start(t *testing.T, c config.Config, o app.Options) node {
	t.Helper()
	if o.Store == nil {
		o.Store = small
	}
	o.Audit, o.Sending = allNodes.Seal, allNodes.Leave
	a, err := app.New(c, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		check(t, a.Stop())
		check(t, allNodes.Err())
	})
	check(t, a.Start())
	n := node{App: a}
	if a.HTTP() != nil {
		n.api = apptest.NewAPI(a.HTTP().String())
		t.Cleanup(n.api.Close)
	}
	return n
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// must is check for a call that returns something.
func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		check(t, err)
		return v
	}
}

func dial(t testing.TB, server netip.AddrPort) *apptest.Client {
	t.Helper()
	c := must[*apptest.Client](t)(apptest.Dial(server, nil))
	t.Cleanup(func() { check(t, c.Close()) })
	return c
}

// device is a device that has registered.
func device(t testing.TB, server netip.AddrPort, name string, queries ...string) *apptest.Device {
	t.Helper()
	d := must[*apptest.Device](t)(apptest.NewDevice(server, name))
	t.Cleanup(func() { check(t, d.Close()) })
	check(t, d.Register(queries...))
	return d
}

func (n node) device(t testing.TB, name string, queries ...string) *apptest.Device {
	t.Helper()
	return device(t, n.CoAP()[0], name, queries...)
}

// object is the managed object of a device.
func (n node) object(t testing.TB, d *apptest.Device) platform.ManagedObject {
	t.Helper()
	return must[platform.ManagedObject](t)(n.api.DeviceAt(d.Location, d.Name))
}

// run posts a command and waits for its end.
func (n node) run(t testing.TB, device ids.Object, text string) platform.Operation {
	t.Helper()
	op := must[platform.Operation](t)(n.api.Submit(device, text, ""))
	return must[platform.Operation](t)(n.api.Ended(op.ID))
}

func ask(t testing.TB, c *apptest.Client, m *coap.Message) *coap.Message {
	t.Helper()
	return must[*coap.Message](t)(c.Exchange(m))
}

// update is an Update that must be answered 2.04.
func update(t testing.TB, d *apptest.Device, queries ...string) {
	t.Helper()
	if code := must[coap.Code](t)(d.Update(queries...)); code != coap.Changed {
		t.Errorf("Update of %s: %s", d.Name, code)
	}
}

// names reads all devices: how often each name is in the inventory.
func (n node) names(t testing.TB) map[string]int {
	t.Helper()
	all := map[string]int{}
	check(t, n.api.Each(platform.ObjectsPath+"?pageSize=2000", platform.ManagedObjects, func(item []byte) error {
		m, err := platform.ParseManagedObject(item)
		all[m.Name]++
		return err
	}))
	return all
}

var (
	manufacturer = lwm2m.NewPath(3, 0, 0)
	temperature  = lwm2m.NewPath(3303, 0, 5700)
)

// The child is this test binary, called again.
const (
	dataVariable    = "DORMOUSE_TEST_DATA"
	addressVariable = "DORMOUSE_TEST_ADDRESSES"
	auditVariable   = "DORMOUSE_TEST_AUDIT" // the file that an audit is appended to
)

// child is a node in a process of its own. It says on its standard output
// where it listens, and ends when its standard input does: with the test.
func child(data string, addresses []string) int {
	c := settings(data)
	c.AwakeTime = time.Millisecond
	if len(addresses) == 3 {
		c.CoAP, c.HTTP, c.CoAPS = addresses[:1], addresses[1], addresses[2:]
	}
	o := app.Options{Store: small}
	if name := os.Getenv(auditVariable); name != "" {
		file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		written := apptest.NewAudit(file)
		o.Audit, o.Sending = written.Seal, written.Leave
	}
	a, err := app.New(c, o)
	if err == nil {
		err = a.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(a.CoAP()[0], a.HTTP(), a.CoAPS()[0])
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := a.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
