package shell

import "sync/atomic"

// Stats are figures over all loops.
type Stats struct {
	Awake int // cells in memory now

	Dropped       uint64 // datagrams: inbox full, no memory, endpoint not loadable, not taken elsewhere
	Forwarded     uint64 // datagrams that Options.Elsewhere took
	Hinted        uint64 // datagrams that went by what was remembered of their sign
	Disowned      uint64 // datagrams that came by a hint, and whose endpoint did not know them
	Refused       uint64 // loads refused because all cells in memory were busy
	Loaded        uint64 // wake-ups: cells brought into memory
	Passivated    uint64
	Panics        uint64
	CommitsFailed uint64 // proposals
	LoadsFailed   uint64
	TimersFired   uint64
	Strays        uint64 // datagrams that no endpoint owned
}

// counters are written by one loop, dropped, forwarded and hinted by those who deliver too.
type counters struct {
	awake                                                                     atomic.Int64
	forwarded, dropped, hinted, disowned, refused, loaded, passivated, panics atomic.Uint64
	commitsFailed, loadsFailed, timers, strays                                atomic.Uint64
}

// Stats may be called at any time.
func (s *Shell) Stats() Stats {
	var sum Stats
	for _, l := range s.loops {
		c := &l.stats
		sum.Awake += int(c.awake.Load())
		sum.Forwarded += c.forwarded.Load()
		sum.Dropped += c.dropped.Load()
		sum.Hinted += c.hinted.Load()
		sum.Disowned += c.disowned.Load()
		sum.Refused += c.refused.Load()
		sum.Loaded += c.loaded.Load()
		sum.Passivated += c.passivated.Load()
		sum.Panics += c.panics.Load()
		sum.CommitsFailed += c.commitsFailed.Load()
		sum.LoadsFailed += c.loadsFailed.Load()
		sum.TimersFired += c.timers.Load()
		sum.Strays += c.strays.Load()
	}
	return sum
}
