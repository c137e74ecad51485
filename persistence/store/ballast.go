package store

import (
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// ballast is a file that takes room, to be removed when there is none. It works
// on the file system below the guard, never through it. Its methods but held
// are called by one goroutine at a time.
type ballast struct {
	fs   vfs.FS
	path string
	size int64 // bytes; 0: there never is a ballast

	present atomic.Bool
}

// newBallast takes over a file of an earlier time.
func newBallast(fs vfs.FS, path string, size int64) *ballast {
	b := &ballast{fs: fs, path: path, size: size}
	if _, err := fs.Stat(path); err == nil {
		b.present.Store(true)
		if size == 0 {
			b.free()
		}
	}
	return b
}

// held is how many bytes it takes now.
func (b *ballast) held() int64 {
	if b.present.Load() {
		return b.size
	}
	return 0
}

// fill makes the file where there is none. After an error there is none.
func (b *ballast) fill() error {
	if b.size == 0 || b.present.Load() {
		return nil
	}
	if err := b.write(); err != nil {
		_ = b.fs.Remove(b.path)
		return fmt.Errorf("making the ballast of %d bytes: %w", b.size, err)
	}
	b.present.Store(true)
	return nil
}

func (b *ballast) write() error {
	f, err := b.fs.Create(b.path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	err = f.Preallocate(0, b.size)
	if err != nil && !isFull(err) {
		err = writeZeros(f, b.size) // a file system that cannot reserve
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func writeZeros(f vfs.File, n int64) error {
	zeros := make([]byte, 1<<20)
	for ; n > 0; n -= int64(len(zeros)) {
		if _, err := f.Write(zeros[:min(n, int64(len(zeros)))]); err != nil {
			return err
		}
	}
	return nil
}

// free removes the file.
func (b *ballast) free() {
	if b.present.Load() && b.fs.Remove(b.path) == nil {
		b.present.Store(false)
	}
}

// isFull reports that a disk has no room, or an owner none left of his share.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
