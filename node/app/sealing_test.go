package app_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dormouse/node/app"
	"dormouse/node/config"
)

// sealed is the configuration of a node whose keys are what the test says.
func sealed(t *testing.T, data string, file ...string) config.Config {
	t.Helper()
	c := settings(data)
	c.CoAP, c.HTTP, c.CoAPS = nil, "", []string{"127.0.0.1:0"}
	if len(file) > 0 {
		c.SealKeyFile = filepath.Join(t.TempDir(), "keys")
		check(t, os.WriteFile(c.SealKeyFile, []byte(strings.Join(file, "\n")), 0o600))
	}
	return c
}

func keyOf(b byte) string { return hex.EncodeToString(bytes.Repeat([]byte{b}, 32)) }

// once starts and stops a node; the log is returned.
func once(c config.Config) (log string, err error) {
	var words bytes.Buffer
	a, err := app.New(c, app.Options{Store: small, Logger: slog.New(slog.NewTextHandler(&words, nil))})
	if err != nil {
		return words.String(), err
	}
	err = errors.Join(a.Start(), a.Stop())
	return words.String(), err
}

// Without a key file one is made in the data directory, with a warning; the data
// never opens with another key, or without one.
func TestSealKeyIsMadeOnce(t *testing.T) {
	data := t.TempDir()
	file := filepath.Join(data, "seal.key")
	log, err := once(sealed(t, data))
	check(t, err)
	if !strings.Contains(log, "level=WARN") || !strings.Contains(log, "a key for stored secrets was made") {
		t.Errorf("no warning in %s", log)
	}
	info, err := os.Stat(file)
	check(t, err)
	key, err := os.ReadFile(file)
	check(t, err)
	if info.Mode().Perm() != 0o600 || len(bytes.TrimSpace(key)) != 64 {
		t.Errorf("mode %v, %d bytes", info.Mode(), len(key))
	}
	if strings.Contains(log, string(bytes.TrimSpace(key))) {
		t.Error("the key is in the log")
	}
	if log, err = once(sealed(t, data)); err != nil || strings.Contains(log, "was made") {
		t.Errorf("%v; %s", err, log)
	}
	if _, err = once(sealed(t, data, keyOf(1))); !errors.Is(err, app.ErrSealKey) {
		t.Errorf("with another key: %v", err)
	}
	check(t, os.Rename(file, file+".away"))
	if _, err = once(sealed(t, data)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without the key: %v", err)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a new key was made for data that it does not open")
	}
	check(t, os.Rename(file+".away", file))
	check(t, os.Chmod(file, 0o644))
	if _, err = once(sealed(t, data)); err == nil || !strings.Contains(err.Error(), "may be read by others") {
		t.Errorf("a key that others may read: %v", err)
	}
}

// A key is replaced by putting the new one in front of it; when all is sealed
// again, the log says that the old one may go.
func TestSealKeyRotation(t *testing.T) {
	data := t.TempDir()
	for _, c := range []struct {
		keys []string
		ok   bool
		says string
	}{
		{[]string{keyOf(1)}, true, ""},
		{[]string{keyOf(2)}, false, ""},
		{[]string{keyOf(2), keyOf(1)}, true, "the old one may be removed"},
		{[]string{keyOf(1)}, false, ""},
		{[]string{keyOf(2)}, true, ""},
	} {
		log, err := once(sealed(t, data, c.keys...))
		if (err == nil) != c.ok || err != nil && !errors.Is(err, app.ErrSealKey) || !strings.Contains(log, c.says) {
			t.Errorf("with %.4s: %v; %s", c.keys, err, log)
		}
		for _, key := range c.keys {
			if strings.Contains(log, key) || err != nil && strings.Contains(err.Error(), key) {
				t.Error("a key is told")
			}
		}
	}
	c := sealed(t, data)
	c.SealKey = config.Secret(keyOf(2) + "," + keyOf(1))
	if _, err := once(c); err != nil {
		t.Errorf("with keys of the environment: %v", err)
	}
	c.SealKey = "nonsense"
	if _, err := once(c); err == nil || strings.Contains(err.Error(), "nonsense") {
		t.Errorf("with nonsense: %v", err)
	}
}
