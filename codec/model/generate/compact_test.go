package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestObjectsAreFresh fails when facts were changed without go generate.
func TestObjectsAreFresh(t *testing.T) {
	out := filepath.Join(t.TempDir(), "objects.tsv")
	if err := run(out, []string{"../facts/registry.json", "../facts/33629.json"}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("../objects.tsv")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("objects.tsv is stale: run go generate ./codec/model")
	}
}

func TestCompactSortsAndCleans(t *testing.T) {
	b, err := Compact(
		[]byte(`[{"id":9,"version":"1.1","name":"B","urn":"u:9:1.1","lwm2m":"1.1","multiple":true,"mandatory":true,"resources":[
			{"id":2,"name":"Two","ops":"","multiple":false,"mandatory":true,"type":"Integer","range":"1:\n\t\tx","unit":"s"},
			{"id":1,"name":"One","ops":"E","multiple":true,"mandatory":true,"type":""}]}]`),
		[]byte(`[{"id":9,"version":"1.0","name":"A","urn":"u:9","lwm2m":"1.0","resources":[]}]`),
	)
	if err != nil {
		t.Fatal(err)
	}
	want := "9\t1.0\t1.0\t\tA\tu:9\t\n" +
		"9\t1.1\t1.1\t*!\tB\tu:9:1.1\t\n" +
		"\t1\tE*!\t\tOne\t\t\n" +
		"\t2\t!\tInteger\tTwo\t1: x\ts\n"
	if string(b) != want {
		t.Errorf("got\n%swant\n%s", b, want)
	}
}

func TestCompactRefuses(t *testing.T) {
	one := `{"id":9,"version":"1.0","name":"A","urn":"u","lwm2m":"1.0","resources":[]}`
	for name, c := range map[string]struct{ facts, cause string }{
		"no JSON":       {`<LWM2M/>`, "fact file 1"},
		"strange field": {`[{"id":9,"colour":"red"}]`, "colour"},
		"twice":         {`[` + one + `,` + one + `]`, "object 9 version 1.0"},
		"ID too large":  {`[{"id":65536}]`, "65536"},
	} {
		if _, err := Compact([]byte(c.facts)); err == nil || !strings.Contains(err.Error(), c.cause) {
			t.Errorf("%s: %v, want an error that names %s", name, err, c.cause)
		}
	}
}

func TestRunNamesTheMissingFile(t *testing.T) {
	err := run(filepath.Join(t.TempDir(), "out"), []string{"facts/none.json"})
	if err == nil || !strings.Contains(err.Error(), "facts/none.json") {
		t.Errorf("%v, want an error that names the file", err)
	}
}
