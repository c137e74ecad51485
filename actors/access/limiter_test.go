package access

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

// TestGuesser: somebody who tries whenever he may gets as many guesses a day as
// the policy says, and the locks grow.
func TestGuesser(t *testing.T) {
	l, s, at := NewLimiter(10), Name("a", "b"), now
	guesses := 0
	var last time.Duration
	for at.Before(now.Add(24 * time.Hour)) {
		if wait := l.Check(s, Count{}, at); wait > 0 {
			if wait < last && wait != UserPolicy.Most {
				t.Fatalf("guess %d: a lock of %v after one of %v", guesses, wait, last)
			}
			last = wait
			at = at.Add(wait)
			continue
		}
		guesses++
		if _, locked := l.Fail(s, Count{}, at); locked != (guesses > int(UserPolicy.Free)) {
			t.Fatalf("guess %d: locked %v", guesses, locked)
		}
	}
	if guesses < 250 || guesses > 310 {
		t.Errorf("%d guesses in a day", guesses)
	}
}

func TestASuccessResetsTheUser(t *testing.T) {
	l, s := NewLimiter(10), Name("a", "b")
	for range UserPolicy.Free + 3 {
		l.Fail(s, Count{}, now)
	}
	if l.Check(s, Count{}, now) != 4*time.Second {
		t.Errorf("locked for %v", l.Check(s, Count{}, now))
	}
	l.Forget(s)
	if l.Check(s, Count{}, now) != 0 || l.Len() != 0 {
		t.Error("still known")
	}
}

func TestFailuresAreForgotten(t *testing.T) {
	c := Count{}
	for range 10 {
		c = UserPolicy.Fail(c, now)
	}
	if UserPolicy.Past(c, c.Until.Add(UserPolicy.Forget-1)) || !UserPolicy.Past(c, c.Until.Add(UserPolicy.Forget)) {
		t.Error("not at its time")
	}
	if got := UserPolicy.Fail(c, c.Until.Add(UserPolicy.Forget)); got.Failures != 1 || !got.Until.IsZero() {
		t.Errorf("%+v", got)
	}
	if huge := (UserPolicy.Fail(Count{Failures: 1 << 31, Last: now}, now)); huge.Failures != 1<<31 || huge.Until.Sub(now) != UserPolicy.Most {
		t.Errorf("%+v", huge)
	}
}

// TestOtherNodesGoOn: what a node wrote counts at another, which saw nothing.
func TestOtherNodesGoOn(t *testing.T) {
	a, b, s := NewLimiter(10), NewLimiter(10), Name("a", "b")
	var shared Count
	for range UserPolicy.Free + 4 {
		c, locked := a.Fail(s, shared, now)
		if locked {
			shared = shared.Merge(c)
		}
	}
	if wait := b.Check(s, shared, now); wait != 8*time.Second {
		t.Errorf("locked for %v at the other", wait)
	}
	if c, _ := b.Fail(s, shared, shared.Until); c.Until.Sub(shared.Until) != 16*time.Second {
		t.Errorf("then for %v", c.Until.Sub(shared.Until))
	}
}

func TestMergeIsAJoin(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	some := func() Count {
		return Count{r.Uint32N(9), now.Add(time.Duration(r.IntN(9))), now.Add(time.Duration(r.IntN(9)))}
	}
	for range 2000 {
		a, b, c := some(), some(), some()
		if a.Merge(b) != b.Merge(a) || a.Merge(a) != a || a.Merge(b).Merge(c) != a.Merge(b.Merge(c)) || a.Merge(Count{}) != a {
			t.Fatalf("seed %d: %+v %+v %+v", seed, a, b, c)
		}
	}
}

