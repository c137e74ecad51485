package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"
)

// sources makes Sources of blank-separated arguments and variables, and a file.
func sources(args, environ, file string) Sources {
	return Sources{
		Args: strings.Fields(args), Environ: strings.Fields(environ),
		ReadFile: func(name string) ([]byte, error) {
			if name != "node.yaml" {
				return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
			}
			return []byte(file), nil
		},
	}
}

func load(t *testing.T, args, environ, file string) *Loaded {
	t.Helper()
	l, err := Load(sources(args, environ, file))
	if err != nil {
		t.Fatalf("%s %s %s: %v", args, environ, file, err)
	}
	return l
}

func TestDefaults(t *testing.T) {
	l := load(t, "", "PATH=/bin", "")
	if !reflect.DeepEqual(l.Config, Default()) || l.File != "" || len(l.Warnings) != 0 {
		t.Errorf("loaded %+v", l)
	}
	c := l.Config
	for name, ok := range map[string]bool{
		"§1 ports":       reflect.DeepEqual(c.CoAP, []string{":5783"}) && reflect.DeepEqual(c.CoAPS, []string{":5784"}) && c.ConnectionIDs && c.HTTP == "127.0.0.1:8080",
		"§10 awake time": c.AwakeTime == AwakeByBinding,
		"§10 starved":    c.StarvedAfter == 48*time.Hour,
		"§18 time-outs":  c.RequestTimeout == 180*time.Second && c.MaxRequestTimeout == 600*time.Second && MinRequestTimeout == 10*time.Second,
		"§18 grace":      c.LifetimeGrace == 4*time.Hour,
		"§18 limits":     c.MaxPendingOperations == 10 && c.MaxQueuedOperations == 1000,
		"issue":          c.Data == "./data" && !c.AcceptUnknown && c.LogLevel == slog.LevelInfo && c.Shards == 32,
	} {
		if !ok {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

// One value a setting, as text and as it is printed.
var samples = map[string]struct {
	text, shown string
	is          func(c Config) bool
}{
	"data":                   {"/var/lib/d", "/var/lib/d", func(c Config) bool { return c.Data == "/var/lib/d" }},
	"http":                   {"[::1]:80", "[::1]:80", func(c Config) bool { return c.HTTP == "[::1]:80" }},
	"coap":                   {":1,[::1]:2", ":1,[::1]:2", func(c Config) bool { return reflect.DeepEqual(c.CoAP, []string{":1", "[::1]:2"}) }},
	"coaps":                  {":1,[::1]:2", ":1,[::1]:2", func(c Config) bool { return reflect.DeepEqual(c.CoAPS, []string{":1", "[::1]:2"}) }},
	"dtls-cid":               {"off", "off", func(c Config) bool { return !c.ConnectionIDs }},
	"egress":                 {"direct", "direct", func(c Config) bool { return c.DirectEgress }},
	"seal-key-file":          {"/run/key", "/run/key", func(c Config) bool { return c.SealKeyFile == "/run/key" }},
	"seal-key":               {"00ff", redacted, func(c Config) bool { return c.SealKey.Reveal() == "00ff" }},
	"max-handshakes":         {"7", "7", func(c Config) bool { return c.MaxHandshakes == 7 }},
	"accept-unknown":         {"true", "true", func(c Config) bool { return c.AcceptUnknown }},
	"awake-time":             {"0", "0s", func(c Config) bool { return c.AwakeTime == 0 }},
	"request-timeout":        {"90s", "1m30s", func(c Config) bool { return c.RequestTimeout == 90*time.Second }},
	"max-request-timeout":    {"1h", "1h", func(c Config) bool { return c.MaxRequestTimeout == time.Hour }},
	"lifetime-grace":         {"0", "0s", func(c Config) bool { return c.LifetimeGrace == 0 }},
	"max-pending-operations": {"3", "3", func(c Config) bool { return c.MaxPendingOperations == 3 }},
	"max-queued-operations":  {"5", "5", func(c Config) bool { return c.MaxQueuedOperations == 5 }},
	"starved-after":          {"90m", "1h30m", func(c Config) bool { return c.StarvedAfter == 90*time.Minute }},
	"admin-password":         {"hunter2", redacted, func(c Config) bool { return c.AdminPassword.Reveal() == "hunter2" }},
	"log-level":              {"DEBUG", "debug", func(c Config) bool { return c.LogLevel == slog.LevelDebug }},
	"cache":                  {"65536KiB", "64MiB", func(c Config) bool { return c.Cache == 64<<20 }},
	"max-awake":              {"500", "500", func(c Config) bool { return c.MaxAwake == 500 }},
	"shards":                 {"64", "64", func(c Config) bool { return c.Shards == 64 }},
	"cluster":                {"127.0.0.1:7946", "127.0.0.1:7946", func(c Config) bool { return c.Cluster == "127.0.0.1:7946" }},
	"node":                   {"n1", "n1", func(c Config) bool { return c.Node == "n1" }},
	"advertise":              {"127.0.0.2:7946", "127.0.0.2:7946", func(c Config) bool { return c.Advertise == "127.0.0.2:7946" }},
	"join":                   {"a:1,b:2", "a:1,b:2", func(c Config) bool { return reflect.DeepEqual(c.Join, []string{"a:1", "b:2"}) }},
	"cluster-name":           {"field", "field", func(c Config) bool { return c.ClusterName == "field" }},
	"cluster-key-file":       {"/run/k", "/run/k", func(c Config) bool { return c.ClusterKeyFile == "/run/k" }},
	"cluster-cert":           {"/run/c", "/run/c", func(c Config) bool { return c.ClusterCert == "/run/c" }},
	"cluster-key":            {"/run/p", "/run/p", func(c Config) bool { return c.ClusterKey == "/run/p" }},
	"cluster-ca":             {"/run/a", "/run/a", func(c Config) bool { return c.ClusterCA == "/run/a" }},
	"cluster-cert-names":     {"off", "off", func(c Config) bool { return !c.ClusterCertNames }},
	"zone":                   {"west", "west", func(c Config) bool { return c.Zone == "west" }},
	"replace":                {"true", "true", func(c Config) bool { return c.Replace }},
	"low-space":              {"2GB", "1953125KiB", func(c Config) bool { return c.LowSpace == 2e9 }},
	"full-space":             {"100", "100", func(c Config) bool { return c.FullSpace == 100 }},
}

// Every setting is understood by every source, is shown, and says its origin.
func TestEverySettingEverywhere(t *testing.T) {
	if len(samples) != len(settings) {
		t.Fatalf("%d samples of %d settings", len(samples), len(settings))
	}
	for name, c := range samples {
		for origin, l := range map[string]*Loaded{
			"--" + name:    load(t, "--"+name+"="+c.text, "", ""),
			variable(name): load(t, "", variable(name)+"="+c.text, ""),
			"file, line 2": load(t, "--config node.yaml", "", "# a comment\n"+name+": '"+c.text+"'\n"),
		} {
			if !c.is(l.Config) {
				t.Errorf("%s by %s: %+v", name, origin, l.Config)
			}
			if s := find(name); s.show(&l.Config) != c.shown || l.origins[name].of(s) != origin {
				t.Errorf("%s by %s is shown as %s (%s)", name, origin, s.show(&l.Config), l.origins[name].of(s))
			}
		}
	}
}

func TestPrecedence(t *testing.T) {
	const file = "max-awake: 300\ncoap: ':3'\n"
	for _, c := range []struct {
		args, environ string
		awake         int
		coap          string
	}{
		{"", "", 50_000, "[:5783]"},
		{"--config node.yaml", "", 300, "[:3]"},
		{"", "DORMOUSE_CONFIG=node.yaml", 300, "[:3]"},
		{"--config=node.yaml", "DORMOUSE_MAX_AWAKE=200 DORMOUSE_COAP=:2", 200, "[:2]"},
		{"--config node.yaml --max-awake 100 --coap :1 --coap :11,:12", "DORMOUSE_MAX_AWAKE=200 DORMOUSE_COAP=:2", 100, "[:1 :11 :12]"},
		{"--max-awake 100 --max-awake 150", "", 150, "[:5783]"},
		{"--config node.yaml", "DORMOUSE_CONFIG=absent.yaml DORMOUSE_MAX_AWAKE=", 300, "[:3]"},
		{"--config node.yaml --coap off", "", 300, "[]"},
	} {
		l := load(t, c.args, c.environ, file)
		if l.Config.MaxAwake != c.awake || fmt.Sprint(l.Config.CoAP) != c.coap {
			t.Errorf("%s %s: %d %v, want %d %s", c.args, c.environ, l.Config.MaxAwake, l.Config.CoAP, c.awake, c.coap)
		}
	}
}

func TestBooleanFlag(t *testing.T) {
	for args, want := range map[string]bool{"--accept-unknown": true, "--accept-unknown --max-awake 200": true, "--accept-unknown=false": false, "-accept-unknown": true} {
		if l := load(t, args, "", ""); l.Config.AcceptUnknown != want {
			t.Errorf("%s: %v", args, l.Config.AcceptUnknown)
		}
	}
}

func TestOff(t *testing.T) {
	l := load(t, "--http off --coap off", "", "")
	if l.Config.HTTP != "" || len(l.Config.CoAP) != 0 {
		t.Errorf("%+v", l.Config)
	}
	if l := load(t, "--config node.yaml", "", "coap: []\nhttp: off"); l.Config.HTTP != "" || len(l.Config.CoAP) != 0 {
		t.Errorf("%+v", l.Config)
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct{ args, environ, file, want string }{
		{"--requesttimeout 3m", "", "", "unknown flag --requesttimeout; did you mean --request-timeout?"},
		{"--cofnig x", "", "", "unknown flag --cofnig; did you mean --config?"},
		{"--zzzzzz 1", "", "", "unknown flag --zzzzzz"},
		{"serve", "", "", `"serve" is no flag`},
		{"--max-awake", "", "", "--max-awake needs a value"},
		{"--config absent.yaml", "", "", "config: open absent.yaml: file does not exist"},
		{"--max-awake many", "", "", `max-awake (--max-awake): "many" is no number`},
		{"", "DORMOUSE_MAX_AWAKE=-1", "", `max-awake (DORMOUSE_MAX_AWAKE): "-1" is no number`},
		{"--accept-unknown=1", "", "", `accept-unknown (--accept-unknown): "1" is neither true nor false`},
		{"--awake-time 93", "", "", `awake-time (--awake-time): "93" is no duration`},
		{"--lifetime-grace -1s", "", "", `lifetime-grace (--lifetime-grace): "-1s" is no duration`},
		{"--log-level loud", "", "", `log-level (--log-level): "loud" is none of debug, info, warn, error`},
		{"--cache 0", "", "", "cache (--cache): a cache of no bytes is none"},
		{"--cache 1MiB", "", "", "cache (--cache): 1MiB is less than 8MiB"},
		{"--low-space lots", "", "", `low-space (--low-space): "lots" is no size`},
		{"--full-space 2GiB", "", "", "full-space (--full-space): 2GiB is more than low-space, 1GiB"},
		{"--http 0.0.0.0:8080", "", "", "http (--http): 0.0.0.0:8080 is reachable from other machines, and there are no logins yet"},
		{"--http :8080", "", "", "http (--http): :8080 is reachable from other machines"},
		{"--http example.org:8080", "", "", "reachable from other machines"},
		{"--http 127.0.0.1", "", "", `http (--http): "127.0.0.1" is no address`},
		{"--http 127.0.0.1:http", "", "", "the port must be a number"},
		{"--coap host.example:5783", "", "", "coap (--coap): host.example:5783: a listener needs an address"},
		{"--coap :1,:1", "", "", "coap (--coap): :1 stands twice"},
		{"--coap :65536", "", "", "the port must be a number"},
		{"--coap :1 --coaps :1", "", "", "coaps (--coaps): :1 is taken by plain CoAP"},
		{"--coaps x:1", "", "", "coaps (--coaps): x:1: a listener needs an address"},
		{"--egress both", "", "", `"both" is neither via-ingress nor direct`},
		{"--dtls-cid maybe", "", "", `"maybe" is neither on nor off`},
		{"--max-handshakes 0", "", "", "max-handshakes (--max-handshakes): 0 is less than 1"},
		{"--seal-key-file k", "DORMOUSE_SEAL_KEY=00ff", "", "seal-key (DORMOUSE_SEAL_KEY): there is a seal-key-file too"},
		{"--request-timeout 9s", "", "", "request-timeout (--request-timeout): 9s is not between 10s and 10m"},
		{"--request-timeout 11m", "", "", "11m is not between 10s and 10m"},
		{"--max-request-timeout 1m", "", "", "request-timeout (default): 3m is not between 10s and 1m"},
		{"--shards 0", "", "", "shards (--shards): 0 is not between 1 and 2048"},
		{"--max-queued-operations 0", "", "", "max-queued-operations (--max-queued-operations): 0 is less than 1"},
		{"--data=", "", "", "data (--data): a directory is needed"},
		{"--admin-password (redacted)", "", "", "the text that stands for a secret"},
		{"--config node.yaml", "", "max-awak: 3", "in the file node.yaml:\nline 1: unknown key max-awak; did you mean max-awake?"},
		{"--config node.yaml", "", "maxAwake: 300\nhttp: [a]\n", "line 1: unknown key maxAwake"},
		{"--config node.yaml", "", "\nconfig: x", "line 2: unknown key config"},
		{"--config node.yaml", "", "max-awake: 300\nmax-awake: 300", "line 2: max-awake stands in line 1 too"},
		{"--config node.yaml", "", "max-awake: [300, 400]", "line 1: max-awake: expected one value"},
		{"--config node.yaml", "", "max-awake:\n", "line 1: max-awake: expected one value"},
		{"--config node.yaml", "", "max-awake: 1", "max-awake (file, line 1): 1 is less than 100"},
		{"--config node.yaml", "", "- a\n- b", "line 1: expected settings as key: value"},
		{"--config node.yaml", "", "a: [", "yaml:"},
		{"--config node.yaml", "", "profiles: x", "line 1: profiles: expected profile ID: links"},
		{"--config node.yaml", "", "profiles:\n  '6:1': {}", "line 2: profiles: 6:1: expected links"},
		{"--config node.yaml", "", "profiles:\n  '6:1': nonsense", `profiles (file): "6:1":`},
	} {
		_, err := Load(sources(c.args, c.environ, c.file))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s %q:\n%v\nwant %s", c.args, c.environ, c.file, err, c.want)
		}
	}
}

// All that is wrong is said at once, so that it is mended at once.
func TestAllFaultsAreNamed(t *testing.T) {
	_, err := Load(sources("--config node.yaml --shards 0 --max-awake x", "DORMOUSE_CACHE=y", "nonsense: 1\nlog-level: z"))
	for _, want := range []string{"max-awake", "cache", "nonsense", "log-level"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not in %v", want, err)
		}
	}
}

func TestUnknownVariablesWarn(t *testing.T) {
	l := load(t, "", "DORMOUSE_COPA=:1 DORMOUSE_XYZZY=1 DORMOUSE_max_awake=5 OTHER=1 DORMOUSE_API=http://x DORMOUSE_HTTP=127.0.0.1:1", "")
	want := []string{
		"the variable DORMOUSE_COPA is unknown; did you mean DORMOUSE_COAP?",
		"the variable DORMOUSE_XYZZY is unknown",
		"the variable DORMOUSE_max_awake is ignored: ours are in capitals, such as DORMOUSE_MAX_AWAKE",
	}
	if !reflect.DeepEqual(l.Warnings, want) {
		t.Errorf("warnings %q, want %q", l.Warnings, want)
	}
}

func TestHelp(t *testing.T) {
	for _, args := range []string{"--help", "-h", "--accept-unknown --help"} {
		if _, err := Load(sources(args, "", "")); !errors.Is(err, ErrHelp) {
			t.Errorf("%s: %v", args, err)
		}
	}
	var help strings.Builder
	Usage(&help)
	for _, s := range settings {
		if !strings.Contains(help.String(), "--"+s.name) || !strings.Contains(help.String(), variable(s.name)) {
			t.Errorf("%s is not in the help text", s.name)
		}
	}
}

func TestProfiles(t *testing.T) {
	l := load(t, "--config node.yaml", "", "profiles:\n  '6:27354b9a': </1/0>,</3/0>\n  \"6:1\":\n    - </3/0>\n    - </4/0>\n")
	want := map[string]string{"6:27354b9a": "</1/0>,</3/0>", "6:1": "</3/0>,</4/0>"}
	if !reflect.DeepEqual(l.Config.Profiles, want) {
		t.Errorf("%v, want %v", l.Config.Profiles, want)
	}
}

func TestPrintReadsBack(t *testing.T) {
	l := load(t, "--config node.yaml --max-awake 200 --coap off", "DORMOUSE_HTTP=[::1]:9", "data: \"a b: # c\"\ncache: 64MiB\nprofiles:\n  '6:1': </3/0>;ver=1.1\n")
	var printed strings.Builder
	if err := l.Print(&printed); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"max-awake: 200 # --max-awake", "http: '[::1]:9' # DORMOUSE_HTTP", "cache: 64MiB # file, line 2", "shards: 32 # default", "admin-password: \"\" # default"} {
		if !strings.Contains(printed.String(), line+"\n") {
			t.Errorf("no line %s in\n%s", line, &printed)
		}
	}
	again := load(t, "--config node.yaml", "", printed.String())
	if !reflect.DeepEqual(again.Config, l.Config) {
		t.Errorf("read back:\n%+v, printed of\n%+v\n%s", again.Config, l.Config, &printed)
	}
}

func TestSecretIsNeverShown(t *testing.T) {
	const secret = "hunter2"
	l := load(t, "--admin-password "+secret, "", "")
	var out strings.Builder
	if err := l.Print(&out); err != nil {
		t.Fatal(err)
	}
	form, err := json.Marshal(l.Config)
	if err != nil {
		t.Fatal(err)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "password", l.Config.AdminPassword, "config", l.Config)
	fmt.Fprintf(&out, "%s %v %+v %#v %s", l.Config.AdminPassword, l.Config, l.Config, l.Config, form)
	if strings.Contains(out.String(), secret) || !strings.Contains(out.String(), "admin-password: (redacted) # --admin-password") {
		t.Errorf("%s", &out)
	}
	if _, err := Load(sources("--config node.yaml", "", out.String()[:strings.Index(out.String(), "\ntime=")])); err == nil {
		t.Error("the text for a password became the password")
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]Size{"0": 0, "1": 1, "64KiB": 65536, "1.5GiB": 3 << 29, "2 MB": 2e6, "7kB": 7000, "10B": 10, "8TiB": 8 << 40, "1TB": 1e12} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("%s = %d, %v, want %d", text, got, err, want)
		}
		if again, err := ParseSize(want.String()); err != nil || again != want {
			t.Errorf("%d is printed as %s, which is %d, %v", want, want, again, err)
		}
	}
	for _, wrong := range []string{"", "MiB", "-1", "-1MiB", "1.5", "1e3", "NaNMiB", "InfMiB", "9223372036854775808", "9999999TiB", "1 m"} {
		if got, err := ParseSize(wrong); err == nil {
			t.Errorf("%q = %d", wrong, got)
		}
	}
}

func FuzzFile(f *testing.F) {
	f.Add("max-awake: 300\ncoap: [':1', ':2']\nprofiles: {a: </3/0>}\n")
	f.Add("a: &x [1]\nb: *x\n")
	f.Add("http: off # x\n? data\n: y\n")
	f.Fuzz(func(t *testing.T, file string) {
		l, err := Load(sources("--config node.yaml", "", file))
		if err != nil || l.Config.AdminPassword != "" {
			return // what is redacted does not read back
		}
		var printed strings.Builder
		if err := l.Print(&printed); err != nil {
			t.Fatalf("%q: %v", file, err)
		}
		again, err := Load(sources("--config node.yaml", "", printed.String()))
		if err != nil || !reflect.DeepEqual(again.Config, l.Config) {
			t.Fatalf("%q printed as\n%s\n%v", file, &printed, err)
		}
	})
}
