package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
	"dormouse/persistence/seal"
)

// sealFile is the key file that is made in the data directory where the
// configuration names none.
const sealFile = "seal.key"

// sealCheck names the record of the node (wire.ClassNode) by which a wrong key is
// noticed at once: a known text for every key that secrets may be sealed under.
// Before there were replicas it lay in shard 0 (wire.ClassMeta).
var sealCheck = []byte("seal")

// ErrSealKey says that the data was sealed under a key that is not here.
var ErrSealKey = errors.New("app: the stored secrets were sealed under another key")

// openSeal takes the keys, and refuses those which the data was not sealed under.
func (a *App) openSeal(Options) (err error) {
	checks, err := a.readSealCheck()
	if err != nil {
		return err
	}
	if a.ring, err = a.loadRing(len(checks) > 0); err != nil {
		return err
	}
	switch {
	case a.welcome != nil: // kept, so that the next start is held to it as well
		checks = append(checks, a.welcome.Check)
		if err := a.writeSealCheck(checks); err != nil {
			return err
		}
		if _, err := a.ring.Open(nil, a.welcome.Check, sealCheck); err != nil {
			return fmt.Errorf("%w (%w): all nodes of a cluster need the same keys; name their file by --seal-key-file", ErrSealKey, err)
		}
	case len(checks) == 0 && !a.founder:
		return fmt.Errorf("app: the node ended while it joined for the first time: start again with an empty data directory in place of %s", a.config.Data)
	}
	for _, sealed := range checks {
		if _, err := a.ring.Open(nil, sealed, sealCheck); err != nil {
			return fmt.Errorf("%w (%w): start with the key file of this data; after a rotation the old key stays in it, behind the new one", ErrSealKey, err)
		}
	}
	for _, sealed := range checks {
		if a.ring.Current(sealed) {
			a.resealing = len(checks) > 1
			return nil
		}
	}
	a.resealing = len(checks) > 0
	return a.writeSealCheck(append(checks, a.ring.Seal(nil, nil, sealCheck)))
}

// loadRing reads the keys from where the configuration says. known: there is data
// that was sealed, so a new key would be of no use.
func (a *App) loadRing(known bool) (*seal.Ring, error) {
	switch {
	case a.config.SealKey != "":
		ring, err := seal.Parse(strings.ReplaceAll(a.config.SealKey.Reveal(), ",", "\n"))
		if err != nil {
			return nil, fmt.Errorf("app: seal-key: %w", err)
		}
		return ring, nil
	case a.config.SealKeyFile != "":
		return seal.Load(a.config.SealKeyFile)
	}
	name := filepath.Join(a.config.Data, sealFile)
	if known {
		return seal.Load(name)
	}
	if err := os.MkdirAll(a.config.Data, 0o700); err != nil {
		return nil, fmt.Errorf("app: make the data directory: %w", err)
	}
	ring, generated, err := seal.LoadOrGenerate(name)
	if generated {
		a.logger.Warn("a key for stored secrets was made: keep a copy, and rather keep it away from the data (--seal-key-file)", "file", name)
	}
	return ring, err
}

func (a *App) readSealCheck() (checks [][]byte, err error) {
	value, found, err := a.store.Get(ids.System, wire.ClassNode, sealCheck, nil)
	if err == nil && !found {
		value, found, err = a.store.Get(0, wire.ClassMeta, sealCheck, nil)
	}
	if err != nil || !found {
		return nil, err
	}
	f := wire.NewFields(value)
	for f.Len() > 0 {
		checks = append(checks, f.Bytes())
	}
	if f.Err() != nil {
		return nil, fmt.Errorf("app: read the check of the seal keys: %w", f.Err())
	}
	return checks, nil
}

// writeSealCheck replaces the record. It is written before the first secret is
// sealed, and when none is left that is sealed under an older key.
func (a *App) writeSealCheck(checks [][]byte) error {
	var value []byte
	for _, sealed := range checks {
		value = wire.AppendText(value, string(sealed))
	}
	var b wire.Batch
	b.Put(wire.ClassNode, sealCheck, value)
	return a.writeNode(&b)
}
