package app_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dormouse/codec/platform"
	"dormouse/node/app"
	"dormouse/node/app/apptest"
	"dormouse/node/certs"
	"dormouse/node/cli"
	"dormouse/node/config"
)

// rereading is a node whose configuration a test may change, with what it logs.
type rereading struct {
	node
	next  config.Config
	fault error
	words *words
	level *slog.LevelVar
}

func startRereading(t *testing.T, c config.Config) *rereading {
	t.Helper()
	r := &rereading{next: c, words: &words{}, level: new(slog.LevelVar)}
	r.node = start(t, c, app.Options{
		Logger: slog.New(slog.NewTextHandler(r.words, &slog.HandlerOptions{Level: r.level})), Level: r.level,
		Settings: func() (config.Config, error) { return r.next, r.fault },
	})
	return r
}

// TestReloadSettings: limits that can change in a node that runs do so, and hold for
// devices that are there; the others are named. What is wrong changes nothing.
func TestReloadSettings(t *testing.T) {
	c := settings(t.TempDir())
	c.MaxQueuedOperations = 1
	r := startRereading(t, c)
	d := r.device(t, "sleeper", "at=1")
	m := r.object(t, d).ID
	post := func(status int) {
		t.Helper()
		body := string(platform.NewOperation{Device: m, Text: "execute /3/0/4"}.Append(nil))
		must[apptest.Reply](t)(r.api.Expect(status, http.MethodPost, platform.OperationsPath, body))
	}
	check(t, apptest.Eventually(func() error { // the first one may be on its way to the device
		_, err := r.api.Submit(m, "execute /3/0/4", "")
		if err == nil {
			err = errors.New("the queue has room")
		} else if strings.Contains(err.Error(), "have not ended") {
			err = nil
		}
		return err
	}))

	r.next.MaxQueuedOperations, r.next.MaxAwake, r.next.MaxHandshakes = 50, 100, 7
	r.next.LogLevel, r.next.HTTP = slog.LevelDebug, "127.0.0.1:1"
	r.next.SealKey = "a secret that nobody may see"
	check(t, r.Reload())
	post(http.StatusCreated)
	for _, says := range []string{
		`msg="a setting was changed" setting=max-queued-operations from=1 to=50`,
		`msg="a setting was changed" setting=max-awake from=50000 to=100`,
		`msg="a setting was changed" setting=max-handshakes from=4096 to=7`,
		`msg="a setting was changed" setting=log-level from=info to=debug`,
		`msg="a setting differs from the one in force, and needs a restart" setting=http "in force"=127.0.0.1:0 configured=127.0.0.1:1`,
		`needs a restart" setting=seal-key "in force"="" configured=(redacted)`,
	} {
		if !strings.Contains(r.words.String(), says) {
			t.Errorf("it does not say %s", says)
		}
	}
	if strings.Contains(r.words.String(), "nobody may see") || r.level.Level() != slog.LevelDebug {
		t.Error("a secret is in the log, or the level is not")
	}

	r.next.LogLevel, r.next.MaxQueuedOperations = slog.LevelInfo, 1
	r.next.Profiles = map[string]string{"a": "no list"}
	if err := r.Reload(); err == nil || !strings.Contains(err.Error(), "goes on with the settings that it has") {
		t.Error(err)
	}
	r.next.Profiles, r.fault = nil, errors.New("max-awake (file, line 3): 7 is less than 100")
	if err := r.Reload(); err == nil || !strings.Contains(err.Error(), "max-awake (file, line 3)") || r.level.Level() != slog.LevelDebug {
		t.Error(err)
	}
	post(http.StatusCreated)

	// The API does the same, and says what is wrong.
	reply := must[apptest.Reply](t)(r.api.Expect(http.StatusConflict, http.MethodPost, "/cluster/keys", ""))
	if !strings.Contains(string(reply.Body), "max-awake (file, line 3)") {
		t.Errorf("%s", reply.Body)
	}
	r.fault = nil
	must[apptest.Reply](t)(r.api.Expect(http.StatusNoContent, http.MethodPost, "/cluster/keys", ""))
	reply = must[apptest.Reply](t)(r.api.Do(http.MethodPost, platform.OperationsPath, string(platform.NewOperation{Device: m, Text: "execute /3/0/4"}.Append(nil))))
	if reply.Status == http.StatusCreated {
		t.Errorf("the queue has room: %s", reply.Body)
	}
}

