package interop

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"dormouse/codec/platform"
)

// coapNode is a device that client.js plays with the npm package coap-node.
type coapNode struct {
	t     *testing.T
	stdin io.Writer
	lines <-chan string // what it tells; closed at its end
}

// startCoapNode runs the client until the end of the test.
func startCoapNode(t *testing.T, n node, endpoint string) coapNode {
	t.Helper()
	program := tool(t, "node", "nodejs")
	if _, err := os.Stat("node_modules/coap-node"); err != nil {
		missing(t, "coap-node is not installed (npm ci in node/interop)")
	}
	cmd := exec.CommandContext(t.Context(), program, "client.js", n.coap.Addr().String(), fmt.Sprint(n.coap.Port()), endpoint)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		for r := bufio.NewScanner(stdout); r.Scan(); {
			lines <- r.Text()
		}
	}()
	t.Cleanup(func() {
		stdin.Close() // the client ends with its input
		for range lines {
		}
		_ = cmd.Wait() // an end by the test's context is none of its faults
	})
	return coapNode{t, stdin, lines}
}

// tell has the client do something.
func (c coapNode) tell(command string) {
	c.t.Helper()
	if _, err := io.WriteString(c.stdin, command+"\n"); err != nil {
		c.t.Fatal(err)
	}
}

// hear waits for something that the client tells, and returns its parts.
func (c coapNode) hear(what string) []any {
	c.t.Helper()
	late := time.NewTimer(silence)
	defer late.Stop()
	for {
		select {
		case line, ok := <-c.lines:
			if !ok {
				c.t.Fatalf("the client ended before it told %q", what)
			}
			var parts []any
			if err := json.Unmarshal([]byte(line), &parts); err != nil || len(parts) == 0 {
				c.t.Fatalf("the client told %q: %v", line, err)
			}
			if parts[0] == what {
				return parts[1:]
			}
			c.t.Logf("the client told %s", line)
		case <-late.C:
			c.t.Fatalf("the client did not tell %q", what)
		}
	}
}

// A whole life: registered as LwM2M 1.0, read in all formats that it has,
// written, executed, discovered, observed, updated, gone.
func TestCoapNode(t *testing.T) {
	n := start(t)
	c := startCoapNode(t, n, "coap-node")
	registered := c.hear("registered")
	if registered[0] != "2.01" {
		t.Fatalf("registered: %v", registered)
	}
	m := n.device(t, strings.TrimPrefix(registered[1].(string), "/"), "coap-node")
	r := registration(t, m)
	for name, want := range map[string]string{
		"lwm2mVersion": `"1.0"`, "lifetime": "3600", "bindingMode": `"U"`, "queueMode": "false",
		"objects": `["/3/0","/4/0","/3303/0","/3311/0"]`, "contentFormats": "[11543]",
		"additionalAttributes": `{"mac":"00:00:00:00:00:00"}`,
	} {
		if got := string(r.Get(name)); got != want {
			t.Errorf("%s of the registration is %s, not %s", name, got, want)
		}
	}

	// JSON, which it lists.
	n.results(t, m.ID, "read /3/0/0", `[{"line":"read /3/0/0","code":"2.05","format":"JSON","values":{"/3/0/0":"Muscardinus"}}]`)
	n.results(t, m.ID, "read /3303/0/5700", `[{"line":"read /3303/0/5700","code":"2.05","format":"JSON","values":{"/3303/0/5700":21.5}}]`)
	n.results(t, m.ID, "write /3311/0/5851 33", `[{"line":"write /3311/0/5851 33","code":"2.04"}]`)
	n.results(t, m.ID, "read /3311/0/5851", `[{"line":"read /3311/0/5851","code":"2.05","format":"JSON","values":{"/3311/0/5851":33}}]`)

	// Several lines are one operation; the formats change for good.
	n.results(t, m.ID, "serialization TLV\nread /3/0\nread /3303/0/5700\nwrite /3311/0/5850 true\nread /3311/0/5850",
		`[{"line":"serialization TLV","values":{"serialization":"TLV"}},`+
			`{"line":"read /3/0","code":"2.05","format":"TLV","values":{"/3/0/0":"Muscardinus","/3/0/1":"cnode-01","/3/0/2":"c-0000","/3/0/3":"1.0","/3/0/6":0,"/3/0/7":100,"/3/0/17":"generic","/3/0/18":"1.0","/3/0/19":"1.0"}},`+
			`{"line":"read /3303/0/5700","code":"2.05","format":"TLV","values":{"/3303/0/5700":21.5}},`+
			`{"line":"write /3311/0/5850 true","code":"2.04"},`+
			`{"line":"read /3311/0/5850","code":"2.05","format":"TLV","values":{"/3311/0/5850":true}}]`)
	n.results(t, m.ID, "serialization TEXT\nread /3303/0/5701\nwrite /3311/0/5851 44\nread /3311/0/5851\nserialization DEFAULT",
		`[{"line":"serialization TEXT","values":{"serialization":"TEXT"}},`+
			`{"line":"read /3303/0/5701","code":"2.05","format":"TEXT","values":{"/3303/0/5701":"Cel"}},`+
			`{"line":"write /3311/0/5851 44","code":"2.04"},`+
			`{"line":"read /3311/0/5851","code":"2.05","format":"TEXT","values":{"/3311/0/5851":44}},`+
			`{"line":"serialization DEFAULT","values":{"serialization":"DEFAULT"}}]`)

	n.results(t, m.ID, "writeattr /3303/0/5700 pmin=0&pmax=60", `[{"line":"writeattr /3303/0/5700 pmin=0&pmax=60","code":"2.04"}]`)
	n.results(t, m.ID, "discover /3303/0/5700", `[{"line":"discover /3303/0/5700","code":"2.05","format":"LINK","values":{"/3303/0/5700":{"pmin":0,"pmax":60}}}]`)
	n.results(t, m.ID, "execute /3303/0/5605", `[{"line":"execute /3303/0/5605","code":"2.04"}]`)
	c.hear("executed")
	c.observed(n, m)

	c.tell("update 7200")
	if got := c.hear("updated"); got[0] != "2.04" {
		t.Errorf("updated: %v", got)
	}
	if got := string(registration(t, n.device(t, registered[1].(string)[1:], "coap-node")).Get("lifetime")); got != "7200" {
		t.Errorf("the lifetime is %s, not 7200", got)
	}
	if p := n.run(t, m.ID, "read /3/0/99"); p.Status != platform.Failed || !strings.HasPrefix(p.Failure, "4.04") {
		t.Errorf("read /3/0/99 ended %s %s", p.Status, p.Failure)
	}
	c.tell("deregister")
	if got := c.hear("deregistered"); got[0] != "2.02" {
		t.Errorf("deregistered: %v", got)
	}
}

// observed has a value observed, notified of twice, and cancelled.
func (c coapNode) observed(n node, m platform.ManagedObject) {
	c.t.Helper()
	n.results(c.t, m.ID, "observe /3303/0/5700", `[{"line":"observe /3303/0/5700","code":"2.05","format":"JSON","values":{"/3303/0/5700":21.5}}]`)
	for _, v := range []string{"23.25", "-4.5"} {
		c.tell("set /3303/0/5700 " + v)
		c.hear("set")
		n.value(c.t, m.ID, "/3303/0/5700", v)
	}
	if p := n.run(c.t, m.ID, "cancelobservation /3303/0/5700"); p.Status != platform.Successful {
		c.t.Errorf("cancelobservation ended %s %s", p.Status, p.Failure)
	}
}
