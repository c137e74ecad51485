package shell

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

var errDisk = errors.New("desk: disk full")

// desk is the store and the committer: batches lie there until they are
// committed by hand, in order for each shard, or all by themselves.
type desk struct {
	mu      sync.Mutex
	records map[string][]byte
	pending map[ids.Shard][]pending
	auto    bool
	moments map[time.Time]int // how much was proposed when
	broken  error             // of Get and Scan
	work    chan struct{}
	end     chan struct{}
}

type pending struct {
	batch *wire.Batch
	done  func(error)
}

func newDesk() *desk {
	return &desk{
		records: make(map[string][]byte), moments: make(map[time.Time]int), pending: make(map[ids.Shard][]pending),
		work: make(chan struct{}, 1), end: make(chan struct{}),
	}
}

func recordKey(shard ids.Shard, class wire.Class, key []byte) string {
	return string(append(binary.BigEndian.AppendUint16([]byte{byte(class)}, uint16(shard)), key...))
}

func (d *desk) Get(shard ids.Shard, class wire.Class, key, dst []byte) ([]byte, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	value, found := d.records[recordKey(shard, class, key)]
	return append(dst, value...), found, d.broken
}

func (d *desk) Scan(shard ids.Shard, class wire.Class, from, to []byte, reverse bool, f func(key, value []byte) bool) error {
	d.mu.Lock()
	prefix := recordKey(shard, class, nil)
	var keys []string
	for k := range d.records {
		rest, ok := strings.CutPrefix(k, prefix)
		if ok && rest >= string(from) && (to == nil || rest < string(to)) {
			keys = append(keys, rest)
		}
	}
	err := d.broken
	d.mu.Unlock()
	slices.Sort(keys)
	if reverse {
		slices.Reverse(keys)
	}
	for _, k := range keys {
		if err != nil || !f([]byte(k), nil) {
			break
		}
	}
	return err
}

func (d *desk) propose(shard ids.Shard, b *wire.Batch, done func(error)) {
	d.mu.Lock()
	d.pending[shard] = append(d.pending[shard], pending{b, done})
	d.moments[time.Now()]++
	d.mu.Unlock()
	select {
	case d.work <- struct{}{}:
	default:
	}
}

// run commits by itself while auto is set.
func (d *desk) run() {
	for {
		select {
		case <-d.end:
			return
		case <-d.work:
		}
		for d.isAuto() && d.commitAll(nil) {
		}
	}
}

func (d *desk) isAuto() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.auto
}

func (d *desk) commitAll(err error) (any bool) {
	for _, shard := range d.shards() {
		any = d.commit(shard, err) || any
	}
	return any
}

// shards are those with something pending.
func (d *desk) shards() (shards []ids.Shard) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for s, p := range d.pending {
		if len(p) > 0 {
			shards = append(shards, s)
		}
	}
	slices.Sort(shards)
	return shards
}

// commit ends the oldest proposal of a shard.
func (d *desk) commit(shard ids.Shard, err error) bool {
	d.mu.Lock()
	if len(d.pending[shard]) == 0 {
		d.mu.Unlock()
		return false
	}
	p := d.pending[shard][0]
	d.pending[shard] = d.pending[shard][1:]
	if err == nil {
		d.apply(shard, p.batch)
	}
	d.mu.Unlock()
	p.done(err)
	return true
}

func (d *desk) apply(shard ids.Shard, b *wire.Batch) {
	err := b.Each(func(w wire.Write) error {
		key := recordKey(shard, w.Class, w.Key)
		switch w.Kind {
		case wire.Put:
			d.records[key] = bytes.Clone(w.Value)
		case wire.Delete:
			delete(d.records, key)
		case wire.DeleteRange:
			to := recordKey(shard, w.Class, w.Value)
			for k := range d.records {
				if k >= key && k < to {
					delete(d.records, k)
				}
			}
		}
		return nil
	})
	if err != nil {
		panic(err)
	}
}

