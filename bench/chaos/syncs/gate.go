package syncs

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Gate delays the syncs of one process.
type Gate struct {
	delay atomic.Int64 // nanoseconds
	held  atomic.Int64
}

// Delay has every sync that begins from now on take so much longer.
func (g *Gate) Delay(d time.Duration) { g.delay.Store(int64(d)) }

// Held is how many syncs were delayed.
func (g *Gate) Held() int64 { return g.held.Load() }

// startPatience is how long a process may take until its filter is there.
const startPatience = 30 * time.Second

// Start starts a command behind a gate, by a function such as (*exec.Cmd).Start.
// This program's main must call Main where Called says so. The gate goes with the
// process.
func Start(c *exec.Cmd, start func(*exec.Cmd) error) (*Gate, error) {
	ours, theirs, err := pair()
	if err != nil {
		return nil, err
	}
	defer ours.Close()
	c.Args = append([]string{"dormouse-bench", word, c.Path}, c.Args[1:]...)
	c.Path = "/proc/self/exe"
	c.ExtraFiles = []*os.File{theirs} // descriptor 3
	err = errors.Join(start(c), theirs.Close())
	if err != nil {
		return nil, err
	}
	listener, err := receive(ours)
	if err != nil {
		return nil, errors.Join(err, c.Process.Kill())
	}
	g := &Gate{}
	go g.serve(listener)
	return g, nil
}

// Missing says why there can be no gates on this machine; nil: there can.
func Missing() error {
	c := exec.Command("/nowhere") // a filter goes before it fails
	if _, err := Start(c, (*exec.Cmd).Start); err != nil {
		return err
	}
	_ = c.Wait()
	return nil
}

// pair is two ends of a socket.
func pair() (*net.UnixConn, *os.File, error) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("syncs: making a socket: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(ends[0]), "gate"), os.NewFile(uintptr(ends[1]), "gated")
	defer ours.Close()
	conn, err := net.FileConn(ours)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("syncs: making a socket: %w", err), theirs.Close())
	}
	return conn.(*net.UnixConn), theirs, nil
}

// receive takes the filter's listener, or the reason why there is none.
func receive(c *net.UnixConn) (listener int, err error) {
	if err := c.SetReadDeadline(time.Now().Add(startPatience)); err != nil {
		return 0, fmt.Errorf("syncs: waiting for the filter: %w", err)
	}
	text, control := make([]byte, 1024), make([]byte, unix.CmsgSpace(4))
	n, controls, _, _, err := c.ReadMsgUnix(text, control)
	if err != nil {
		return 0, fmt.Errorf("syncs: waiting for the filter: %w", err)
	}
	messages, err := unix.ParseSocketControlMessage(control[:controls])
	if err != nil || len(messages) == 0 {
		return 0, fmt.Errorf("syncs: there is no filter: %s", text[:n])
	}
	rights, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(rights) != 1 {
		return 0, fmt.Errorf("syncs: %d listeners of the filter, %w", len(rights), err)
	}
	unix.CloseOnExec(rights[0])
	return rights[0], nil
}

// notification and response are the kernel's struct seccomp_notif and
// seccomp_notif_resp.
type notification struct {
	id         uint64
	pid, flags uint32
	number     int32
	arch       uint32
	pointer    uint64
	arguments  [6]uint64
}

type response struct {
	id    uint64
	value int64
	err   int32
	flags uint32
}

// serve lets syncs go on until the process has ended.
func (g *Gate) serve(listener int) {
	defer unix.Close(listener)
	for {
		poll := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
		if _, err := unix.Poll(poll, -1); err == unix.EINTR {
			continue
		} else if err != nil || poll[0].Revents&unix.POLLIN == 0 {
			return // POLLHUP: nobody has the filter any more
		}
		var n notification
		switch control(listener, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&n)) {
		case 0:
		case unix.EINTR, unix.ENOENT: // whoever asked is gone
			continue
		default:
			return
		}
		delay := time.Duration(g.delay.Load())
		if delay <= 0 {
			proceed(listener, n.id)
			continue
		}
		g.held.Add(1)
		time.AfterFunc(delay, func() { proceed(listener, n.id) })
	}
}

// proceed lets a call go on; harmless where it has been given up.
func proceed(listener int, id uint64) {
	r := response{id: id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
	_ = control(listener, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&r))
}

func control(fd int, request uintptr, argument unsafe.Pointer) unix.Errno {
	_, _, err := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(argument))
	return err
}
