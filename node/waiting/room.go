package waiting

import (
	"sync"
	"sync/atomic"
	"time"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// Defaults of Options.
const (
	// DefaultPatience is shorter than the 2 s after which a CoAP client repeats at
	// the earliest (RFC 7252 section 4.8: ACK_TIMEOUT, times at least 1): later the
	// repetition is on its way, and the datagram would but be its duplicate.
	DefaultPatience  = 1500 * time.Millisecond
	DefaultDatagrams = 4096
	DefaultBytes     = 2 << 20
)

// lookEvery is how often a room in which something waits asks who leads, where
// nothing says that there are news: those may be lost, as all between nodes.
const lookEvery = 50 * time.Millisecond

// Options of a Room. The functions must be given, and must not wait. They may be
// called concurrently, but Here.
type Options struct {
	// Owner says who takes events of the shard: this node (here), or another one.
	// known is false where nobody is known to, or this node does not take them yet.
	Owner func(shard ids.Shard) (n ids.Node, here, known bool)
	// Here takes a datagram whose shard is led here. It borrows it.
	Here func(fwd *wire.Forward)
	// Forward sends one to another node, and reports whether it will be tried. It
	// does not keep it.
	Forward func(to ids.Node, fwd wire.Forward) bool

	Patience  time.Duration // of a datagram; default DefaultPatience
	Datagrams int           // that wait at a time; default DefaultDatagrams
	Bytes     int           // of them, each counts for 256 more; default DefaultBytes
}

// Stats are counters, and what waits now.
type Stats struct {
	Held     uint64 // datagrams that had to wait
	Released uint64 // of them, those that left
	Expired  uint64 // of them, those that were dropped because nobody was found in time
	Full     uint64 // dropped because there was no room
	Waiting  int
}

// Room lets datagrams wait. Its methods may be called concurrently.
type Room struct {
	o     Options
	news  chan struct{} // one token: look
	ended chan struct{} // closed when run has returned; nil before Start

	lines atomic.Int32 // of hall, so that nobody locks while nothing waits

	mu     sync.Mutex // guards what follows; never held during a call of Options
	hall   hall
	closed bool

	held, released, expired, full atomic.Uint64
}

// New makes an empty room. What waits leaves after Start.
func New(o Options) *Room {
	if o.Patience == 0 {
		o.Patience = DefaultPatience
	}
	if o.Datagrams == 0 {
		o.Datagrams = DefaultDatagrams
	}
	if o.Bytes == 0 {
		o.Bytes = DefaultBytes
	}
	return &Room{
		o: o, news: make(chan struct{}, 1),
		hall: hall{datagrams: o.Datagrams, bytes: o.Bytes, patience: o.Patience, lines: map[ids.Shard]*line{}},
	}
}

// Pass sends a datagram to the node that leads the shard, or keeps a copy of it
// until one is known. false: it was dropped. It does not wait, and does not keep fwd.
func (r *Room) Pass(shard ids.Shard, fwd wire.Forward) bool {
	if !r.occupied(shard) {
		if to, here, known := r.o.Owner(shard); known && !here {
			return r.o.Forward(to, fwd)
		}
	}
	r.mu.Lock()
	ok := !r.closed && r.hall.add(time.Now(), shard, fwd)
	r.count()
	r.mu.Unlock()
	if !ok {
		r.full.Add(1)
		return false
	}
	r.held.Add(1)
	r.News() // also of what changed since Owner was asked
	return true
}

// News says that somebody leads another shard, here or elsewhere. It does not wait.
func (r *Room) News() {
	select {
	case r.news <- struct{}{}:
	default:
	}
}

// Stats may be called at any time.
func (r *Room) Stats() Stats {
	r.mu.Lock()
	waiting := r.hall.count
	r.mu.Unlock()
	return Stats{r.held.Load(), r.released.Load(), r.expired.Load(), r.full.Load(), waiting}
}

// Start lets what waits leave.
func (r *Room) Start() {
	r.ended = make(chan struct{})
	go r.run()
}

// Close takes nothing more, and returns when all that waits has left, or was
// dropped when its time was over. It may be called again, and before Start.
func (r *Room) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.News()
	if r.ended != nil {
		<-r.ended
	}
}

func (r *Room) occupied(shard ids.Shard) bool {
	if r.lines.Load() == 0 {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.hall.occupied(shard)
}

// count is called under mu when lines may have come or gone.
func (r *Room) count() { r.lines.Store(int32(len(r.hall.lines))) }

func (r *Room) run() {
	defer close(r.ended)
	timer := time.NewTimer(lookEvery)
	defer timer.Stop()
	for {
		shards, closed := r.look()
		var soon <-chan time.Time
		if len(shards) > 0 {
			timer.Reset(lookEvery)
			soon = timer.C
		} else if closed {
			return
		}
		select {
		case <-r.news:
		case <-soon:
		}
	}
}

// look lets go those whose shard has an owner, and those whose time is over. It
// returns what is waited for still.
func (r *Room) look() (shards []ids.Shard, closed bool) {
	r.mu.Lock()
	shards = r.hall.shards()
	r.mu.Unlock()
	for _, shard := range shards {
		r.release(shard)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expired.Add(uint64(r.hall.expire(time.Now())))
	r.count()
	return r.hall.shards(), r.closed
}

// release empties the line of a shard while somebody is known to lead it.
func (r *Room) release(shard ids.Shard) {
	for {
		to, here, known := r.o.Owner(shard)
		r.mu.Lock()
		if !known {
			r.hall.stay(shard)
			r.count()
			r.mu.Unlock()
			return
		}
		list := r.hall.take(shard)
		r.count()
		r.mu.Unlock()
		if len(list) == 0 {
			return
		}
		for i := range list {
			r.send(&list[i].fwd, to, here)
		}
		r.released.Add(uint64(len(list)))
	}
}

// send lets a datagram go. Its links are counted anew: what waited did so for news
// of a leader, so nothing goes in a circle faster than leaders change.
func (r *Room) send(fwd *wire.Forward, to ids.Node, here bool) {
	fwd.Hops = 0
	if here {
		r.o.Here(fwd)
	} else {
		_ = r.o.Forward(to, *fwd) // counted by the link, as any other
	}
}
