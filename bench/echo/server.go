package echo

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// Serve is the server: it echoes datagrams on a port of the IPv4 loopback until
// in ends, so that it never outlives who started it. It writes
//
//	listening 127.0.0.1:40001      first of all
//	cpu 1234567                    for each line "cpu": nanoseconds of user and system time
//
// to out; any other line is an error.
func Serve(in io.Reader, out io.Writer) error {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return fmt.Errorf("echo: listening: %w", err)
	}
	// Room for what is in flight: a smaller one than asked shows as loss.
	_ = conn.SetReadBuffer(4 << 20)
	echoed := make(chan error, 1)
	go func() { echoed <- serveDatagrams(conn) }()
	err = serveLines(in, out, conn.LocalAddr().String())
	return errors.Join(err, conn.Close(), <-echoed)
}

// serveDatagrams is the yardstick. It stays as plain as it is.
func serveDatagrams(conn *net.UDPConn) error {
	buffer := make([]byte, 2048)
	for {
		n, peer, err := conn.ReadFromUDPAddrPort(buffer)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err == nil {
			_, err = conn.WriteToUDPAddrPort(buffer[:n], peer)
		}
		if err != nil && !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("echo: serving: %w", err)
		}
	}
}

func serveLines(in io.Reader, out io.Writer, address string) error {
	if _, err := fmt.Fprintln(out, "listening", address); err != nil {
		return fmt.Errorf("echo: telling the address: %w", err)
	}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		if lines.Text() != "cpu" {
			return fmt.Errorf("echo: asked %q, want \"cpu\"", lines.Text())
		}
		used, err := cpuTime()
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(out, "cpu", used.Nanoseconds()); err != nil {
			return fmt.Errorf("echo: telling the CPU time: %w", err)
		}
	}
	return lines.Err()
}

// cpuTime is the user and system time of this process: exact to the
// microsecond, where /proc/<pid>/stat counts in hundredths of a second.
func cpuTime() (time.Duration, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, fmt.Errorf("echo: reading the CPU time: %w", err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), nil
}

// parseListening reads the server's first line.
func parseListening(line string) (netip.AddrPort, error) {
	var text string
	if _, err := fmt.Sscanf(line, "listening %s\n", &text); err != nil {
		return netip.AddrPort{}, fmt.Errorf("echo: the server's first line is %q: %w", line, err)
	}
	address, err := netip.ParseAddrPort(text)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("echo: the server's address: %w", err)
	}
	return address, nil
}

// parseCPU reads the answer to "cpu".
func parseCPU(line string) (time.Duration, error) {
	var used time.Duration
	if _, err := fmt.Sscanf(line, "cpu %d\n", &used); err != nil {
		return 0, fmt.Errorf("echo: the server's CPU time is %q: %w", line, err)
	}
	return used, nil
}
