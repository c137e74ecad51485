package store

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"

	"dormouse/codec/ids"
)

// Options of a store. The zero value of a field is its default.
type Options struct {
	// Dir is the directory of the data; it is made where it is missing. One
	// process at a time may have it open.
	Dir string

	// FS is the file system; default: that of the operating system.
	FS vfs.FS

	// CacheBytes is the size of the block cache; default 128 MiB, at least
	// 1 MiB. Pebble charges memtables to its cache, so that a cache of 64 MiB
	// with memtables of 64 MiB would be none: the store adds two memtables,
	// which is what there usually is. With a million sleeping devices 64 to
	// 256 MiB are good values. The memory is not the Go heap's where the
	// program is built with cgo, and is without.
	CacheBytes int64

	// MemTableBytes is the size of one memtable; default 16 MiB, at least
	// 256 KiB. Up to four exist at a time. What they hold is replayed from the
	// log at Open: large ones make a restart slow.
	MemTableBytes int64

	// Shards is the number of shards of the cluster, fixed when the data is
	// created. Zero takes what is stored, and 32 for new data.
	Shards ids.Shards

	// Create, where set, is asked for what new data is made with: a node that joins
	// a cluster takes its shards and key.
	Create func() (ids.Shards, ids.Key, error)

	// LowSpace and FullSpace are the watermarks: bytes available on the disk
	// below which Space is Low (default 2 GiB) and Full (default 512 MiB). Half
	// of FullSpace is kept for Pebble's own flushes and compactions: below that
	// Apply refuses. It should hold several memtables. Negative: none.
	LowSpace, FullSpace int64

	// BallastBytes is the size of a file that only takes room and is removed
	// when the disk is full all the same; default 64 MiB, negative: none.
	BallastBytes int64

	// Logger gets what Pebble has to say, at debug and error level; default: none.
	Logger *slog.Logger

	// Events is told what happens to the store.
	Events Events
}

const (
	defaultCache    = 128 << 20
	defaultMemTable = 16 << 20
	defaultShards   = 32
	defaultLow      = 2 << 30
	defaultFull     = 512 << 20
	defaultBallast  = 64 << 20

	minCache    = 1 << 20
	minMemTable = 256 << 10

	// memTables is how many of them may exist before writes wait for a flush.
	memTables = 4
)

// withDefaults fills what was left zero.
func (o Options) withDefaults() Options {
	o.CacheBytes = orDefault(o.CacheBytes, defaultCache)
	o.MemTableBytes = orDefault(o.MemTableBytes, defaultMemTable)
	o.watermarks()
	o.BallastBytes = max(orDefault(o.BallastBytes, defaultBallast), 0)
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func orDefault(v, def int64) int64 {
	if v == 0 {
		return def
	}
	return v
}

// validate answers with a sentence. It is called with the defaults filled in.
func (o Options) validate() error {
	switch {
	case o.Dir == "":
		return errors.New("store: no directory is given")
	case o.Shards > ids.MaxShards:
		return fmt.Errorf("store: %d shards are more than %d", o.Shards, ids.MaxShards)
	case o.CacheBytes < minCache:
		return fmt.Errorf("store: a cache of %d bytes is below %d", o.CacheBytes, minCache)
	case o.MemTableBytes < minMemTable:
		return fmt.Errorf("store: a memtable of %d bytes is below %d", o.MemTableBytes, minMemTable)
	}
	return o.checkWatermarks()
}

func (o *Options) watermarks() {
	o.LowSpace = max(orDefault(o.LowSpace, defaultLow), 0)
	o.FullSpace = max(orDefault(o.FullSpace, defaultFull), 0)
}

func (o *Options) checkWatermarks() error {
	if o.LowSpace < o.FullSpace {
		return fmt.Errorf("store: the low watermark %d is below the full watermark %d", o.LowSpace, o.FullSpace)
	}
	return nil
}

// pebble is what Pebble is opened with; the reasons with figures stand in
// docs/formats/store.md.
func (o Options) pebble(fs vfs.FS, logger pebble.Logger, listener *pebble.EventListener) *pebble.Options {
	p := &pebble.Options{
		FS:                          fs,
		Logger:                      logger,
		EventListener:               listener,
		CacheSize:                   o.CacheBytes + 2*o.MemTableBytes,
		MemTableSize:                uint64(o.MemTableBytes),
		MemTableStopWritesThreshold: memTables,
		L0StopWritesThreshold:       24,
		FormatMajorVersion:          formatMajor,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 2 },
	}
	// Reads never start a compaction: records are found by point look-ups and
	// short scans, and a read should cost the same whether or not it was made before.
	p.Experimental.ReadSamplingMultiplier = -1
	p.Experimental.EnableColumnarBlocks = func() bool { return true }
	for i := range p.Levels {
		p.Levels[i].BlockSize = blockSize
		p.Levels[i].IndexBlockSize = indexBlockSize
		p.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		p.Levels[i].Compression = func() *sstable.CompressionProfile { return sstable.SnappyCompression }
	}
	return p
}

const (
	// blockSize: a look-up of a sleeping device reads and unpacks one block to
	// take a record of 100-300 B out of it.
	blockSize = 4 << 10
	// indexBlockSize is larger, so that few tables need a second index level.
	indexBlockSize = 64 << 10
	// formatMajor is named, not "newest": raising it is a decision, for data
	// once raised cannot be opened by an older program.
	formatMajor = pebble.FormatTableFormatV6
)
