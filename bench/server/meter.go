package server

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Meter reads what a process uses.
type Meter struct {
	PID  int
	Data string // the server's directory, "" where it is not known
}

// Meter is that of the process as it runs now.
func (p *Process) Meter() Meter { return Meter{PID: p.PID(), Data: p.options.Data} }

// CPU is the user and system time of the whole process since its start, from
// its clock of processor time: exact to the nanosecond where /proc/PID/stat
// counts hundredths of a second.
func (m Meter) CPU() (time.Duration, error) {
	const (
		sched   = 2       // CPUCLOCK_SCHED, see clock_getcpuclockid(3)
		mostPID = 1 << 22 // of a 64-bit kernel; 0 would be this process
	)
	if m.PID < 1 || m.PID > mostPID {
		return 0, fmt.Errorf("server: %d is no process", m.PID)
	}
	var at unix.Timespec
	if err := unix.ClockGettime(int32(^m.PID<<3|sched), &at); err != nil {
		return 0, fmt.Errorf("server: reading the CPU time of process %d: %w", m.PID, err)
	}
	return time.Duration(at.Nano()), nil
}

// Memory is the resident set in bytes.
func (m Meter) Memory() (int64, error) { return m.status("VmRSS:") }

// PeakMemory is the largest resident set that there was.
func (m Meter) PeakMemory() (int64, error) { return m.status("VmHWM:") }

// status reads a size of /proc/PID/status.
func (m Meter) status(name string) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", m.PID))
	if err != nil {
		return 0, fmt.Errorf("server: reading the memory of process %d: %w", m.PID, err)
	}
	return parseStatus(text, name)
}

// parseStatus finds "name:   123 kB" among the lines.
func parseStatus(text []byte, name string) (int64, error) {
	for line := range bytes.Lines(text) {
		fields := bytes.Fields(line)
		if len(fields) != 3 || string(fields[0]) != name || string(fields[2]) != "kB" {
			continue
		}
		n, err := strconv.ParseInt(string(fields[1]), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("server: %s of a process: %w", name, err)
		}
		return n << 10, nil
	}
	return 0, fmt.Errorf("server: the status of the process has no %s", name)
}

// Disk is the bytes that the data takes on the disk, whole blocks; 0 where the
// directory is not known. Files may come and go meanwhile.
func (m Meter) Disk() (total int64, err error) {
	if m.Data == "" {
		return 0, nil
	}
	err = filepath.WalkDir(m.Data, func(_ string, d fs.DirEntry, err error) error {
		if err == nil {
			var info fs.FileInfo
			if info, err = d.Info(); err == nil {
				total += info.Sys().(*syscall.Stat_t).Blocks * 512
			}
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("server: measuring the data: %w", err)
	}
	return total, nil
}
