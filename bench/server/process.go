package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// stopPatience is how long a server may take to end by itself.
const stopPatience = 60 * time.Second

// startPatience is how long a server may take to answer after its start.
const startPatience = 60 * time.Second

// Options of Start.
type Options struct {
	Program string   // of the server, "bin/dormouse"
	Flags   []string // beside those that Start gives it: --data --coap --coaps --http --accept-unknown --log-level

	Host  netip.Addr            // where it is to listen; the zero one: 127.0.0.1
	Begin func(*exec.Cmd) error // starts its process each time; nil: as it is

	Data string    // its directory; "": one that is made in Dir, and removed by Close
	Dir  string    // "": that of temporary files
	Log  io.Writer // gets what it prints; nil: it is kept for the error where the server ends early
}

// Process is a server that was started here. Its methods must not be called
// concurrently.
type Process struct {
	options   Options
	coap      netip.AddrPort
	coaps     netip.AddrPort
	api       string // host:port
	temporary bool

	command *exec.Cmd
	ended   chan struct{} // closed once the process is gone
	log     *tail
}

// Start starts a server on ports that are free on 127.0.0.1 and returns once it
// answers. Close must be called.
func Start(ctx context.Context, o Options) (*Process, error) {
	p := &Process{options: o, ended: make(chan struct{})}
	close(p.ended)
	var err error
	if err = p.freePorts(); err != nil {
		return nil, err
	}
	if o.Data == "" {
		p.temporary = true
		if p.options.Data, err = os.MkdirTemp(o.Dir, "dormouse-bench-"); err != nil {
			return nil, fmt.Errorf("server: making a data directory: %w", err)
		}
	}
	if err := p.Start(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// freePorts are ports that nobody has now; somebody else could take them
// before the server does, which then does not start.
func (p *Process) freePorts() (err error) {
	for _, port := range []*netip.AddrPort{&p.coap, &p.coaps} {
		udp, listenErr := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if listenErr != nil {
			return fmt.Errorf("server: looking for a free port: %w", listenErr)
		}
		defer func() { err = errors.Join(err, udp.Close()) }() // at the end: each has another
		local := udp.LocalAddr().(*net.UDPAddr).AddrPort()
		*port = netip.AddrPortFrom(local.Addr().Unmap(), local.Port())
	}
	tcp, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("server: looking for a free port: %w", err)
	}
	p.api = tcp.Addr().String()
	if host := p.options.Host; host.IsValid() {
		p.coap, p.coaps = netip.AddrPortFrom(host, p.coap.Port()), netip.AddrPortFrom(host, p.coaps.Port())
		p.api = netip.AddrPortFrom(host, uint16(tcp.Addr().(*net.TCPAddr).Port)).String()
	}
	return tcp.Close()
}

// CoAP is where it serves devices, CoAPS where it does so over DTLS, API the base
// of its HTTP interface, Data its directory. They stay the same when it is started again.
func (p *Process) CoAP() netip.AddrPort  { return p.coap }
func (p *Process) CoAPS() netip.AddrPort { return p.coaps }
func (p *Process) API() string           { return "http://" + p.api }
func (p *Process) Data() string          { return p.options.Data }

// PID changes with each start.
func (p *Process) PID() int { return p.command.Process.Pid }

// Start starts the server again after Kill or Stop, and returns once it
// answers. The context bounds the wait, not the server's life.
func (p *Process) Start(ctx context.Context) error {
	if err := p.Launch(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	if _, err := p.Ask(ctx, ping); err != nil {
		return errors.Join(err, p.Kill())
	}
	return nil
}

// Launch starts the server and does not wait.
func (p *Process) Launch() error {
	args := append([]string{
		"--data", p.options.Data, "--coap", p.coap.String(), "--coaps", p.coaps.String(), "--http", p.api, "--accept-unknown", "--log-level", "warn",
	}, p.options.Flags...)
	p.log = &tail{to: p.options.Log}
	command := exec.Command(p.options.Program, args...)
	command.Stdout, command.Stderr = p.log, p.log
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // never outlive the bench
	begin := p.options.Begin
	if begin == nil {
		begin = (*exec.Cmd).Start
	}
	if err := begin(command); err != nil {
		return fmt.Errorf("server: starting %s: %w", p.options.Program, err)
	}
	p.command, p.ended = command, make(chan struct{})
	go func(ended chan struct{}) {
		_ = command.Wait() // how it ended is seen in what it printed
		close(ended)
	}(p.ended)
	return nil
}

// Kill ends it as a crash does; harmless where it has ended.
func (p *Process) Kill() error { return p.end(syscall.SIGKILL) }

// Stop has it end by itself, and kills it where it does not.
func (p *Process) Stop() error { return p.end(syscall.SIGTERM) }

// Pause stops it in the middle of whatever it does, as a machine does that is
// starved; Resume has it go on.
func (p *Process) Pause() error  { return p.signal(syscall.SIGSTOP) }
func (p *Process) Resume() error { return p.signal(syscall.SIGCONT) }

func (p *Process) signal(s syscall.Signal) error {
	if err := p.command.Process.Signal(s); err != nil {
		return fmt.Errorf("server: sending it %v: %w", s, err)
	}
	return nil
}

// Ended is closed once the process has ended that Start or Launch made last.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Said is the end of what it printed since then.
func (p *Process) Said() string { return p.log.String() }

func (p *Process) end(signal syscall.Signal) error {
	if !p.running() {
		return nil
	}
	if err := p.command.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("server: ending it: %w", err)
	}
	timer := time.NewTimer(stopPatience)
	defer timer.Stop()
	select {
	case <-p.ended:
		return nil
	case <-timer.C:
		err := p.command.Process.Kill()
		<-p.ended
		return errors.Join(fmt.Errorf("server: it did not end within %v of %v", stopPatience, signal), err)
	}
}

func (p *Process) running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// Close stops it and removes what Start made.
func (p *Process) Close() error {
	err := p.Stop()
	if p.temporary {
		err = errors.Join(err, os.RemoveAll(p.options.Data))
	}
	return err
}

// tail keeps the end of what a server printed.
type tail struct {
	to io.Writer // nil: nobody else reads it
	mu sync.Mutex
	b  []byte
}

const tailSize = 4 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, b...)
	t.b = t.b[max(0, len(t.b)-tailSize):]
	if t.to != nil {
		return t.to.Write(b)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.b))
}
