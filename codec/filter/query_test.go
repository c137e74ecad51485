package filter

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"dormouse/codec/ids"
	"dormouse/codec/platform"
)

// The forms in the first column are those in which the platform's documentation
// and its public client write queries.
var forms = []struct{ text, canonical string }{
	{"", ""},
	{"  ", ""},
	{"$filter=", ""},
	{"$filter=()", "!"},
	{"name eq 'M01'", "$filter=(name eq 'M01')"},
	{"$filter=name eq 'M01'", "$filter=(name eq 'M01')"},
	{"$filter = (name eq 'M01')", "$filter=(name eq 'M01')"},
	{"$orderby=id asc", "$orderby=id asc"},
	{"$orderby=id,", "$orderby=id asc"},
	{"$filter=name eq 'M01' $orderby=id,", "$filter=(name eq 'M01') $orderby=id asc"},
	{"$orderby=name, creationTime desc $filter=(has(c8y_IsDevice))", "$filter=(has(c8y_IsDevice)) $orderby=name asc,creationTime desc"},
	{"name eq 'M01' $orderby=id desc", "$filter=(name eq 'M01') $orderby=id desc"},
	{"(p1 eq 1) and (p2 eq 5 or p2 eq 6)", "$filter=((p1 eq 1 and (p2 eq 5 or p2 eq 6)))"},
	{"a eq 1 or b eq 2 and c eq 3", "$filter=((a eq 1 or (b eq 2 and c eq 3)))"},
	{"not a eq 1 and b eq 2", "$filter=((not(a eq 1) and b eq 2))"},
	{"not not(a eq 1)", "$filter=(not(not(a eq 1)))"},
	{"$filter=(name eq 'it''s \\(a\\) \\\\ b \\[x\\]*')", "$filter=(name eq 'it''s (a) \\\\ b [x]*')"},
	{`name eq 'it\'s'`, "$filter=(name eq 'it''s')"},
	{`name eq '5\*3'`, `$filter=(name eq '5\*3')`},
	{"name eq '*'", "$filter=(name eq '*')"},
	{"name eq ''", "$filter=(name eq '')"},
	{"name eq 'é€😀'", "$filter=(name eq 'é€😀')"},
	{"$filter=(count gt 5f)", "$filter=(count gt 5)"},
	{"$filter=(count lt -1.5f)", "$filter=(count lt -1.5)"},
	{"$filter=(a gt 1e-7f)", "$filter=(a gt 1e-7)"},
	{"$filter=(a eq 1e+21)", "$filter=(a eq 1e+21)"},
	{"a le 10L and b ge 2d", "$filter=((a le 10 and b ge 2))"},
	{"$filter=(a eq true)", "$filter=(a eq true)"},
	{"a ne FALSE", "$filter=(a ne false)"},
	{"$filter=(a eq null)", "$filter=(a eq null)"},
	{"$filter=((status eq 'A') or (status eq 'B') or (status eq 3))", "$filter=((status eq 'A' or status eq 'B' or status eq 3))"},
	{"$filter=((has(c8y_IsDevice)) or ((type eq 'x') and (name eq 'y*')))", "$filter=((has(c8y_IsDevice) or (type eq 'x' and name eq 'y*')))"},
	{"$filter=(hasany(a,b.c))", "$filter=(hasany(a,b.c))"},
	{"hasany(a)", "$filter=(has(a))"},
	{"$filter=(bygroupid(1,2))", "$filter=(bygroupid(1,2))"},
	{"bygroupid('12')", "$filter=(bygroupid(12))"},
	{"$filter=(isinhierarchyof(4))", "$filter=(isinhierarchyof(4))"},
	{"$filter=(c8y_Hardware.model eq 'x')", "$filter=(c8y_Hardware.model eq 'x')"},
	{"NAME EQ 'x' AND Has(a)", "$filter=((NAME eq 'x' and has(a)))"},
}

func TestForms(t *testing.T) {
	groups := Language{Groups: true}
	for _, c := range forms {
		q, err := groups.Parse(c.text)
		if c.canonical == "!" {
			if !errors.Is(err, ErrSyntax) {
				t.Errorf("%s: %v", c.text, err)
			}
			continue
		}
		if err != nil || q.String() != c.canonical {
			t.Errorf("%s = %s, %v, want %s", c.text, q, err, c.canonical)
		}
		if again, err := groups.Parse(q.String()); err != nil || !reflect.DeepEqual(again, q) {
			t.Errorf("%s came back as %s, %v", q, again, err)
		}
		for i := range len(c.text) { // must not panic
			groups.Parse(c.text[:i])
		}
	}
}

