package config

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// Memory is how the memory of a node is divided.
type Memory struct {
	Limit    int64 // of the control group in bytes, 0 for none
	GoLimit  int64 // GOMEMLIMIT, 0 for none
	Cache    int64 // blocks of the store
	MemTable int64 // one memtable of the store; it keeps up to three
}

// Shares of the limit, and what they are between.
const (
	minCache, maxCache       = 8 << 20, 16 << 30
	minMemTable, maxMemTable = 4 << 20, 64 << 20
	freeCache                = 128 << 20 // where there is no limit
	freeMemTable             = 8 << 20
	cacheShare               = 4  // of the limit: one in four
	memTableShare            = 32 // likewise, each
)

// Plan divides limit bytes, 0 for no limit, around a cache of that size, 0 to
// derive it. The store keeps its cache and memtables outside of Go's heap
// where cgo is there, and inside where it is not; GOMEMLIMIT leaves a tenth of
// the limit to stacks of other libraries and the kernel's pages, and what is
// outside to the store.
func Plan(limit int64, cache Size) Memory {
	m := Memory{Limit: limit, Cache: int64(cache), MemTable: freeMemTable}
	if m.Cache == 0 {
		m.Cache = freeCache
	}
	if limit <= 0 {
		m.Limit = 0
		return m
	}
	if cache == 0 {
		m.Cache = min(max(limit/cacheShare, minCache), maxCache)
	}
	m.MemTable = min(max(limit/memTableShare, minMemTable), maxMemTable)
	m.GoLimit = limit - limit/10
	if storeOutsideHeap {
		m.GoLimit -= m.Cache + 3*m.MemTable
	}
	// A limit below a quarter would spend the processor on collecting garbage.
	m.GoLimit = max(m.GoLimit, limit/4)
	return m
}

// ApplyMemory reads the control group's limit, divides it, and sets GOMEMLIMIT
// unless the environment has it. Without a limit nothing is set, nor where it cannot
// be read, as in namespaces that do not show control groups: that is logged.
func ApplyMemory(cache Size, logger *slog.Logger) (Memory, error) {
	limit, err := memlimit.FromCgroup()
	if errors.Is(err, memlimit.ErrNoLimit) || errors.Is(err, memlimit.ErrCgroupsNotSupported) || errors.Is(err, memlimit.ErrNoCgroup) {
		return Plan(0, cache), nil
	}
	if err != nil {
		logger.Warn("the memory limit of the control group cannot be read, and is taken for none; GOMEMLIMIT sets one", "error", err)
		return Plan(0, cache), nil
	}
	return applyLimit(limit, cache, logger)
}

// applyLimit is ApplyMemory behind the control group.
func applyLimit(limit uint64, cache Size, logger *slog.Logger) (Memory, error) {
	if limit > 1<<46 { // some kernels write a huge number for "no limit"
		return Plan(0, cache), nil
	}
	m := Plan(int64(limit), cache)
	set, err := memlimit.Set(memlimit.WithProvider(memlimit.Limit(uint64(m.GoLimit))), memlimit.WithRatio(1), memlimit.WithLogger(logger))
	if err != nil {
		return m, fmt.Errorf("setting GOMEMLIMIT: %w", err)
	}
	m.GoLimit = set
	return m, nil
}
