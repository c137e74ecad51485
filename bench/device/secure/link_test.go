package secure

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"runtime"
	"testing"
	"unsafe"

	"dormouse/codec/dtlsrec"
)

// pair is a Link of a handshake that never was, and the server's cipher.
func pair(t *testing.T, suite dtlsrec.Suite, memory int) (*Link, *dtlsrec.Cipher) {
	t.Helper()
	e := exported{IsClient: true, CipherSuiteID: uint16(suite), MasterSecret: bytes.Repeat([]byte{7}, 48), SequenceNumber: 1}
	link, err := newLink(e, nil, memory)
	if err != nil {
		t.Fatal(err)
	}
	server, err := dtlsrec.NewCipher(e.secrets(), true)
	if err != nil {
		t.Fatal(err)
	}
	return link, server
}

func record(c *dtlsrec.Cipher, seq uint64, text string) []byte {
	return c.Seal(nil, dtlsrec.TypeApplicationData, 1, seq, nil, []byte(text))
}

// A server that seals two things under one number is found out, in all suites;
// one that sends the same record twice is not accused.
func TestReusedNonces(t *testing.T) {
	for _, suite := range []dtlsrec.Suite{dtlsrec.CCM8, dtlsrec.CCM, dtlsrec.GCM, dtlsrec.CBCSHA256} {
		link, server := pair(t, suite, 64)
		expect := func(datagram []byte, text string, err error, reused int) {
			t.Helper()
			got, gotErr := link.Open(datagram)
			if joined := string(bytes.Join(got, nil)); joined != text || !errors.Is(gotErr, err) || link.ReusedNonces() != reused || link.Stale() != 0 {
				t.Errorf("%v: %q, %v, %d reused, %d stale", suite, joined, gotErr, link.ReusedNonces(), link.Stale())
			}
		}
		expect(record(server, 0, "finished"), "finished", nil, 0)
		expect(record(server, 1, "a"), "a", nil, 0)
		expect(record(server, 3, "c"), "c", nil, 0)
		expect(record(server, 2, "b"), "b", nil, 0)
		expect(record(server, 1, "a"), "", ErrReplay, 0)
		forged := record(server, 1, "x")
		forged[len(forged)-1] ^= 1
		expect(forged, "", dtlsrec.ErrForged, 0)
		expect(record(server, 1, "x"), "", ErrReplay, 1)
		expect(record(server, 0, "other"), "", ErrReplay, 2)
		expect(append(record(server, 4, "d"), record(server, 5, "e")...), "de", nil, 2)
	}
}

// What was forgotten can be told from nothing; it is counted apart.
func TestAuditForgets(t *testing.T) {
	link, server := pair(t, dtlsrec.CCM8, 4)
	for seq := range uint64(10) {
		if _, err := link.Open(record(server, seq, "x")); err != nil {
			t.Fatal(err)
		}
	}
	for seq := range uint64(10) {
		if _, err := link.Open(record(server, seq, "y")); !errors.Is(err, ErrReplay) {
			t.Errorf("record %d: %v", seq, err)
		}
	}
	if link.ReusedNonces() != 4 || link.Stale() != 6 || len(link.audit.seen) != 4 {
		t.Errorf("%d reused, %d stale, %d remembered", link.ReusedNonces(), link.Stale(), len(link.audit.seen))
	}
}

// Against a model: whatever the order, each number is delivered once, and every
// second text of a number is found.
func TestAuditAgainstAModel(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	link, server := pair(t, dtlsrec.GCM, 1<<10)
	texts, reused, edge := map[uint64]string{}, 0, uint64(0)
	for range 2000 {
		seq := max(edge, 5) - uint64(random.IntN(5)) + uint64(random.IntN(5))
		text := string(rune('a' + random.IntN(3)))
		got, _ := link.Open(record(server, seq, text))
		before, known := texts[seq]
		if known == (len(got) == 1) {
			t.Fatalf("seed %d: record %d, known %v, delivered %d", seed, seq, known, len(got))
		}
		if !known {
			texts[seq] = text
		} else if before != text {
			reused++
		}
		edge = max(edge, seq)
	}
	if link.ReusedNonces() != reused || reused == 0 {
		t.Errorf("seed %d: %d reused, the model has %d", seed, link.ReusedNonces(), reused)
	}
}

func TestAlertsEndTheSession(t *testing.T) {
	link, server := pair(t, dtlsrec.CCM8, 4)
	warning := dtlsrec.Alert{Level: dtlsrec.Warning, Description: dtlsrec.UserCanceled}
	fatal := dtlsrec.Alert{Level: dtlsrec.Fatal, Description: dtlsrec.AccessDenied}
	link.Open(server.Seal(nil, dtlsrec.TypeAlert, 1, 0, nil, warning.Append(nil)))
	if _, ended := link.Ended(); ended {
		t.Error("ended by a warning")
	}
	link.Open(server.Seal(nil, dtlsrec.TypeAlert, 1, 1, nil, fatal.Append(nil)))
	if a, ended := link.Ended(); !ended || a != fatal {
		t.Errorf("%v, %v", a, ended)
	}
	if _, err := link.Open(record(server, 2, "x")); !errors.Is(err, ErrEnded) {
		t.Errorf("opened: %v", err)
	}
}

func TestForeignRecords(t *testing.T) {
	link, server := pair(t, dtlsrec.CCM8, 4)
	for name, datagram := range map[string][]byte{
		"epoch": server.Seal(nil, dtlsrec.TypeApplicationData, 2, 1, nil, []byte("x")),
		"plain": dtlsrec.Header{Type: dtlsrec.TypeHandshake}.Append(nil),
	} {
		if _, err := link.Open(datagram); !errors.Is(err, ErrForeign) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := link.Open(server.Seal(nil, dtlsrec.TypeApplicationData, 1, 1, []byte("cid"), []byte("x"))); !errors.Is(err, dtlsrec.ErrMalformed) {
		t.Errorf("a Connection ID that nobody gave out: %v", err)
	}
	if _, err := link.Open([]byte("no record")); !errors.Is(err, dtlsrec.ErrMalformed) {
		t.Errorf("no record: %v", err)
	}
}

// A hundred thousand of them fit into a process.
func TestLinkIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(Link{}); size > 320 {
		t.Errorf("%d bytes", size)
	}
	link, _ := pair(t, dtlsrec.CCM8, 4)
	link.Seal(nil, []byte("x"))
	if !link.Awake() {
		t.Error("asleep while in use")
	}
	link.Sleep()
	if link.Awake() {
		t.Error("awake")
	}
}

// A session that sleeps, after ten messages each way, is a few hundred bytes.
func TestSleepingLinks(t *testing.T) {
	const n = 1000
	links := make([]*Link, 0, n)
	before := heapInUse()
	for range n {
		link, server := pair(t, dtlsrec.CCM8, 64)
		for seq := range uint64(10) {
			link.Seal(nil, []byte("x"))
			if _, err := link.Open(record(server, seq, "x")); err != nil {
				t.Fatal(err)
			}
		}
		link.Sleep()
		links = append(links, link)
	}
	each := (heapInUse() - before) / n
	t.Logf("%d bytes each", each)
	if each > 1000 {
		t.Errorf("%d bytes each", each)
	}
	runtime.KeepAlive(links)
}

// heapInUse is what is in use, garbage collected.
func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
