package app_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"dormouse/node/admin"
	"dormouse/node/app"
	"dormouse/node/app/apptest"
	"dormouse/node/cli"
	"dormouse/node/config"
)

// memberVariable makes the test binary a node with the flags of its command line.
const memberVariable = "DORMOUSE_TEST_MEMBER"

// memberMain is what `dormouse` does, with a small store: it serves until SIGTERM,
// or until its standard input ends with the test.
func memberMain(args []string) int {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		signals <- os.Interrupt
	}()
	loaded, err := config.Load(config.Sources{Args: args})
	if err == nil {
		err = memberServe(loaded.Config, signals)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "dormouse:", err)
		return 1
	}
	return 0
}

func memberServe(c config.Config, signals chan os.Signal) error {
	a, err := app.New(c, app.Options{Store: small, Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	if err != nil {
		return err
	}
	if err := a.Start(); err != nil {
		return errors.Join(err, a.Stop())
	}
	select {
	case <-signals:
	case err := <-a.Failed():
		return errors.Join(err, a.Stop())
	}
	return a.Stop()
}

// mate is a node of a cluster in processes of its own, one after another. Its
// addresses and its data stay.
type mate struct {
	t      *testing.T
	name   string
	data   string
	binary string   // a test binary of this package
	flags  []string // beyond those that all have
	port   uint16   // gossip, and behind it streams, actors, HTTP, CoAP, DTLS
	api    *apptest.API
	words  *words
	run    *exec.Cmd // nil: it does not run
	stdin  io.Closer
	ended  chan struct{} // closed at the end of the process
	status error         // of it, once ended
}

// portsOfMate is how many ports in a row one has.
const portsOfMate = 6

func (m *mate) address(n uint16) string { return fmt.Sprintf("127.0.0.1:%d", m.port+n) }
func (m *mate) gossip() string          { return m.address(0) }
func (m *mate) coap() netip.AddrPort    { return netip.MustParseAddrPort(m.address(4)) }

// newMate makes one that does not run yet.
func newMate(t *testing.T, name string, flags ...string) *mate {
	m := &mate{t: t, name: name, binary: os.Args[0], data: filepath.Join(t.TempDir(), "data"), flags: flags, port: freePorts(t), words: &words{}}
	m.api = apptest.NewAPI(m.address(3))
	t.Cleanup(func() {
		m.api.Close()
		m.kill()
		if t.Failed() {
			t.Logf("the log of %s:\n%s", name, m.words)
		}
	})
	return m
}

// shareSeal gives nodes one key for stored secrets.
func shareSeal(t *testing.T, mates ...*mate) {
	name := keyFile(t, 7)
	for _, m := range mates {
		m.flags = append(m.flags, "--seal-key-file", name)
	}
}

// keyFile is one with a key of that byte alone.
func keyFile(t *testing.T, of byte) string {
	name := filepath.Join(t.TempDir(), "keys")
	check(t, os.WriteFile(name, []byte(keyOf(of)+"\n"), 0o600))
	return name
}

// freePorts are below those that the kernel gives to clients, so that no client
// takes them while a node is down.
func freePorts(t *testing.T) uint16 {
	t.Helper()
	for range 1000 {
		port := 20000 + uint16(rand.IntN(12000/portsOfMate)*portsOfMate)
		free := true
		for p := port; p < port+portsOfMate; p++ {
			address := fmt.Sprintf("127.0.0.1:%d", p)
			l, err := net.Listen("tcp4", address)
			if err == nil {
				l.Close()
			}
			u, err2 := net.ListenPacket("udp4", address)
			if err2 == nil {
				u.Close()
			}
			free = free && err == nil && err2 == nil
		}
		if free {
			return port
		}
	}
	t.Fatal("there are no free ports")
	return 0
}

// start starts the process, and does not wait for anything. Where not alone, it
// has a cluster address, and joins who is given.
func (m *mate) start(join ...*mate) {
	m.t.Helper()
	flags := []string{"--cluster", m.gossip(), "--node", m.name}
	for _, other := range join {
		flags = append(flags, "--join", other.gossip())
	}
	m.startWith(flags...)
}

func (m *mate) startWith(flags ...string) {
	m.t.Helper()
	args := slices.Concat([]string{
		"--data", m.data, "--http", m.address(3), "--coap", m.address(4), "--coaps", m.address(5), "--accept-unknown",
		"--low-space", "2", "--full-space", "1", "--cache", "8MiB", "--request-timeout", "10s", "--shards", "8",
	}, flags, m.flags)
	c := exec.Command(m.binary, args...)
	c.Env = append(os.Environ(), memberVariable+"=1")
	c.Stderr = m.words
	m.stdin = must[io.WriteCloser](m.t)(c.StdinPipe())
	check(m.t, c.Start())
	ended := make(chan struct{})
	m.run, m.ended = c, ended
	go func() {
		m.status = c.Wait()
		close(ended)
	}()
}

// kill ends the process as `kill -9` does.
func (m *mate) kill() {
	if m.run == nil {
		return
	}
	_ = m.run.Process.Kill() // it may have ended
	<-m.ended
	m.run = nil
}

// terminate ends the process as an orchestrator does, and expects it to end well.
func (m *mate) terminate() {
	m.t.Helper()
	check(m.t, m.run.Process.Signal(syscall.SIGTERM))
	<-m.ended
	m.run = nil
	if m.status != nil {
		m.t.Errorf("%s: after SIGTERM: %v", m.name, m.status)
	}
}

// gaveUp waits until the process ends by itself, with words that contain a text.
func (m *mate) gaveUp(text string) {
	m.t.Helper()
	select {
	case <-m.ended:
	case <-time.After(within / 4):
		m.t.Fatalf("%s does not end", m.name)
	}
	m.run = nil
	if m.status == nil || !strings.Contains(m.words.String(), text) {
		m.t.Errorf("%s ended with %v, and without %q", m.name, m.status, text)
	}
}

// says waits until the log of the process contains a text.
func (m *mate) says(text string) {
	m.t.Helper()
	check(m.t, apptest.Eventually(func() error {
		<-time.After(lookEvery)
		if !strings.Contains(m.words.String(), text) {
			return fmt.Errorf("%s does not say %q", m.name, text)
		}
		return nil
	}))
}

// get reads one answer of the API.
func (m *mate) get(path string, v any) error {
	r, err := m.api.Expect(http.StatusOK, http.MethodGet, path, "")
	if err == nil {
		err = json.Unmarshal(r.Body, v)
	}
	return err
}

// tell runs a command of the binary at the node, and returns what it printed.
func (m *mate) tell(args ...string) string {
	m.t.Helper()
	var out, e strings.Builder
	status := cli.Commands[args[0]](args[1:], cli.System{In: strings.NewReader(""), Out: &out, Err: &e, Getenv: func(string) string { return m.api.Base }})
	if status != cli.Done {
		m.t.Fatalf("dormouse %s: %s", strings.Join(args, " "), e.String())
	}
	return out.String()
}

// formed waits until each of the nodes is ready, lists all of them and no other,
// and sees every shard with as many voters, where the topology wants them.
func formed(t *testing.T, voters int, mates ...*mate) {
	t.Helper()
	for _, m := range mates {
		check(t, apptest.Eventually(func() error {
			select {
			case <-m.ended:
				t.Fatalf("%s ended: %v", m.name, m.status)
			case <-time.After(lookEvery):
			}
			return m.formed(voters, len(mates))
		}))
	}
}

// serves waits until the node is ready.
func (m *mate) serves() {
	m.t.Helper()
	check(m.t, apptest.Eventually(func() error {
		<-time.After(lookEvery)
		_, err := m.api.Expect(http.StatusOK, http.MethodGet, "/readyz", "")
		return err
	}))
}

// settled waits until every shard is led by whom the topology wants.
func (m *mate) settled() {
	m.t.Helper()
	check(m.t, apptest.Eventually(func() error {
		<-time.After(lookEvery)
		var groups struct{ Shards []admin.ShardGroup }
		if err := m.get("/cluster/shards", &groups); err != nil {
			return err
		}
		for _, g := range groups.Shards[1:] { // the first is the system group
			if g.Leader != g.Wanted[0] {
				return fmt.Errorf("%+v", g)
			}
		}
		return nil
	}))
}

func (m *mate) formed(voters, nodes int) error {
	if _, err := m.api.Expect(http.StatusOK, http.MethodGet, "/readyz", ""); err != nil {
		return err
	}
	var members struct{ Nodes []admin.Node }
	var groups struct{ Shards []admin.ShardGroup }
	if err := errors.Join(m.get("/cluster/nodes", &members), m.get("/cluster/shards", &groups)); err != nil {
		return err
	}
	for _, n := range members.Nodes {
		if n.State != "up" || len(members.Nodes) != nodes {
			return fmt.Errorf("%s lists %+v", m.name, members.Nodes)
		}
	}
	for _, g := range groups.Shards {
		if g.Leader == "" || len(g.Voters) != voters || g.Shard != "system" && len(g.Voters)+len(g.Learners) != len(g.Wanted) {
			return fmt.Errorf("%s sees %+v", m.name, g)
		}
	}
	return nil
}

// lookEvery is the pause between two looks at something that takes a while.
const lookEvery = 100 * time.Millisecond

// words is what processes write. Its end is kept.
type words struct {
	mu   sync.Mutex
	text []byte
}

// maxWords bounds what is kept, in bytes.
const maxWords = 256 << 10

func (w *words) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text = append(w.text, b...)
	w.text = w.text[max(0, len(w.text)-maxWords):]
	return len(b), nil
}

func (w *words) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(w.text)
}
