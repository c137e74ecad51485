package members

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func failure(name string, port uint16) Event {
	return Event{Failed, Member{Name: name, Addr: netip.AddrPortFrom(netip.IPv6Loopback(), port)}}
}

func TestLostMembers(t *testing.T) {
	now := time.Unix(1000, 0)
	j := &joiner{lost: map[string]lostMember{}}
	j.note([]Event{failure("a", 1)}, now)
	if addr, ok := j.pick(now); !ok || addr.Port() != 1 {
		t.Errorf("picked %v, %v", addr, ok)
	}
	// Its next life failed, too, elsewhere.
	j.note([]Event{{Joined, Member{Name: "a"}}, failure("a", 2)}, now)
	if addr, ok := j.pick(now.Add(lostFor - 1)); !ok || addr.Port() != 2 {
		t.Errorf("picked %v, %v", addr, ok)
	}
	if addr, ok := j.pick(now.Add(lostFor)); ok {
		t.Errorf("picked %v, which nobody should ask for any more", addr)
	}
	j.note([]Event{failure("b", 3), {Joined, Member{Name: "b"}}, {Left, Member{Name: "c"}}}, now)
	if addr, ok := j.pick(now); ok {
		t.Errorf("picked %v, which is back", addr)
	}
}

func TestLostMembersAreBounded(t *testing.T) {
	j := &joiner{lost: map[string]lostMember{}}
	for i := range 2 * maxLost {
		j.note([]Event{failure(fmt.Sprint("n", i), 1)}, time.Time{})
	}
	if len(j.lost) != maxLost {
		t.Errorf("%d are kept", len(j.lost))
	}
}

func TestResolve(t *testing.T) {
	for host, want := range map[string]string{
		"192.0.2.1:7946": "192.0.2.1:7946", "[2001:db8::1]:7946": "[2001:db8::1]:7946", "[::ffff:192.0.2.1]:1": "192.0.2.1:1",
	} {
		addrs, err := resolve(t.Context(), host)
		if err != nil || len(addrs) != 1 || addrs[0].String() != want {
			t.Errorf("%s: %v, %v", host, addrs, err)
		}
	}
	for _, host := range []string{"", "192.0.2.1", "192.0.2.1:70000"} {
		if addrs, err := resolve(t.Context(), host); err == nil {
			t.Errorf("%s: %v", host, addrs)
		}
	}
}

func TestExplain(t *testing.T) {
	if err := explain(nil); err != nil {
		t.Error(err)
	}
	err := explain(errors.New("1 error occurred:\n\t* failed to join 192.0.2.1:7946: EOF\n\n"))
	if got := err.Error(); !strings.HasPrefix(got, "failed to join 192.0.2.1:7946: EOF (it hung up") || strings.Contains(got, "\n") {
		t.Errorf("%q", got)
	}
}

func TestJitter(t *testing.T) {
	const d = time.Second
	for range 1000 {
		if got := jitter(d); got < d*3/4 || got > d*5/4 {
			t.Fatal(got)
		}
	}
}

// One word of another node with our name is enough to go on asking until that
// node is dead for sure, and no longer.
func TestContestGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		met, asked := make(chan struct{}), 0
		close(met)
		j := &joiner{
			list: []string{"192.0.2.1:7946"}, reconnect: reconnectEvery, met: met,
			contested: func() bool { return asked == 0 },
			dial:      func(netip.AddrPort) error { asked++; return nil },
		}
		ctx, cancel := context.WithCancel(t.Context())
		go j.run(ctx)
		<-time.After(contestFor + lastRetry) // of the bubble
		synctest.Wait()
		most := asked
		if rounds := int(contestFor / contestRetry); asked < rounds*3/4 || asked > rounds*2 {
			t.Errorf("asked %d times in %v", asked, contestFor)
		}
		<-time.After(time.Hour) // of the bubble
		synctest.Wait()
		if asked > most+1 {
			t.Errorf("asked %d times more in an hour without a contest", asked-most)
		}
		cancel()
	})
}
