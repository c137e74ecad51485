package lab

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// DiskSize is the size of a disk that is not full, bytes. It takes memory for
// what is written alone.
const DiskSize = 8 << 30

// Disk puts an empty disk of its own in the place of a directory.
func (l *Lab) Disk(dir string) error {
	if err := unix.Mount("chaos", dir, "tmpfs", 0, size(DiskSize)); err != nil {
		return fmt.Errorf("lab: mounting a disk on %s: %w", dir, err)
	}
	l.disks = append(l.disks, dir)
	return nil
}

// Fill leaves so many bytes of a disk free, and not more, until Empty: it is the
// disk that shrinks, and nothing is written.
func (l *Lab) Fill(dir string, left uint64) (err error) {
	const attempts = 20 // somebody may write between the look and the change
	for range attempts {
		var s unix.Statfs_t
		if err := unix.Statfs(dir, &s); err != nil {
			return fmt.Errorf("lab: looking how full %s is: %w", dir, err)
		}
		if err = resize(dir, (s.Blocks-s.Bfree)*uint64(s.Bsize)+left); err == nil {
			break
		}
	}
	return err
}

// Empty gives a disk its room back.
func (l *Lab) Empty(dir string) error { return resize(dir, DiskSize) }

// resize fails where the disk has more on it.
func resize(dir string, bytes uint64) error {
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT, size(bytes)); err != nil {
		return fmt.Errorf("lab: giving %s %d bytes: %w", dir, bytes, err)
	}
	return nil
}

func size(bytes uint64) string { return fmt.Sprintf("size=%d,mode=700", bytes) }
