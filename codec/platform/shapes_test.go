package platform

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"dormouse/codec/ids"
	"dormouse/codec/lwm2m"
)

var at = time.Date(2026, 1, 31, 12, 0, 0, 7_000_000, time.UTC)

const base = "http://127.0.0.1:8080"

const objectForm = `{"id":"18446744073709551615","self":"http://127.0.0.1:8080/inventory/managedObjects/18446744073709551615",` +
	`"type":"c8y_lwm2m","name":"urn:imei:1","owner":"management","creationTime":"2026-01-31T12:00:00.007Z","lastUpdated":"2026-01-31T12:00:01.007Z",` +
	`"childDevices":{"self":"http://127.0.0.1:8080/inventory/managedObjects/18446744073709551615/childDevices","references":[]},` +
	`"childAssets":{"self":"http://127.0.0.1:8080/inventory/managedObjects/18446744073709551615/childAssets","references":[]},` +
	`"childAdditions":{"self":"http://127.0.0.1:8080/inventory/managedObjects/18446744073709551615/childAdditions","references":[]},` +
	`"deviceParents":{"self":"http://127.0.0.1:8080/inventory/managedObjects/18446744073709551615/deviceParents","references":[]},` +
	`"assetParents":{"self":"http://127.0.0.1:8080/inventory/managedObjects/18446744073709551615/assetParents","references":[]},` +
	`"additionParents":{"self":"http://127.0.0.1:8080/inventory/managedObjects/18446744073709551615/additionParents","references":[]},` +
	`"c8y_IsDevice":{},"awakeTimeRegistrationParameter":180000}`

func TestManagedObjectBothDirections(t *testing.T) {
	m := ManagedObject{ID: math.MaxUint64, Type: "c8y_lwm2m", Name: "urn:imei:1", Owner: "management", Created: at, Updated: at.Add(time.Second),
		Fragments: fragments(t, `{"c8y_IsDevice":{},"awakeTimeRegistrationParameter":180000}`)}
	if got := string(AppendManagedObject(nil, &m, base)); got != objectForm {
		t.Errorf("got  %s\nwant %s", got, objectForm)
	}
	got, err := ParseManagedObject([]byte(objectForm))
	if err != nil || !reflect.DeepEqual(got, m) {
		t.Errorf("parsed %+v, %v", got, err)
	}
	if !m.Has("c8y_IsDevice") || m.Has("c8y_Position") {
		t.Error("Has is wrong")
	}
}

