package interop

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"dormouse/codec/platform"
)

// libcoap is a command-line client of libcoap, speaking to one node. It knows
// CoAP alone: what it registers is a name and a list of links, and nobody would
// answer a Read.
type libcoap struct {
	t     *testing.T
	tool  string
	base  string   // coap://host:port
	proof []string // arguments over DTLS: identity and key
}

func startLibcoap(t *testing.T) (libcoap, node) {
	t.Helper()
	program := tool(t, "coap-client-notls", "libcoap3-bin")
	n := start(t)
	return libcoap{t: t, tool: program, base: "coap://" + n.coap.String()}, n
}

// heard is a message that the client received, as it prints it.
type heard struct {
	kind, code string // ACK, 2.04
	options    string
	payload    string
}

// received matches what the client prints of a message behind the line that
// says that it was received.
var received = regexp.MustCompile(`: received \d+ bytes\nv:1 t:(\w+) c:(\S+) i:\w+ \{\w*\} \[ (.*?) ?\](?: :: (.*))?\n`)

// run runs the client once and returns all that it received and all that it
// printed. Its last argument is a path with its query.
func (c libcoap) run(arguments ...string) (all []heard, printed string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	last := len(arguments) - 1
	arguments = slices.Concat([]string{"-v", "7", "-B", "30"}, c.proof, arguments[:last], []string{c.base + arguments[last]})
	out, err := exec.CommandContext(ctx, c.tool, arguments...).CombinedOutput()
	if err != nil {
		c.t.Fatalf("%v: %v\n%s", arguments, err, out)
	}
	for _, m := range received.FindAllStringSubmatch(string(out), -1) {
		all = append(all, heard{m[1], m[2], m[3], strings.Trim(m[4], "'")})
	}
	return all, string(out)
}

// ask is run of what must be answered.
func (c libcoap) ask(arguments ...string) []heard {
	c.t.Helper()
	all, printed := c.run(arguments...)
	if len(all) == 0 {
		c.t.Fatalf("%v: no answer\n%s", arguments, printed)
	}
	return all
}

// last is the final answer of ask, which must have that code.
func (c libcoap) last(code string, arguments ...string) heard {
	c.t.Helper()
	all := c.ask(arguments...)
	h := all[len(all)-1]
	if h.code != code {
		c.t.Errorf("%v: answered %+v, not %s", arguments, h, code)
	}
	return h
}

// file keeps a payload where the client finds it.
func (c libcoap) file(payload string) string {
	c.t.Helper()
	name := filepath.Join(c.t.TempDir(), "payload")
	if err := os.WriteFile(name, []byte(payload), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return name
}

// port is a local one that nobody uses just now.
func (c libcoap) port() string {
	c.t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		c.t.Fatal(err)
	}
	defer conn.Close()
	return strconv.Itoa(conn.LocalAddr().(*net.UDPAddr).Port)
}

// manyObjects is an object list of about a kilobyte, and the paths in it.
func manyObjects() (links string, paths []string) {
	links = `</>;rt="oma.lwm2m";ct="110 112"`
	for i := range 60 {
		path := fmt.Sprintf("/3303/%d", i)
		links += ",<" + path + ">"
		paths = append(paths, path)
	}
	return links, paths
}

// locationOf takes the location from the options of an answer.
func (c libcoap) locationOf(h heard) string {
	c.t.Helper()
	m := regexp.MustCompile(`Location-Path:(rd), Location-Path:([\w-]+)`).FindStringSubmatch(h.options)
	if m == nil {
		c.t.Fatalf("no location in %+v", h)
	}
	return m[1] + "/" + m[2]
}

func TestLibcoapLifeOfARegistration(t *testing.T) {
	c, n := startLibcoap(t)
	links, paths := manyObjects()
	body := c.file(links)

	all := c.ask("-m", "post", "-t", "40", "-b", "64", "-f", body, "/rd?ep=libcoap&lt=300&lwm2m=1.1&b=U")
	blocks := (len(links) + 63) / 64
	if len(all) != blocks {
		t.Fatalf("%d answers to %d blocks: %+v", len(all), blocks, all)
	}
	for i, h := range all[:blocks-1] {
		if want := fmt.Sprintf("Block1:%d/M/64", i); h.code != "2.31" || h.kind != "ACK" || !strings.Contains(h.options, want) {
			t.Errorf("block %d: %+v, not 2.31 with %s", i, h, want)
		}
	}
	location := c.locationOf(all[blocks-1])
	m := n.device(t, location, "libcoap")
	r := registration(t, m)
	if got, want := string(r.Get("objects")), `["`+strings.Join(paths, `","`)+`"]`; got != want {
		t.Errorf("objects\n got %s\nwant %s", got, want)
	}
	for name, want := range map[string]string{"lifetime": "300", "lwm2mVersion": `"1.1"`, "contentFormats": "[110,112]"} {
		if got := string(r.Get(name)); got != want {
			t.Errorf("%s is %s, not %s", name, got, want)
		}
	}

	c.last("2.04", "-m", "post", "/"+location+"?lt=600")
	c.last("2.04", "-m", "post", "-t", "40", "-b", "32", "-e", strings.Repeat("</3303/1>,", 9)+"</3/0>", "/"+location)
	m = n.device(t, location, "libcoap")
	r = registration(t, m)
	if lifetime, objects := string(r.Get("lifetime")), string(r.Get("objects")); lifetime != "600" || objects != `["/3/0","/3303/1"]` {
		t.Errorf("after two Updates: lifetime %s, objects %s", lifetime, objects)
	}
	c.last("4.04", "-m", "post", "/rd/aaaaaaaaaaaaaaaa")
	c.last("2.02", "-m", "delete", "/"+location)
	c.last("4.04", "-m", "delete", "/"+location)
	c.last("4.04", "-m", "post", "/"+location)
}

