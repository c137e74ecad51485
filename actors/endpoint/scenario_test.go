package endpoint

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"dormouse/actors/operations"
	"dormouse/codec/link"
	"dormouse/codec/lwm2m"
	"dormouse/codec/platform"
	"dormouse/codec/wire"
)

// TestScenarios plays testdata/*.txt: what a device and platform clients do,
// and all that the endpoint wants done about it. Commands:
//
//	config name=value          before the first message
//	device [from=addr]         one CoAP message a line, see parseMessage
//	submit [retry]             one command, of all lines
//	set id=n status=S          change an operation (n: 1 for the first made)
//	drop id=n                  delete an operation
//	fragments                  JSON of the managed object
//	remove | sweep
//	advance 5s                 the clock; ticks and durable timers fire in order
//	mark                       the shard is served now, and that is stored
//	off 48h                    nobody serves the shard for so long; then a restart
//	restart                    the memory is lost, the store is not
//	crash                      the next event's commit is lost, and the memory
//	crash after                the next event is committed; nothing leaves, and the memory is lost
//	full | space               the disk
//	credentials [key=hex] [replace] [late] | withdraw
//	handshake [nocid] [from=addr] [serial=n]   n: how far off the credentials are
//	sealed [from=addr] [keep] [together]       as device, in records of its session
//	late [n=2] [from=addr]     its record before the last one arrives
//	replay [from=addr]         all its datagrams arrive again
//	forge [from=addr] | alert  a record that was changed; close_notify
//	rotate                     another key seals
//	show [device] [operations] [values] [id=n]
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		w := newWorld(t)
		datadriven.RunTest(t, path, w.run)
	})
}

func (w *world) run(t *testing.T, d *datadriven.TestData) string {
	w.t = t
	w.out.Reset()
	switch d.Cmd {
	case "config":
		w.config(d)
	case "device":
		peer := w.peer
		if d.HasArg("from") {
			d.ScanArgs(t, "from", &peer)
		}
		for _, line := range strings.Split(strings.TrimSpace(d.Input), "\n") {
			w.receive(peer, line)
		}
	case "advance":
		dur, err := time.ParseDuration(d.CmdArgs[0].Key)
		if err != nil {
			t.Fatal(err)
		}
		w.advance(dur)
	case "restart":
		w.e = nil
		w.start()
		w.printf("%s", "loaded")
	case "mark":
		w.mark()
	case "off":
		dur, err := time.ParseDuration(d.CmdArgs[0].Key)
		if err != nil {
			t.Fatal(err)
		}
		w.now, w.e = w.now.Add(dur), nil
		w.start()
		w.printf("loaded after %d outages", len(w.shard.Served.Outages))
	case "crash":
		w.lose = beforeCommit
		if d.HasArg("after") {
			w.lose = afterCommit
		}
	case "full":
		w.full = true
	case "space":
		w.full = false
	case "show":
		w.show(d)
	default:
		if !w.secure(d) {
			w.client(d)
		}
	}
	return w.out.String()
}

func (w *world) config(d *datadriven.TestData) {
	c := &w.env.Config
	for _, a := range d.CmdArgs {
		var err error
		switch v := a.Vals[0]; a.Key {
		case "accept":
			c.AcceptUnknown, err = strconv.ParseBool(v)
		case "awake":
			c.AwakeTime, err = time.ParseDuration(v)
		case "pending":
			c.MaxPending, err = strconv.Atoi(v)
		case "profile":
			c.Profiles = map[string]link.ObjectList{}
			c.Profiles["1:aa"], err = link.ParseObjects([]byte(strings.Join(a.Vals, ",")))
		default:
			err = errors.New("unknown setting")
		}
		if err != nil {
			w.t.Fatalf("%s: %v", a.Key, err)
		}
	}
}

// client plays the platform's side.
func (w *world) client(d *datadriven.TestData) {
	reply := func(op OperationView, err error) {
		if err != nil {
			w.printf("reply: %v", err)
			return
		}
		w.printf("reply: operation %d %s", w.number(op.ID), op.Status)
	}
	done := func(err error) { w.printf("reply: %v", err) }
	switch d.Cmd {
	case "submit":
		w.handle(&Submit{Text: d.Input, Retry: d.HasArg("retry"), Reply: reply})
	case "set":
		var n int
		var status string
		d.ScanArgs(w.t, "id", &n)
		d.ScanArgs(w.t, "status", &status)
		w.handle(&SetOperation{ID: w.ops[n-1], Status: status, Reply: reply})
	case "drop":
		var n int
		d.ScanArgs(w.t, "id", &n)
		w.handle(&DropOperation{ID: w.ops[n-1], Reply: done})
	case "fragments":
		list, err := platform.ParseFragments([]byte(d.Input))
		if err != nil {
			w.t.Fatal(err)
		}
		w.handle(&SetFragments{Fragments: list, Reply: done})
	case "remove":
		w.handle(&Remove{Reply: done})
	case "sweep":
		w.handle(Sweep{})
	default:
		w.t.Fatalf("%s: unknown command %s", d.Pos, d.Cmd)
	}
}

// show prints what is stored and what is awake: all of it, or the parts named.
func (w *world) show(d *datadriven.TestData) {
	w.start()
	all := len(d.CmdArgs) == 0
	if all || d.HasArg("device") {
		w.showDevice()
	}
	if all || d.HasArg("operations") || d.HasArg("id") {
		id := 0
		d.MaybeScanArgs(w.t, "id", &id)
		w.showOperations(id)
	}
	if all || d.HasArg("values") {
		w.showValues()
	}
}

func (w *world) showDevice() {
	r := w.e.reg()
	w.printf("known=%v registered=%v count=%d version=%s lifetime=%d binding=%s queue=%v awake=%v peer=%s",
		w.e.known, r.Registered, r.Count, r.Version, r.Lifetime, r.Binding, r.Queue, w.e.awake(w.now), w.e.at.Path.Peer)
	if len(r.Objects.Objects) > 0 {
		w.printf("objects %s", r.Objects.Append(nil))
	}
	for _, o := range r.Observations {
		w.printf("observation %v composite=%v pending=%v format=%s", o.Paths, o.Composite, o.Pending, o.Format)
	}
	for _, a := range r.Attributes {
		w.printf("attributes %s %s pending=%v", a.Path, a.Text, a.Pending)
	}
	if len(r.Refused) > 0 {
		w.printf("refused %v", r.Refused)
	}
	if r.Settings.Fragments != "" {
		w.printf("fragments %s", r.Settings.Fragments)
	}
}

func (w *world) showValues() {
	_ = w.store.Scan(w.shard.ID, wire.ClassValue, nil, nil, false, func(key, value []byte) bool {
		p, _, _ := lwm2m.ParseStoredPath(key[8:])
		v, err := ParseLastValue(value)
		if err != nil {
			w.t.Fatal(err)
		}
		w.printf("value %s %s %q", p, v.Value.Kind(), v.Value)
		return true
	})
}

// showOperations prints one operation, or all for id 0.
func (w *world) showOperations(id int) {
	_ = w.store.Scan(w.shard.ID, wire.ClassOperation, nil, nil, false, func(key, value []byte) bool {
		op, err := operations.Parse(value)
		if err != nil {
			w.t.Fatal(err)
		}
		if id != 0 && w.number(op.ID) != id {
			return true
		}
		w.printf("operation %d %s line=%d %s", w.number(op.ID), op.Status, op.Line, strings.TrimSpace(op.Failure))
		if op.Results != "" {
			w.printf("  results %s", op.Results)
		}
		return true
	})
}