func TestLimiterIsBounded(t *testing.T) {
	l := NewLimiter(4)
	for i := range 100 {
		l.Fail(Source(netip.AddrFrom4([4]byte{10, 0, byte(i), 1})), Count{}, now)
		l.Fail(Name("a", string(rune('a'+i))), Count{}, now)
	}
	if l.Len() != 8 {
		t.Errorf("%d subjects", l.Len())
	}
	if l.Count(Source(netip.MustParseAddr("10.0.99.7"))).Failures != 1 || l.Count(Source(netip.MustParseAddr("10.0.95.7"))).Failures != 0 {
		t.Error("not the oldest went")
	}
}

func TestSources(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.255", true}, {"192.0.2.1", "192.0.3.1", false}, {"192.0.2.1", "::ffff:192.0.2.9", true},
		{"2001:db8::1", "2001:db8::ffff:1", true}, {"2001:db8::1", "2001:db8:0:1::1", false}, {"fe80::1%a", "fe80::1%b", true},
	} {
		if a, b := Source(netip.MustParseAddr(tc.a)), Source(netip.MustParseAddr(tc.b)); (a == b) != tc.same {
			t.Errorf("%s and %s: %x %x", tc.a, tc.b, a, b)
		}
	}
	if Source(netip.Addr{}) == Name("", "") || Name("a", "b/c") == Name("a", "b") {
		t.Error("subjects meet")
	}
}

func TestVerified(t *testing.T) {
	v := NewVerified([32]byte{1}, VerifiedFor, 3)
	u, from := User{Tenant: "a", Name: "b", Hash: "h"}, netip.MustParseAddr("192.0.2.1")
	p := v.Proof(&u, planted, from)
	v.Add(p, now)
	if !v.Has(p, now.Add(VerifiedFor-1)) || v.Has(p, now.Add(VerifiedFor)) {
		t.Error("not for its time")
	}
	changed := u
	changed.Hash = "i"
	other := u
	other.Name = "bh"
	other.Hash = ""
	for name, q := range map[string]Proof{
		"other password": v.Proof(&u, planted+"x", from), "changed password": v.Proof(&changed, planted, from), "other user": v.Proof(&other, planted, from),
		"from elsewhere": v.Proof(&u, planted, netip.MustParseAddr("192.0.3.1")), "other process": NewVerified([32]byte{2}, VerifiedFor, 3).Proof(&u, planted, from),
	} {
		if v.Has(q, now) {
			t.Errorf("%s: known", name)
		}
	}
	for i := range 10 {
		v.Add(Proof{byte(i), 1}, now)
	}
	if v.Len() != 3 || v.Has(p, now) || !v.Has(Proof{9, 1}, now) {
		t.Errorf("%d are remembered", v.Len())
	}
}

func TestBucket(t *testing.T) {
	var b Bucket
	for i := range 10 {
		if wait := b.Take(10, now); wait != 0 {
			t.Fatalf("request %d waits %v", i, wait)
		}
	}
	wait := b.Take(10, now)
	if wait < 100*time.Millisecond || wait > 101*time.Millisecond || b.Take(10, now.Add(wait)) != 0 || b.Take(10, now.Add(wait)) == 0 {
		t.Errorf("waits %v", wait)
	}
	if b.Take(0, now) != 0 {
		t.Error("no bound is one")
	}
	// In any ten seconds no more than eleven seconds' worth.
	seed := rand.Uint64()
	r, at, taken := rand.New(rand.NewPCG(seed, 0)), now, 0
	b = Bucket{}
	for at.Before(now.Add(10 * time.Second)) {
		if at = at.Add(time.Duration(r.IntN(int(20 * time.Millisecond)))); b.Take(10, at) == 0 {
			taken++
		}
	}
	if taken > 110 || taken < 90 {
		t.Errorf("seed %d: %d", seed, taken)
	}
}

func TestThrottled(t *testing.T) {
	for d, want := range map[time.Duration]int64{0: 1, 1: 1, time.Second: 1, time.Second + 1: 2, time.Minute: 60} {
		if got := (&Throttled{d}).Seconds(); got != want {
			t.Errorf("%v: %d s", d, got)
		}
	}
}
