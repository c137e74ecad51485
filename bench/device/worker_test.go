package device

import (
	"bytes"
	"container/heap"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The heap of deadlines gives the devices back in order, whatever was moved.
func TestTimers(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	var members []*member
	var heaped timers
	for range 200 {
		m := &member{index: -1, due: epoch.Add(time.Duration(random.IntN(1000)) * time.Second)}
		members = append(members, m)
		heap.Push(&heaped, m)
	}
	for range 500 {
		m := members[random.IntN(len(members))]
		m.due = epoch.Add(time.Duration(random.IntN(1000)) * time.Second)
		heap.Fix(&heaped, m.index)
	}
	for range 50 {
		m := members[random.IntN(len(members))]
		if m.index >= 0 {
			heap.Remove(&heaped, m.index)
		}
		if m.index != -1 {
			t.Fatalf("removed, and has index %d", m.index)
		}
	}
	last := epoch
	for len(heaped) > 0 {
		m := heap.Pop(&heaped).(*member)
		if m.due.Before(last) {
			t.Fatalf("%v behind %v", m.due, last)
		}
		last = m.due
	}
}

// A worker holds each device by its deadline, and lets go of one that is gone.
func TestArm(t *testing.T) {
	product, err := NewProduct(Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorker()
	for i := range 3 {
		w.add(product.Client("dev", uint64(i), epoch.Add(time.Duration(3-i)*time.Second)), nil)
	}
	if first := w.timers[0]; first != w.members[2] || first.due != epoch.Add(time.Second) {
		t.Errorf("first is due at %v", w.timers[0].due)
	}
	m := w.members[2]
	m.client.Stop(epoch)
	w.arm(m)
	w.arm(m)
	if w.gone != 1 || len(w.timers) != 2 || m.index != retired {
		t.Errorf("%d gone, %d timers", w.gone, len(w.timers))
	}
	if first := w.timers[0]; first != w.members[1] {
		t.Errorf("first is due at %v", first.due)
	}
}

// A tally tells every ten seconds what has changed, and nothing where nothing has.
func TestTally(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		tally := newTally(&out, false)
		stop := tally.start(3)
		tally.listen(Event{Kind: Registered, Endpoint: "a"})
		tally.listen(Event{Kind: Registered, Endpoint: "b"})
		<-time.After(25 * time.Second)
		tally.listen(Event{Kind: Notified, Endpoint: "a"})
		stop()
		const want = "device: 3 started\ndevice: registered 2\ndevice: registered 2, notified 1\n"
		if got := out.String(); got != want {
			t.Errorf("told\n%s\nwant\n%s", got, want)
		}
	})
	var out bytes.Buffer
	verbose := newTally(&out, true)
	verbose.listen(Event{Kind: Rebooted, Endpoint: "a"})
	if !strings.Contains(out.String(), "a: rebooted") {
		t.Errorf("told %q", out.String())
	}
}
