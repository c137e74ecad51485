package members

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

const (
	// firstRetry and lastRetry bound the pause between two rounds through the
	// join list; it doubles from the one to the other.
	firstRetry = 200 * time.Millisecond
	lastRetry  = 5 * time.Second
	// contestFor is how long the join list is asked after the last word of another
	// node with our name, contestRetry how often: that node may be suspected, which
	// is no conflict, and not be dead yet; then our name is free, and nobody tells.
	contestFor   = 15 * time.Second
	contestRetry = time.Second
	// reconnectEvery is the pause between two attempts to reach a member that
	// failed: behind a cut both sides forget each other, and nobody else asks.
	reconnectEvery = 3 * time.Second
	// lostFor is how long a member that failed is asked for, and maxLost how
	// many are; the others are on their own.
	lostFor = 24 * time.Hour
	maxLost = 256
	// lookup bounds the resolution of one name.
	lookup = 2 * time.Second
)

// joiner looks for peers: those of the join list until one of them answered, and
// as long as another node has our name; then members that failed. To be found by
// somebody else is not enough, for that node may know nobody but us.
type joiner struct {
	list      []string
	self      netip.AddrPort
	reconnect time.Duration
	met       <-chan struct{}
	contested func() bool                // a peer had our name elsewhere since the last call
	dial      func(netip.AddrPort) error // a state exchange with the node there
	failed    func(error)

	mu   sync.Mutex // guards what follows
	lost map[string]lostMember
	err  error // of the last round that met nobody
}

type lostMember struct {
	addr  netip.AddrPort
	since time.Time
}

// run looks for peers until ctx ends.
func (j *joiner) run(ctx context.Context) {
	pause, joined := firstRetry, len(j.list) == 0
	var contest time.Time // its end
	for {
		if j.contested() {
			contest = time.Now().Add(contestFor)
		}
		switch contested := time.Now().Before(contest); {
		case contested:
			j.round(ctx)
			pause = min(pause, contestRetry)
		case !joined:
			joined = j.round(ctx)
		default:
			pause = j.reconnect
		}
		j.reach(time.Now())
		select {
		case <-ctx.Done():
			return
		case <-time.After(jitter(pause)):
		}
		pause = min(2*pause, lastRetry)
	}
}

func hasMet(met <-chan struct{}) bool {
	select {
	case <-met:
		return true
	default:
		return false
	}
}

// jitter is three quarters to five quarters of d: nodes that were started
// together should not ask together.
func jitter(d time.Duration) time.Duration { return d*3/4 + rand.N(d/2+1) }

// round goes through the whole join list: the first to answer may be cut off
// from the others. It reports whether anybody did.
func (j *joiner) round(ctx context.Context) (answered bool) {
	var errs []error
	for _, host := range j.list {
		if ctx.Err() != nil {
			return false
		}
		ok, err := j.try(ctx, host)
		answered = answered || ok
		errs = append(errs, err)
	}
	err := errors.Join(errs...)
	if answered {
		err = nil
	}
	j.mu.Lock()
	j.err = err
	j.mu.Unlock()
	if err != nil {
		j.failed(err)
	}
	return answered
}

// try asks every address of a host. An answer before any peer was met is our own.
func (j *joiner) try(ctx context.Context, host string) (answered bool, err error) {
	addrs, err := resolve(ctx, host)
	if err != nil {
		return false, fmt.Errorf("members: looking up %s to join: %w", host, err)
	}
	var errs []error
	for _, addr := range addrs {
		if addr == j.self || ctx.Err() != nil {
			continue
		}
		if err := explain(j.dial(addr)); err != nil {
			errs = append(errs, fmt.Errorf("members: asking %s: %w", host, err))
		} else {
			answered = answered || hasMet(j.met)
		}
	}
	return answered, errors.Join(errs...)
}

// explain makes memberlist's list of errors one line, and says what a peer may
// have had in mind that hung up: it answers a foreign label with silence.
func explain(err error) error {
	if err == nil {
		return nil
	}
	text := strings.TrimPrefix(strings.Join(strings.Fields(err.Error()), " "), "1 error occurred: * ")
	if strings.Contains(text, "EOF") {
		text += " (it hung up: perhaps it belongs to a cluster of another name)"
	}
	return errors.New(text)
}

func resolve(ctx context.Context, host string) (addrs []netip.AddrPort, err error) {
	name, service, err := net.SplitHostPort(host)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, lookup)
	defer cancel()
	port, err := net.DefaultResolver.LookupPort(ctx, "tcp", service)
	if err != nil {
		return nil, err
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	for _, ip := range ips {
		addrs = append(addrs, netip.AddrPortFrom(ip.Unmap(), uint16(port)))
	}
	return addrs, err
}

// note keeps the addresses of members that failed, and drops them when they are
// back, or left.
func (j *joiner) note(events []Event, now time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range events {
		delete(j.lost, e.Member.Name)
		if e.Kind == Failed && len(j.lost) < maxLost {
			j.lost[e.Member.Name] = lostMember{e.Member.Addr, now}
		}
	}
}

// reach asks one of the members that failed.
func (j *joiner) reach(now time.Time) {
	if addr, some := j.pick(now); some {
		_ = j.dial(addr) // as a rule it is dead
	}
}

// pick chooses one of them at random, as the order of a map is.
func (j *joiner) pick(now time.Time) (netip.AddrPort, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for name, l := range j.lost {
		if now.Sub(l.since) < lostFor {
			return l.addr, true
		}
		delete(j.lost, name)
	}
	return netip.AddrPort{}, false
}

func (j *joiner) lastError() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}
