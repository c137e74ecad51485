package seal

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Load reads a ring from a key file. A file that others than its owner may
// read is refused.
func Load(name string) (*Ring, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("seal: read the key file: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w: %s may be read by others (mode %04o): make it 0600", ErrRing, name, info.Mode().Perm())
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("seal: read the key file: %w", err)
	}
	r, err := Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}

// LoadOrGenerate reads a ring from a key file, and makes one with a new key,
// mode 0600, where there is none: generated tells. The file is whole and
// synced before it has its name.
func LoadOrGenerate(name string) (r *Ring, generated bool, err error) {
	r, err = Load(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return r, false, err
	}
	key := make([]byte, KeySize)
	rand.Read(key) // never fails (crypto/rand)
	if err := writeKey(name, hex.EncodeToString(key)+"\n"); err != nil {
		return nil, false, fmt.Errorf("seal: write a new key file: %w", err)
	}
	r, err = Load(name)
	return r, true, err
}

func writeKey(name, text string) error {
	draft := name + ".new"
	f, err := os.OpenFile(draft, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(draft, name)
}
