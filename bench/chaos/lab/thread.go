package lab

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// A network namespace is one of a thread. A process that a thread starts is in
// the same; the runtime starts no thread of its own from one that is locked.

// current is the namespace of this thread.
func current() (*os.File, error) {
	f, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return nil, fmt.Errorf("lab: looking for the network: %w", err)
	}
	return f, nil
}

// enter calls f by a thread in a namespace; nil: in a new one. The thread lives
// on, because processes that it has started end with it (Pdeathsig).
func enter(space *os.File, f func() error) (err error) {
	runtime.LockOSThread()
	home, err := current()
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer func() {
		failed := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET)
		err = errors.Join(err, home.Close())
		if failed != nil { // locked, the thread ends with its goroutine and does no harm
			err = errors.Join(err, fmt.Errorf("lab: leaving a node's network: %w", failed))
			return
		}
		runtime.UnlockOSThread()
	}()
	if space == nil {
		err = unix.Unshare(unix.CLONE_NEWNET)
	} else {
		err = unix.Setns(int(space.Fd()), unix.CLONE_NEWNET)
	}
	if err != nil {
		return fmt.Errorf("lab: entering a node's network: %w", err)
	}
	return f()
}
