package conformance

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dormouse/codec/ids"
	"dormouse/codec/lwm2m"
	"dormouse/codec/platform"
	"dormouse/node/app"
	"dormouse/node/app/apptest"
	"dormouse/node/config"
	"dormouse/persistence/store"
)

// profile is the profile ID of the specification's cases 110 and 111.
const profile = "6:27354b9a"

// node is a running one with a client of its API.
type node struct {
	app *app.App
	api *apptest.API

	audit *apptest.Audit
}

// common is the node that most cases share: they differ in the endpoint's name.
var common *node

func TestMain(m *testing.M) {
	code, err := 1, error(nil)
	data, err := os.MkdirTemp("", "conformance")
	if err == nil {
		common, err = begin(data, nil)
	}
	if err == nil {
		code = m.Run()
		err = common.end()
	}
	if err = errors.Join(err, os.RemoveAll(data)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// begin runs a small node on ports that the kernel chooses. Registrations end
// with their lifetime, without grace.
func begin(data string, change func(*config.Config)) (*node, error) {
	c := config.Default()
	c.Data, c.HTTP, c.CoAP, c.CoAPS = data, "127.0.0.1:0", []string{"127.0.0.1:0"}, []string{"127.0.0.1:0"}
	c.AcceptUnknown = true
	c.LifetimeGrace = 0
	c.Cache = 8 << 20
	c.LowSpace, c.FullSpace = 2, 1 // how full the disk of the machine is does not matter
	c.Profiles = map[string]string{profile: `</>;rt="oma.lwm2m";ct="60 112",</1/0>,</3/0>`}
	if change != nil {
		change(&c)
	}
	small := func(o *store.Options) { o.MemTableBytes, o.BallastBytes = 4<<20, -1 }
	audit := apptest.NewAudit(nil)
	a, err := app.New(c, app.Options{Store: small, Audit: audit.Seal, Sending: audit.Leave})
	if err != nil {
		return nil, err
	}
	if err := a.Start(); err != nil {
		return nil, errors.Join(err, a.Stop())
	}
	return &node{a, apptest.NewAPI(a.HTTP().String()), audit}, nil
}

// end stops the node; no nonce of its DTLS sessions may have been used twice.
func (n *node) end() error {
	n.api.Close()
	return errors.Join(n.app.Stop(), n.audit.Err())
}

// another is a node of the test's own.
func another(t *testing.T, change func(*config.Config)) *node {
	t.Helper()
	n, err := begin(t.TempDir(), change)
	check(t, err)
	t.Cleanup(func() { check(t, n.end()) })
	return n
}

// coap is the address that devices talk to.
func (n *node) coap() netip.AddrPort { return n.app.CoAP()[0] }

// coaps is the address of those with DTLS.
func (n *node) coaps() netip.AddrPort { return n.app.CoAPS()[0] }

// handle is what an operator knows a device by.
type handle struct {
	t    *testing.T
	node *node
	id   ids.Object
}

// endpoint is a name that no other device has, also where a test runs again.
func endpoint(t *testing.T) string {
	name := strings.NewReplacer("/", "-", ".", "", "=", "").Replace(t.Name())
	return name + "-" + strconv.FormatUint(devices.Add(1), 10)
}

var devices atomic.Uint64

// handleOf finds the device that registered at a location.
func (n *node) handleOf(t *testing.T, location, name string) handle {
	t.Helper()
	m, err := n.api.DeviceAt(location, name)
	check(t, err)
	return handle{t, n, m.ID}
}

// outcome is an operation that has ended, with the results of its lines.
type outcome struct {
	platform.Operation
	t     *testing.T
	lines []line
}

// line is one entry of dormouse_Results.
type line struct {
	Line, Code, Format, Error string
	Values                    map[string]json.RawMessage
}

// submit posts a command.
func (h handle) submit(text string) ids.Operation {
	h.t.Helper()
	op, err := h.node.api.Submit(h.id, text, "")
	check(h.t, err)
	return op.ID
}

// status is where an operation stands.
func (h handle) status(id ids.Operation) platform.Status {
	h.t.Helper()
	op, err := h.node.api.Operation(id)
	check(h.t, err)
	return op.Status
}

// ended waits for the end of an operation.
func (h handle) ended(id ids.Operation) outcome {
	h.t.Helper()
	var op platform.Operation
	eventually(h.t, func() error {
		var err error
		if op, err = h.node.api.Operation(id); err != nil {
			return err
		}
		if op.Status != platform.Successful && op.Status != platform.Failed {
			return fmt.Errorf("%q is %s", op.Text, op.Status)
		}
		return nil
	})
	o := outcome{Operation: op, t: h.t}
	if len(op.Results) > 0 {
		check(h.t, json.Unmarshal(op.Results, &o.lines))
	}
	return o
}

// run posts a command and waits for its end.
func (h handle) run(text string) outcome {
	h.t.Helper()
	return h.ended(h.submit(text))
}

// expect runs a command of which the last line must be answered with a code,
// and the operation end accordingly, and returns that line's result.
func (h handle) expect(code, text string) line {
	h.t.Helper()
	o := h.run(text)
	want := platform.Successful
	if code[0] != '2' {
		want = platform.Failed
	}
	if len(o.lines) == 0 || o.lines[len(o.lines)-1].Code != code || o.Status != want {
		h.t.Fatalf("%q: %s, %s %s, want %s", text, o.Status, o.Results, o.Failure, code)
	}
	return o.lines[len(o.lines)-1]
}

// expectValues is expect of a 2.05 that holds values; see holds.
func (h handle) expectValues(text string, want ...string) line {
	h.t.Helper()
	l := h.expect("2.05", text)
	holds(h.t, l, want...)
	return l
}

// holds checks values of a result, given as "path=JSON", or "path" alone for
// what must not be there at or below it.
func holds(t *testing.T, l line, want ...string) {
	t.Helper()
	for _, w := range want {
		path, value, given := strings.Cut(w, "=")
		if given {
			if got := string(l.Values[path]); got != value {
				t.Errorf("%s: %s is %s, want %s", l.Line, path, got, value)
			}
			continue
		}
		for p := range l.Values {
			if p == path || strings.HasPrefix(p, path+"/") {
				t.Errorf("%s: %s is there: %s", l.Line, p, l.Values[p])
			}
		}
	}
}

// registration is the fragment c8y_LwM2MRegistration.
type registration struct {
	Registered   bool
	Location     string
	Version      string `json:"lwm2mVersion"`
	Lifetime     int64
	BindingMode  string
	QueueMode    bool
	SMS          string            `json:"smsNumber"`
	Profile      string            `json:"profileId"`
	Update       time.Time         `json:"lastUpdate"`
	Expires      time.Time         `json:"expires"`
	Address      string            `json:"address"`
	Security     string            `json:"securityMode"`
	Session      bool              `json:"dtlsSession"`
	Root         string            `json:"rootPath"`
	Formats      []uint16          `json:"contentFormats"`
	Objects      []string          `json:"objects"`
	Additional   map[string]string `json:"additionalAttributes"`
	Observations []struct {
		Paths     []string
		Composite bool
		Pending   bool
	}
}

// registration reads what the node knows of the device.
func (h handle) registration() (r registration) {
	h.t.Helper()
	m, err := h.node.api.Object(h.id)
	check(h.t, err)
	check(h.t, json.Unmarshal(m.Fragments.Get("c8y_LwM2MRegistration"), &r))
	return r
}

// awaits waits until a registration is as the test wants it.
func (h handle) awaits(what string, is func(registration) bool) (r registration) {
	h.t.Helper()
	eventually(h.t, func() error {
		if r = h.registration(); !is(r) {
			return fmt.Errorf("%s: registration %+v", what, r)
		}
		return nil
	})
	return r
}

// setting changes a fragment of the managed object.
func (h handle) setting(body string) {
	h.t.Helper()
	_, err := h.node.api.Expect(http.StatusOK, http.MethodPut, platform.ObjectsPath+"/"+h.id.String(), body)
	check(h.t, err)
}

// values are the last ones of the device by path.
func (h handle) values() map[string]platform.LastValue {
	h.t.Helper()
	all := map[string]platform.LastValue{}
	check(h.t, h.node.api.Each(platform.ValuesPath(h.id.String()), platform.Values, func(item []byte) error {
		v, err := platform.ParseLastValue(item)
		all[v.Path.String()] = v
		return err
	}))
	return all
}

// awaitValue waits until the last value of a path is v.
func (h handle) awaitValue(path string, v lwm2m.Value) (last platform.LastValue) {
	h.t.Helper()
	eventually(h.t, func() error {
		if last = h.values()[path]; last.Value != v {
			return fmt.Errorf("%s is %s, want %s", path, last.Value, v)
		}
		return nil
	})
	return last
}

// events counts what happened to endpoints of the node, by the name that
// /metrics has for it.
func (n *node) events(t *testing.T, kind string) int {
	t.Helper()
	all, err := n.api.Metrics()
	check(t, err)
	for name, v := range all {
		if strings.Contains(name, "endpoint_events_total") && strings.Contains(name, `"`+kind+`"`) {
			return int(v)
		}
	}
	t.Fatalf("no counter of %s", kind)
	return 0
}

// Bounds of what a test waits for: a machine with other work is slow.
const (
	patience = 30 * time.Second
	interval = 3 * time.Millisecond // between two looks
)

// eventually looks until f is content; in the end its error counts.
func eventually(t *testing.T, f func() error) {
	t.Helper()
	eventuallyWithin(t, patience, f)
}

func eventuallyWithin(t *testing.T, most time.Duration, f func() error) {
	t.Helper()
	deadline := time.Now().Add(most)
	again := time.NewTicker(interval)
	defer again.Stop()
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		<-again.C
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// path is one that the test wrote itself.
func path(s string) lwm2m.Path {
	p, err := lwm2m.ParsePath(s)
	if err != nil {
		panic(err)
	}
	return p
}

func paths(list ...string) (out []lwm2m.Path) {
	for _, s := range list {
		out = append(out, path(s))
	}
	return out
}

// errNotYet is why a test looks again.
var errNotYet = errors.New("conformance: not yet")

func text(port uint16) string { return strconv.Itoa(int(port)) }

func text64(n int64) string { return strconv.FormatInt(n, 10) }
