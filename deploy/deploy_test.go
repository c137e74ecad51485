// Package deploy_test checks what the files of deploy promise, as far as the
// machine allows: their text always, and with systemd-analyze where it is
// installed.
package deploy_test

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// serverPackage is the server, or the bench in a tree that has none.
func serverPackage() string {
	if _, err := os.Stat("../node/main.go"); err != nil {
		return "../bench"
	}
	return "../node"
}

// buildStatic builds the server as the image does.
func buildStatic(t *testing.T) (binary string) {
	t.Helper()
	binary = filepath.Join(t.TempDir(), "dormouse")
	build := exec.Command("go", "build", "-trimpath", "-o", binary, serverPackage())
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	return binary
}

// An empty image has no loader and no libraries.
func TestServerIsStatic(t *testing.T) {
	f, err := elf.Open(buildStatic(t))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if libraries, err := f.ImportedLibraries(); err != nil || len(libraries) > 0 {
		t.Errorf("needs the libraries %q, %v", libraries, err)
	}
	if slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		t.Error("needs a loader")
	}
}

// instruction is one line of a Dockerfile, continuation lines joined.
type instruction struct{ name, args string }

func parseDockerfile(text string) (stages [][]instruction) {
	text = regexp.MustCompile(`(?m)^\s*#.*\n`).ReplaceAllString(text, "")
	text = strings.ReplaceAll(text, "\\\n", " ")
	for line := range strings.Lines(text) {
		name, args, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "" {
			continue
		}
		if name == "FROM" {
			stages = append(stages, nil)
		}
		last := len(stages) - 1
		stages[last] = append(stages[last], instruction{name, strings.TrimSpace(args)})
	}
	return stages
}

func all(stage []instruction, name string) (args []string) {
	for _, i := range stage {
		if i.name == name {
			args = append(args, i.args)
		}
	}
	return args
}

func TestDockerfile(t *testing.T) {
	stages := parseDockerfile(read(t, "docker/Dockerfile"))
	if len(stages) != 2 {
		t.Fatalf("%d stages", len(stages))
	}
	build, final := stages[0], stages[1]
	goVersion := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "../go.mod"))[1]
	if want := "golang:" + goVersion + "-bookworm AS build"; build[0].args != want {
		t.Errorf("built from %q, want %q", build[0].args, want)
	}
	if run := strings.Join(all(build, "RUN"), " "); !strings.Contains(run, "CGO_ENABLED=0 go build") {
		t.Errorf("built by %q", run)
	}
	for name, want := range map[string][]string{
		"FROM":       {"scratch"},
		"USER":       {"65532:65532"},
		"VOLUME":     {`["/data"]`},
		"EXPOSE":     {"5783/udp 5784/udp 8080/tcp"},
		"STOPSIGNAL": {"SIGTERM"},
		"ENTRYPOINT": {`["/dormouse", "--data", "/data"]`},
		"RUN":        nil, // there is no shell
		"ADD":        nil,
	} {
		if got := all(final, name); !slices.Equal(got, want) {
			t.Errorf("%s %q, want %q", name, got, want)
		}
	}
	for _, args := range all(final, "COPY") {
		if !strings.HasPrefix(args, "--from=build ") {
			t.Errorf("COPY %s does not come from the build stage", args)
		}
	}
	for _, kept := range []string{".git", "data", "**/node_modules"} {
		if !slices.Contains(strings.Fields(read(t, "docker/Dockerfile.dockerignore")), kept) {
			t.Errorf("%s is sent to the build", kept)
		}
	}
}

// parseUnit reads key=value lines; a key may come several times.
func parseUnit(text string) map[string][]string {
	unit := map[string][]string{}
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(key, "#") {
			unit[key] = append(unit[key], value)
		}
	}
	return unit
}

func TestUnitIsHardened(t *testing.T) {
	unit := parseUnit(read(t, "systemd/dormouse.service"))
	for key, want := range map[string][]string{
		"DynamicUser":             {"yes"},
		"StateDirectory":          {"dormouse"},
		"StateDirectoryMode":      {"0700"},
		"UMask":                   {"0077"},
		"NoNewPrivileges":         {"yes"},
		"CapabilityBoundingSet":   {""},
		"AmbientCapabilities":     {""},
		"ProtectSystem":           {"strict"},
		"ProtectHome":             {"yes"},
		"PrivateTmp":              {"yes"},
		"PrivateDevices":          {"yes"},
		"RestrictAddressFamilies": {"AF_INET AF_INET6 AF_NETLINK"},
		"MemoryDenyWriteExecute":  {"yes"},
		"SystemCallFilter":        {"@system-service", "~@privileged @resources"},
		"SystemCallArchitectures": {"native"},
		"MemoryMax":               {"1G"},
		"ExecStart":               {"/usr/bin/dormouse --data ${STATE_DIRECTORY}"},
		"ReadWritePaths":          nil,
		"User":                    nil,
	} {
		if got := unit[key]; !slices.Equal(got, want) {
			t.Errorf("%s=%q, want %q", key, got, want)
		}
	}
}

// systemd's own opinion: the unit is well-formed, and of its exposure (0 none,
// 10 all) little is left. The network is the point of a server.
func TestUnitBySystemd(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed: ", err)
	}
	// verify wants the program to exist.
	text := strings.Replace(read(t, "systemd/dormouse.service"), "ExecStart=/usr/bin/dormouse", "ExecStart="+buildStatic(t), 1)
	unit := filepath.Join(t.TempDir(), "dormouse.service")
	if err := os.WriteFile(unit, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(analyze, "verify", "--man=no", unit).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("verify: %v\n%s", err, out)
	}
	out, err := exec.Command(analyze, "security", "--offline=yes", "--threshold=15", "--no-pager", unit).CombinedOutput()
	if err != nil {
		t.Errorf("exposure: %v\n%s", err, out)
	}
}

func TestSysctl(t *testing.T) {
	settings := read(t, "systemd/60-dormouse.conf")
	for _, want := range []string{"net.core.rmem_max = 4194304", "net.core.wmem_max = 1048576"} {
		if !strings.Contains(settings, want+"\n") {
			t.Errorf("%s is not set", want)
		}
	}
}

// The script speaks of flags and commands that there are, and signals no process
// but those that it started.
func TestThreeNodesScript(t *testing.T) {
	const name = "local/three-nodes.sh"
	text := read(t, name)
	if bash, err := exec.LookPath("bash"); err == nil {
		if out, err := exec.Command(bash, "-n", name).CombinedOutput(); err != nil {
			t.Errorf("bash -n: %v\n%s", err, out)
		}
	}
	help, err := exec.Command(buildStatic(t), "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	begin, end := strings.Index(text, "\nstart() {"), strings.Index(text, "\nformed() {")
	for _, flag := range regexp.MustCompile(`--[a-z-]+`).FindAllString(text[begin:end], -1) {
		if !regexp.MustCompile(flag + `\b`).Match(help) {
			t.Errorf("dormouse has no flag %s", flag)
		}
	}
	for _, word := range []string{"pkill", "killall", "kill 0", "kill -- -"} {
		if strings.Contains(text, word) {
			t.Errorf("%s ends processes of others", word)
		}
	}
}
