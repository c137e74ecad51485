package store

import (
	"errors"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

const shards = 8

// small are options of a store that flushes and compacts after little.
func small(fs vfs.FS) Options {
	return Options{
		Dir: "data", FS: fs, Shards: shards,
		CacheBytes: minCache, MemTableBytes: minMemTable, LowSpace: -1, FullSpace: -1, BallastBytes: -1,
	}
}

// start opens a store that looks at its disk every millisecond. It is not closed.
func start(t testing.TB, o Options) *Store {
	t.Helper()
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		t.Fatal(err)
	}
	s, err := open(o)
	if err != nil {
		t.Fatal(err)
	}
	go s.watch(time.Millisecond)
	return s
}

// opened is start with a Close at the end that must go well.
func opened(t testing.TB, o Options) *Store {
	t.Helper()
	s := start(t, o)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func apply(t testing.TB, s *Store, batches ...wire.ShardBatch) {
	t.Helper()
	if err := s.Apply(batches); err != nil {
		t.Fatal(err)
	}
}

// in makes a batch of a shard.
func in(shard ids.Shard, f func(b *wire.Batch)) wire.ShardBatch {
	b := new(wire.Batch)
	f(b)
	return wire.ShardBatch{Shard: shard, Batch: b}
}

// put makes a batch of one record.
func put(shard ids.Shard, class wire.Class, key, value string) wire.ShardBatch {
	return in(shard, func(b *wire.Batch) { b.Put(class, []byte(key), []byte(value)) })
}

// get reads a record as text; "-" where there is none.
func get(t testing.TB, s *Store, shard ids.Shard, class wire.Class, key string) string {
	t.Helper()
	v, found, err := s.Get(shard, class, []byte(key), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !found {
		return "-"
	}
	return string(v)
}

// tinyDisk is a file system with little room. It counts the bytes of files
// written through it and refuses what exceeds its size, half-way through a
// write if need be, as a disk does.
type tinyDisk struct {
	vfs.FS

	mu      sync.Mutex
	size    int64
	used    int64
	files   map[string]int64
	refused chan struct{} // signalled at each refusal
}

func newTinyDisk(fs vfs.FS, size int64) *tinyDisk {
	return &tinyDisk{FS: fs, size: size, files: map[string]int64{}, refused: make(chan struct{}, 1)}
}

// leave changes the size of the disk so that this much remains beside what is used.
func (d *tinyDisk) leave(left int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.size = d.used + left
}

// grow lets a file reach size, or as much as there is room for.
func (d *tinyDisk) grow(name string, size int64) (granted int64, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	more := size - d.files[name]
	if more <= 0 {
		return size, nil
	}
	if room := max(d.size-d.used, 0); more > room {
		more, err = room, &os.PathError{Op: "write", Path: name, Err: syscall.ENOSPC}
		select {
		case d.refused <- struct{}{}:
		default:
		}
	}
	d.files[name] += more
	d.used += more
	return d.files[name], err
}

func (d *tinyDisk) forget(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.used -= d.files[name]
	delete(d.files, name)
}

func (d *tinyDisk) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.FS.Create(name, c)
	if err != nil {
		return nil, err
	}
	d.forget(name)
	return &tinyFile{File: f, disk: d, name: name}, nil
}

func (d *tinyDisk) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.FS.ReuseForWrite(oldname, newname, c)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.files[newname] = d.files[oldname]
	delete(d.files, oldname)
	return &tinyFile{File: f, disk: d, name: newname}, nil
}

func (d *tinyDisk) Remove(name string) error {
	err := d.FS.Remove(name)
	if err == nil {
		d.forget(name)
	}
	return err
}

func (d *tinyDisk) GetDiskUsage(string) (vfs.DiskUsage, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return vfs.DiskUsage{AvailBytes: uint64(max(d.size-d.used, 0)), TotalBytes: uint64(d.size), UsedBytes: uint64(d.used)}, nil
}

type tinyFile struct {
	vfs.File
	disk *tinyDisk
	name string
	at   int64
}

func (f *tinyFile) Write(p []byte) (int, error) {
	granted, err := f.disk.grow(f.name, f.at+int64(len(p)))
	n := min(int64(len(p)), max(granted-f.at, 0))
	if n > 0 {
		if _, werr := f.File.Write(p[:n]); werr != nil {
			return 0, werr
		}
	}
	f.at += n
	return int(n), err
}

func (f *tinyFile) Preallocate(offset, length int64) error {
	if _, err := f.disk.grow(f.name, offset+length); err != nil {
		return err
	}
	return f.File.Preallocate(offset, length)
}

// faultyFS fails where inject says so. It is errorfs, but for what that leaves
// out: files that are used again, as logs are, and the closing of files.
type faultyFS struct {
	vfs.FS
	inject errorfs.Injector
}

func (d faultyFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := d.inject.MaybeError(errorfs.Op{Kind: errorfs.OpCreate, Path: name}); err != nil {
		return nil, err
	}
	f, err := d.FS.Create(name, c)
	return d.wrap(f, name, err)
}

func (d faultyFS) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := d.inject.MaybeError(errorfs.Op{Kind: errorfs.OpReuseForWrite, Path: newname}); err != nil {
		return nil, err
	}
	f, err := d.FS.ReuseForWrite(oldname, newname, c)
	return d.wrap(f, newname, err)
}

func (d faultyFS) wrap(f vfs.File, name string, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return faultyFile{f, d.inject, name}, nil
}

type faultyFile struct {
	vfs.File
	inject errorfs.Injector
	name   string
}

func (f faultyFile) fault(kind errorfs.OpKind) error {
	return f.inject.MaybeError(errorfs.Op{Kind: kind, Path: f.name})
}

func (f faultyFile) Write(p []byte) (int, error) {
	if err := f.fault(errorfs.OpFileWrite); err != nil {
		return 0, err
	}
	return f.File.Write(p)
}

func (f faultyFile) Sync() error {
	if err := f.fault(errorfs.OpFileSync); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f faultyFile) SyncData() error {
	if err := f.fault(errorfs.OpFileSyncData); err != nil {
		return err
	}
	return f.File.SyncData()
}

func (f faultyFile) Close() error {
	return errors.Join(f.fault(errorfs.OpFileClose), f.File.Close())
}