func TestObjectChange(t *testing.T) {
	c, err := ParseObjectChange([]byte(objectForm))
	if err != nil || *c.Name != "urn:imei:1" || len(c.Fragments) != 2 {
		t.Errorf("what was read cannot be written back: %+v, %v", c, err)
	}
	c, err = ParseObjectChange([]byte(`{"name":"n","type":null,"c8y_X":null,"y":1}`))
	if err != nil {
		t.Fatal(err)
	}
	if form := string(c.Append(nil)); form != `{"type":"","name":"n","c8y_X":null,"y":1}` {
		t.Errorf("appended as %s", form)
	}
	m := ManagedObject{ID: 7, Type: "t", Owner: "o", Created: at, Fragments: fragments(t, `{"c8y_X":{},"z":true}`)}
	after, err := m.Apply(c, at.Add(time.Hour))
	want := ManagedObject{ID: 7, Name: "n", Owner: "o", Created: at, Updated: at.Add(time.Hour), Fragments: fragments(t, `{"z":true,"y":1}`)}
	if err != nil || !reflect.DeepEqual(after, want) {
		t.Errorf("after %+v, %v", after, err)
	}
	if m.Type != "t" || !m.Has("c8y_X") {
		t.Error("Apply changed its receiver")
	}
	for _, wrong := range []string{`{"name":1}`, `{"type":{}}`, `{"owner":[]}`} {
		if _, err := ParseObjectChange([]byte(wrong)); !errors.Is(err, ErrShape) {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}

func TestObjectCannotOutgrowItsBounds(t *testing.T) {
	half := json.RawMessage(`"` + strings.Repeat("x", MaxBody/2) + `"`)
	m, err := ManagedObject{}.Apply(ObjectChange{Fragments: Fragments{{"a", half}}}, at)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Apply(ObjectChange{Fragments: Fragments{{"b", half}}}, at); !errors.Is(err, ErrBounds) {
		t.Errorf("two halves and names: %v", err)
	}
}

const operationForm = `{"id":"9223372036854775807","self":"http://127.0.0.1:8080/devicecontrol/operations/9223372036854775807","deviceId":"42","deviceName":"urn:imei:1",` +
	`"status":"FAILED","creationTime":"2026-01-31T12:00:00.007Z","lastUpdated":"2026-01-31T12:00:00.007Z","failureReason":"4.04 Not Found","retry":true,` +
	`"c8y_Command":{"text":"read /3/0/0\nread /9","result":"…","syntax":"lwm2m"},"dormouse_Results":[{"line":"read /3/0/0","code":"2.05"}],"description":"look"}`

func TestOperationBothDirections(t *testing.T) {
	o := Operation{ID: math.MaxInt64, Device: 42, DeviceName: "urn:imei:1", Status: Failed, Created: at, Updated: at,
		Text: "read /3/0/0\nread /9", Result: "…", Results: json.RawMessage(`[{"line":"read /3/0/0","code":"2.05"}]`),
		Failure: "4.04 Not Found", Retry: true, Fragments: fragments(t, `{"description":"look","c8y_Command":{"syntax":"lwm2m"}}`)}
	if got := string(AppendOperation(nil, &o, base)); got != operationForm {
		t.Errorf("got  %s\nwant %s", got, operationForm)
	}
	got, err := ParseOperation([]byte(operationForm))
	if err != nil || !reflect.DeepEqual(got, o) {
		t.Errorf("parsed %+v, %v", got, err)
	}
	change, err := ParseOperationChange([]byte(operationForm))
	if err != nil || change != (OperationChange{Failed, "4.04 Not Found"}) {
		t.Errorf("what was read cannot be written back: %+v, %v", change, err)
	}
}

func TestNewOperationBothDirections(t *testing.T) {
	const form = `{"deviceId":"42","retry":true,"c8y_Command":{"text":"write /3/0/14 \"+01:00\"","syntax":"lwm2m"},"description":"look","n":12345678901234567890}`
	n, err := ParseNewOperation([]byte(form))
	want := NewOperation{42, `write /3/0/14 "+01:00"`, true, fragments(t, `{"description":"look","n":12345678901234567890,"c8y_Command":{"syntax":"lwm2m"}}`)}
	if err != nil || !reflect.DeepEqual(n, want) {
		t.Errorf("parsed %+v, %v", n, err)
	}
	if got := string(n.Append(nil)); got != form {
		t.Errorf("appended as %s", got)
	}
	n, err = ParseNewOperation([]byte(`{"deviceId":"1","c8y_Command":{"text":"read /3"},"id":"5","status":"SUCCESSFUL","x":null}`))
	if err != nil || !reflect.DeepEqual(n, NewOperation{Device: 1, Text: "read /3"}) {
		t.Errorf("the server's members were not passed over: %+v, %v", n, err)
	}
}

func TestOperationBodiesRefused(t *testing.T) {
	for _, wrong := range []string{
		`{}`, `{"c8y_Command":{"text":"read /3"}}`, `{"deviceId":"1"}`, `{"deviceId":"1","c8y_Command":{}}`,
		`{"deviceId":"1","c8y_Command":{"text":""}}`, `{"deviceId":"1","c8y_Command":{"text":7}}`, `{"deviceId":"1","c8y_Command":"read /3"}`,
		`{"deviceId":"-1","c8y_Command":{"text":"x"}}`, `{"deviceId":1,"c8y_Command":{"text":"x"}}`,
		`{"deviceId":"18446744073709551616","c8y_Command":{"text":"x"}}`, `{"deviceId":"1","retry":"yes","c8y_Command":{"text":"x"}}`,
	} {
		if n, err := ParseNewOperation([]byte(wrong)); !errors.Is(err, ErrShape) {
			t.Errorf("%s: %+v, %v", wrong, n, err)
		}
	}
	for _, wrong := range []string{`{}`, `{"failureReason":"x"}`, `{"status":"DONE"}`, `{"status":1}`, `{"status":"FAILED","failureReason":1}`} {
		if c, err := ParseOperationChange([]byte(wrong)); !errors.Is(err, ErrShape) {
			t.Errorf("%s: %+v, %v", wrong, c, err)
		}
	}
	if c, err := ParseOperationChange((OperationChange{Failed, "why"}).Append(nil)); err != nil || c != (OperationChange{Failed, "why"}) {
		t.Errorf("a change came back as %+v, %v", c, err)
	}
}

// A client's bytes, cut anywhere, are refused and never half taken.
func TestShapesCutAtEveryByte(t *testing.T) {
	for i := range len(objectForm) {
		if _, err := ParseManagedObject([]byte(objectForm[:i])); err == nil {
			t.Errorf("object of %d bytes was taken", i)
		}
	}
	for i := range len(operationForm) {
		if _, err := ParseOperation([]byte(operationForm[:i])); err == nil {
			t.Errorf("operation of %d bytes was taken", i)
		}
	}
}

func TestCollectionBothDirections(t *testing.T) {
	for _, c := range []struct {
		form string
		page Collection
	}{
		{`{"self":"s","next":"n","prev":"p","statistics":{"currentPage":2,"pageSize":5,"totalPages":3,"totalElements":11},"operations":[{"id":"1"},{}]}`,
			Collection{Name: "operations", Self: "s", Next: "n", Prev: "p", CurrentPage: 2, PageSize: 5, Totals: true, WithPages: true, WithElements: true,
				TotalElements: 11, Items: []json.RawMessage{json.RawMessage(`{"id":"1"}`), json.RawMessage(`{}`)}}},
		{`{"self":"s","statistics":{"currentPage":1,"pageSize":2000},"managedObjects":[]}`,
			Collection{Name: "managedObjects", Self: "s", CurrentPage: 1, PageSize: 2000, Items: []json.RawMessage{}}},
	} {
		if got := string(AppendCollection(nil, &c.page)); got != c.form {
			t.Errorf("got  %s\nwant %s", got, c.form)
		}
		got, err := ParseCollection([]byte(c.form), c.page.Name)
		if err != nil || !reflect.DeepEqual(got, c.page) {
			t.Errorf("parsed %+v, %v", got, err)
		}
		for i := range len(c.form) {
			if _, err := ParseCollection([]byte(c.form[:i]), c.page.Name); err == nil {
				t.Errorf("page of %d bytes was taken", i)
			}
		}
		if _, err := ParseCollection([]byte(c.form), "alarms"); !errors.Is(err, ErrShape) {
			t.Errorf("another list: %v", err)
		}
	}
	for elements, pages := range map[int64]int64{0: 0, 1: 1, 5: 1, 6: 2, 11: 3} {
		if got := (&Collection{PageSize: 5, TotalElements: elements}).TotalPages(); got != pages {
			t.Errorf("%d elements fill %d pages, want %d", elements, got, pages)
		}
	}
}

func TestFaultBothDirections(t *testing.T) {
	f := Fault{"inventory/Not Found", `no "such" thing`, "https://example.org/errors"}
	form := string(AppendFault(nil, f))
	if form != `{"error":"inventory/Not Found","message":"no \"such\" thing","info":"https://example.org/errors"}` {
		t.Errorf("appended as %s", form)
	}
	if got, err := ParseFault([]byte(form)); err != nil || got != f {
		t.Errorf("parsed %+v, %v", got, err)
	}
	if _, err := ParseFault([]byte(`{"error":5}`)); !errors.Is(err, ErrShape) {
		t.Errorf("a number as error: %v", err)
	}
}

func TestTimes(t *testing.T) {
	for text, want := range map[string]string{
		"2026-01-31T12:00:00.000Z":            "2026-01-31T12:00:00.000Z",
		"2026-01-31T12:00:00Z":                "2026-01-31T12:00:00.000Z",
		"2026-01-31T13:00:00.1239+01:00":      "2026-01-31T12:00:00.123Z",
		"2026-01-31T13:00:00.5+0100":          "2026-01-31T12:00:00.500Z",
		"2026-01-31T12:00Z":                   "2026-01-31T12:00:00.000Z",
		"2026-01-31":                          "2026-01-31T00:00:00.000Z",
		"0000-01-01T00:00:00Z":                "0000-01-01T00:00:00.000Z",
		"9999-12-31T23:59:59.999999999-00:00": "9999-12-31T23:59:59.999Z",
	} {
		got, err := ParseTime(text)
		if s := string(AppendTime(nil, got)); err != nil || s != want {
			t.Errorf("%s = %s, %v, want %s", text, s, err, want)
		}
	}
	for _, wrong := range []string{"", "12:00", "2026-02-30", "2026-01-31T12:00:00", "1769860800", "2026-01-31T25:00:00Z", "9999-12-31T23:59:59-01:00", "0000-01-01T00:00:00+01:00"} {
		if got, err := ParseTime(wrong); !errors.Is(err, ErrShape) {
			t.Errorf("%q = %v, %v", wrong, got, err)
		}
	}
}

var valueForms = []struct {
	value lwm2m.Value
	json  string
}{
	{lwm2m.Value{}, `null`},
	{lwm2m.String("a\"é"), `"a\"é"`},
	{lwm2m.String("\u2028<&>\x00"), `"\u2028<&>\u0000"`},
	{lwm2m.Integer(math.MinInt64), `-9223372036854775808`},
	{lwm2m.Unsigned(math.MaxUint64), `18446744073709551615`},
	{lwm2m.Float(0.1), `0.1`},
	{lwm2m.Float(1e300), `1e+300`},
	{lwm2m.Float(math.Copysign(0, -1)), `-0`},
	{lwm2m.Float(math.Inf(-1)), `"-Inf"`},
	{lwm2m.Boolean(true), `true`},
	{lwm2m.Boolean(false), `false`},
	{lwm2m.Opaque([]byte{0, 255}), `"00ff"`},
	{lwm2m.Time(1769860800), `"2026-01-31T12:00:00Z"`},
	{lwm2m.Time(math.MaxInt64), `"9223372036854775807"`},
	{lwm2m.Link(lwm2m.Objlnk{Object: 3, Instance: 65535}), `"3:65535"`},
	{lwm2m.Corelnk("</3>"), `"</3>"`},
}

func TestValuesBothDirections(t *testing.T) {
	for _, c := range valueForms {
		if got := string(AppendValue(nil, c.value)); got != c.json {
			t.Errorf("%s %s appended as %s, want %s", c.value.Kind(), c.value, got, c.json)
		}
		want := LastValue{Path: lwm2m.NewPath(3, 0, 13), Value: c.value, Time: at, Device: at.Add(-time.Minute)}
		form := AppendLastValue(nil, &want)
		got, err := ParseLastValue(form)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s came back as %+v, %v", form, got, err)
		}
		for i := range len(form) {
			if _, err := ParseLastValue(form[:i]); err == nil {
				t.Errorf("%q was taken", form[:i])
			}
		}
	}
	nan := LastValue{Path: lwm2m.NewPath(3303, 0, 5700), Value: lwm2m.Float(math.NaN()), Time: at}
	form := string(AppendLastValue(nil, &nan))
	if form != `{"path":"/3303/0/5700","type":"Float","value":"NaN","time":"2026-01-31T12:00:00.007Z"}` {
		t.Errorf("NaN appended as %s", form)
	}
	if got, err := ParseLastValue([]byte(form)); err != nil || !math.IsNaN(got.Value.Float64()) {
		t.Errorf("NaN came back as %v, %v", got, err)
	}
}

func TestValuesRefused(t *testing.T) {
	for _, wrong := range []string{
		`{"path":"/3/0/0","type":"Integer","value":1.5}`, `{"path":"/3/0/0","type":"Integer","value":null}`,
		`{"path":"/3/0/0","type":"Integer","value":9223372036854775808}`, `{"path":"/3/0/0","type":"Unsigned Integer","value":-1}`,
		`{"path":"/3/0/0","type":"Boolean","value":"perhaps"}`, `{"path":"/3/0/0","type":"Opaque","value":"abc"}`,
		`{"path":"/3/0/0","type":"Objlnk","value":"3"}`, `{"path":"/3/0/0","type":"Objlnk","value":"3:65536"}`,
		`{"path":"/3/0/0","type":"Time","value":"noon"}`, `{"path":"/3/0/0","type":"None","value":1}`, `{"path":"/3/0/0","type":"String"}`,
		`{"path":"/3/0/0","type":"Colour","value":1}`, `{"path":"/x","type":"Integer","value":1}`, `{"path":"/3/0/0","type":"Integer","value":1,"time":"noon"}`,
	} {
		if v, err := ParseLastValue([]byte(wrong)); !errors.Is(err, ErrShape) {
			t.Errorf("%s: %+v, %v", wrong, v, err)
		}
	}
}

func TestPaths(t *testing.T) {
	if got := ValuesPath(ids.Object(42).String()); got != "/service/lwm2m-agent/devices/42/values" {
		t.Error(got)
	}
}

func FuzzShapes(f *testing.F) {
	f.Add([]byte(objectForm))
	f.Add([]byte(operationForm))
	f.Add(AppendFault(nil, Fault{"a/b", "c", "d"}))
	for _, c := range valueForms {
		f.Add(AppendLastValue(nil, &LastValue{Path: lwm2m.NewPath(3, 0, 1), Value: c.value, Time: at}))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		checkAgain(t, body, ParseManagedObject, func(m ManagedObject) []byte { return AppendManagedObject(nil, &m, base) })
		checkAgain(t, body, ParseOperation, func(o Operation) []byte { return AppendOperation(nil, &o, base) })
		checkAgain(t, body, ParseNewOperation, func(n NewOperation) []byte { return n.Append(nil) })
		checkAgain(t, body, ParseObjectChange, func(c ObjectChange) []byte { return c.Append(nil) })
		checkAgain(t, body, ParseOperationChange, func(c OperationChange) []byte { return c.Append(nil) })
		checkAgain(t, body, ParseLastValue, func(v LastValue) []byte { return AppendLastValue(nil, &v) })
		checkAgain(t, body, ParseFault, func(f Fault) []byte { return AppendFault(nil, f) })
	})
}

