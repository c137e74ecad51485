package certs

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Names of the files.
const (
	CAFile         = "ca.crt"
	CAKeyFile      = "ca.key"
	ClusterKeyFile = "cluster.key"
	NodeFile       = "node.crt"
	NodeKeyFile    = "node.key"
)

var (
	// ErrExists is wrapped where a file would be overwritten.
	ErrExists = errors.New("certs: there already")
	// ErrFile is wrapped where a file is not what it should be.
	ErrFile = errors.New("certs: not usable")
	// ErrAsked is wrapped where what is asked for makes no sense.
	ErrAsked = errors.New("certs: not possible")
)

// file is one to be written.
type file struct {
	name string
	text []byte
	mode fs.FileMode
}

const (
	secret = 0o600
	public = 0o644
)

// vacant says that none of the files is there, unless they may be overwritten.
func vacant(force bool, dir string, names ...string) error {
	if force {
		return nil
	}
	for _, name := range names {
		path := filepath.Join(dir, name)
		if _, err := os.Lstat(path); err == nil {
			return fmt.Errorf("%w: %s", ErrExists, path)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("certs: looking for %s: %w", path, err)
		}
	}
	return nil
}

// writeAll makes the folder where there is none, and writes the files in order.
// Each is whole and synced before it has its name.
func writeAll(dir string, files ...file) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("certs: making the folder: %w", err)
	}
	for _, f := range files {
		if err := f.write(dir); err != nil {
			return fmt.Errorf("certs: writing %s: %w", filepath.Join(dir, f.name), err)
		}
	}
	return nil
}

func (f file) write(dir string) error {
	draft, err := os.CreateTemp(dir, f.name+".*.new") // with the mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name())
	_, err = draft.Write(f.text)
	if err == nil {
		err = draft.Chmod(f.mode)
	}
	if err == nil {
		err = draft.Sync()
	}
	if err = errors.Join(err, draft.Close()); err != nil {
		return err
	}
	return os.Rename(draft.Name(), filepath.Join(dir, f.name))
}

// readSecret reads a file that others may not.
func readSecret(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("certs: reading a key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w: %s may be read by others (mode %04o): make it 0600", ErrFile, path, info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("certs: reading a key: %w", err)
	}
	return text, nil
}

func certificatePEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func keyPEM(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("certs: encoding a key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