func (d *desk) breakReads(err error) {
	d.mu.Lock()
	d.broken = err
	d.mu.Unlock()
}

// toy is a Cell that counts: each count is one write. Commands are the text of
// a datagram or of a Submit.
type toy struct {
	r     *rig
	s     *endpoint.Shard
	id    ids.Endpoint
	count uint64
	busy  bool
	waits bool
	token string
	wake  time.Time
}

func (r *rig) load(s *endpoint.Shard, id ids.Endpoint) (Cell, error) {
	if r.is(r.poison, id) {
		panic("poisoned record")
	}
	value, found, err := r.desk.Get(s.ID, wire.ClassContact, wire.EndpointKey(id), nil)
	if err != nil {
		return nil, err
	}
	c := &toy{r: r, s: s, id: id}
	if found {
		c.count = binary.BigEndian.Uint64(value)
		c.token = string(value[8:])
	}
	return c, nil
}

// curse lets loads (poison) or deadlines of an endpoint panic.
func (r *rig) curse(how map[ids.Endpoint]bool, id ids.Endpoint, on bool) {
	r.mu.Lock()
	how[id] = on
	r.mu.Unlock()
}

func (r *rig) is(how map[ids.Endpoint]bool, id ids.Endpoint) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return how[id]
}

func (c *toy) Busy() bool    { return c.busy }
func (c *toy) Waiting() bool { return c.waits }
func (c *toy) Left()         {}

func (c *toy) Knows(sign wire.Sign) bool {
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	return !c.r.denied[sign]
}

func (c *toy) Owns(token []byte) bool { return c.token == string(token) }

func (c *toy) Handle(now time.Time, ev endpoint.Event, fx *endpoint.Effects) {
	switch ev := ev.(type) {
	case *endpoint.Datagram:
		for _, command := range strings.Fields(string(ev.Buffer)) {
			c.obey(now, command, ev.Path, fx)
		}
		ev.Path = wire.ReturnPath{} // as an endpoint may that opens a record
	case *endpoint.Submit:
		for _, command := range strings.Fields(ev.Text) {
			c.obey(now, command, wire.ReturnPath{}, fx)
		}
		fx.Replies = append(fx.Replies, func(err error) { ev.Reply(endpoint.OperationView{}, err) })
	case endpoint.Tick:
		c.say(fx, wire.ReturnPath{}, "tick")
		c.wake = time.Time{}
	case endpoint.Deadline:
		if c.r.onDeadline != nil {
			c.r.onDeadline()
		}
		c.obey(now, "w", wire.ReturnPath{}, fx)
		if c.r.is(c.r.panicOnDeadline, c.id) {
			panic("deadline")
		}
	}
	fx.Wake = c.wake
}

// obey: w write, r read, b busy, f free, h half a body, p panic, k<token> keep a token,
// s<port> and c<port> set and clear a signpost, t<seconds> ask for a Tick,
// d<seconds> arm a durable timer.
func (c *toy) obey(now time.Time, command string, path wire.ReturnPath, fx *endpoint.Effects) {
	number, _ := strconv.Atoi(command[1:])
	switch command[0] {
	case 'w':
		c.count++
		c.save(fx)
		c.say(fx, path, "wrote")
		fx.Notices = append(fx.Notices, endpoint.Notice{Kind: endpoint.Updated, Endpoint: c.id, Detail: strconv.FormatUint(c.count, 10)})
	case 'r':
		c.say(fx, path, "read")
	case 'b', 'f':
		c.busy = command[0] == 'b'
	case 'h':
		c.waits = true
	case 'k':
		c.token = command[1:]
		c.save(fx)
	case 'p':
		fx.Batch.Put(wire.ClassMeta, []byte("half"), nil)
		panic("told to")
	case 's', 'c':
		fx.Signposts = append(fx.Signposts, endpoint.Signpost{Sign: signOf(peer(number)), Clear: command[0] == 'c'})
		if command[0] == 's' {
			c.say(fx, path, "moved")
		}
	case 't':
		c.wake = now.Add(time.Duration(number) * time.Second)
	case 'd':
		fx.Batch.Put(wire.ClassTimer, wire.TimerKey(now.Add(time.Duration(number)*time.Second), c.id), nil)
	}
}

