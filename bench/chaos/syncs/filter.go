package syncs

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// word begins the arguments of a program that Start runs.
const word = "behind-a-gate"

// Called reports that a program was called by Start: its main is to call Main.
func Called(args []string) bool { return len(args) > 2 && args[1] == word }

// Main puts the filter on this process, hands its listener over, and becomes the
// program that the arguments name. It returns the exit status only where it fails.
func Main(args []string, stderr io.Writer) int {
	const gate = 3               // descriptor
	runtime.LockOSThread()       // the filter is one of a thread, and so is exec
	syscall.CloseOnExec(gate)    // the program has no use for it
	listener, err := putFilter() //
	if err == nil {
		err = unix.Sendmsg(gate, []byte("filter"), unix.UnixRights(listener), nil, 0)
	} else {
		_ = unix.Sendmsg(gate, []byte(err.Error()), nil, nil, 0)
	}
	if err == nil {
		err = syscall.Exec(args[2], args[2:], os.Environ())
	}
	fmt.Fprintf(stderr, "syncs: becoming %s: %v\n", args[2], err)
	return 1
}

// instruction is one of classic BPF: jumps count from the next one.
func instruction(code uint16, ifTrue, ifFalse uint8, value uint32) unix.SockFilter {
	return unix.SockFilter{Code: code, Jt: ifTrue, Jf: ifFalse, K: value}
}

// putFilter puts it on this thread, and on what comes of it. The listener is
// closed by exec.
func putFilter() (listener int, err error) {
	const allow = 0x7fff0000 // SECCOMP_RET_ALLOW
	program := []unix.SockFilter{
		instruction(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, 0, 0, 0), // the number of the call
		instruction(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 2, 0, unix.SYS_FSYNC),
		instruction(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 1, 0, unix.SYS_FDATASYNC),
		instruction(unix.BPF_RET|unix.BPF_K, 0, 0, allow),
		instruction(unix.BPF_RET|unix.BPF_K, 0, 0, unix.SECCOMP_RET_USER_NOTIF),
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return 0, fmt.Errorf("giving up new privileges: %w", err)
	}
	f := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	// A sync that waits is not to begin anew for each signal of Go's runtime; an
	// older kernel does so.
	for _, flags := range []uintptr{unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER} {
		fd, _, failed := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&f)))
		if failed == 0 {
			return int(fd), nil
		}
		err = fmt.Errorf("filtering system calls: %w", failed)
	}
	return 0, err
}
