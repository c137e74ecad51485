// Package dormouse_test checks the repository itself: who may import what,
// which package has which third-party module, that every package says what it
// is, the versions that must not move, and habits that reviews would else have
// to look for.
package dormouse_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// source is one Go file of the repository.
type source struct {
	path  string // from the root, with slashes
	test  bool
	lines int
	file  *ast.File
}

func (s source) dir() string { return path.Dir(s.path) }

// tree is the top-level folder.
func (s source) tree() string {
	tree, _, _ := strings.Cut(s.path, "/")
	return tree
}

func (s source) imports() (paths []string) {
	for _, spec := range s.file.Imports {
		paths = append(paths, strings.Trim(spec.Path.Value, `"`))
	}
	return paths
}

var positions = token.NewFileSet()

// sources are all Go files, read once.
var sources = sync.OnceValues(func() (all []source, err error) {
	err = filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() {
			if name != "." && (strings.HasPrefix(base, ".") || slices.Contains([]string{"bin", "data", "testdata", "node_modules"}, base)) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(base, ".go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(positions, name, text, parser.ParseComments)
		all = append(all, source{filepath.ToSlash(name), strings.HasSuffix(base, "_test.go"), strings.Count(string(text), "\n"), file})
		return err
	})
	return all, err
})

func each(t *testing.T, f func(source)) {
	t.Helper()
	all, err := sources()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 10 {
		t.Fatalf("only %d Go files found", len(all))
	}
	for _, s := range all {
		f(s)
	}
}

// inside says that a package path lies in one of the trees.
func inside(pkg string, trees ...string) bool {
	return slices.ContainsFunc(trees, func(tree string) bool {
		return pkg == tree || strings.HasPrefix(pkg, tree+"/")
	})
}

// The diamond: codec at the bottom, node at the top, and between them trees
// that do not know one another; bench sees the wire alone. Tests obey it too.
func TestImportDiamond(t *testing.T) {
	mayImport := map[string][]string{
		"codec":       {"codec"},
		"persistence": {"codec", "persistence"},
		"cluster":     {"codec", "cluster"},
		"actors":      {"codec", "actors"},
		"node":        {"codec", "persistence", "cluster", "actors", "node"},
		"bench":       {"codec", "bench"},
		"deploy":      {},
	}
	// What the tests of one package may import, too, and why.
	testsMayImport := map[string][]string{
		// The node is judged by devices that share nothing with it but codec.
		"node/conformance": {"bench/device"},
		// So are its DTLS sessions.
		"node/app": {"bench/device/secure", "bench/load", "bench/provision"},
	}
	each(t, func(s source) {
		if s.dir() == "." {
			if !s.test {
				t.Errorf("%s: no program code at the root", s.path)
			}
			return
		}
		trees, known := mayImport[s.tree()]
		if !known {
			t.Errorf("%s: %s is no tree of this repository", s.path, s.tree())
			return
		}
		for _, imported := range s.imports() {
			if pkg, ours := strings.CutPrefix(imported, "dormouse/"); ours && !inside(pkg, trees...) && !(s.test && inside(pkg, testsMayImport[s.dir()]...)) {
				t.Errorf("%s imports %s: %s may import only %v", s.path, pkg, s.tree(), trees)
			}
		}
	})
}

// home of a third-party module: outside of it the module is reached through
// what its home makes of it, so that it can be replaced there.
type home struct {
	module string
	home   []string // trees that may import it
	tests  []string // trees whose tests may, too
}

var homes = []home{
	{module: "github.com/plgd-dev/go-coap/v3", home: []string{"codec/coap", "codec/exchange"}},
	{module: "github.com/dchest/siphash", home: []string{"codec/ids"}},
	{module: "github.com/pion/dtls/v2", home: []string{"node/dtlsfront", "bench/device", "codec/dtlsrec"}},
	{module: "github.com/cockroachdb/pebble/v2", home: []string{"persistence"}, tests: []string{"node"}},
	{module: "github.com/asynkron/protoactor-go", home: []string{"actors/shell", "cluster/provider"}},
	{module: "google.golang.org/grpc", home: []string{"cluster/provider"}},
	{module: "google.golang.org/protobuf", home: []string{"cluster/provider"}},
	{module: "github.com/hashicorp/memberlist", home: []string{"cluster/members"}},
	{module: "go.etcd.io/raft/v3", home: []string{"cluster/shards", "persistence/raftlog"}},
	{module: "github.com/prometheus/client_golang", home: []string{"node"}},
	{module: "github.com/prometheus/client_model", tests: []string{"node"}},
	{module: "github.com/prometheus/common", tests: []string{"node"}},
	{module: "go.yaml.in/yaml/v3", home: []string{"node/config"}},
	{module: "github.com/KimMachineGun/automemlimit", home: []string{"node"}},
	{module: "github.com/HdrHistogram/hdrhistogram-go", home: []string{"bench"}},
	{module: "golang.org/x/crypto", home: []string{"actors/access"}},
	{module: "golang.org/x/sys", home: []string{"node/ingress", "persistence/store", "bench"}},
	{module: "github.com/cockroachdb/datadriven", tests: []string{"actors", "codec", "persistence"}},
	{module: "github.com/anishathalye/porcupine", tests: []string{"cluster"}},
	{module: "pgregory.net/rapid", tests: []string{"codec", "persistence", "cluster", "actors", "node", "bench"}},
}

