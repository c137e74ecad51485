package model

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"dormouse/codec/lwm2m"
)

// element writes one line of a definition.
func element(name, text string) string { return "<" + name + ">" + text + "</" + name + ">\n" }

// ddfResource is an <Item> whose lines can be replaced by name.
func ddfResource(replace map[string]string) string {
	return "<Item ID=\"" + pick(replace, "ID", "5700") + "\">\n" + elements(replace, []string{
		"Name", "Value", "Operations", "R", "MultipleInstances", "Single", "Mandatory", "Mandatory", "Type", "Float",
		"RangeEnumeration", "", "Units", "Cel", "Description", "",
	}) + "</Item>\n"
}

// ddfObject is an <Object> of schema 1.1 around resources.
func ddfObject(replace map[string]string, resources string) string {
	return "<Object ObjectType=\"MODefinition\">\n" + elements(replace, []string{
		"Name", "Probe", "Description1", "Ours", "ObjectID", "40000", "ObjectURN", "urn:oma:lwm2m:x:40000:1.1", "LWM2MVersion", "1.1",
		"ObjectVersion", "1.1", "MultipleInstances", "Multiple", "Mandatory", "Optional",
	}) + element("Resources", resources) + element("Description2", "") + "</Object>\n"
}

func ddf(objects ...string) string {
	return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<LWM2M>\n" + strings.Join(objects, "") + "</LWM2M>\n"
}

// elements writes name, text pairs; a replacement of "-" leaves the line out.
func elements(replace map[string]string, pairs []string) string {
	var s string
	for i := 0; i < len(pairs); i += 2 {
		if text := pick(replace, pairs[i], pairs[i+1]); text != "-" {
			s += element(pairs[i], text)
		}
	}
	return s
}

func pick(replace map[string]string, name, text string) string {
	if r, ok := replace[name]; ok {
		return r
	}
	return text
}

func probe() *Object {
	return &Object{
		ID: 40000, Version: lwm2m.V1_1, Name: "Probe", URN: "urn:oma:lwm2m:x:40000:1.1", Description: "Ours", LwM2MVersion: lwm2m.V1_1, Multiple: true,
		Resources: []Resource{{ID: 5700, Name: "Value", Operations: Read, Mandatory: true, Type: lwm2m.KindFloat, Units: "Cel"}},
	}
}

func TestParseDDF(t *testing.T) {
	many := probe()
	many.Resources = []Resource{
		{ID: 0, Name: "Reset", Operations: Execute},
		{ID: 1, Name: "Labels", Operations: Read | Write, Multiple: true, Type: lwm2m.KindString, Range: "0..32", Description: "a < b & c\nsecond line"},
		{ID: 2, Name: "Key", Type: lwm2m.KindOpaque, Mandatory: true},
		{ID: 65534, Name: "Count", Operations: Write, Type: lwm2m.KindUnsigned},
	}
	old := probe()
	old.Version, old.LwM2MVersion = lwm2m.V1_0, lwm2m.V1_0
	single := probe()
	single.Multiple, single.Mandatory, single.Resources = false, true, nil
	untyped := probe()
	untyped.Resources[0].Type = lwm2m.KindNone
	value := ddfResource(nil)
	for _, c := range []struct {
		name, xml string
		want      []*Object
	}{
		{"schema 1.1", ddf(ddfObject(nil, value)), []*Object{probe()}},
		{"schema 1.0 has no versions", ddf(ddfObject(map[string]string{"LWM2MVersion": "-", "ObjectVersion": "-"}, value)), []*Object{old}},
		{"empty versions", ddf(ddfObject(map[string]string{"LWM2MVersion": "", "ObjectVersion": " "}, value)), []*Object{old}},
		{"two objects", ddf(ddfObject(nil, value), ddfObject(map[string]string{"LWM2MVersion": "1.0", "ObjectVersion": "1.0"}, value)), []*Object{probe(), old}},
		{"no resources", ddf(ddfObject(map[string]string{"MultipleInstances": "Single", "Mandatory": "Mandatory"}, "")), []*Object{single}},
		{"readable without type", ddf(ddfObject(nil, ddfResource(map[string]string{"Type": ""}))), []*Object{untyped}},
		{"byte order mark", "\xef\xbb\xbf" + ddf(ddfObject(nil, value)), []*Object{probe()}},
		{"comments and other elements", strings.NewReplacer("<Resources>", "<!-- x --><Author><b>me</b></Author><Resources><Note/>").Replace(ddf("<Extra/>", ddfObject(nil, value))), []*Object{probe()}},
		{"white space", strings.NewReplacer(">Probe<", ">\n\t Probe \n<", "ID=\"5700\"", "ID=' 5700 '").Replace(ddf(ddfObject(nil, value))), []*Object{probe()}},
		{"every kind of resource, in any order", ddf(ddfObject(nil,
			ddfResource(map[string]string{"ID": "65534", "Name": "Count", "Operations": "W", "Mandatory": "Optional", "Type": "Unsigned Integer", "Units": "-"})+
				ddfResource(map[string]string{"ID": "2", "Name": "Key", "Operations": "", "Type": "Opaque", "Units": ""})+
				ddfResource(map[string]string{"ID": "0", "Name": "Reset", "Operations": "E", "Mandatory": "Optional", "Type": "", "Units": ""})+
				ddfResource(map[string]string{
					"ID": "1", "Name": "Labels", "Operations": "RW", "MultipleInstances": "Multiple", "Mandatory": "Optional", "Type": "String",
					"RangeEnumeration": "0..32", "Units": "", "Description": "<![CDATA[a < b & c\nsecond]]> <i>line</i>",
				}))), []*Object{many}},
	} {
		got, err := ParseDDF([]byte(c.xml))
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v\n got %+v\nwant %+v", c.name, err, deref(got), deref(c.want))
			continue
		}
		again, err := ParseDDF(AppendDDF(nil, got))
		if err != nil || !reflect.DeepEqual(again, got) {
			t.Errorf("%s: written and read again: %v, %+v", c.name, err, deref(again))
		}
	}
}

