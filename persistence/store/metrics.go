package store

// Metrics are counters since Open, and what is held now.
type Metrics struct {
	Commits  int64 // calls of Apply that wrote
	Writes   int64 // single writes in them
	Refusals int64 // calls of Apply answered ErrFull
	Stalls   int64 // times that Pebble made writers wait

	DiskBytes      int64 // all files of the store, without the ballast
	WALBytes       int64 // what a restart would replay
	MemTableBytes  int64
	CacheBytes     int64 // blocks in the cache
	CacheHits      int64
	CacheMisses    int64
	Flushes        int64
	Compactions    int64
	CompactionDebt int64 // bytes that Pebble thinks should be compacted
	ReadAmp        int   // tables that a read may have to ask, at most
	FilterHits     int64 // look-ups in tables saved by bloom filters
	FilterMisses   int64

	Space     Space
	Available int64 // bytes on the disk at the last measurement; -1: unknown
	Ballast   int64 // bytes of ballast in place
}

// Metrics takes some microseconds; a scrape is a good time for it.
func (s *Store) Metrics() Metrics {
	m := Metrics{
		Commits: s.commits.Load(), Writes: s.writes.Load(),
		Refusals: s.refusals.Load(), Stalls: s.stalls.Load(),
		Space: s.space.current(), Available: s.space.available.Load(), Ballast: s.ballast.held(),
	}
	if s.gate.enter() != nil {
		return m
	}
	defer s.gate.leave()
	p := s.db.Metrics()
	m.DiskBytes, m.WALBytes = int64(p.DiskSpaceUsage()), int64(p.WAL.Size)
	m.MemTableBytes = int64(p.MemTable.Size)
	m.CacheBytes, m.CacheHits, m.CacheMisses = p.BlockCache.Size, p.BlockCache.Hits, p.BlockCache.Misses
	m.Flushes, m.Compactions = p.Flush.Count, p.Compact.Count
	m.CompactionDebt, m.ReadAmp = int64(p.Compact.EstimatedDebt), p.ReadAmp()
	m.FilterHits, m.FilterMisses = p.Filter.Hits, p.Filter.Misses
	return m
}
