package cli

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dormouse/codec/platform"
	"dormouse/node/admin"
	"dormouse/node/admin/admintest"
)

// world is an API over a backend in memory.
type world struct {
	*testing.T
	backend *admintest.Backend
	url     string
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, backend: admintest.New()}
	server := httptest.NewServer(admin.NewHandler(admin.Options{Backend: w.backend}))
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

// run runs `dormouse credentials`; the API's address is in the environment.
func (w *world) run(status int, in string, args ...string) (out, told string) {
	w.Helper()
	var o, e strings.Builder
	got := Credentials(args, System{strings.NewReader(in), &o, &e, func(name string) string {
		if name == APIVariable {
			return w.url
		}
		return ""
	}})
	if got != status {
		w.Fatalf("credentials %q: status %d, want %d: %s%s", args, got, status, o.String(), e.String())
	}
	return o.String(), e.String()
}

func (w *world) has(endpoint, key string) {
	w.Helper()
	if got := hex.EncodeToString(w.backend.Key(endpoint)); got != key {
		w.Errorf("%s has the key %q, want %q", endpoint, got, key)
	}
}

func TestAddListRemove(t *testing.T) {
	w := newWorld(t)
	out, told := w.run(Done, "", "add", "urn:dev:1", "id 1", "00A1ff")
	if out != "" || told != "urn:dev:1 proves itself as \"id 1\".\n" {
		t.Errorf("%q, %q", out, told)
	}
	w.has("urn:dev:1", "00a1ff")
	w.run(Done, "00a1ff", "add", "urn:dev:1", "id 1") // the same again
	w.run(Done, "  0b0C\n", "add", "a/b", "id 2")
	w.has("a/b", "0b0c")
	w.run(Done, "", "add", "--replace", "a/b", "--api", w.url+"/", "id 2", "0d")
	w.has("a/b", "0d")
	w.run(Done, "", "add", "..", "id 3", "0e", "--replace")
	w.run(Done, "", "add", "--", "--replace", "--generate", "0f")
	w.has("--replace", "0f")
	out, _ = w.run(Done, "", "list")
	const list = `ENDPOINT   PSK ID      CHANGED
urn:dev:1  "id 1"      2026-01-31T12:00:00.000Z
a/b        "id 2"      2026-01-31T12:00:00.000Z
..         "id 3"      2026-01-31T12:00:00.000Z
--replace  --generate  2026-01-31T12:00:00.000Z
`
	if out != list {
		t.Errorf("listed\n%swant\n%s", out, list)
	}
	for _, name := range []string{"urn:dev:1", "a/b", ".."} {
		w.run(Done, "", "remove", name)
	}
	if _, told := w.run(Failed, "", "remove", "urn:dev:1"); told != "dormouse credentials: There is nothing at this address.\n" {
		t.Error(told)
	}
}

// TestGenerate prints the key, and nothing else, where a script may take it.
func TestGenerate(t *testing.T) {
	w := newWorld(t)
	first, _ := w.run(Done, "", "add", "a", "i", "--generate")
	w.has("a", strings.TrimSpace(first))
	second, _ := w.run(Done, "", "add", "a", "i", "--generate", "--replace")
	if len(first) != 2*generated+1 || first == second {
		t.Errorf("%q, %q", first, second)
	}
	if out, told := w.run(Failed, "", "add", "a", "i", "--generate"); out != "" || !strings.Contains(told, "endpointId") {
		t.Errorf("%q, %q", out, told)
	}
}

// TestListOfManyPages is not cut at the end of one.
func TestListOfManyPages(t *testing.T) {
	w := newWorld(t)
	for i := range platform.MaxPageSize + 1 {
		name := fmt.Sprint("e", i)
		_, _, err := w.backend.Credentials().Add(t.Context(), platform.NewCredentials{Endpoint: name, Identity: name}, false)
		if err != nil {
			t.Fatal(err)
		}
	}
	out, _ := w.run(Done, "", "list")
	if lines := strings.Count(out, "\n"); lines != platform.MaxPageSize+2 {
		t.Errorf("%d lines", lines)
	}
}

// TestRefusals are told in the API's words, and no key is in them.
func TestRefusals(t *testing.T) {
	w := newWorld(t)
	const key = "5ec2e7c0ffee"
	w.run(Done, "", "add", "a", "i", "00")
	for _, tc := range []struct {
		want string
		args []string
	}{
		{`endpointId "a" has other credentials.`, []string{"add", "a", "i", key}},
		{`lwm2mPskId "i" belongs to another endpoint.`, []string{"add", "b", "i", key}},
		{"lwm2mPskId has 513 bytes", []string{"add", "b", strings.Repeat("i", 513), key}},
	} {
		if _, told := w.run(Failed, "", tc.args...); !strings.Contains(told, tc.want) || strings.Contains(told, key) {
			t.Errorf("%.40q: %s", tc.args, told)
		}
	}
	w.backend.Fail(errors.New("the disk is broken"))
	if _, told := w.run(Failed, "", "list"); told != "dormouse credentials: The node failed; its log says more.\n" {
		t.Error(told)
	}
	nobody := httptest.NewServer(nil)
	nobody.Close()
	if _, told := w.run(Failed, key, "add", "b", "j", "--api", nobody.URL); !strings.Contains(told, "asking the node") || strings.Contains(told, key) {
		t.Error(told)
	}
	away := httptest.NewServer(http.RedirectHandler(w.url+platform.CredentialsPath, http.StatusTemporaryRedirect))
	t.Cleanup(away.Close)
	if _, told := w.run(Failed, "", "add", "b", "j", key, "--api", away.URL); !strings.Contains(told, "307") || w.backend.Key("b") != nil {
		t.Error(told)
	}
	other := httptest.NewServer(nil) // no API of ours
	t.Cleanup(other.Close)
	if _, told := w.run(Failed, "", "list", "--api", other.URL); !strings.Contains(told, "404") {
		t.Error(told)
	}
}

func TestUsage(t *testing.T) {
	w := newWorld(t)
	const key = "5ec2e7c0ffe"
	for _, args := range []string{"", "?", "list x", "remove", "remove a b", "add a", "add a b 00 c", "add a b " + key, "add a b 0x00",
		"add a b 00 --generate", "list --replace", "remove a --generate", "--nothing list", "list --api ftp://x", "list --api", "list --api 127.0.0.1:8080"} {
		out, told := w.run(Usage, key, strings.Fields(args)...)
		if out != "" || !strings.HasPrefix(told, "dormouse credentials: ") || !strings.Contains(told, credentialsUsage) || strings.Contains(told, key) {
			t.Errorf("%s: %s%s", args, out, told)
		}
	}
	w.run(Usage, "", "add", "a", "b") // an empty input
	w.run(Usage, "", "add", "a\xff", "b", "00")
	for _, args := range []string{"--help", "add -h", "list --help"} {
		if out, told := w.run(Done, "", strings.Fields(args)...); out != credentialsUsage || told != "" {
			t.Errorf("%s: %s%s", args, out, told)
		}
	}
}
