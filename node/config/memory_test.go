package config

import (
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"testing"
)

func TestPlan(t *testing.T) {
	const GiB = 1 << 30
	for _, c := range []struct {
		limit int64
		cache Size
	}{{0, 0}, {0, 64 << 20}, {32 << 20, 0}, {128 << 20, 0}, {512 << 20, 0}, {GiB, 256 << 20}, {GiB, 0}, {16 * GiB, 0}, {256 * GiB, 0}, {GiB, 2 * GiB}} {
		m := Plan(c.limit, c.cache)
		if c.cache != 0 && m.Cache != int64(c.cache) {
			t.Errorf("%+v: a cache that was set became %d", c, m.Cache)
		}
		if c.limit == 0 {
			if m.GoLimit != 0 || m.Limit != 0 || m.Cache == 0 || m.MemTable == 0 {
				t.Errorf("%+v: %+v", c, m)
			}
			continue
		}
		if m.Limit != c.limit || m.GoLimit < c.limit/4 || m.GoLimit > c.limit-c.limit/10 {
			t.Errorf("%+v: %+v", c, m)
		}
		outside := m.Cache + 3*m.MemTable
		if storeOutsideHeap && c.cache == 0 && c.limit >= 128<<20 && m.GoLimit+outside > c.limit {
			t.Errorf("%+v: %+v is more than there is", c, m)
		}
	}
	if m := Plan(512<<20, 0); m.Cache != 128<<20 || m.MemTable != 16<<20 {
		t.Errorf("of 512 MiB: %+v", m)
	}
}

func TestLimitIsApplied(t *testing.T) {
	if _, set := os.LookupEnv("GOMEMLIMIT"); set {
		t.Setenv("GOMEMLIMIT", "") // restored afterwards
		os.Unsetenv("GOMEMLIMIT")
	}
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	m, err := applyLimit(1<<30, 0, quiet)
	if err != nil || m != Plan(1<<30, 0) || debug.SetMemoryLimit(-1) != m.GoLimit {
		t.Errorf("%+v, %v, in force %d", m, err, debug.SetMemoryLimit(-1))
	}
	if m, err := applyLimit(1<<62, 0, quiet); err != nil || m.Limit != 0 {
		t.Errorf("a limit that is none: %+v, %v", m, err)
	}
	// What the operator says in the environment stands.
	t.Setenv("GOMEMLIMIT", "123MiB")
	inForce := debug.SetMemoryLimit(-1)
	if m, err := applyLimit(2<<30, 0, quiet); err != nil || debug.SetMemoryLimit(-1) != inForce || m.GoLimit != inForce {
		t.Errorf("%+v, %v, in force %d", m, err, debug.SetMemoryLimit(-1))
	}
}

func TestApplyMemoryOnThisMachine(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	m, err := ApplyMemory(64<<20, slog.New(slog.DiscardHandler))
	if err != nil || m.Cache != 64<<20 || m.MemTable == 0 {
		t.Errorf("%+v, %v", m, err)
	}
}