func TestThirdPartyHomes(t *testing.T) {
	each(t, func(s source) {
		for _, imported := range s.imports() {
			first, _, _ := strings.Cut(imported, "/")
			if !strings.Contains(first, ".") {
				continue // the standard library, or ours
			}
			at := slices.IndexFunc(homes, func(h home) bool { return inside(imported, h.module) })
			if at < 0 {
				t.Errorf("%s imports %s, which has no home here", s.path, imported)
				continue
			}
			if h := homes[at]; !inside(s.dir(), h.home...) && !(s.test && inside(s.dir(), h.tests...)) {
				t.Errorf("%s imports %s: its home is %v", s.path, imported, h.home)
			}
		}
	})
}

// A package's first sentence says what it is, that of a program what it does.
// A package that consists of tests alone says it there.
func TestPackageComments(t *testing.T) {
	type state struct{ program, said, saidInTest bool }
	packages := map[string]*state{}
	each(t, func(s source) {
		p := packages[s.dir()]
		if p == nil {
			p = &state{}
			packages[s.dir()] = p
		}
		name := s.file.Name.Name
		doc := s.file.Doc.Text()
		said := strings.HasPrefix(doc, "Package "+name+" ") || name == "main" && strings.HasPrefix(doc, "Command ")
		if !s.test {
			p.program = true
			p.said = p.said || said
		}
		p.saidInTest = p.saidInTest || s.test && said
	})
	for dir, p := range packages {
		if !p.said && (p.program || !p.saidInTest) {
			t.Errorf("%s has no comment that begins with \"Package\" and its name", dir)
		}
	}
}

// Releases of pion/dtls v2 have no Connection ID, and go-coap from 3.3.5 on
// wants another major version of it: see ARCHITECTURE.md.
func TestPinnedVersions(t *testing.T) {
	text, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	pins := map[string]string{
		"github.com/plgd-dev/go-coap/v3": "v3.3.4",
		"github.com/pion/dtls/v2":        "v2.2.8-0.20240701035148-45e16a098c47",
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if len(fields) == 0 {
			continue
		}
		if slices.Contains([]string{"replace", "exclude", "retract", "toolchain"}, fields[0]) {
			t.Errorf("go.mod has a line %q", strings.TrimSpace(line))
		}
		if want, pinned := pins[fields[0]]; pinned {
			if len(fields) < 2 || fields[1] != want {
				t.Errorf("go.mod: %q, want %s", strings.TrimSpace(line), want)
			}
			delete(pins, fields[0])
		}
	}
	for module := range pins {
		t.Errorf("go.mod does not name %s", module)
	}
}

// calls lists the positions where a function of a package is named.
func calls(s source, pkg string, names ...string) (at []string) {
	ast.Inspect(s.file, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := selector.X.(*ast.Ident); ok && x.Name == pkg && slices.Contains(names, selector.Sel.Name) {
			at = append(at, positions.Position(n.Pos()).String()+": "+pkg+"."+selector.Sel.Name)
		}
		return true
	})
	return at
}

// A test that sleeps is slow on a fast machine and fails on a slow one:
// testing/synctest has time that passes by itself.
func TestNoSleepsInTests(t *testing.T) {
	each(t, func(s source) {
		if !s.test {
			return
		}
		for _, at := range calls(s, "time", "Sleep") {
			t.Error(at)
		}
	})
}

// Package codec decides by what it is given: no clock, no goroutine, no I/O.
// (A generator of its tables is a program, and reads files.)
func TestCodecIsPure(t *testing.T) {
	outside := []string{"os", "os/exec", "net", "net/http", "syscall", "log", "log/slog"}
	each(t, func(s source) {
		if s.tree() != "codec" || s.test || s.file.Name.Name == "main" {
			return
		}
		for _, at := range calls(s, "time", "Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker") {
			t.Error(at)
		}
		for _, imported := range s.imports() {
			if slices.Contains(outside, imported) {
				t.Errorf("%s imports %s", s.path, imported)
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if statement, ok := n.(*ast.GoStmt); ok {
				t.Errorf("%s: a goroutine", positions.Position(statement.Pos()))
			}
			return true
		})
	})
}

// A file is one concept. Tests may be longer: a table is as long as what it
// is taken from.
func TestFileLength(t *testing.T) {
	const most = 375
	each(t, func(s source) {
		if !s.test && s.lines > most && !ast.IsGenerated(s.file) {
			t.Errorf("%s has %d lines, at most %d", s.path, s.lines, most)
		}
	})
}

func TestNothingIsLeftForLater(t *testing.T) {
	later := regexp.MustCompile(`\b(TODO|FIXME|XXX)\b`)
	each(t, func(s source) {
		if s.path == "repo_test.go" {
			return
		}
		for _, group := range s.file.Comments {
			for _, c := range group.List {
				if later.MatchString(c.Text) {
					t.Errorf("%s: %s", positions.Position(c.Pos()), c.Text)
				}
			}
		}
	})
}