func deref(objects []*Object) (out []Object) {
	for _, o := range objects {
		out = append(out, *o)
	}
	return out
}

func TestDDFRefused(t *testing.T) {
	value := ddfResource(nil)
	object := func(name, text string) string { return ddf(ddfObject(map[string]string{name: text}, value)) }
	resource := func(name, text string) string {
		return ddf(ddfObject(nil, ddfResource(map[string]string{name: text})))
	}
	for name, c := range map[string]struct{ xml, cause string }{
		"nothing":                  {"", "line 1: there is no element"},
		"no XML":                   {`{"id":3}`, "line 1"},
		"wrong root":               {"<html></html>", "<html>"},
		"no object":                {"<LWM2M>\n</LWM2M>", "no <Object>"},
		"two roots":                {ddf(ddfObject(nil, value)) + "<LWM2M/>", "behind the end"},
		"element not closed":       {"<LWM2M>\n<Object>\n<Name>x</Nam>", "line 3"},
		"end of file":              {"<LWM2M>\n<Object>", "line 2"},
		"document type":            {"<!DOCTYPE a [<!ENTITY b \"c\">]>" + ddf(ddfObject(nil, value)), "document type"},
		"unknown entity":           {object("Name", "&b;"), "line 4"},
		"other character set":      {strings.Replace(object("Name", "x"), "UTF-8", "EBCDIC", 1), "EBCDIC"},
		"no name":                  {object("Name", "-"), "needs <Name>"},
		"empty name":               {object("Name", " "), "needs <Name>"},
		"no ID":                    {object("ObjectID", "-"), "<ObjectID>"},
		"ID that is none":          {object("ObjectID", "x"), `line 6: <ObjectID>: "x"`},
		"ID too large":             {object("ObjectID", "65535"), "65534"},
		"negative ID":              {object("ObjectID", "-1"), "65534"},
		"no instances":             {object("MultipleInstances", "-"), "<MultipleInstances>"},
		"instances that are none":  {object("MultipleInstances", "Many"), "neither Multiple nor Single"},
		"mandatory that is none":   {object("Mandatory", "yes"), "neither Mandatory nor Optional"},
		"version that is none":     {object("ObjectVersion", "1"), `<ObjectVersion>: "1"`},
		"version zero":             {object("ObjectVersion", "0.0"), "<ObjectVersion>"},
		"enabler that is none":     {object("LWM2MVersion", "v1"), "<LWM2MVersion>"},
		"no resources":             {strings.NewReplacer("<Resources>", "<Other>", "</Resources>", "</Other>").Replace(ddf(ddfObject(nil, value))), "<Resources>"},
		"element twice":            {object("Name", "a</Name><Name>b"), "<Name> is there twice"},
		"object twice":             {ddf(ddfObject(nil, value), ddfObject(nil, value)), "object 40000 version 1.1 is defined twice"},
		"resource twice":           {ddf(ddfObject(nil, value+value)), "resource 5700 is defined twice"},
		"resource without ID":      {strings.Replace(ddf(ddfObject(nil, value)), ` ID="5700"`, "", 1), "attribute ID"},
		"resource ID that is none": {resource("ID", "x"), "attribute ID"},
		"resource without name":    {resource("Name", "-"), "resource 5700 needs <Name>"},
		"no operations":            {resource("Operations", "-"), "<Operations>"},
		"operations that are none": {resource("Operations", "RX"), `"RX" is none of`},
		"type that is none":        {resource("Type", "Double"), `"Double" is no data type`},
		"type None":                {resource("Type", "None"), `"None" is no data type`},
		"no type":                  {resource("Type", "-"), "<Type>"},
		"text too long":            {resource("Description", strings.Repeat("x", maxDDFText+1)), "<Description> has more than"},
		"nested too deep":          {resource("Description", strings.Repeat("<b>", 13)), "nested too deep"},
		"unknown and deep":         {"<LWM2M>" + strings.Repeat("<b>", 1000), "nested too deep"},
		"too large":                {strings.Repeat(" ", MaxDDFBytes+1), "bytes"},
	} {
		got, err := ParseDDF([]byte(c.xml))
		if !errors.Is(err, ErrDDF) || got != nil || !strings.Contains(err.Error(), c.cause) {
			t.Errorf("%s: %v, %v; want an error with %q", name, got, err, c.cause)
		}
	}
}

