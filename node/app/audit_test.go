package app_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
)

// audit holds every DTLS record that nodes of this test binary sent against every
// other: no two may have been sealed under one key with one number. Which record
// has which key and number a node tells when it seals; what was sealed and never
// left is no use of its number. Nodes in processes of their own write what left
// to a file.
type audit struct {
	file io.Writer // nil: in this process alone

	mu     sync.Mutex
	sealed map[string]use   // by the end of the record
	used   map[use][32]byte // the record's hash
	faults []string
}

// use is a key, by its hash, and epoch and sequence number under it.
type use struct {
	key    [16]byte
	number uint64
}

// ending is how much of a record tells it from all others: ciphertext and tag.
const ending = 16

func newAudit(file io.Writer) *audit {
	return &audit{file: file, sealed: map[string]use{}, used: map[use][32]byte{}}
}

// allNodes is the audit of the nodes in this process.
var allNodes = newAudit(nil)

// seal implements session.Audit.
func (a *audit) seal(keyBlock []byte, epoch uint16, sequence uint64, record []byte) {
	hash := sha256.Sum256(keyBlock)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sealed[string(record[len(record)-ending:])] = use{[16]byte(hash[:16]), uint64(epoch)<<48 | sequence}
}

// leave takes a datagram of DTLS that is about to be sent. A sealed record is
// always its last.
func (a *audit) leave(datagram []byte) {
	if len(datagram) < ending {
		return
	}
	end := datagram[len(datagram)-ending:]
	a.mu.Lock()
	defer a.mu.Unlock()
	u, sealed := a.sealed[string(end)]
	if !sealed {
		return // a handshake in the clear
	}
	if a.file != nil {
		line := fmt.Sprintf("%x %x %x\n", u.key, u.number, end)
		if _, err := io.WriteString(a.file, line); err != nil {
			panic(err) // the child of a test: its parent sees that
		}
	}
	a.use(u, end)
}

func (a *audit) use(u use, record []byte) {
	hash := sha256.Sum256(record)
	if before, twice := a.used[u]; twice && before != hash {
		a.faults = append(a.faults, fmt.Sprintf("key %x, number %x", u.key, u.number))
	}
	a.used[u] = hash
}

// verdict fails the test if a number was used twice so far.
func (a *audit) verdict(t testing.TB) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, f := range a.faults {
		t.Errorf("a nonce was used twice: %s", f)
	}
}

// records is how many different records left.
func (a *audit) records() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.used)
}

// read adds what processes wrote to a file.
func (a *audit) read(t testing.TB, name string) {
	t.Helper()
	file := must[*os.File](t)(os.Open(name))
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		u, end, err := parseUse(lines.Text())
		if err != nil {
			t.Fatalf("%s: %q: %v", name, lines.Text(), err)
		}
		a.use(u, end)
	}
	check(t, lines.Err())
}

func parseUse(line string) (u use, end []byte, err error) {
	words := strings.Fields(line)
	if len(words) != 3 {
		return u, nil, errors.New("not three words")
	}
	key, keyErr := hex.DecodeString(words[0])
	end, endErr := hex.DecodeString(words[2])
	_, numberErr := fmt.Sscanf(words[1], "%x", &u.number)
	if err = errors.Join(keyErr, endErr, numberErr); err == nil && len(key) != len(u.key) {
		err = errors.New("no key")
	}
	copy(u.key[:], key)
	return u, end, err
}

// TestAuditFindsReuse: the audit itself is no blank cheque.
func TestAuditFindsReuse(t *testing.T) {
	key, other := []byte("one key block"), []byte("another")
	make16 := func(n uint64) []byte { return binary.BigEndian.AppendUint64(make([]byte, 40), n) }
	for name, c := range map[string]struct {
		second []byte
		key    []byte
		number uint64
		leaves bool
		fault  bool
	}{
		"another number":  {make16(2), key, 6, true, false},
		"another key":     {make16(2), other, 5, true, false},
		"the same record": {make16(1), key, 5, true, false},
		"never sent":      {make16(2), key, 5, false, false},
		"another record":  {make16(2), key, 5, true, true},
	} {
		a := newAudit(nil)
		a.seal(key, 1, 5, make16(1))
		a.leave(make16(1))
		a.seal(c.key, 1, c.number, c.second)
		if c.leaves {
			a.leave(c.second)
		}
		if got := len(a.faults) > 0; got != c.fault {
			t.Errorf("%s: found %v", name, got)
		}
	}
}