func (c *toy) save(fx *endpoint.Effects) {
	value := append(binary.BigEndian.AppendUint64(nil, c.count), c.token...)
	fx.Batch.Put(wire.ClassContact, wire.EndpointKey(c.id), value)
}

func (c *toy) say(fx *endpoint.Effects, path wire.ReturnPath, word string) {
	text := fmt.Sprintf("%s %d %016x", word, c.count, uint64(c.id))
	fx.Sends = append(fx.Sends, endpoint.Send{Path: path, Payload: []byte(text)})
}

func signOf(p netip.AddrPort) wire.Sign { return wire.AddressSign(p) }

func keyOf(s wire.Sign) []byte { return s.Key() }

func peer(port int) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), uint16(port))
}

// rig is a shell with its surroundings.
type rig struct {
	t     *testing.T
	desk  *desk
	shell *Shell

	poison, panicOnDeadline map[ids.Endpoint]bool

	onDeadline func() // nil: nothing

	mu      sync.Mutex
	foreign []string           // datagrams for other nodes, with their shard
	denied  map[wire.Sign]bool // what no endpoint knows
	wrong   []string           // what other nodes are told that they remember wrongly
	sent    []string           // News in brackets behind
	calls   int                // of Send
	notices []endpoint.Notice
	events  []string
	stack   string // of the last panic
}

// in runs f in a bubble with a shell of 8 shards and 2 loops, and stops it.
func in(t *testing.T, o Options, f func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, o)
		r.start()
		defer r.close()
		f(r)
	})
}

func newRig(t *testing.T, o Options) *rig {
	r := &rig{t: t, desk: newDesk(), poison: make(map[ids.Endpoint]bool), panicOnDeadline: make(map[ids.Endpoint]bool)}
	if o.Loops == 0 {
		o.Loops = 2
	}
	if o.MarkEvery == 0 {
		o.MarkEvery = 1000 * time.Hour // other tests count what is written
	}
	o.Env = &endpoint.Env{State: r.desk, Shards: 8, Key: ids.Key{1, 2, 3}}
	o.Load, o.Propose, o.Send = r.load, r.desk.propose, r.send
	o.Stray = func(d *endpoint.Datagram) []byte { return []byte("stray " + string(d.Buffer)) }
	if o.Elsewhere == nil {
		o.Elsewhere = r.elsewhere
	}
	o.Disowned = func(path wire.ReturnPath, sign wire.Sign) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.wrong = append(r.wrong, fmt.Sprintf("%v: %x", path.Peer, sign.Key()))
	}
	o.Notify = func(n []endpoint.Notice) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.notices = append(r.notices, n...)
	}
	o.Events = Events{
		Panicked: func(p Panic) {
			r.event(fmt.Sprintf("panic %x %s", uint64(p.Endpoint), p.Reason))
			r.mu.Lock()
			r.stack = string(p.Stack)
			r.mu.Unlock()
		},
		LoadFailed:   func(id ids.Endpoint, err error) { r.event(fmt.Sprintf("load %x", uint64(id))) },
		CommitFailed: func(shard ids.Shard, err error) { r.event(fmt.Sprintf("commit %v", err)) },
		TimersFailed: func(shard ids.Shard, err error) { r.event("timers") },
		Unserved:     func(shard ids.Shard, gap time.Duration) { r.event(fmt.Sprint(shard, " unserved for ", gap)) },
	}
	var err error
	if r.shell, err = New(o); err != nil {
		t.Fatal(err)
	}
	go r.desk.run()
	return r
}

