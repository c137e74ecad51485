package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"dormouse/codec/coap"
	"dormouse/codec/ids"
	"dormouse/codec/lwm2m"
	"dormouse/codec/platform"
	"dormouse/node/app"
	"dormouse/node/app/apptest"
	"dormouse/persistence/store"
)

// disk is a file system in memory that says how much room it has.
type disk struct {
	vfs.FS
	available atomic.Uint64
}

func (d *disk) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{AvailBytes: d.available.Load(), TotalBytes: 1 << 40}, nil
}

// Watermarks in bytes: below full/2 nothing is written any more.
const (
	lowMark  = 100 << 20
	fullMark = 50 << 20
)

// onDisk starts a node with much room.
func onDisk(t *testing.T) (node, *disk) {
	d := &disk{FS: vfs.NewMem()}
	d.available.Store(1 << 30)
	c := settings(t.TempDir()) // for seal.key alone, which is not the store's
	c.LowSpace, c.FullSpace = lowMark, fullMark
	n := start(t, c, app.Options{Store: func(o *store.Options) {
		small(o)
		o.FS = d
	}})
	return n, d
}

// leave changes the room that there is, waits until the node has seen it, and
// looks at /readyz: at the status, and for the words about the disk.
func (n node) leave(t *testing.T, d *disk, available uint64, status int, words string) {
	t.Helper()
	d.available.Store(available)
	check(t, apptest.Eventually(func() error {
		values, err := n.api.Metrics()
		if seen := values["dormouse_store_available_bytes"]; err == nil && seen != float64(available) {
			err = fmt.Errorf("%d bytes are available, the node has seen %g", available, seen)
		}
		return err
	}))
	r := must[apptest.Reply](t)(n.api.Expect(status, http.MethodGet, "/readyz", ""))
	named := strings.Contains(string(r.Body), `"notReady":["disk"]`)
	if !strings.Contains(string(r.Body), words) || named != (status != http.StatusOK) {
		t.Errorf("with %d bytes available: %s", available, r.Body)
	}
}

// takes tries everything that needs room: what is new is refused where the
// disk is full, and taken again where it is not; an Update is taken always.
func (n node) takes(t *testing.T, d *apptest.Device, m ids.Object, name string, full bool) {
	t.Helper()
	want := func(now, otherwise int) int {
		if full {
			return otherwise
		}
		return now
	}
	code := func(now coap.Code) coap.Code { return coap.Code(want(int(now), int(coap.ServiceUnavailable))) }

	update(t, d)
	stranger := dial(t, n.CoAP()[0])
	if a := ask(t, stranger, stranger.Registration(name)); a.Code != code(coap.Created) {
		t.Errorf("Register of %s: %s %s", name, a.Code, a.Payload)
	}
	if got := must[coap.Code](t)(d.Send(lwm2m.Node{Path: temperature, Value: lwm2m.Float(30)})); got != code(coap.Changed) {
		t.Errorf("Send: %s", got)
	}
	operation := platform.NewOperation{Device: m, Text: "read /3/0/0"}.Append(nil)
	for path, body := range map[string]string{platform.OperationsPath: string(operation), platform.ObjectsPath: `{"name":"group"}`} {
		r := must[apptest.Reply](t)(n.api.Do(http.MethodPost, path, body))
		if r.Status != want(http.StatusCreated, http.StatusInsufficientStorage) || full != (r.Header.Get("Retry-After") != "") {
			t.Errorf("POST %s: %d %v %s", path, r.Status, r.Header, r.Body)
		}
	}
}

func TestDiskFull(t *testing.T) {
	n, disk := onDisk(t)
	d := n.device(t, "known")
	m := n.object(t, d).ID
	if op := n.run(t, m, "observe /3303/0/5700"); op.Status != platform.Successful {
		t.Fatalf("observe: %s %s", op.Status, op.Failure)
	}
	asleep := n.device(t, "asleep", "at=1")
	waiting := must[platform.Operation](t)(n.api.Submit(n.object(t, asleep).ID, "execute /3/0/4", ""))
	n.takes(t, d, m, "at first", false)

	n.leave(t, disk, lowMark-1, http.StatusOK, "getting full")
	n.takes(t, d, m, "while it gets full", false)

	n.leave(t, disk, fullMark-1, http.StatusServiceUnavailable, "The disk is full")
	n.takes(t, d, m, "on a full disk", true)
	check(t, d.Register()) // it is known: no room is needed
	n.object(t, d)

	// What was begun is finished.
	update(t, asleep)
	if op := must[platform.Operation](t)(n.api.Ended(waiting.ID)); op.Status != platform.Successful {
		t.Errorf("the operation that waited: %s %s", op.Status, op.Failure)
	}

	// Nothing is acknowledged that is not kept, not even an Update at the end.
	n.leave(t, disk, fullMark/4, http.StatusServiceUnavailable, "The disk is full")
	refused := must[map[string]float64](t)(n.api.Metrics())["dormouse_shell_commits_failed_total"]
	code := make(chan coap.Code, 1)
	go func() {
		c, _ := d.Update("lt=7200")
		code <- c
	}()
	check(t, apptest.Eventually(func() error {
		values, err := n.api.Metrics()
		if now := values["dormouse_shell_commits_failed_total"]; err == nil && now <= refused {
			err = fmt.Errorf("%g commits have failed, %g before", now, refused)
		}
		return err
	}))
	if len(code) > 0 {
		t.Errorf("an Update that cannot be kept was answered %s", <-code)
	}

	n.leave(t, disk, 1<<30, http.StatusOK, `"status":"ready"`)
	if c := <-code; c != coap.Changed {
		t.Errorf("the Update after there was room: %s", c)
	}
	if r := n.registration(t, d); r.Lifetime != 7200 {
		t.Errorf("its lifetime is %d", r.Lifetime)
	}
	n.takes(t, d, m, "after all", false)
	for name, want := range map[string]int{"known": 1, "asleep": 1, "at first": 1, "while it gets full": 1, "on a full disk": 0, "after all": 1, "group": 3} {
		if got := n.names(t)[name]; got != want {
			t.Errorf("%q is in the inventory %d times, not %d", name, got, want)
		}
	}
}

// A notification is not acknowledged while its value cannot be kept: the device
// sends it again, and it is taken when there is room.
func TestNotificationOnAFullDisk(t *testing.T) {
	n, disk := onDisk(t)
	d := n.device(t, "observed")
	m := n.object(t, d).ID
	if op := n.run(t, m, "observe /3303/0/5700"); op.Status != platform.Successful {
		t.Fatalf("observe: %s %s", op.Status, op.Failure)
	}
	n.leave(t, disk, fullMark-1, http.StatusServiceUnavailable, "The disk is full")
	d.Set(temperature, lwm2m.Float(-40))
	message := must[*coap.Message](t)(d.Notification(temperature))
	check(t, d.Silence(must[[]byte](t)(message.Append(nil))))
	n.expectValue(t, m, temperature, lwm2m.Float(21.5))

	n.leave(t, disk, 1<<30, http.StatusOK, `"status":"ready"`)
	if a := ask(t, d.Client, message); a.Type != coap.Acknowledgement {
		t.Errorf("the notification sent again: %s", a.Type)
	}
	n.expectValue(t, m, temperature, lwm2m.Float(-40))
}
