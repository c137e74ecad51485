package app_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
	"dormouse/node/admin"
	"dormouse/node/app/apptest"
	"dormouse/persistence/store"
)

// nextRelease is this test binary once more, linked to read and write the synthetic
// format level, too (codec/format).
func nextRelease(t *testing.T) string {
	t.Helper()
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("there is no go here to link the next release with")
	}
	name := filepath.Join(t.TempDir(), "next.test")
	c := exec.Command(goTool, "test", "-c", "-o", name, "-ldflags", "-X dormouse/codec/format.synthetic=yes", ".")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if words, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, words)
	}
	return name
}

// become stops a node, and starts it again with another program, in a cluster of all.
func (m *mate) become(binary string, all ...*mate) {
	m.t.Helper()
	m.terminate()
	m.binary = binary
	m.start()
	formed(m.t, 3, all...)
}

// format waits until the node says so of the format level.
func (m *mate) format(want admin.Format) {
	m.t.Helper()
	check(m.t, apptest.Eventually(func() error {
		<-time.After(lookEvery)
		var f admin.Format
		if err := m.get("/cluster/format", &f); err != nil {
			return err
		}
		if f.Level != want.Level || f.Next != want.Next || !strings.Contains(f.Waits, want.Waits) {
			return fmt.Errorf("%s says %+v, not %+v", m.name, f, want)
		}
		return nil
	}))
}

// TestUpgrade is a cluster that is upgraded by one release while devices and clients
// are at it, each node after the other, downgraded by one, and upgraded again. When
// all agree on the next format level they write it, and the release before is refused.
// Nothing that was acknowledged is lost.
func TestUpgrade(t *testing.T) {
	if raced {
		t.Skip("its nodes are processes: TestThreeNodes has raced ones")
	}
	t.Parallel() // it waits more than it works
	old, next := os.Args[0], nextRelease(t)
	one, two, three, four := newMate(t, "one"), newMate(t, "two"), newMate(t, "three"), newMate(t, "four")
	shareSeal(t, one, two, three, four)
	all := []*mate{one, two, three}
	one.start()
	two.start(one)
	three.start(one, two)
	formed(t, 3, all...)
	one.format(admin.Format{Level: 1, Waits: "there is nothing to finalize"})
	h := newHerd(t, 2, all...)
	h.graze()
	h.progress("the first release")

	for _, m := range all {
		two.format(admin.Format{Level: 1, Waits: "level 1 is in force"})
		m.become(next, all...)
		h.serving(all...)
		h.progress(m.name + " has the next release")
	}
	one.format(admin.Format{Level: 1, Next: 2})

	two.terminate()
	two.holds(1) // though the program could write another
	two.binary = old
	two.start()
	formed(t, 3, all...)
	h.serving(all...)
	h.progress("the second one has the first release again")
	r := must[apptest.Reply](t)(one.api.Expect(http.StatusConflict, http.MethodPost, "/cluster/format/finalize", ""))
	if !strings.Contains(string(r.Body), "the program of node two reads level 1") {
		t.Errorf("finalize: %s", r.Body)
	}
	two.become(next, all...)
	h.serving(all...)
	h.progress("all have the next release")

	check(t, apptest.Eventually(func() error { // the records may be behind
		<-time.After(lookEvery)
		_, err := three.api.Expect(http.StatusOK, http.MethodPost, "/cluster/format/finalize", "")
		return err
	}))
	for _, m := range all {
		m.format(admin.Format{Level: 2})
	}
	h.progress("the next format level")
	device(t, three.coap(), "young")

	const refusal = "the cluster writes format level 2, and this program reads level 1"
	two.terminate()
	two.binary = old
	two.start()
	two.gaveUp(refusal)
	four.start(one)
	four.gaveUp("the cluster writes format level 2, and the program of node")
	one.says("a node may not join")
	two.binary = next
	two.start()
	formed(t, 3, all...)
	h.serving(all...)
	h.progress("the second one is back")

	h.stop()
	for _, m := range all {
		h.verify(m)
	}
	h.once()
	for _, m := range all {
		m.terminate()
		m.holds(2)
	}
}

// holds looks into the data of a node that does not run: the newest version of a
// registration there is that one.
func (m *mate) holds(version byte) {
	t := m.t
	t.Helper()
	s := must[*store.Store](t)(store.Open(store.Options{Dir: m.data, BallastBytes: -1}))
	var found []byte
	err := error(nil)
	for _, shard := range s.Shards().All() {
		err = errors.Join(err, s.Scan(shard, wire.ClassRegistration, nil, nil, false, func(_, value []byte) bool {
			found = append(found, value[0])
			return true
		}))
	}
	value, _, missing := s.Get(ids.System, wire.ClassMeta, []byte("format"), nil)
	check(t, errors.Join(err, missing, s.Close()))
	if !slices.Contains(found, version) || slices.Max(found) != version || version > 1 && string(value) != string([]byte{1, version}) {
		t.Errorf("the registrations at %s are of the versions %v, the format level is %x", m.name, found, value)
	}
}
