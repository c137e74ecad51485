package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// marker is in the environment of a program that Enter runs.
const marker = "BENCH_CHAOS_LAB"

// Inside reports that this program was run by Enter.
func Inside() bool { return os.Getenv(marker) != "" }

// ErrForbidden is why Enter ran nothing: a container, or a setting of the
// machine, forbids namespaces.
var ErrForbidden = errors.New("lab: this machine gives no namespaces")

// endPatience is how long the program within may take to end by itself, once it
// was told to.
const endPatience = time.Minute

// Enter runs this program again with other arguments, in namespaces of its own,
// and returns its exit status. It ends with the context, and with this process.
func Enter(ctx context.Context, arguments []string, prepare func(*exec.Cmd)) (status int, err error) {
	c := within(ctx, arguments, os.Geteuid() != 0)
	prepare(c)
	err = c.Start()
	if errors.Is(err, syscall.EPERM) && os.Geteuid() == 0 { // root of a container, perhaps
		c = within(ctx, arguments, true)
		prepare(c)
		err = c.Start()
	}
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrForbidden, err)
	}
	err = c.Wait()
	if ended := (*exec.ExitError)(nil); errors.As(err, &ended) && ended.Exited() {
		return ended.ExitCode(), nil
	}
	if err != nil {
		return 0, fmt.Errorf("lab: running it in namespaces of its own: %w", err)
	}
	return 0, nil
}

// within is this program in namespaces of its own, where asked for in one of
// users too, in which it is root.
func within(ctx context.Context, arguments []string, users bool) *exec.Cmd {
	c := exec.CommandContext(ctx, "/proc/self/exe", arguments...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.Env = append(os.Environ(), marker+"=1")
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = endPatience
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if users {
		c.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	}
	return c
}