func TestDDFBounds(t *testing.T) {
	var objects []*Object
	for i := range MaxDDFObjects {
		objects = append(objects, &Object{ID: uint16(i), Version: lwm2m.V1_0, LwM2MVersion: lwm2m.V1_0, Name: "x"})
	}
	if got, err := ParseDDF(AppendDDF(nil, objects)); err != nil || len(got) != len(objects) {
		t.Errorf("%d objects: %v", len(objects), err)
	}
	more := append(objects, probe())
	if _, err := ParseDDF(AppendDDF(nil, more)); !errors.Is(err, ErrDDF) {
		t.Errorf("%d objects: %v", len(more), err)
	}
	wide := probe()
	wide.Resources = nil
	for i := range MaxDDFResources + 1 {
		wide.Resources = append(wide.Resources, Resource{ID: uint16(i), Name: "x", Operations: Execute})
	}
	if _, err := ParseDDF(AppendDDF(nil, []*Object{wide})); !errors.Is(err, ErrDDF) {
		t.Errorf("%d resources: %v", len(wide.Resources), err)
	}
	wide.Resources = wide.Resources[1:]
	if got, err := ParseDDF(AppendDDF(nil, []*Object{wide})); err != nil || len(got[0].Resources) != MaxDDFResources {
		t.Errorf("%d resources: %v", len(wide.Resources), err)
	}
}

// TestDDFOfCore writes the built-in objects as definitions and reads them.
func TestDDFOfCore(t *testing.T) {
	for all := Core().Objects(); len(all) > 0; {
		some := all[:min(100, len(all))]
		all = all[len(some):]
		got, err := ParseDDF(AppendDDF(nil, some))
		if err != nil {
			t.Fatal(err)
		}
		for i, o := range some {
			if !reflect.DeepEqual(got[i], o) {
				t.Errorf("object %d %s comes back as %+v", o.ID, o.Version, got[i])
			}
		}
	}
}

// TestDDFCut: no prefix of a file is a definition, and none makes a panic.
func TestDDFCut(t *testing.T) {
	text := strings.TrimSpace(ddf(ddfObject(nil, ddfResource(nil))))
	for n := range len(text) {
		if got, err := ParseDDF([]byte(text[:n])); !errors.Is(err, ErrDDF) || got != nil {
			t.Fatalf("cut at %d: %v, %v", n, got, err)
		}
	}
}

func FuzzParseDDF(f *testing.F) {
	f.Add([]byte(ddf(ddfObject(nil, ddfResource(nil)))))
	f.Add(AppendDDF(nil, []*Object{Core().Object(3, lwm2m.V1_0)}))
	f.Add([]byte("<LWM2M><Object><Name>&#13;x<![CDATA[<]]></Name></Object></LWM2M>"))
	f.Fuzz(func(t *testing.T, b []byte) {
		objects, err := ParseDDF(b)
		if err != nil {
			if !errors.Is(err, ErrDDF) {
				t.Fatalf("%q: %v", b, err)
			}
			return
		}
		text := AppendDDF(nil, objects)
		again, err := ParseDDF(text)
		if err != nil || !reflect.DeepEqual(again, objects) {
			t.Fatalf("%q: %+v, then %+v, %v", b, deref(objects), deref(again), err)
		}
	})
}