// start starts the shell, which leads all shards by the return.
func (r *rig) start() {
	r.shell.Start()
	leadAll(r.t, r.shell)
	synctest.Wait()
}

// hold lets the loops take nothing until release is called.
func (r *rig) hold() (release func()) {
	held := make(chan struct{})
	for _, l := range r.shell.loops {
		l.inbox.post(func() { <-held })
	}
	synctest.Wait()
	return func() {
		close(held)
		synctest.Wait()
	}
}

// leadAll lets a shell that was started lead all its shards.
func leadAll(t testing.TB, s *Shell) {
	shards := int(s.options.Env.Shards)
	led := make(chan error, shards)
	for id := range ids.Shard(shards) {
		s.Lead(id, func(err error) { led <- err })
	}
	for range shards {
		if err := <-led; err != nil {
			t.Error(err)
		}
	}
}

// close lets everything commit and stops the shell.
func (r *rig) close() {
	r.automatic()
	r.shell.Stop()
	close(r.desk.end)
}

func (r *rig) automatic() {
	r.desk.mu.Lock()
	r.desk.auto = true
	r.desk.mu.Unlock()
	select {
	case r.desk.work <- struct{}{}:
	default:
	}
	synctest.Wait()
}

func (r *rig) event(text string) {
	r.mu.Lock()
	r.events = append(r.events, text)
	r.mu.Unlock()
}

func (r *rig) send(outs []Out) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls++
	for _, o := range outs {
		text := string(o.Payload)
		if o.News != nil {
			text += fmt.Sprintf(" (%x is of %016x)", o.News.Sign.Key(), uint64(o.News.Endpoint))
		}
		r.sent = append(r.sent, text)
	}
}

// tell delivers a datagram and waits until nothing moves.
func (r *rig) tell(to Destination, text string) bool {
	ok := r.deliver(to, text)
	synctest.Wait()
	return ok
}

func (r *rig) deliver(to Destination, text string) bool {
	d := r.shell.Take()
	d.Buffer = append(d.Buffer[:0], text...)
	return r.shell.Deliver(to, d)
}

// submit posts a command whose answer goes to the returned slice.
func (r *rig) submit(id ids.Endpoint, text string) *answers {
	a := new(answers)
	err := r.shell.Post(id, &endpoint.Submit{Text: text, Reply: func(_ endpoint.OperationView, err error) { a.add(err) }})
	if err != nil {
		a.add(err)
	}
	return a
}

type answers struct {
	mu   sync.Mutex
	errs []error
}

func (a *answers) add(err error) {
	a.mu.Lock()
	a.errs = append(a.errs, err)
	a.mu.Unlock()
}

// want says what the answers must be, for example one nil.
func (a *answers) want(t *testing.T, want ...error) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if !slices.EqualFunc(a.errs, want, func(e, want error) bool { return errors.Is(e, want) }) {
		t.Errorf("answers %v, want %v", a.errs, want)
	}
}

// commit ends the oldest proposal of every shard.
func (r *rig) commit(err error) {
	for _, shard := range r.desk.shards() {
		r.desk.commit(shard, err)
	}
	synctest.Wait()
}

// wantSent compares what was sent since the last call.
func (r *rig) wantSent(want ...string) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Equal(r.sent, want) {
		r.t.Errorf("sent %q, want %q", r.sent, want)
	}
	r.sent = nil
}

func (r *rig) wantEvents(want ...string) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Equal(r.events, want) {
		r.t.Errorf("events %q, want %q", r.events, want)
	}
	r.events = nil
}

// pass lets d go by in the bubble.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// endpoint n: shards and handles differ.
func device(n int) ids.Endpoint {
	return ids.Endpoint(uint64(n) * 0x9e3779b97f4a7c15) // spread evenly
}

func said(word string, count int, id ids.Endpoint) string {
	return fmt.Sprintf("%s %d %016x", word, count, uint64(id))
}

func netipMapped(p netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16(p.Addr().As16()), p.Port())
}
