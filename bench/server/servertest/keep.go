package servertest

import (
	"bufio"
	"errors"
	"fmt"
	"net/netip"
	"os"
)

// recall takes the devices of a file, and keeps new ones in it. It must be
// called before anybody registers.
func (s *Server) recall(name string) error {
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("servertest: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var name, peer string
		_, err := fmt.Sscan(lines.Text(), &name, &peer)
		address, parseErr := netip.ParseAddrPort(peer)
		if err := errors.Join(err, parseErr); err != nil {
			return errors.Join(fmt.Errorf("servertest: reading %s: %w", file.Name(), err), file.Close())
		}
		s.add(device{name: name, peer: address})
	}
	s.kept = file
	return nil
}

// add is called with mu held, as keep is.
func (s *Server) add(d device) (place int) {
	s.byName[d.name] = len(s.devices)
	s.devices = append(s.devices, d)
	return len(s.devices) - 1
}

func (s *Server) keep(d device) {
	if s.kept != nil {
		_, _ = fmt.Fprintln(s.kept, d.name, d.peer) // a test misses what is not there
	}
}