// checkAgain holds parse, append, parse, append against itself: the second
// form must be the first. Links and escapes may take it beyond the bounds.
func checkAgain[T any](t *testing.T, body []byte, parse func([]byte) (T, error), form func(T) []byte) {
	t.Helper()
	value, err := parse(body)
	if err != nil {
		return
	}
	first := form(value)
	if !json.Valid(first) {
		t.Fatalf("%+v appended as invalid %s", value, first)
	}
	again, err := parse(first)
	if errors.Is(err, ErrBounds) {
		return
	}
	if second := form(again); err != nil || !bytes.Equal(first, second) {
		t.Fatalf("%s\ncame back as\n%s, %v", first, second, err)
	}
}

func FuzzCollection(f *testing.F) {
	f.Add([]byte(`{"self":"s","next":"n","statistics":{"currentPage":2,"pageSize":5,"totalPages":3,"totalElements":11},"operations":[{"id":"1"},2]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := ParseCollection(body, Operations)
		if err != nil {
			return
		}
		first := AppendCollection(nil, &c)
		again, err := ParseCollection(first, Operations)
		if err != nil {
			t.Fatalf("%s: %v", first, err)
		}
		if second := AppendCollection(nil, &again); !bytes.Equal(first, second) {
			t.Fatalf("%s\ncame back as\n%s", first, second)
		}
	})
}