func TestLibcoapRegistersNonConfirmable(t *testing.T) {
	c, n := startLibcoap(t)
	h := c.last("2.01", "-N", "-m", "post", "-t", "40", "-e", "</3/0>", "/rd?ep=dormant&lt=300&lwm2m=1.1")
	if h.kind != "NON" {
		t.Errorf("a NON was answered by %s", h.kind)
	}
	n.device(t, c.locationOf(h), "dormant")
}

// What a device sends of its own comes in blocks, from the port that it
// registered from, and is refused to anybody else.
func TestLibcoapSendsInBlocks(t *testing.T) {
	c, n := startLibcoap(t)
	port := c.port()
	h := c.last("2.01", "-p", port, "-m", "post", "-t", "40", "-e", "</3303/0>", "/rd?ep=sender&lt=300&lwm2m=1.1")
	m := n.device(t, c.locationOf(h), "sender")
	pack := c.file(`[{"bn":"/3303/0/","bt":1700000000,"n":"5700","v":21.5},{"n":"5701","vs":"Cel"},{"n":"5601","v":-3},{"n":"5602","v":40.25}]`)
	all := c.ask("-p", port, "-m", "post", "-t", "110", "-b", "32", "-f", pack, "/dp")
	if h := all[len(all)-1]; len(all) < 4 || h.code != "2.04" {
		t.Fatalf("Send: %+v", all)
	}
	n.value(t, m.ID, "/3303/0/5700", "21.5")
	n.value(t, m.ID, "/3303/0/5602", "40.25")
	c.last("4.04", "-m", "post", "-t", "110", "-f", pack, "/dp")
}

func TestLibcoapRefused(t *testing.T) {
	c, _ := startLibcoap(t)
	for _, x := range []struct {
		code      string
		arguments []string
	}{
		{"4.02", []string{"-m", "get", "-O", "9999,x", "/.well-known/core"}},             // critical, unknown
		{"2.05", []string{"-m", "get", "-O", "9998,x", "/.well-known/core"}},             // elective, unknown
		{"5.05", []string{"-m", "get", "-O", "35,coap://example.com/", "/"}},             // Proxy-Uri
		{"4.04", []string{"-m", "get", "/no/such/resource"}},                             //
		{"4.04", []string{"-m", "post", "-t", "40", "-e", "</3/0>", "/rd/x/y?ep=x"}},     //
		{"4.05", []string{"-m", "get", "/rd"}},                                           //
		{"4.05", []string{"-m", "put", "-e", "x", "/dp"}},                                //
		{"4.00", []string{"-m", "post", "-t", "40", "-e", "</3/0>", "/rd?lt=300"}},       // no ep
		{"4.00", []string{"-m", "post", "/rd?ep=empty&lwm2m=1.1"}},                       // no object list
		{"4.00", []string{"-m", "post", "-t", "40", "-e", "</3/0", "/rd?ep=x"}},          // a broken link
		{"4.00", []string{"-m", "post", "-t", "40", "-e", "</3/0>", "/rd?ep=x&lt=soon"}}, //
		{"4.12", []string{"-m", "post", "-t", "40", "-e", "</3/0>", "/rd?ep=x&lwm2m=9.9"}},
	} {
		if h := c.last(x.code, x.arguments...); h.kind != "ACK" {
			t.Errorf("%v: answered by %s", x.arguments, h.kind)
		}
	}
}

// A body beyond all bounds ends with 4.13, before it has come in whole.
func TestLibcoapTooLarge(t *testing.T) {
	c, _ := startLibcoap(t)
	body := c.file("</3/0>" + strings.Repeat(",</3303/1>", 200_000))
	all := c.ask("-m", "post", "-t", "40", "-b", "1024", "-f", body, "/rd?ep=large&lwm2m=1.1")
	if h := all[len(all)-1]; h.code != "4.13" {
		t.Errorf("the last of %d answers is %+v, not 4.13", len(all), h)
	}
}

func TestLibcoapDiscovers(t *testing.T) {
	c, _ := startLibcoap(t)
	h := c.last("2.05", "-m", "get", "/.well-known/core")
	if !strings.Contains(h.options, "Content-Format:application/link-format") || !strings.Contains(h.payload, "</rd>") {
		t.Errorf("discovered %+v", h)
	}
}

// A Register whose sender wants no answer (RFC 7967) is done and not answered.
// The client, which waits all the same, pings where nothing was said for a
// second, and hears nothing but the answers to its pings.
func TestLibcoapPingsInSilence(t *testing.T) {
	c, n := startLibcoap(t)
	for _, h := range c.ask("-K", "1", "-B", "2", "-N", "-m", "post", "-t", "40", "-O", "258,0x1a", "-e", "</3/0>", "/rd?ep=silent") {
		if h.kind != "RST" || h.code != "0.00" {
			t.Errorf("heard %+v", h)
		}
	}
	r, err := n.Expect(http.StatusOK, http.MethodGet, platform.ObjectsPath, "")
	if err != nil || !strings.Contains(string(r.Body), `"name":"silent"`) {
		t.Errorf("registered in silence: %s %v", r.Body, err)
	}
}
