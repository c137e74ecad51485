package remote

import (
	"bytes"
	"context"
	"sync"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
	"dormouse/node/fleet"
)

const (
	// maxRecords and maxBytes bound the answer to a scan. A record alone may be
	// longer than maxBytes.
	maxRecords = 512
	maxBytes   = 256 << 10
	// firstRecords is what the first request of a scan asks for: most that scan
	// read a little and no more.
	firstRecords = 129
	// glance is how long Find waits for other nodes.
	glance = time.Second
)

// State reads all shards, wherever they are led. A method takes at most patience
// for a record or a chunk of them.
type State struct {
	r *Router
	// passed are the barriers of this request: who led a shard then, and has had
	// all that was committed before the request ever since. nil: each read is a
	// request of its own.
	passed map[ids.Shard]ids.Node
}

// here stands for this node in State.passed.
const here ids.Node = 0

var (
	_ endpoint.State = State{}
	_ fleet.Finder   = State{}
)

// State is the records of the whole cluster.
func (r *Router) State() State { return State{r: r} }

// Request is a State for reads one after another that show at least what was
// committed before the call: one barrier for each shard, not for each read.
func (s State) Request() endpoint.State { return State{s.r, map[ids.Shard]ids.Node{}} }

// pass remembers a barrier.
func (s State) pass(shard ids.Shard, at ids.Node) {
	if s.passed != nil {
		s.passed[shard] = at
	}
}

// behind reports that a read at that node needs no barrier any more.
func (s State) behind(shard ids.Shard, at ids.Node) bool {
	passed, found := s.passed[shard]
	return found && passed == at
}

// bounded is a context for one read.
func (r *Router) bounded() (context.Context, context.CancelFunc) {
	return context.WithTimeout(r.life, patience)
}

// Get implements endpoint.State.
func (s State) Get(shard ids.Shard, class wire.Class, key, dst []byte) (value []byte, found bool, err error) {
	if s.behind(shard, here) { // the usual case, without a clock
		value, found, err = s.r.get(s.r.life, getRequest{shard, class, true, key}, dst)
		if !isElsewhere(err) {
			return value, found, err
		}
	}
	ctx, cancel := s.r.bounded()
	defer cancel()
	_, err = s.r.route(ctx, shard, trip{
		repeat: true,
		here: func(ctx context.Context) (err error) {
			value, found, err = s.r.get(ctx, getRequest{shard, class, s.behind(shard, here), key}, dst)
			if err == nil {
				s.pass(shard, here)
			}
			return err
		},
		there: func(ctx context.Context, to ids.Node) error {
			q := getRequest{shard, class, s.behind(shard, to), key}
			answer, err := s.r.ask(ctx, to, KindGet, q.append(nil))
			if err != nil {
				return err
			}
			s.pass(shard, to)
			f := wire.NewFields(answer)
			found, value = f.Byte() == 1, append(dst, f.Rest()...)
			return f.Err()
		},
	})
	return value, found, err
}

// get reads the local store behind a barrier. Where the shard was lost in between
// its records may be on their way out.
func (r *Router) get(ctx context.Context, q getRequest, dst []byte) (value []byte, found bool, err error) {
	if err := r.ready(ctx, q.shard, q.behind); err != nil {
		return nil, false, err
	}
	if value, found, err = r.env.State.Get(q.shard, q.class, q.key, dst); err == nil {
		err = r.leads(q.shard)
	}
	return value, found, err
}

// ready waits for the barrier of a shard; behind: an earlier one will do, since
// this node leads it still or again, and what it has of a shard only grows.
func (r *Router) ready(ctx context.Context, shard ids.Shard, behind bool) error {
	if behind {
		return r.leads(shard)
	}
	return r.barrier(ctx, shard)
}

func (r *Router) serveGet(ctx context.Context, request, dst []byte) (ids.Shard, []byte, error) {
	q, err := parseGet(request)
	if err != nil || !r.exists(q.shard) {
		return 0, nil, requestError("a get of nothing that there is")
	}
	if err := r.leads(q.shard); err != nil {
		return q.shard, nil, err
	}
	value, found, err := r.get(ctx, q, nil)
	if err != nil || !found {
		return q.shard, append(dst, 0), err
	}
	return q.shard, append(append(dst, 1), value...), nil
}

// Scan implements endpoint.State. What is led elsewhere comes in chunks: what
// comes or goes meanwhile may be met or not.
func (s State) Scan(shard ids.Shard, class wire.Class, from, to []byte, reverse bool, f func(key, value []byte) bool) error {
	q := scanRequest{shard: shard, class: class, reverse: reverse, limit: firstRecords, from: from, to: to}
	for {
		records, more, err := s.chunk(&q, f)
		if err != nil {
			return err
		}
		for _, r := range records {
			if !f(r.key, r.value) {
				return nil
			}
		}
		if !more {
			return nil
		}
		if last := records[len(records)-1].key; reverse {
			q.to = bytes.Clone(last)
		} else {
			q.from = append(bytes.Clone(last), 0)
		}
		q.limit = maxRecords
	}
}

