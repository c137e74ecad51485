package seal

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func key(b byte) []byte { return bytes.Repeat([]byte{b}, KeySize) }

func ring(t *testing.T, keys ...[]byte) *Ring {
	t.Helper()
	r, err := New(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSealedTextOpensInItsPlaceOnly(t *testing.T) {
	r := ring(t, key(1))
	for _, text := range []string{"", "x", strings.Repeat("secret ", 100)} {
		sealed := r.Seal([]byte("before"), []byte(text), []byte("place"))[len("before"):]
		if len(sealed) != len(text)+Overhead {
			t.Errorf("%d bytes became %d", len(text), len(sealed))
		}
		if text != "" && bytes.Contains(sealed, []byte(text)) {
			t.Error("the text is readable")
		}
		got, err := r.Open([]byte("dst"), sealed, []byte("place"))
		if err != nil || string(got) != "dst"+text {
			t.Errorf("open: %q, %v", got, err)
		}
		if _, err := r.Open(nil, sealed, []byte("elsewhere")); !errors.Is(err, ErrSealed) {
			t.Errorf("in another place: %v", err)
		}
	}
	if a, b := r.Seal(nil, []byte("x"), nil), r.Seal(nil, []byte("x"), nil); bytes.Equal(a, b) {
		t.Error("a nonce was used twice")
	}
}

func TestDamageIsToldFromAnotherKey(t *testing.T) {
	r := ring(t, key(1))
	sealed := r.Seal(nil, []byte("text"), nil)
	for cut := range sealed {
		if _, err := r.Open(nil, sealed[:cut], nil); !errors.Is(err, ErrSealed) {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		want := ErrSealed
		if i >= 1 && i <= idSize {
			want = ErrKey
		}
		if _, err := r.Open(nil, changed, nil); !errors.Is(err, want) {
			t.Errorf("byte %d changed: %v, want %v", i, err, want)
		}
	}
	if _, err := ring(t, key(2)).Open(nil, sealed, nil); !errors.Is(err, ErrKey) {
		t.Errorf("another key: %v", err)
	}
}

func TestKeysAreReplaced(t *testing.T) {
	old := ring(t, key(1)).Seal(nil, []byte("text"), nil)
	both := ring(t, key(2), key(1))
	if got, err := both.Open(nil, old, nil); err != nil || string(got) != "text" || both.Current(old) {
		t.Errorf("the old key: %q, %v, current %v", got, err, both.Current(old))
	}
	anew := both.Seal(nil, []byte("text"), nil)
	if _, err := ring(t, key(2)).Open(nil, anew, nil); err != nil || !both.Current(anew) {
		t.Errorf("sealed anew: %v", err)
	}
	if both.Current(nil) {
		t.Error("nothing is current")
	}
}

// TestGolden pins the form: what one version sealed, all later ones open.
func TestGolden(t *testing.T) {
	sealed, err := hex.DecodeString("0172cd6e84000102030405060708090a0b" +
		"cfc3ed52088d1e0c35827ccbd33557a85dd66845")
	if err != nil {
		t.Fatal(err)
	}
	got, err := ring(t, key(1)).Open(nil, sealed, []byte("place"))
	if err != nil || string(got) != "text" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestParse(t *testing.T) {
	one := strings.Repeat("ab", KeySize)
	if _, err := Parse("# of the backup\n\n " + one + "\r\n" + strings.Repeat("cd", KeySize)); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"", "# nothing\n", "ab", one + "0", strings.Repeat("zz", KeySize), one + " " + one} {
		_, err := Parse(bad)
		if !errors.Is(err, ErrRing) {
			t.Errorf("%q: %v", bad, err)
		}
		if err != nil && strings.Contains(err.Error(), one) {
			t.Errorf("the key is in the error: %v", err)
		}
	}
	if _, err := New(key(1)[:31]); !errors.Is(err, ErrRing) {
		t.Errorf("a short key: %v", err)
	}
}

func TestFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "seal.key")
	if _, err := Load(name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	first, generated, err := LoadOrGenerate(name)
	if err != nil || !generated {
		t.Fatalf("generate: %v, %v", generated, err)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	again, generated, err := LoadOrGenerate(name)
	if err != nil || generated {
		t.Fatalf("read again: %v, %v", generated, err)
	}
	if _, err := again.Open(nil, first.Seal(nil, []byte("x"), nil), nil); err != nil {
		t.Errorf("the same key: %v", err)
	}
	if err := os.Chmod(name, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, _, err := LoadOrGenerate(name); !errors.Is(err, ErrRing) {
		t.Errorf("a file that others read: %v", err)
	}
	if _, _, err := LoadOrGenerate(filepath.Join(name, "below")); err == nil {
		t.Error("a file below a file")
	}
}

func FuzzOpen(f *testing.F) {
	r, err := New(key(1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(r.Seal(nil, []byte("text"), nil))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, sealed []byte) {
		if text, err := r.Open(nil, sealed, nil); err == nil && len(text)+Overhead != len(sealed) {
			t.Errorf("%d bytes opened to %d", len(sealed), len(text))
		}
	})
}
