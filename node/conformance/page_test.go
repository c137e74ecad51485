package conformance

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const root = "../.."

// cases are all numbers of the specification, in the order of the page.
var cases = slices.Concat(
	span(0, 12), []int{19}, // bootstrap
	span(101, 111),
	span(201, 205), []int{210, 211, 212, 215}, []int{220}, span(221, 237), []int{241, 256, 257, 260, 261, 264, 266, 270, 271, 280, 281, 290},
	span(301, 313),
	span(401, 406),
	[]int{551, 555, 556, 560, 565, 566, 651, 652, 655, 656, 657, 660, 661, 670, 680, 685},
	[]int{701, 705, 710, 711, 720, 730, 735, 751, 755, 756, 760}, span(770, 780),
	[]int{801, 805, 810, 811, 820, 830, 835, 901, 905, 910, 911, 920, 930, 935, 950, 951},
	span(1200, 1204), []int{1250, 1350, 1600, 1605, 1610, 1611, 1620, 1630, 1635, 1900, 1901, 2000, 2001},
)

func span(first, last int) (out []int) {
	for n := first; n <= last; n++ {
		out = append(out, n)
	}
	return out
}

// row is one row of a table of the page.
type row struct {
	number int
	status string
	tests  []string // "codec/tlv.TestVectors", with a scenario's name behind a slash
}

var named = regexp.MustCompile("`([a-z0-9/]+\\.Test\\w+(?:/\\w+)?)`")

// sections reads the numbered rows of each "## " section.
func sections(t *testing.T) map[string][]row {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(root, "docs", "conformance.md"))
	check(t, err)
	all, section := map[string][]row{}, ""
	for line := range strings.Lines(string(page)) {
		if title, ok := strings.CutPrefix(line, "## "); ok {
			section = strings.TrimSpace(title)
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		number, err := strconv.Atoi(strings.TrimSpace(cells[0]))
		if err != nil || len(cells) < 4 {
			continue
		}
		r := row{number: number, status: strings.TrimSpace(cells[len(cells)-2])}
		for _, m := range named.FindAllStringSubmatch(cells[len(cells)-1], -1) {
			r.tests = append(r.tests, m[1])
		}
		all[section] = append(all[section], r)
	}
	return all
}

// tests are the test functions of a package, read once each.
func tests(t *testing.T, read map[string][]string, pkg string) []string {
	t.Helper()
	if found, ok := read[pkg]; ok {
		return found
	}
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pkg), "*_test.go"))
	check(t, err)
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		check(t, err)
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				read[pkg] = append(read[pkg], f.Name.Name)
			}
		}
	}
	return read[pkg]
}

// exists reports whether a test is there: the function and, where it names a
// scenario, that file of the package's testdata.
func exists(t *testing.T, read map[string][]string, test string) bool {
	t.Helper()
	pkg, name, _ := strings.Cut(test, ".")
	name, scenario, some := strings.Cut(name, "/")
	if some {
		if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(pkg), "testdata", scenario+".txt")); err != nil {
			return false
		}
	}
	return slices.Contains(tests(t, read, pkg), name)
}

// The page has one row for each case of the specification, each rule and each
// line of the checklist; what passes there has tests, which exist.
func TestPage(t *testing.T) {
	t.Parallel()
	all := sections(t)
	wanted := map[string][]int{"Cases of the ETS": cases, "Thirty rules": span(1, 30), "Checklist": span(1, 33)}
	if len(cases) != 155 || len(all) != len(wanted) {
		t.Errorf("%d cases, %d sections with rows", len(cases), len(all))
	}
	read := map[string][]string{}
	for section, numbers := range wanted {
		var got []int
		for _, r := range all[section] {
			got = append(got, r.number)
			checkRow(t, read, section, r)
		}
		if !slices.Equal(got, numbers) {
			t.Errorf("%s: rows %v, want %v", section, got, numbers)
		}
	}
	checkNames(t, all["Cases of the ETS"], tests(t, read, "node/conformance"))
}

func checkRow(t *testing.T, read map[string][]string, section string, r row) {
	t.Helper()
	known := regexp.MustCompile(`^(passes|step [DF]|no procedure|out of scope)\b`)
	at := fmt.Sprintf("%s, %d", section, r.number)
	if !known.MatchString(r.status) {
		t.Errorf("%s: status %q", at, r.status)
	}
	if strings.HasPrefix(r.status, "passes") && len(r.tests) == 0 {
		t.Errorf("%s passes without a test", at)
	}
	for _, test := range r.tests {
		if !exists(t, read, test) {
			t.Errorf("%s: there is no %s", at, test)
		}
	}
}

// checkNames compares the other way round: the tests named after cases are
// those of the rows, and each stands in its own.
func checkNames(t *testing.T, rows []row, functions []string) {
	t.Helper()
	for _, name := range functions {
		number, ok := strings.CutPrefix(name, "TestOMA")
		if !ok {
			continue
		}
		i := slices.IndexFunc(rows, func(r row) bool { return strconv.Itoa(r.number) == number })
		if i < 0 || !slices.Contains(rows[i].tests, "node/conformance."+name) {
			t.Errorf("%s stands in no row of its case", name)
		}
	}
}
