package apptest

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
)

// Audit holds every DTLS record that nodes of this test binary sent against every
// other: no two may have been sealed under one key with one number. Which record
// has which key and number a node tells when it seals; what was sealed and never
// left is no use of its number. Nodes in processes of their own write what left
// to a file.
type Audit struct {
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

// NewAudit writes what leaves to file as well, nil for none.
func NewAudit(file io.Writer) *Audit {
	return &Audit{file: file, sealed: map[string]use{}, used: map[use][32]byte{}}
}

// Seal is app.Options.Audit: it is told of a record with its key and number.
func (a *Audit) Seal(keyBlock []byte, epoch uint16, sequence uint64, record []byte) {
	hash := sha256.Sum256(keyBlock)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sealed[string(record[len(record)-ending:])] = use{[16]byte(hash[:16]), uint64(epoch)<<48 | sequence}
}

// Leave is app.Options.Sending: it takes a datagram of DTLS that is about to be
// sent. A sealed record is always its last.
func (a *Audit) Leave(datagram []byte) {
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

func (a *Audit) use(u use, record []byte) {
	hash := sha256.Sum256(record)
	if before, twice := a.used[u]; twice && before != hash {
		a.faults = append(a.faults, fmt.Sprintf("key %x, number %x", u.key, u.number))
	}
	a.used[u] = hash
}

// Err names the nonces that were used twice so far, nil for none.
func (a *Audit) Err() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []error
	for _, f := range a.faults {
		all = append(all, fmt.Errorf("apptest: a nonce was used twice: %s", f))
	}
	return errors.Join(all...)
}

// Records is how many different records left.
func (a *Audit) Records() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.used)
}

// Read adds what processes wrote to a file.
func (a *Audit) Read(name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	a.mu.Lock()
	defer a.mu.Unlock()
	for lines.Scan() {
		u, end, err := parseUse(lines.Text())
		if err != nil {
			return fmt.Errorf("apptest: %s: %q: %w", name, lines.Text(), err)
		}
		a.use(u, end)
	}
	return lines.Err()
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
