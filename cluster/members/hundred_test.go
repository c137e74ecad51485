// A hundred nodes take the race detector minutes, and three meet it elsewhere.
//go:build !race

package members

import (
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/memberlist"
)

// air is a network of memberlists in virtual time: a datagram takes a millisecond,
// one in a hundred is lost, and who is dead answers nobody.
type air struct {
	mu     sync.Mutex // guards all below
	random *rand.Rand
	ears   map[string]*ear
}

type ear struct {
	air     *air
	address string
	dead    bool // guarded by air.mu
	packets chan *memberlist.Packet
	streams chan net.Conn
}

const (
	lossOfAir  = 0.01
	delayOfAir = time.Millisecond
)

// between is the ear of to; false: nothing comes through from there.
func (a *air) between(from *ear, to string, loss float64) (*ear, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	other := a.ears[to]
	return other, other != nil && !from.dead && !other.dead && a.random.Float64() >= loss
}

func (a *air) add(address string) *ear {
	e := &ear{air: a, address: address, packets: make(chan *memberlist.Packet, 4096), streams: make(chan net.Conn, 64)}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ears[address] = e
	return e
}

// address makes ear a net.Addr.
type address string

func (address) Network() string  { return "air" }
func (a address) String() string { return string(a) }

func (e *ear) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	a, err := net.ResolveUDPAddr("udp", e.address)
	if err != nil {
		return nil, 0, err
	}
	return a.IP, a.Port, nil
}

func (e *ear) WriteTo(b []byte, to string) (time.Time, error) {
	other, through := e.air.between(e, to, lossOfAir)
	if through {
		p := &memberlist.Packet{Buf: append([]byte(nil), b...), From: address(e.address), Timestamp: time.Now().Add(delayOfAir)}
		time.AfterFunc(delayOfAir, func() {
			select {
			case other.packets <- p:
			default:
			}
		})
	}
	return time.Now(), nil
}

func (e *ear) WriteToAddress(b []byte, a memberlist.Address) (time.Time, error) {
	return e.WriteTo(b, a.Addr)
}

func (e *ear) DialTimeout(to string, patience time.Duration) (net.Conn, error) {
	other, through := e.air.between(e, to, 0)
	if !through {
		<-time.After(patience)
		return nil, errors.New("air: nobody answers")
	}
	here, there := net.Pipe()
	select {
	case other.streams <- there:
		return here, nil
	default:
		return nil, errors.Join(here.Close(), there.Close(), errors.New("air: too many connections"))
	}
}

func (e *ear) DialAddressTimeout(a memberlist.Address, patience time.Duration) (net.Conn, error) {
	return e.DialTimeout(a.Addr, patience)
}

func (e *ear) PacketCh() <-chan *memberlist.Packet { return e.packets }
func (e *ear) StreamCh() <-chan net.Conn           { return e.streams }
func (e *ear) Shutdown() error                     { return nil }

// census counts who is taken for dead.
type census struct {
	mu     sync.Mutex
	deaths map[string]int // by name, over all who say so
}

func (c *census) NotifyJoin(*memberlist.Node)   {}
func (c *census) NotifyUpdate(*memberlist.Node) {}
func (c *census) NotifyLeave(n *memberlist.Node) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deaths[n.Name]++
}

func (c *census) of(name string) (n, others int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for who, count := range c.deaths {
		if who == name {
			n += count
		} else {
			others += count
		}
	}
	return n, others
}

// A hundred nodes with the profile of members, in virtual time: all know all within
// some seconds; for half a minute nobody is taken for dead though one datagram in a
// hundred is lost; one that dies is noticed by all others in time, and nobody else.
func TestAHundredNodes(t *testing.T) {
	const (
		nodes = 100
		calm  = 30 * time.Second
		// Probed once by somebody within three rounds; suspicion lasts suspicionMult
		// times log10(n) = 2 rounds where others confirm it, at most suspicionMax times
		// that; and all are told by gossip.
		inTime = 3*probeEvery + suspicionMax*suspicionMult*2*probeEvery + time.Second
	)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	synctest.Test(t, func(t *testing.T) {
		a := &air{random: rand.New(rand.NewPCG(seed, 1)), ears: map[string]*ear{}}
		c := &census{deaths: map[string]int{}}
		defer func() { <-time.After(time.Minute) }() // probes that were under way end
		var all []*memberlist.Memberlist
		for i := range nodes {
			conf := profile()
			conf.Name, conf.BindAddr = fmt.Sprintf("node-%d", i), fmt.Sprintf("10.0.0.%d", i)
			conf.BindPort, conf.AdvertisePort, conf.AdvertiseAddr = 7946, 7946, conf.BindAddr
			conf.Transport, conf.Events = a.add(fmt.Sprintf("%s:%d", conf.BindAddr, conf.BindPort)), c
			conf.Logger = log.New(io.Discard, "", 0)
			m, err := memberlist.Create(conf)
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := m.Shutdown(); err != nil {
					t.Error(err)
				}
			}()
			all = append(all, m)
			if i > 0 {
				if _, err := m.Join([]string{"node-0/10.0.0.0:7946"}); err != nil {
					t.Fatal(err)
				}
			}
		}
		began := time.Now()
		for _, m := range all {
			for m.NumMembers() != nodes {
				<-time.After(50 * time.Millisecond)
				if time.Since(began) > calm {
					t.Fatalf("%s knows %d of %d nodes", m.LocalNode().Name, m.NumMembers(), nodes)
				}
			}
		}
		t.Logf("all know all after %v", time.Since(began))
		<-time.After(calm)
		const victim = "node-42"
		if n, others := c.of(victim); n+others > 0 {
			t.Errorf("%d times somebody was taken for dead who was not", n+others)
		}
		died := time.Now()
		a.mu.Lock()
		a.ears["10.0.0.42:7946"].dead = true
		a.mu.Unlock()
		for noticed := 0; noticed < nodes-1; noticed, _ = c.of(victim) {
			<-time.After(10 * time.Millisecond)
			if time.Since(died) > inTime {
				t.Fatalf("%d of %d nodes noticed a death within %v", noticed, nodes-1, inTime)
			}
		}
		t.Logf("all noticed a death after %v", time.Since(died))
		if _, others := c.of(victim); others > 0 {
			t.Errorf("%d times somebody else was taken for dead", others)
		}
	})
}
