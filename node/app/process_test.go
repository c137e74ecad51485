package app_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// process is a node in a process of its own, which can be killed.
type process struct {
	command *exec.Cmd
	stdin   io.Closer
	coap    netip.AddrPort
	coaps   netip.AddrPort
	http    string
}

// addresses are those that launch takes.
func (p *process) addresses() []string { return []string{p.coap.String(), p.http, p.coaps.String()} }

// launch starts a process and waits until it serves. Addresses are those of
// CoAP, HTTP and DTLS, none for any. Where the process gives up, its last words
// are in the *exec.ExitError.
func launch(t testing.TB, data string, addresses ...string) (*process, error) {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), dataVariable+"="+data, addressVariable+"="+strings.Join(addresses, " "))
	stdin, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	words := new(strings.Builder)
	c.Stderr = words
	if err := c.Start(); err != nil {
		return nil, err
	}
	line, _ := bufio.NewReader(stdout).ReadString('\n')
	p := &process{command: c, stdin: stdin}
	var coap, coaps string
	if n, _ := fmt.Sscan(line, &coap, &p.http, &coaps); n == 3 {
		var failed error
		p.coap, err = netip.ParseAddrPort(coap)
		p.coaps, failed = netip.ParseAddrPort(coaps)
		return p, errors.Join(err, failed)
	}
	err = c.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		exit.Stderr = []byte(words.String())
	}
	return nil, fmt.Errorf("the process said %q and ended: %w", line, err)
}

// kill ends the process at once, as `kill -9` does.
func (p *process) kill() error {
	if err := p.command.Process.Kill(); err != nil {
		return err
	}
	_ = p.command.Wait() // "signal: killed"
	return nil
}

// stop ends the process in peace.
func (p *process) stop() error {
	return errors.Join(p.stdin.Close(), p.command.Wait())
}
