package store

import (
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// guard stands between Pebble and the file system. What Pebble v2.1.7 does with
// an error, and what the guard makes of it:
//
//	write or sync of a log    Logger.Fatalf; if that returns, Apply answers nil (!)
//	close of a log, new log   panic without a lock that a deferred call unlocks:
//	                          the runtime ends the process, nothing can recover
//	manifest, its marker      Logger.Fatalf, with DB.mu held
//	flush, compaction         Events.Background; repeated at once, without end
//
// Logs, manifests and markers are vital: an operation on them that finds no
// room waits for a measurement (one a second) and is repeated; the part of a
// write that went through is not written twice. A failed sync is never
// repeated: the kernel may have dropped the pages, and the second sync would
// say nil. That, and every error but a full disk, is fatal, and is told before
// Pebble could hear of it. Tables pass with their errors, but slowed down while
// the disk is full, since Pebble repeats them without a pause.
type guard struct {
	vfs.FS
	space *meter
	fatal func(error) // does not return

	// armed is set at the end of Open; until then errors go back to Open.
	armed atomic.Bool
}

// vital reports whether Pebble cannot go on without the file.
func vital(base string) bool {
	return strings.HasSuffix(base, ".log") || strings.HasPrefix(base, "MANIFEST-") || strings.HasPrefix(base, "marker.")
}

// survive repeats f until it succeeds or there is no hope.
func (g *guard) survive(what, name string, f func() error) error {
	for {
		err := f()
		if err == nil || !g.armed.Load() {
			return err
		}
		if !isFull(err) || !g.space.wait() {
			g.fatal(fmt.Errorf("%s %s: %w", what, g.PathBase(name), err))
		}
	}
}

// never turns an error into the end.
func (g *guard) never(what, name string, err error) error {
	if err != nil && g.armed.Load() {
		g.fatal(fmt.Errorf("%s %s: %w", what, g.PathBase(name), err))
	}
	return err
}

func (g *guard) Create(name string, c vfs.DiskWriteCategory) (f vfs.File, err error) {
	if !vital(g.PathBase(name)) {
		g.space.pause()
		return g.FS.Create(name, c)
	}
	err = g.survive("creating", name, func() error {
		f, err = g.FS.Create(name, c)
		return err
	})
	return g.guarded(name, f, err)
}

func (g *guard) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (f vfs.File, err error) {
	if !vital(g.PathBase(newname)) {
		return g.FS.ReuseForWrite(oldname, newname, c)
	}
	err = g.survive("reusing a log as", newname, func() error {
		f, err = g.FS.ReuseForWrite(oldname, newname, c)
		return err
	})
	return g.guarded(newname, f, err)
}

// OpenDir guards the syncs of the directory: Pebble panics when the one after
// the making of a log fails.
func (g *guard) OpenDir(name string) (vfs.File, error) {
	f, err := g.FS.OpenDir(name)
	return g.guarded(name, f, err)
}

// Unwrap is for vfs.Root.
func (g *guard) Unwrap() vfs.FS { return g.FS }

func (g *guard) guarded(name string, f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &guardedFile{File: f, guard: g, name: name}, nil
}

// guardedFile is a vital file, or a directory.
type guardedFile struct {
	vfs.File
	guard *guard
	name  string
}

func (f *guardedFile) Write(p []byte) (n int, err error) {
	if n, err = f.File.Write(p); err == nil {
		return n, nil
	}
	err = f.guard.survive("writing", f.name, func() error {
		var k int
		k, err = f.File.Write(p[n:])
		n += k
		return err
	})
	return n, err
}

func (f *guardedFile) Sync() error { return f.guard.never("syncing", f.name, f.File.Sync()) }

func (f *guardedFile) SyncData() error { return f.guard.never("syncing", f.name, f.File.SyncData()) }

func (f *guardedFile) SyncTo(length int64) (full bool, err error) {
	full, err = f.File.SyncTo(length)
	return full, f.guard.never("syncing", f.name, err)
}

func (f *guardedFile) Close() error { return f.guard.never("closing", f.name, f.File.Close()) }
