package echo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"time"
)

// stopPatience is how long a server may take to end after its input did.
const stopPatience = 2 * time.Second

// process is the server as Run sees it.
type process struct {
	command *exec.Cmd
	kill    context.CancelFunc
	in      io.WriteCloser
	out     *bufio.Reader
	address netip.AddrPort
}

// start calls the program and waits for the address that it tells.
func start(ctx context.Context, program string) (*process, error) {
	ctx, kill := context.WithCancel(ctx)
	command := exec.CommandContext(ctx, program, ServeArgs...)
	command.Stderr = os.Stderr
	in, inErr := command.StdinPipe()
	out, outErr := command.StdoutPipe()
	if err := errors.Join(inErr, outErr, command.Start()); err != nil {
		kill()
		return nil, fmt.Errorf("echo: starting the server: %w", err)
	}
	p := &process{command: command, kill: kill, in: in, out: bufio.NewReader(out)}
	line, err := p.out.ReadString('\n')
	if err == nil {
		p.address, err = parseListening(line)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("echo: starting the server: %w", err), p.stop())
	}
	return p, nil
}

// sample asks the server for its CPU time and reads the client's count at once.
func (p *process) sample(c *client) (sample, error) {
	if _, err := io.WriteString(p.in, "cpu\n"); err != nil {
		return sample{}, fmt.Errorf("echo: asking for the CPU time: %w", err)
	}
	line, err := p.out.ReadString('\n')
	if err != nil {
		return sample{}, fmt.Errorf("echo: reading the CPU time: %w", err)
	}
	used, err := parseCPU(line)
	return sample{at: time.Now(), answered: c.answered.Load(), cpu: used}, err
}

// stop ends the server's input and awaits its end, then kills it.
func (p *process) stop() error {
	timer := time.AfterFunc(stopPatience, p.kill)
	defer p.kill()
	defer timer.Stop()
	if err := errors.Join(p.in.Close(), p.command.Wait()); err != nil {
		return fmt.Errorf("echo: stopping the server: %w", err)
	}
	return nil
}
