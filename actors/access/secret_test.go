package access

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// cheap is a cost for tests: the shape is that of the true one.
var cheap = Cost{Memory: 64, Time: 1, Threads: 1}

const planted = "planted-Pa55word"

func TestPasswords(t *testing.T) {
	salt := []byte("0123456789abcdef")
	h := HashPassword(planted, salt, cheap)
	if !strings.HasPrefix(string(h), "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$") {
		t.Error(string(h))
	}
	if !Verify(h, planted) || Verify(h, planted+"x") || Verify(h, "") || Verify("", planted) || Verify("$x", planted) {
		t.Error("the password, and that alone, is the one of its hash")
	}
	if Verify(Decoy([48]byte{1}, cheap), planted) || Weaker(Decoy([48]byte{1}, DefaultCost), DefaultCost) {
		t.Error("a decoy")
	}
	more := cheap
	more.Time++
	if Weaker(h, cheap) || !Weaker(h, more) || Weaker(h, Cost{Memory: 8, Time: 1, Threads: 1}) {
		t.Error("which hashes are made anew")
	}
	if err := CheckPassword("ann-of-acme", "Ann-of-Acme"); err == nil {
		t.Error("the name is a password")
	}
	for _, bad := range []Secret{"short", Secret(strings.Repeat("x", MaxPassword+1))} {
		if CheckPassword("ann", bad) == nil {
			t.Errorf("%d bytes are a password", len(bad))
		}
	}
}

// TestArgon2 has a vector of src/test.c of the reference implementation.
func TestArgon2(t *testing.T) {
	const h = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if !Verify(h, "password") {
		t.Error("a hash of the reference implementation does not verify")
	}
}

func TestMalformedHashes(t *testing.T) {
	for _, bad := range []Secret{
		"", "$", "$argon2i$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$YWFhYWFhYWFhYWFhYWFhYQ", "$argon2id$v=16$m=64,t=1,p=1$c2FsdHNhbHQ$YWFhYWFhYWFhYWFhYWFhYQ",
		"$argon2id$v=19$m=999999999,t=1,p=1$c2FsdHNhbHQ$YWFhYWFhYWFhYWFhYWFhYQ", "$argon2id$v=19$m=64,t=0,p=1$c2FsdHNhbHQ$YWFhYWFhYWFhYWFhYWFhYQ",
		"$argon2id$v=19$m=64,t=1,p=0$c2FsdHNhbHQ$YWFhYWFhYWFhYWFhYWFhYQ", "$argon2id$v=19$m=064,t=1,p=1$c2FsdHNhbHQ$YWFhYWFhYWFhYWFhYWFhYQ",
		"$argon2id$v=19$m=64,t=1,p=1$$YWFhYWFhYWFhYWFhYWFhYQ", "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$", "x$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$YWFhYWFhYWFhYWFhYWFhYQ",
		"$argon2id$v=19$m=64,t=1,p=1x$c2FsdHNhbHQ$YWFhYWFhYWFhYWFhYWFhYQ", "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ=$YWFhYWFhYWFhYWFhYWFhYQ",
	} {
		if _, err := parseHash(bad); err == nil || len(bad) > 1 && strings.Contains(err.Error(), string(bad[1:])) {
			t.Errorf("%s: %v", string(bad), err)
		}
	}
}

func TestTokens(t *testing.T) {
	tok := Token{ID: 0xabc, Tenant: "a", User: "b", Expires: now.Add(time.Hour)}
	text := tok.Issue([32]byte{1, 2, 3})
	if !strings.HasPrefix(string(text), "dm_0000000000000abc_") || !strings.HasSuffix(string(text), tok.Last) || len(tok.Last) != 4 {
		t.Errorf("%s, %s", string(text), tok.Last)
	}
	p, ok := ParsePresented(text)
	if !ok || !tok.Opens(p, now) || tok.Opens(p, now.Add(time.Hour)) {
		t.Error("it opens until it expires")
	}
	other := tok
	other.Issue([32]byte{1, 2, 4})
	if other.Opens(p, now) {
		t.Error("it opens another")
	}
	other = tok
	other.ID++
	if other.Opens(p, now) {
		t.Error("it opens one of another ID")
	}
	for n := range text {
		if _, ok := ParsePresented(text[:n]); ok {
			t.Errorf("cut at %d it is one", n)
		}
	}
	for _, bad := range []Secret{text + "A", text + "\n", "dm_0000000000000000" + text[19:], "dm_0000000000000ABC" + text[19:], text[:30] + "\n" + text[31:], text[:len(text)-1] + "B"} {
		if _, ok := ParsePresented(bad); ok {
			t.Errorf("%q is one", string(bad))
		}
	}
	if id, err := ParseTokenID(tok.ID.String()); err != nil || id != tok.ID {
		t.Errorf("%v, %v", id, err)
	}
}

// TestSecretsAreNotShown: whatever prints a value of this package, by any verb.
func TestSecretsAreNotShown(t *testing.T) {
	h := HashPassword(planted, []byte("0123456789abcdef"), cheap)
	tok := Token{ID: 1, Tenant: "a", User: "b"}
	text := tok.Issue([32]byte([]byte("planted-token-secret-planted-tok")))
	presented, _ := ParsePresented(text)
	u := User{Tenant: "a", Name: "b", Hash: h}
	l, err := ParseAuthorization(basic("a/b:" + planted))
	if err != nil {
		t.Fatal(err)
	}
	bearer, _ := ParseAuthorization("Bearer " + string(text))
	sum := string(h[strings.LastIndexByte(string(h), '$')+1:])
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	for _, v := range []any{h, &h, u, &u, tok, &tok, l, &l, bearer, &bearer, text, presented, &presented, []Secret{h}, map[string]Secret{"x": h}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		b, _ := json.Marshal(v)
		out.Write(b)
		out.Write(Shown(v))
		log.Info("a", "value", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("a", "value", v)
	}
	for _, secret := range []string{planted, fmt.Sprintf("%x", planted), sum, fmt.Sprintf("%x", sum), string(text)[20:], "planted-token", fmt.Sprintf("%x", "planted-token"), fmt.Sprintf("%v", []byte("planted-tok"))[1:30]} {
		if at := strings.Index(strings.ToLower(out.String()), strings.ToLower(secret)); at >= 0 {
			t.Errorf("%q is shown: %s", secret, out.String()[max(0, at-60):at+20])
		}
	}
}