// chunk gets the next records from another node, or shows all of them to f.
func (s State) chunk(q *scanRequest, f func(key, value []byte) bool) (records []record, more bool, err error) {
	ctx, cancel := s.r.bounded()
	defer cancel()
	_, err = s.r.route(ctx, q.shard, trip{
		repeat: true,
		here: func(ctx context.Context) error {
			if err := s.r.ready(ctx, q.shard, s.behind(q.shard, here)); err != nil {
				return err
			}
			s.pass(q.shard, here)
			return s.r.env.State.Scan(q.shard, q.class, q.from, q.to, q.reverse, f)
		},
		there: func(ctx context.Context, to ids.Node) error {
			q.behind = s.behind(q.shard, to)
			answer, err := s.r.ask(ctx, to, KindScan, q.append(nil))
			if err == nil {
				s.pass(q.shard, to)
				records, more, err = parseRecords(answer)
			}
			return err
		},
	})
	return records, more, err
}

func (r *Router) serveScan(ctx context.Context, request, dst []byte) (ids.Shard, []byte, error) {
	q, err := parseScan(request)
	if err != nil || !r.exists(q.shard) {
		return 0, nil, requestError("a scan of nothing that there is")
	}
	if err := r.leads(q.shard); err != nil {
		return q.shard, nil, err
	}
	if err := r.ready(ctx, q.shard, q.behind); err != nil {
		return q.shard, nil, err
	}
	at, n := len(dst), 0
	dst = append(dst, 0)
	err = r.env.State.Scan(q.shard, q.class, q.from, q.to, q.reverse, func(key, value []byte) bool {
		if n == q.limit || n > 0 && len(dst)+len(key)+len(value) > maxBytes {
			dst[at] = 1
			return false
		}
		n++
		dst = appendBytes(appendBytes(dst, key), value)
		return ctx.Err() == nil
	})
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = r.leads(q.shard)
	}
	return q.shard, dst, err
}

// Find implements fleet.Finder: one call for each node, and one try.
func (s State) Find(ctx context.Context, class wire.Class, key []byte, in []ids.Shard, visit func(value []byte)) {
	ctx, cancel := context.WithTimeout(ctx, glance)
	defer cancel()
	var here []ids.Shard
	there := map[ids.Node][]ids.Shard{}
	for _, shard := range in {
		switch owner, self, known := s.r.cluster.Owner(shard); {
		case self:
			here = append(here, shard)
		case known:
			there[owner] = append(there[owner], shard)
		}
	}
	var mu sync.Mutex // of visit
	var group sync.WaitGroup
	for node, shards := range there {
		group.Go(func() {
			q := findRequest{class, shards, key}
			answer, err := s.r.ask(ctx, node, KindFind, q.append(nil))
			if err != nil {
				s.r.logger.Debug("a node was not asked for a key", "node", node, "error", err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			for f := wire.NewFields(answer); f.Len() > 0; {
				if value := f.Bytes(); !f.CutOff() {
					visit(value)
				}
			}
		})
	}
	found := s.r.find(ctx, class, key, here)
	mu.Lock()
	for _, value := range found {
		visit(value)
	}
	mu.Unlock()
	group.Wait()
}

// find reads a key in those of the shards that are led here. All barriers are
// waited for together.
func (r *Router) find(ctx context.Context, class wire.Class, key []byte, in []ids.Shard) (values [][]byte) {
	passed := make(chan ids.Shard, len(in))
	for _, shard := range in {
		r.cluster.Read(shard, func(err error) {
			if err != nil {
				shard = ids.System // none of endpoints
			}
			passed <- shard
		})
	}
	for range in {
		select {
		case shard := <-passed:
			if !r.exists(shard) {
				continue
			}
			if value, found, err := r.env.State.Get(shard, class, key, nil); err == nil && found {
				values = append(values, value)
			}
		case <-ctx.Done():
			return values
		}
	}
	return values
}

// serveFind answers with the values that there are: length value, again and again.
func (r *Router) serveFind(ctx context.Context, request, dst []byte) (ids.Shard, []byte, error) {
	q, err := parseFind(request)
	if err != nil {
		return 0, nil, err
	}
	var led []ids.Shard
	for _, shard := range q.in {
		if r.exists(shard) && r.leads(shard) == nil {
			led = append(led, shard)
		}
	}
	for _, value := range r.find(ctx, q.class, q.key, led) {
		dst = appendBytes(dst, value)
	}
	return 0, dst, nil
}