func TestFaultsSayWhere(t *testing.T) {
	for text, want := range map[string]string{
		"name":                        `byte 4: the end stands where eq, ne, gt, ge, lt or le belongs`,
		"name eq":                     `byte 7: the end stands where a value belongs`,
		"name = 'x'":                  `byte 5: "=" stands where eq,`,
		"name like 'x'":               `byte 5: "like" stands where eq,`,
		"name 'eq' 'x'":               `byte 5: a text stands where eq,`,
		"name eq x":                   `byte 8: "x" stands where a value belongs`,
		"name eq 1x":                  `byte 8: "1x" stands`,
		"name eq 'x":                  `byte 8: the text has no closing quote`,
		`name eq 'x\`:                 `byte 8: the text has no closing quote`,
		"name eq 'x' name eq 'y'":     `byte 12: "name" stands where the query should end`,
		"name eq 'x')":                `byte 11: ")" stands where the query should end`,
		"(name eq 'x'":                `byte 12: the end stands where ")" belongs`,
		"name eq 'x' and":             `byte 15: the end stands where a condition`,
		"and":                         `byte 3: the end stands where eq`,
		"'x' eq name":                 `byte 0: a text stands where a condition`,
		"a..b eq 1":                   `byte 0: "a..b": a path has no empty names`,
		"a gt true":                   `byte 5: gt needs a number or a text`,
		"a le null":                   `byte 5: le needs`,
		"has()":                       `byte 4: ")" stands where a path belongs`,
		"has(a,b)":                    `byte 0: has takes one path, hasany several`,
		"$filter=a eq 1 $filter=b":    `byte 15: "$filter" stands where the query should end`,
		"$filter a eq 1":              `byte 8: "a" stands where "=" belongs`,
		"$orderby=a b":                `byte 11: "b" stands where the query should end`,
		"$orderby=a asc $orderby=b":   `byte 15: "$orderby" stands`,
		"a eq 1 \xff":                 `not UTF-8`,
		"$orderby=" + long("a.", 20):  `a path has at most 16 names`,
		"$filter=$orderby=$filter=b ": `byte 17: "$filter" stands`,
	} {
		_, err := Parse(text)
		if !errors.Is(err, ErrSyntax) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	for text, want := range map[string]string{
		"a eq 1 and bygroupid(1)": `byte 11: lists cannot be narrowed by bygroupid here`,
		"isinhierarchyof(1)":      `lists cannot be narrowed by isinhierarchyof here`,
		"startswith(name,'x')":    `byte 0: there is no function "startswith"`,
	} {
		if _, err := Parse(text); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	for _, text := range []string{"bygroupid()", "bygroupid(x)", "bygroupid(-1)", "bygroupid(1,)", "bygroupid('1*')", "bygroupid(1 2)"} {
		if _, err := (Language{Groups: true}).Parse(text); !errors.Is(err, ErrSyntax) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func long(s string, n int) string { return strings.Repeat(s, n) + "x" }

func TestQueryBounds(t *testing.T) {
	terms := strings.TrimSuffix(strings.Repeat("a eq 1 or ", MaxTerms), " or ")
	for text, ok := range map[string]bool{
		"name eq '" + strings.Repeat("x", MaxLength-10) + "'":                        true,
		"name eq '" + strings.Repeat("x", MaxLength-9) + "'":                         false,
		strings.Repeat("(", MaxDepth-1) + "a eq 1" + strings.Repeat(")", MaxDepth-1): true,
		strings.Repeat("(", MaxDepth) + "a eq 1" + strings.Repeat(")", MaxDepth):     false,
		strings.Repeat("not ", MaxDepth-1) + "a eq 1":                                true,
		strings.Repeat("not ", MaxDepth) + "a eq 1":                                  false,
		terms:                 true,
		terms + " or b eq 1":  false,
		terms + " $orderby=a": false,
		"hasany(" + strings.Repeat("a,", MaxTerms) + "a)":   false,
		"name eq '" + strings.Repeat("*", MaxStars) + "'":   true,
		"name eq '" + strings.Repeat("*", MaxStars+1) + "'": false,
	} {
		_, err := Parse(text)
		if ok && err != nil || !ok && !errors.Is(err, ErrBounds) {
			t.Errorf("%.60s… (%d bytes): %v", text, len(text), err)
		}
	}
}

var created = time.Date(2026, 1, 31, 12, 0, 0, 7_654_321, time.UTC)

// device is what the matching tests look at.
func device(t testing.TB) *platform.ManagedObject {
	t.Helper()
	f, err := platform.ParseFragments([]byte(`{"c8y_IsDevice":{},"lwm2mEndpoint":"urn:imei:1","count":12345678901234567891,"ratio":0.10,"on":true,"gone":null,
		"c8y_Hardware":{"model":"A\u00e9","revision":"2","empty":null,"":1},"statuses":[1,"two",[3],{"four":4}],"list":[{"n":1},{"n":2,"m":{"k":"v"}}],
		"since":"2026-01-31T13:00:00+01:00","text":"10","ex\"otic":"yes","none":[],"installed":"b"}`))
	if err != nil {
		t.Fatal(err)
	}
	return &platform.ManagedObject{ID: 18446744073709551615, Type: "c8y_lwm2m", Name: "RaspPi 01", Created: created, Updated: created.Add(time.Hour), Fragments: f}
}

var matches = map[string]bool{
	"":                    true,
	"name eq 'RaspPi 01'": true, "name eq 'rasppi 01'": false, "name eq 'RaspPi'": false, "name eq 'RaspPi*'": true, "name eq '*01'": true,
	"name eq '*'": true, "name eq 'R*P*1'": true, "name eq 'RaspPi 01*RaspPi 01'": false, "name eq '*Pi*Pi*'": false, "name eq '*a*0*'": true, `name eq 'RaspPi\*'`: false,
	"name ne 'x'": true, "name ne 'RaspPi*'": false, "owner eq '*'": false, "owner ne 'x'": true, "has(owner)": false, "has(name)": true,
	"name gt 'R'": true, "name lt 'S'": true, "name ge 'RaspPi 01'": true, "name le 'RaspPi 01'": true, "name gt 5": false, "name lt 5": false,
	"id eq 18446744073709551615": true, "id eq '18446744073709551615'": true, "id eq 18446744073709551614": false, "id eq 1.8446744073709551615e19": false,
	"has(c8y_IsDevice)": true, "has(gone)": false, "gone eq null": true, "absent eq null": true, "name eq null": false, "gone ne null": false, "name ne null": true,
	"has(c8y_Hardware)": true, "has(c8y_Hardware.model)": true, "has(c8y_Hardware.empty)": false, "has(c8y_Hardware.model.x)": false, "has(name.x)": false,
	"hasany(x,y)": false, "hasany(x,on)": true, "not has(x)": true, "not(has(on))": false,
	"c8y_Hardware.model eq 'Aé'": true, "c8y_Hardware.model eq 'A*'": true, "c8y_Hardware.revision eq 2": true, "c8y_Hardware.revision eq 2.0": false, "c8y_Hardware.revision eq '2'": true,
	"c8y_Hardware eq 'x'": false, "c8y_Hardware ne 'x'": true,
	"count eq 12345678901234567891": true, "count eq 12345678901234567892": false, "count lt 12345678901234567892": true, "count gt 12345678901234567890.9": true,
	"count ge 1e19": true, "count gt 2e19": false, "count eq '12345678901234567891'": false, "ratio eq 0.1": true, "ratio eq 1e-1f": true, "ratio lt 0.1": false, "ratio le 0.1000": true,
	"on eq true": true, "on eq false": false, "on ne false": true, "on eq 'true'": false, "on eq 1": false,
	"statuses eq 1": true, "statuses eq 'two'": true, "statuses eq 3": false, "statuses.2 eq 3": true, "statuses.0 eq 1": true, "statuses.9 eq 1": false, "statuses.four eq 4": true,
	"statuses ne 1": false, "statuses ne 9": true, "list.n eq 2": true, "list.n eq 3": false, "list.1.n eq 2": true, "list.0.n eq 2": false, "list.m.k eq 'v'": true, "has(list.m)": true,
	"has(none)": true, "none eq 1": false, "none.0 eq null": true,
	"creationTime eq '2026-01-31T12:00:00.007Z'": true, "creationTime eq '2026-01-31T13:00:00.007+01:00'": true, "creationTime eq '2026-01-31*'": true, "creationTime eq 'x'": false,
	"creationTime gt '2026-01-31'": true, "creationTime lt '2026-01-31T12:00:00.008Z'": true, "creationTime le '2026-01-31T12:00:00.007Z'": true, "creationTime gt 'x'": false,
	"lastUpdated gt '2026-01-31T12:30:00Z' and creationTime lt '2026-01-31T12:30:00Z'": true,
	"since eq '2026-01-31T12:00:00Z'":                                                  false, "since ge '2026-01-31T12:00:00Z'": true, "since lt '2026-01-31T12:00:00Z'": false, "since gt 'A'": false,
	"text gt '9'": false, "text eq 10": true, `ex"otic eq 'yes'`: true,
	"name eq 'x*' or type eq 'c8y_lwm2m' and has(c8y_IsDevice)": true, "(name eq 'x*' or type eq 'c8y_lwm2m') and has(x)": false,
	"bygroupid(1)": false,
}

func TestMatch(t *testing.T) {
	m := Managed{device(t)}
	for text, want := range matches {
		q, err := Language{Groups: true}.Parse(text)
		if err != nil {
			t.Error(err)
		} else if got := q.Match(m); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
}

// member is a managed object in a group.
type inGroup struct {
	Managed
	group, above ids.Object
}

func (g inGroup) In(group ids.Object, below bool) bool {
	return group == g.group || below && group == g.above
}

func TestGroups(t *testing.T) {
	o := inGroup{Managed{device(t)}, 12, 7}
	for text, want := range map[string]bool{"bygroupid(12)": true, "bygroupid(7)": false, "bygroupid(1,12)": true, "isinhierarchyof(7)": true, "isinhierarchyof(8)": false, "not bygroupid(12)": false} {
		if q, err := (Language{Groups: true}).Parse(text); err != nil || q.Match(o) != want {
			t.Errorf("%s: not %t, %v", text, want, err)
		}
	}
}

func TestOrder(t *testing.T) {
	object := func(name, fragments string) Managed {
		f, err := platform.ParseFragments([]byte(fragments))
		if err != nil {
			t.Fatal(err)
		}
		return Managed{&platform.ManagedObject{Name: name, Fragments: f}}
	}
	objects := []Managed{
		object("c", `{"n":10,"p":{"q":1}}`), object("a", `{"n":"x"}`), object("b", `{"n":9,"p":{"q":2}}`), object("d", `{}`),
		object("e", `{"n":true}`), object("f", `{"n":false}`), object("g", `{"n":{}}`), object("h", `{"n":[1]}`), object("i", `{"n":"w"}`),
	}
	for text, want := range map[string]string{
		"":                            "cabdefghi",
		"$orderby=name":               "abcdefghi",
		"$orderby=name desc":          "ihgfedcba",
		"$orderby=n":                  "dbciaghfe",
		"$orderby=n desc":             "efhgaicbd",
		"$orderby=p.q desc,name desc": "bcihgfeda",
	} {
		q, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		sorted := slices.Clone(objects)
		slices.SortStableFunc(sorted, func(a, b Managed) int { return q.Compare(q.SortKey(a), q.SortKey(b)) })
		var got strings.Builder
		for _, o := range sorted {
			got.WriteString(o.Name)
		}
		if got.String() != want {
			t.Errorf("%s: %s, want %s", text, &got, want)
		}
	}
	q, _ := Parse("$orderby=name,p.q desc")
	if got := fmt.Sprint(q.Order(), q.All()); got != "[{name false} {p.q true}] true" {
		t.Error(got)
	}
}

func TestPlan(t *testing.T) {
	for text, want := range map[string]Plan{
		"":                                {},
		"name eq 'a'":                     {Texts: map[string][]string{"name": {"a"}}, Has: []string{"name"}},
		"id eq 5":                         {Texts: map[string][]string{"id": {"5"}}, Has: []string{"id"}},
		`name eq 'a\*'`:                   {Texts: map[string][]string{"name": {"a*"}}, Has: []string{"name"}},
		"name eq 'a*'":                    {Has: []string{"name"}},
		"name ne 'a'":                     {},
		"name eq null":                    {},
		"not name eq 'a'":                 {},
		"name gt 'a'":                     {Has: []string{"name"}},
		"a.b eq 'x'":                      {Has: []string{"a"}},
		"has(a.b) and has(c)":             {Has: []string{"a", "c"}},
		"hasany(a,b)":                     {},
		"type eq 't' and name eq 'n*'":    {Texts: map[string][]string{"type": {"t"}}, Has: []string{"type", "name"}},
		"id eq 1 or id eq '2' or id eq 1": {Texts: map[string][]string{"id": {"1", "2"}}, Has: []string{"id"}},
		"id eq 1 or name eq 'x'":          {Texts: map[string][]string{}},
		"(id eq 1 or id eq 2) and (id eq 2 or id eq 3)":      {Texts: map[string][]string{"id": {"2"}}, Has: []string{"id"}},
		"id eq 1 and id eq 2":                                {Texts: map[string][]string{"id": {}}, Has: []string{"id"}},
		"type eq 't' and id eq 1 or type eq 'u' and has(a)":  {Texts: map[string][]string{"type": {"t", "u"}}, Has: []string{"type"}},
		"has(c8y_IsDevice) and (name eq 'a' or name eq 'b')": {Texts: map[string][]string{"name": {"a", "b"}}, Has: []string{"c8y_IsDevice", "name"}},
		"(a eq 'x' and b eq 'y') or (a eq 'z' and c eq 'w')": {Texts: map[string][]string{"a": {"x", "z"}}, Has: []string{"a"}},
	} {
		q, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		got := q.Plan()
		if fmt.Sprint(got.Texts) != fmt.Sprint(want.Texts) || fmt.Sprint(got.Has) != fmt.Sprint(want.Has) {
			t.Errorf("%s: %+v, want %+v", text, got, want)
		}
	}
}