// TestReloadWatermarks: the disk is full or not by the marks that are in force.
func TestReloadWatermarks(t *testing.T) {
	r := startRereading(t, settings(t.TempDir()))
	must[apptest.Reply](t)(r.api.Expect(http.StatusOK, http.MethodGet, "/readyz", ""))
	r.next.LowSpace, r.next.FullSpace = 1<<60, 1<<60
	check(t, r.Reload())
	check(t, apptest.Eventually(func() error {
		reply, err := r.api.Do(http.MethodGet, "/readyz", "")
		if err == nil && !strings.Contains(string(reply.Body), "The disk is full") {
			err = fmt.Errorf("%s", reply.Body)
		}
		return err
	}))
	r.next.LowSpace, r.next.FullSpace = 2, 1
	check(t, r.Reload())
	check(t, apptest.Eventually(func() error {
		_, err := r.api.Expect(http.StatusOK, http.MethodGet, "/readyz", "")
		return err
	}))
}

// certified gives a configuration a certificate of a new CA, for a node of that name.
func certified(t *testing.T, c *config.Config, ca, name string) (folder string) {
	t.Helper()
	folder = filepath.Join(t.TempDir(), name)
	var e strings.Builder
	for _, args := range [][]string{{"init", "--dir", ca}, {"issue", "--dir", ca, "--name", name, "--out", folder}} {
		if _, err := os.Stat(filepath.Join(ca, certs.CAFile)); err == nil && args[0] == "init" {
			continue
		}
		if cli.Commands["certs"](args, cli.System{Err: &e, Out: &e}) != cli.Done {
			t.Fatal(e.String())
		}
	}
	c.ClusterCert, c.ClusterKey = filepath.Join(folder, certs.NodeFile), filepath.Join(folder, certs.NodeKeyFile)
	c.ClusterCA, c.ClusterKeyFile = filepath.Join(folder, certs.CAFile), filepath.Join(ca, certs.ClusterKeyFile)
	return folder
}

// TestReloadBrokenFiles: a file that cannot be read is named, with what stays in force;
// the node goes on with that, and nodes still meet.
func TestReloadBrokenFiles(t *testing.T) {
	ca := filepath.Join(t.TempDir(), "ca")
	a := memberOf(t.TempDir(), "a")
	certified(t, &a, ca, "a")
	r := startRereading(t, a)
	for _, tc := range []struct {
		file string
		text string
		says []string
	}{
		{a.ClusterCert, "nothing", []string{"goes on with the certificate that it has, good until", a.ClusterCert, a.ClusterKey}},
		{a.ClusterKey, "nothing", []string{"goes on with the certificate that it has", a.ClusterKey}},
		{a.ClusterCA, "nothing", []string{"goes on with the certificate that it has", "no certificate in " + a.ClusterCA}},
		{a.ClusterKeyFile, "nothing", []string{"goes on with the cluster keys that it has", "line 1 of " + a.ClusterKeyFile}},
		{a.ClusterCert, "", []string{"goes on with the certificate that it has", "reading the certificate: open " + a.ClusterCert}},
		{a.ClusterKeyFile, "", []string{"goes on with the cluster keys that it has", "reading a key: stat " + a.ClusterKeyFile}},
	} {
		good := must[[]byte](t)(os.ReadFile(tc.file))
		check(t, os.Remove(tc.file))
		if tc.text != "" {
			check(t, os.WriteFile(tc.file, []byte(tc.text), 0o600))
		}
		err := r.Reload()
		for _, says := range tc.says {
			if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(r.words.String(), says) {
				t.Errorf("%s: %v: it does not say %q", tc.file, err, says)
			}
		}
		check(t, os.WriteFile(tc.file, good, 0o600))
	}
	b := memberOf(t.TempDir(), "b", r.ClusterAddress().String())
	certified(t, &b, ca, "b")
	second := start(t, b, app.Options{})
	second.settled(t)
	check(t, r.Reload())
}

// TestCertificateOfAnotherNode: a node does not start with it, where names count.
func TestCertificateOfAnotherNode(t *testing.T) {
	ca := filepath.Join(t.TempDir(), "ca")
	c := memberOf(t.TempDir(), "a")
	certified(t, &c, ca, "b")
	_, err := app.New(c, app.Options{Store: small})
	if !errors.Is(err, certs.ErrName) || !strings.Contains(err.Error(), `it names "b", and not "a"`) || !strings.Contains(err.Error(), c.ClusterCert) {
		t.Error(err)
	}
	c.ClusterCertNames = false
	start(t, c, app.Options{}).settled(t)
}
